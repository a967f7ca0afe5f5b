import Casework
import Contract
import Federation
import Postgres

/// The incarnations of one origin's journal as they continue each other.
struct ChainPlaces: Sendable {
    struct Chain: Sendable, Equatable {
        var incarnation: UInt64
        /// Nil: not kept of this one.
        var parent: UInt64?
        var first: UInt64?
        var last: UInt64
        var acknowledged: UInt64?
    }

    /// In the order in which they were last extended.
    private(set) var all: [Chain] = []

    mutating func append(_ chain: Chain) { all.append(chain) }

    /// Those that go on from a place from which another goes on as well: its parent itself, or a sibling.
    var forked: Set<UInt64> {
        let byIncarnation = Dictionary(all.map { ($0.incarnation, $0) }) { first, _ in first }
        var forked = Set<UInt64>()
        for chain in all {
            guard let parent = chain.parent, let first = chain.first else { continue }
            if let from = byIncarnation[parent], from.last >= first { forked.formUnion([parent, chain.incarnation]) }
            for other in all where other.parent == parent && other.first == first {
                if other.incarnation != chain.incarnation { forked.insert(chain.incarnation) }
            }
        }
        return forked
    }

    /// The forked ones as documents, and those that nobody continues, which may go on.
    var documents: (branches: [ChainDocument], tips: [ChainDocument]) {
        let forked = forked
        let documents = all.map { ($0.incarnation, $0.document(isBranch: forked.contains($0.incarnation))) }
        let continued = Set(
            all.filter { chain in
                all.contains { other in
                    other.parent == chain.incarnation && other.first.map { $0 > chain.last } == true
                }
            }.map(\.incarnation))
        return (
            documents.filter { forked.contains($0.0) }.map(\.1),
            documents.filter { !continued.contains($0.0) }.map(\.1)
        )
    }
}

extension ChainPlaces.Chain {
    /// Of the columns `incarnation, parent, first, seq, acknowledged`.
    init(columns row: Row, from start: Int) throws {
        let optional = { (column: Int) throws -> UInt64? in
            try row.get(start + column, as: Int64?.self).map { UInt64(stored: $0) }
        }
        self.init(
            incarnation: try row.number(start), parent: try optional(1), first: try optional(2),
            last: try row.number(start + 3), acknowledged: try optional(4))
    }

    fileprivate func document(isBranch: Bool) -> ChainDocument {
        ChainDocument(
            incarnation: Receipt.hex(incarnation),
            // Zero is the beginning of the journal, which no incarnation has.
            parent: parent.flatMap { $0 == 0 ? nil : Receipt.hex($0) }, first: first ?? 1, last: last,
            acknowledged: acknowledged, isBranch: isBranch)
    }
}
