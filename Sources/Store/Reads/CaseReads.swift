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

    /// The core's rule, as this server's tree has it.
    func readership(of principal: Principal) -> Readership { Readership(of: principal.actor, at: origin, in: tree) }
}
