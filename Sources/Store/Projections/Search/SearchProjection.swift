import Casework
import Federation
import Postgres

/// What a case's texts are found by.
struct SearchRow: Sendable, Hashable {
    var id: CaseID
    var registeredAt: Instant?
    var document: String
}

/// Keeps the table `search`.
struct SearchProjection: CaseProjection {
    static let table = Table<SearchRow>(
        "search",
        [
            .id("id", { $0.id }, { $0.id = $1 }),
            .time("registered_at", { $0.registeredAt }, { $0.registeredAt = $1 }),
            .text("document", { $0.document.stored }, { $0.document = $1 }),
        ])
    static let blank = SearchRow(id: .blank, document: "")

    let keys = ["id"]
    let definition = PackageResources.search_sql

    func rows(of record: CaseRecord, at origin: Origin) -> [SearchRow] {
        let document = SearchText.document(CaseValues(record), code: record.state.trackingCode?.digits ?? "")
        return [
            SearchRow(
                id: record.id, registeredAt: record.state.registeredAt?.storable, document: document.stored)
        ]
    }

    func caseID(of row: SearchRow) -> CaseID { row.id }
}
