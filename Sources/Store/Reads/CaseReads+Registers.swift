public import Casework
public import Contract
import Federation
import Postgres

/// The two registers of what was not silently overwritten.
extension CaseReads {
    /// Values that lost against a concurrent one, the latest cases first.
    /// - Throws: `Refusal.invalid` for a cursor of another list.
    public func conflicts(
        cursor: String?, limit: Int, for principal: Principal
    ) async throws -> Page<ConflictDocument> {
        try await register("conflicts", cursor: cursor, limit: limit) { record in
            conflicts(in: record, for: principal)
        }
    }

    /// Held writes that did not count, the latest cases first.
    /// - Throws: `Refusal.invalid` for a cursor of another list.
    public func proposals(
        cursor: String?, limit: Int, for principal: Principal
    ) async throws -> Page<ProposalDocument> {
        try await register("proposals", cursor: cursor, limit: limit) { record in
            proposals(in: record, for: principal)
        }
    }

    /// - Throws: `Refusal.unknownEvent`.
    public func caseOfConflict(_ id: EventHash) async throws -> CaseID {
        try await find(id, in: "conflicts") { $0.conflicts }
    }

    /// - Throws: `Refusal.unknownEvent`.
    public func caseOfProposal(_ id: EventHash) async throws -> CaseID {
        try await find(id, in: "proposals") { $0.proposals.map(\.event) }
    }

    // MARK: Rendering

    private func conflicts(in record: CaseRecord, for principal: Principal) -> [(EventHash, ConflictDocument)] {
        let isReadable = readership(of: principal).includes(record.state)
        return record.state.values.sorted { $0.key < $1.key }.flatMap { field, value in
            value.conflicts.compactMap { other in
                guard let shown = side(value.shown, field, record, isReadable: isReadable),
                    let lost = side(other, field, record, isReadable: isReadable)
                else { return nil }
                let document = ConflictDocument(
                    id: other.description, caseID: record.id.description,
                    trackingCode: record.state.trackingCode?.digits ?? "", field: field.rawValue, shown: shown,
                    other: lost)
                return (other, document)
            }
        }
    }

    private func side(
        _ hash: EventHash, _ field: Field, _ record: CaseRecord, isReadable: Bool
    ) -> ConflictDocument.Side? {
        guard let event = record[hash], let change = event.envelope.change else { return nil }
        let value: String? =
            switch EnvelopeValue(field, of: change) {
            case .category(let category): category
            case .priority(let priority): priority.rawValue
            case .tags(let tags): tags.joined(separator: "، ")
            case nil: isReadable && !record.state.hidden.contains(hash) ? event.texts?[field] : nil
            }
        return ConflictDocument.Side(
            event: hash.description, value: value, actor: ActorDocument(event.envelope.actor),
            origin: event.origin.code,
            occurredAt: event.envelope.occurredAt.rfc3339)
    }

    private func proposals(in record: CaseRecord, for principal: Principal) -> [(EventHash, ProposalDocument)] {
        let isReadable = readership(of: principal).includes(record.state)
        return record.state.proposals.compactMap { proposal in
            guard let event = record[proposal.event] else { return nil }
            let isHidden = record.state.hidden.contains(proposal.event)
            let document = ProposalDocument(
                id: proposal.event.description, caseID: record.id.description,
                trackingCode: record.state.trackingCode?.digits ?? "", type: proposal.change.kind.rawValue,
                reason: proposal.reason.rawValue, actor: ActorDocument(proposal.actor), origin: proposal.origin.code,
                occurredAt: proposal.at.rfc3339,
                content: Self.content(of: event, isReadable: isReadable, isHidden: isHidden))
            return (proposal.event, document)
        }
    }

    // MARK: Paging

    /// Walks the cases that have any, by the partial index of `column`. A page ends between two events, so it may be
    /// a few items longer than `limit`: one event can lose in several fields.
    private func register<Item>(
        _ column: String, cursor: String?, limit: Int, _ items: (CaseRecord) -> [(EventHash, Item)]
    ) async throws -> Page<Item> {
        let start = try Self.place(cursor)
        let limit = min(max(limit, 1), Self.maximumPage)
        var page: [Item] = []
        var last: PageCursor?
        var from = start.map { (id: $0.id, isIncluded: true) }
        while true {
            let ids = try await cases(with: column, from: from, limit: limit + 1)
            let records = try await records(ids)
            for id in ids {
                var entries = records[id].map(items) ?? []
                if let start, start.id == id { entries.removeAll { $0.0 <= start.hash } }
                for hash in Set(entries.map(\.0)).sorted() {
                    if page.count >= limit { return Page(items: page, next: last?.text) }
                    page += entries.filter { $0.0 == hash }.map(\.1)
                    last = .event(id, hash)
                }
            }
            guard ids.count > limit, let end = ids.last else { return Page(items: page, next: nil) }
            from = (end, false)
        }
    }

    private static func place(_ cursor: String?) throws(Refusal) -> (id: CaseID, hash: EventHash)? {
        guard let cursor else { return nil }
        guard case .event(let id, let hash) = try PageCursor(cursor) else { throw PageCursor.invalid }
        return (id, hash)
    }

    private func cases(
        with column: String, from place: (id: CaseID, isIncluded: Bool)?, limit: Int
    ) async throws -> [CaseID] {
        let condition = place.map { "AND id \($0.isIncluded ? "<=" : "<") $1" } ?? ""
        let parameters = place.map { [Parameter.uuid($0.id.bytes)] } ?? []
        return try await database.readers.run { connection in
            try connection.query(
                "SELECT id FROM cases WHERE \(column) > 0 \(condition) ORDER BY id DESC LIMIT \(limit)", parameters
            ).map { try $0.caseID(0) }
        }
    }

    private func find(_ hash: EventHash, in column: String, _ open: (Case) -> [EventHash]) async throws -> CaseID {
        let ids = try await database.readers.run { connection in
            try connection.query(
                """
                SELECT DISTINCT c.id FROM cases c JOIN journal j ON j.case_id = c.id
                WHERE c.\(column) > 0 AND j.hash = $1
                """, [.bytea(hash.bytes)]
            ).map { try $0.caseID(0) }
        }
        for (id, record) in try await records(ids) where open(record.state).contains(hash) { return id }
        throw Refusal.unknownEvent(hash)
    }
}
