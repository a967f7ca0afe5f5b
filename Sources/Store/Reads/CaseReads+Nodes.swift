public import Casework
import Postgres

/// What the hub knows of a node's link.
public struct NodeState: Sendable, Equatable {
    public var lastHeard: Instant?
    /// Node less hub, milliseconds.
    public var clockOffset: Int64
    public var backlog: UInt64?
    /// The feed's last row that the node has committed.
    public var feed: UInt64
    public var isQuarantined: Bool
}

extension CaseReads {
    /// The nodes that this hub has heard of.
    public func nodes() async throws -> [Origin: NodeState] {
        try await database.readers.run { connection in
            let rows = try connection.query(
                "SELECT origin, last_heard, clock_offset, backlog, feed, quarantined FROM nodes")
            var nodes: [Origin: NodeState] = [:]
            for row in rows {
                let backlog: Int64? = try row.get(3)
                nodes[try row.origin(0)] = NodeState(
                    lastHeard: try row.optionalTimestamp(1).map { Instant(milliseconds: $0 / 1000) },
                    clockOffset: try row.get(2), backlog: backlog.map { UInt64(clamping: $0) },
                    feed: try row.number(4), isQuarantined: try row.get(5))
            }
            return nodes
        }
    }

    /// How many held writes wait for a person to apply or leave them.
    public func openProposals() async throws -> Int {
        try await database.readers.run { connection in
            let rows = try connection.query("SELECT coalesce(sum(proposals), 0)::bigint FROM cases WHERE proposals > 0")
            return try rows.first?.get(0) ?? 0
        }
    }
}
