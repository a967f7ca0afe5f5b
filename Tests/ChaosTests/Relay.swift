import Foundation
import Glibc
import Synchronization
import TestDoors

/// A TCP relay on loopback between a node and the hub that breaks a connection after a number of bytes, in the middle
/// of whatever is under way. It ends it by reset, so that neither side gets the rest.
final class Relay: Sendable {
    let port: Int

    private struct State {
        var listener: Int32 = -1
        /// Bytes that may pass, both ways and all connections together, before the connection that bears the last of
        /// them is cut; then the next number counts. When none are left, all may.
        var budgets: [Int] = []
        var cuts = 0
        var isStopped = false
    }
    private let state = Mutex(State())

    init() throws { port = try Ports.free() }

    var cuts: Int { state.withLock { $0.cuts } }

    /// Cuts all connections at once, and then one after each of these numbers of bytes.
    func cut(after budgets: [Int]) {
        state.withLock { state in
            state.budgets = budgets
            state.cuts = 0
        }
        generation.withLock { $0 += 1 }
    }

    /// Connections of an earlier generation end.
    private let generation = Mutex(0)

    func start(to target: Int) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let code = Socket.with(sockaddr_in.loopback(port)) { bind(listener, $0, $1) }
        guard listener >= 0, code == 0, listen(listener, 64) == 0 else { throw Fault("the relay cannot listen") }
        state.withLock { $0.listener = listener }
        Thread.detachNewThread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                if client < 0 { return }
                Thread.detachNewThread { self.serve(client, target) }
            }
        }
    }

    func stop() {
        let listener = state.withLock { state in
            state.isStopped = true
            return state.listener
        }
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func serve(_ client: Int32, _ target: Int) {
        let hub = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { for end in [client, hub] { Socket.reset(end) } }
        guard Socket.with(sockaddr_in.loopback(target), { connect(hub, $0, $1) }) == 0 else { return }
        let mine = generation.withLock { $0 }
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while generation.withLock({ $0 }) == mine, !state.withLock({ $0.isStopped }) {
            var watched = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: hub, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&watched, 2, 50) >= 0 || errno == EINTR else { return }
            for (from, to) in [(0, hub), (1, client)] where watched[from].revents != 0 {
                let count = read(watched[from].fd, &chunk, chunk.count)
                guard count > 0 else { return }
                let allowed = spend(count)
                guard Socket.write(chunk[..<allowed], to), allowed == count else { return }
            }
        }
    }

    /// How many of so many bytes may pass; fewer end the connection.
    private func spend(_ count: Int) -> Int {
        state.withLock { state in
            guard let budget = state.budgets.first else { return count }
            if budget >= count {
                state.budgets[0] -= count
                return count
            }
            state.budgets.removeFirst()
            state.cuts += 1
            return budget
        }
    }
}
