import Hummingbird
import Logging
import NIOCore

/// What the router needs to know about a request besides its head.
struct ConsoleContext: RequestContext {
    struct Source: RequestContextSource {
        var logger: Logger
        var request: ConsoleRequest
    }

    var coreContext: CoreRequestContextStorage
    let source: ConsoleRequest

    init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        self.source = source.request
    }
}
