import NIOCore
import NIOPosix
import Synchronization

/// Passes bytes between clients and a port of this machine, until it is frozen: from then on it drops them all.
final class Relay: Sendable {
    private let listener: any Channel
    private let switchboard: Switchboard

    final class Switchboard: Sendable {
        let isFrozen = Atomic<Bool>(false)
        let channels = Mutex<[any Channel]>([])
    }

    private final class Pass: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let far: any Channel
        let switchboard: Switchboard

        init(to far: any Channel, _ switchboard: Switchboard) {
            self.far = far
            self.switchboard = switchboard
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !switchboard.isFrozen.load(ordering: .relaxed) else { return }
            far.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { far.close(promise: nil) }
    }

    init(to target: Int) async throws {
        let switchboard = Switchboard()
        self.switchboard = switchboard
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { near in
                ClientBootstrap(group: near.eventLoop)
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { far in
                        switchboard.channels.withLock { $0 += [near, far] }
                        try near.pipeline.syncOperations.addHandler(Pass(to: far, switchboard))
                        try far.pipeline.syncOperations.addHandler(Pass(to: near, switchboard))
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    func freeze() { switchboard.isFrozen.store(true, ordering: .relaxed) }

    /// Closes every connection, without a word of TLS or HTTP/2.
    func cut() {
        for channel in switchboard.channels.withLock({ $0 }) { channel.close(promise: nil) }
    }

    func close() async throws { try await listener.close().get() }
}
