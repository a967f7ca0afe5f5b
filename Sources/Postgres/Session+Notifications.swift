import CLibPQ
import Glibc

/// Wakes a thread that waits in `poll`: a pair of sockets, of which one end becomes readable.
final class Interruption: Sendable {
    fileprivate let receiver: Int32
    private let sender: Int32

    init() throws {
        var pair: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &pair) == 0 else {
            throw PostgresError(.outOfMemory, "socketpair: \(String(cString: strerror(errno)))")
        }
        (receiver, sender) = (pair[0], pair[1])
    }

    deinit {
        close(receiver)
        close(sender)
    }

    func signal() {
        // Fails only when the buffer is full, and then the other end is readable anyway.
        _ = send(sender, "!", 1, Int32(MSG_NOSIGNAL))
    }

    fileprivate func clear() {
        var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        while recv(receiver, &bytes, 32, 0) > 0 {}
    }
}

extension Session {
    func takeNotifications() throws -> [Notification] {
        guard isUsable, PQconsumeInput(handle) == 1 else { throw failure() }
        var list: [Notification] = []
        while let found = PQnotifies(handle) {
            let notify = found.pointee
            list.append(
                Notification(
                    channel: String(cString: notify.relname), payload: String(cString: notify.extra),
                    processID: notify.be_pid))
            PQfreemem(found)
        }
        return list
    }

    /// Waits for bytes from the server, an interruption, or the end of the time.
    func waitForInput(timeout: Duration, interruption: Interruption?) throws {
        var descriptors = [
            pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0),
            pollfd(fd: interruption?.receiver ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        let ready = poll(&descriptors, 2, Int32(clamping: timeout.milliseconds))
        if ready < 0 && errno != EINTR {
            markBroken()
            throw PostgresError(.connectionLost, "poll: \(String(cString: strerror(errno)))")
        }
        if descriptors[1].revents != 0 { interruption?.clear() }
    }
}
