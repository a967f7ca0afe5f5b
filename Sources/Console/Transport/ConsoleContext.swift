import Hummingbird
import Logging
import NIOCore

/// What the router needs to know about a request besides its head.
struct ConsoleContext: RequestContext {
    /// What the transport brought. A class, because a context is copied at every step.
    final class Source: RequestContextSource, Sendable {
        let logger: Logger
        let request: ConsoleRequest
        /// Who asks: the peer's address, or what a trusted proxy says of it.
        let remoteAddress: String

        init(logger: Logger, request: ConsoleRequest, remoteAddress: String) {
            (self.logger, self.request, self.remoteAddress) = (logger, request, remoteAddress)
        }
    }

    var coreContext: CoreRequestContextStorage
    let source: Source

    init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        self.source = source
    }
}
