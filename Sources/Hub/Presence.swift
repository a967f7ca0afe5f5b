import Casework
import Federation
import Store
import Synchronization

/// Which nodes are here now, and what each last said of itself.
actor Presence {
    private var connections: [Origin: Int] = [:]
    private(set) var reports: [Origin: HubCore.SeatReport] = [:]
    let changes = Broadcast<Origin>()
    /// A call has proved to be alive: earlier ones of its origin end.
    nonisolated let alive = Broadcast<(origin: Origin, call: UInt64)>()

    func connected(_ origin: Origin) {
        connections[origin, default: 0] += 1
        changes.send(origin)
    }

    func disconnected(_ origin: Origin) {
        connections[origin, default: 1] -= 1
        changes.send(origin)
    }

    func reported(_ origin: Origin, at now: Instant, backlog: UInt64) {
        reports[origin] = HubCore.SeatReport(heardAt: now, backlog: backlog)
    }

    func isConnected(_ origin: Origin) -> Bool { connections[origin, default: 0] > 0 }
}

/// Where each destination's feed ends, as committed since this start.
final class FeedEnds: Sendable {
    private let ends = Mutex<[Origin: UInt64]>([:])

    func note(_ rows: [Effects.Routed]) {
        guard !rows.isEmpty else { return }
        ends.withLock { ends in for row in rows { ends[row.destination] = row.seq } }
    }

    /// 0 when nothing was routed to it since this start: its link has looked up the rest.
    func end(of destination: Origin) -> UInt64 { ends.withLock { $0[destination] ?? 0 } }
}
