public import Casework
public import Contract
public import Federation

extension CaseReads {
    /// A case as `principal` may see it; what is withheld from him or from this server is null.
    /// - Parameter context: in which his commands would be decided; what he may do is told from it.
    public func document(
        _ record: CaseRecord, for principal: Principal, in context: DecisionContext
    ) -> CaseDocument {
        let state = record.state
        let values = CaseValues(record)
        let isReadable = readership(of: principal).includes(state)
        func text(_ field: Field) -> String? { isReadable ? values[field] : nil }
        return CaseDocument(
            id: record.id.description, trackingCode: state.trackingCode?.digits ?? "",
            kind: (state.registration?.kind ?? .request).rawValue,
            channel: (state.registration?.channel ?? .phone).rawValue,
            category: values.category ?? Category.other.code, subject: text(.subject),
            description: text(.description), about: state.registration?.about?.rawValue,
            priority: (values.priority ?? .normal).rawValue, tags: values.tags,
            citizen: CaseDocument.Citizen(
                name: text(.citizenName), nationalID: text(.citizenNationalID), mobile: text(.citizenMobile),
                address: text(.citizenAddress)),
            status: state.status.rawValue, heldStatus: state.heldStatus.rawValue,
            outcome: state.outcome?.rawValue, home: state.home.code,
            holder: state.holder.rawValue, seat: state.seat.code, epoch: state.epoch, revision: state.revision,
            registeredAt: state.registeredAt?.rfc3339, deadline: state.deadline?.at.rfc3339,
            overdue: state.isOverdue(at: context.now), clockRuns: state.isDueToBeAnswered,
            conflicts: state.conflicts.map(\.description),
            proposals: state.proposals.map(\.event.description), disputes: state.openDisputes.map(\.event.description),
            pendingTransfer: state.transfer?.holder.rawValue, holderDeadline: state.holderDeadline?.at.rfc3339,
            imported: state.imported, parked: state.parkedBy != nil,
            heads: Dictionary(
                uniqueKeysWithValues: state.values.map { ($0.key.rawValue, $0.value.heads.map(\.description)) }),
            acts: state.acts(in: context, written: record.written))
    }

    /// An item of a list, from the case's row alone: description, the citizen's data, tags, heads and the holder's
    /// clock are left to the case's own page. `record`, if given, tells the hashes of what the row only counts.
    func item(_ row: CaseRow, _ record: CaseRecord?, for principal: Principal?, now: Instant) -> CaseDocument {
        let isReadable = principal.map {
            readership(of: $0).includes(home: row.home, seat: row.seat, holder: row.holder)
        }
        let state = record?.state
        return CaseDocument(
            id: row.id.description, trackingCode: row.trackingCode, kind: row.kind.rawValue,
            channel: row.channel.rawValue, category: row.category, subject: isReadable == true ? row.subject : nil,
            description: nil, about: row.about?.rawValue, priority: row.priority.rawValue, tags: [],
            citizen: CaseDocument.Citizen(name: nil, nationalID: nil, mobile: nil, address: nil),
            status: row.status.rawValue, heldStatus: (state?.heldStatus ?? row.status).rawValue,
            outcome: row.outcome?.rawValue, home: row.home.code,
            holder: row.holder.rawValue, seat: row.seat.code, epoch: row.epoch, revision: row.revision,
            registeredAt: row.registeredAt?.rfc3339, deadline: row.deadline?.rfc3339,
            overdue: row.countsDue && row.deadline.map { $0 < now } == true, clockRuns: row.countsDue,
            conflicts: state?.conflicts.map(\.description) ?? [],
            proposals: state?.proposals.map(\.event.description) ?? [],
            disputes: state?.openDisputes.map(\.event.description) ?? [],
            pendingTransfer: state?.transfer?.holder.rawValue, holderDeadline: nil, imported: row.imported,
            parked: state.map { $0.parkedBy != nil } ?? false, heads: [:])
    }

    /// Items of a list in their order. Only rows that count conflicts, proposals or a dispute cost a look at their
    /// events.
    func items(_ rows: [CaseRow], for principal: Principal?, now: Instant) async throws -> [CaseDocument] {
        let counted = rows.filter { $0.conflicts > 0 || $0.proposals > 0 || $0.status == .disputed }
        let records = try await records(counted.map(\.id))
        return rows.map { item($0, records[$0.id], for: principal, now: now) }
    }
}
