/// What the transport brought. A class, because it goes with the request through every step.
final class Source: Sendable {
    let request: ConsoleRequest
    /// Who asks: the peer's address, or what a trusted proxy says of it.
    let remoteAddress: String

    init(_ request: ConsoleRequest, remoteAddress: String) {
        (self.request, self.remoteAddress) = (request, remoteAddress)
    }
}
