public import Casework
import Contract
public import Federation
import Glibc

/// What people read of cases, at node and hub alike. Rows and figures come from indexed tables, single cases from their
/// events.
public struct CaseReads: Sendable {
    let database: Database
    let store: any CaseStore
    let origin: Origin
    let tree: OrganizationTree

    public init(database: Database, store: any CaseStore, origin: Origin, tree: OrganizationTree) {
        self.database = database
        self.store = store
        self.origin = origin
        self.tree = tree
    }

    /// `nil` when no event of this case is here.
    public func record(_ id: CaseID) async throws -> CaseRecord? {
        try await store.events(of: [id])[id].map { CaseRecord(id: id, events: $0) }
    }

    /// The cases of which events are here.
    func records(_ ids: [CaseID]) async throws -> [CaseID: CaseRecord] {
        guard !ids.isEmpty else { return [:] }
        return try await store.events(of: ids).reduce(into: [:]) { records, entry in
            records[entry.key] = CaseRecord(id: entry.key, events: entry.value)
        }
    }

    // MARK: Who may read personal data and free texts

    /// The hub's staff may. An operator or supervisor may where this server is the case's home or present seat; an
    /// agency or a ministry, of what it or an organisation below it holds. An auditor never may.
    func mayReadTexts(home: Origin, seat: Origin, holder: OrganizationCode, _ principal: Principal) -> Bool {
        switch principal.role {
        case .hub: return origin.isHub
        case .auditor, .system: return false
        case .operator, .supervisor, .agency, .ministry: break
        }
        guard tree.seat(of: principal.organization) == origin else { return false }
        switch principal.role {
        case .agency, .ministry:
            return seat == origin && (holder == principal.organization || tree.isWithin(holder, principal.organization))
        default: return home == origin || seat == origin
        }
    }

    func mayReadTexts(_ state: Case, _ principal: Principal) -> Bool {
        mayReadTexts(home: state.home, seat: state.seat, holder: state.holder, principal)
    }
}

extension Instant {
    /// The system's clock, for callers that give none.
    static var system: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(seconds: Int64(time.tv_sec)) + Int64(time.tv_nsec / 1_000_000)
    }
}
