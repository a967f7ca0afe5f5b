import NIOCore

/// The connections of one server on one event loop, and their clock.
///
/// `@unchecked Sendable`: every member but `executor` and `core` is touched on the loop only.
final class ServerLoop: @unchecked Sendable {
    let executor: LoopExecutor
    private let core: ServerCore
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    private var clock: RepeatedTask?
    private var isDraining = false

    static let tickInterval = TimeAmount.milliseconds(500)

    init(loop: any EventLoop, core: ServerCore) {
        executor = LoopExecutor(loop: loop)
        self.core = core
    }

    var loop: any EventLoop { executor.loop }

    /// Takes up an accepted channel; called on the loop, before the channel reads.
    func accept(_ channel: any Channel) throws {
        let connection = ServerConnection(core: core, channel: channel, executor: executor)
        let id = ObjectIdentifier(connection)
        connections[id] = connection
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            self.connections[id] = nil
            if self.connections.isEmpty { self.stopClock() }
        }
        startClock()
        try connection.begin()
    }

    private func startClock() {
        guard clock == nil else { return }
        clock = loop.scheduleRepeatedTask(initialDelay: Self.tickInterval, delay: Self.tickInterval) { [weak self] _ in
            let now = NIODeadline.now()
            for connection in (self?.connections ?? [:]).values { connection.tick(now) }
        }
    }

    private func stopClock() {
        clock?.cancel()
        clock = nil
    }

    /// Has every connection finish what it does.
    func shutDown() async throws {
        try await loop.call { for connection in self.connections.values { connection.shutDown() } }
    }

    func count() async throws -> Int {
        try await loop.call { self.connections.count }
    }

    /// Closes at once the connections that `matches` names; answers how many.
    func close(where matches: @escaping @Sendable (PeerIdentity?) -> Bool, _ error: HTTP2Error) async throws -> Int {
        try await loop.call {
            let chosen = self.connections.values.filter { matches($0.peer) }
            for connection in chosen { connection.closeNow(error) }
            return chosen.count
        }
    }
}
