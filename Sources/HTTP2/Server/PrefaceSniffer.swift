import NIOCore

/// Tells HTTP/2 from HTTP/1.1 on a plain connection by its first bytes (RFC 9113 §3.3), then steps aside.
final class PrefaceSniffer: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// Adds the handlers above for the protocol that was found.
    private let decided: (_ isHTTP2: Bool) throws -> Void
    private var seen = ByteBuffer()

    init(decided: @escaping (Bool) throws -> Void) { self.decided = decided }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        seen.writeImmutableBuffer(unwrapInboundIn(data))
        let bytes = seen.readableBytesView.prefix(Self.preface.count)
        let matches = Self.preface.starts(with: bytes)
        guard !matches || bytes.count == Self.preface.count else { return }
        do {
            try decided(matches)
        } catch {
            context.fireErrorCaught(error)
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(wrapInboundOut(seen))
        seen = ByteBuffer()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
