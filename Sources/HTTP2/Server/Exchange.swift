import HTTPTypes
import NIOCore

/// One request and its response, as the public types see them: over HTTP/2 or HTTP/1.1, at a server or a client.
/// Every method is called on `loop`.
protocol Exchange: AnyObject, Sendable {
    var loop: any EventLoop { get }

    func sendHead(_ response: HTTPResponse) throws
    /// False when the writer should wait for room before it sends more.
    func send(_ buffer: ByteBuffer) throws -> Bool
    func sendEnd(_ trailers: HTTPFields?) throws
    func sendWhole(_ response: HTTPResponse, _ body: ByteBuffer) throws
    func waitForRoom(_ waiter: Waiter<Void>)
    func cancelRoom(_ token: WaitToken)

    func takeBody() throws -> BodyBuffer.Step
    func waitForBody(_ waiter: Waiter<ByteBuffer?>)
    func cancelBody(_ token: WaitToken)
    var bodyTrailers: HTTPFields? { get }
}

extension Exchange {
    /// Sends, and suspends while the peer or the connection is slow.
    func write(_ buffer: ByteBuffer) async throws {
        let hasRoom = try await loop.call { try self.send(buffer) }
        guard !hasRoom else { return }
        try await loop.wait {
            self.waitForRoom($0)
        } cancel: {
            self.cancelRoom($0)
        }
    }

    func nextBody() async throws -> ByteBuffer? {
        if loop.inEventLoop {
            switch try takeBody() {
            case .chunk(let buffer): return buffer
            case .end: return nil
            case .wait: break
            }
        }
        return try await loop.wait {
            self.waitForBody($0)
        } cancel: {
            self.cancelBody($0)
        }
    }
}
