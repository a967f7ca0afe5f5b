import Contract

/// A case as a line of a table, for spreadsheets.
enum CaseTable {
    static let columns = [
        "id", "tracking_code", "kind", "channel", "category", "priority", "subject", "description", "about", "tags",
        "citizen_name", "citizen_national_id", "citizen_mobile", "citizen_address", "status", "outcome", "home",
        "holder", "registered_at", "deadline", "overdue", "conflicts", "proposals", "revision",
    ]

    static func cells(of document: CaseDocument) -> [String] {
        [
            document.id, document.trackingCode, document.kind, document.channel, document.category, document.priority,
            document.subject ?? "", document.description ?? "", document.about ?? "",
            document.tags.joined(separator: " "), document.citizen.name ?? "", document.citizen.nationalID ?? "",
            document.citizen.mobile ?? "", document.citizen.address ?? "", document.status, document.outcome ?? "",
            document.home, document.holder, document.registeredAt ?? "", document.deadline ?? "",
            document.overdue ? "true" : "false", String(document.conflicts.count), String(document.proposals.count),
            String(document.revision),
        ]
    }
}
