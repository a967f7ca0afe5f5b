import Contract

/// Tables for spreadsheets after RFC 4180, with every cell that a spreadsheet would take for a formula defused.
enum CSV {
    static func line(_ cells: [String]) -> String { cells.map(cell).joined(separator: ",") + "\r\n" }

    /// An apostrophe makes spreadsheets read the cell as text.
    static func cell(_ text: String) -> String {
        var text = text
        let first = text.unicodeScalars.first { !$0.properties.isWhitespace || $0 == "\t" || $0 == "\r" || $0 == "\n" }
        if let first, "=+-@\t\r\n＝＋－＠".unicodeScalars.contains(first) { text = "'" + text }
        guard text.unicodeScalars.contains(where: { "\",\r\n;\t".unicodeScalars.contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    static let caseColumns = [
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
