import Foundation
import Glibc
import Synchronization
import TestDoors

/// One thin line that carries several TCP ports between a node and the hub: so many bytes a second for all of them, and
/// on some ports every connection is cut after a number of bytes.
final class ThinLine: Sendable {
    /// One port of the line.
    struct Port: Sendable {
        let number: Int
        /// Bytes, both ways together, after which each connection is cut; nil: never.
        let cutAfter: Int?
    }

    let events: Port
    let files: Port
    private let bytesPerSecond: Int
    private struct State {
        /// When the line is free again.
        var free = ContinuousClock.now
        var listeners: [Int32] = []
        var isStopped = false
        var cuts = 0
        var carried = 0
    }
    private let state = Mutex(State())

    init(bytesPerSecond: Int, cutFilesAfter bytes: Int) throws {
        self.bytesPerSecond = bytesPerSecond
        events = Port(number: try Ports.free(), cutAfter: nil)
        files = Port(number: try Ports.free(), cutAfter: bytes)
    }

    /// The options that lead a node over this line.
    var options: [String] { ["--link-port", String(events.number), "--attachments-port", String(files.number)] }

    var cuts: Int { state.withLock { $0.cuts } }
    /// Bytes of files' connections, both ways.
    var carried: Int { state.withLock { $0.carried } }

    func start(to target: Int) throws {
        for port in [events, files] {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            Self.limitBuffers(listener)
            let code = Socket.with(sockaddr_in.loopback(port.number)) { bind(listener, $0, $1) }
            guard listener >= 0, code == 0, listen(listener, 64) == 0 else { throw Fault("the line cannot listen") }
            state.withLock { $0.listeners.append(listener) }
            Thread.detachNewThread { [self] in
                while true {
                    let client = accept(listener, nil, nil)
                    if client < 0 { return }
                    Thread.detachNewThread { self.serve(client, target, port) }
                }
            }
        }
    }

    func stop() {
        let listeners = state.withLock { state in
            state.isStopped = true
            return state.listeners
        }
        for listener in listeners {
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
        }
    }

    /// Waits for this piece's time on the line; pieces of all connections take turns.
    private func wait(for count: Int) {
        let time = Duration.microseconds(Int64(count) * 1_000_000 / Int64(bytesPerSecond))
        let start = state.withLock { state in
            let start = max(state.free, .now)
            state.free = start + time
            return start
        }
        let pause = start + time - .now
        if pause > .zero { Thread.sleep(forTimeInterval: pause / .seconds(1)) }
    }

    private func serve(_ client: Int32, _ target: Int, _ port: Port) {
        let hub = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { for end in [client, hub] { Socket.reset(end) } }
        Self.limitBuffers(hub)
        guard Socket.with(sockaddr_in.loopback(target), { connect(hub, $0, $1) }) == 0 else { return }
        var budget = port.cutAfter
        var piece = [UInt8](repeating: 0, count: 2_048)
        while !state.withLock({ $0.isStopped }) {
            var watched = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: hub, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&watched, 2, 50) >= 0 || errno == EINTR else { return }
            for (from, to) in [(0, hub), (1, client)] where watched[from].revents != 0 {
                let count = read(watched[from].fd, &piece, piece.count)
                guard count > 0 else { return }
                wait(for: count)
                let allowed = min(count, budget ?? count)
                guard Socket.write(piece[..<allowed], to) else { return }
                budget = budget.map { $0 - allowed }
                if port.cutAfter != nil { state.withLock { $0.carried += allowed } }
                if allowed < count {
                    state.withLock { $0.cuts += 1 }
                    return
                }
            }
        }
    }

    /// Small, so that what is under way at a cut is little, as on a thin line.
    private static func limitBuffers(_ descriptor: Int32) {
        var bytes: Int32 = 16 << 10
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
}
