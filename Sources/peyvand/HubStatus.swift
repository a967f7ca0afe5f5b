import Casework
import Contract
import JSON
import Program

/// What the hub says of its provinces: those that a person must look at, and what to do.
enum HubStatus {
    static func show(_ client: APIClient) async throws {
        let provinces = try await client.document("/api/v1/provinces")["items"]?.array ?? []
        let alarms = try await client.document("/api/v1/alarms?limit=5")["items"]?.array ?? []
        let heading = [
            "code", "state", "last heard", "backlog", "undelivered", "oldest undelivered", "clock ms", "branches",
            "parked", "conflicts", "proposals", "look at",
        ]
        TextTable(heading, provinces.map { row($0) }).show()
        guard !alarms.isEmpty else { return }
        Terminal.line()
        AlarmTable.show(alarms)
    }

    private static func row(_ one: JSON) -> [String] {
        let number = { (name: String) in one[name]?.int.map { String($0) } ?? "–" }
        return [
            one["code"]?.string ?? "–", one["state"]?.string ?? "–", Age.text(one["last_heard"]?.string) ?? "never",
            number("backlog"), number("undelivered"), Age.text(one["oldest_undelivered_at"]?.string) ?? "–",
            number("clock_offset_ms"), String(one["branches"]?.array?.count ?? 0), number("parked"),
            number("conflicts"), number("proposals"), advice(one),
        ]
    }

    /// The gravest thing that waits for a person, and what to do about it.
    static func advice(_ one: JSON) -> String {
        let code = one["code"]?.string ?? ""
        if let quarantine = one["quarantine"], !quarantine.isNull {
            let why = quarantine["reason"]?["detail"]?.string ?? "no reason is kept"
            return "quarantined: \(why); find out, then peyvand quarantine release \(code)"
        }
        if one["awaited"]?.bool == true { return "the hub was restored and waits to hear from it: bring its link up" }
        if (one["clock_offset_ms"]?.int ?? 0).magnitude > 60_000 { return "its clock is wrong: set it by NTP" }
        if one["branches"]?.array?.isEmpty == false { return "its journal forked: look at its proposals" }
        if (one["parked"]?.int ?? 0) > 0 { return "cases wait for an upgrade of the hub" }
        return ""
    }
}

/// Alarms for people, the newest first.
enum AlarmTable {
    static func show(_ alarms: [JSON]) {
        guard !alarms.isEmpty else { return }
        TextTable(
            ["alarm", "at", "origin", "what"],
            alarms.map { alarm in ["code", "at", "origin", "detail"].map { alarm[$0]?.string ?? "–" } }
        ).show()
    }
}

/// How long ago an instant was, in the largest unit that fits.
enum Age {
    /// Nil for what is no time.
    static func text(_ instant: String?, now: Instant = .now) -> String? {
        guard let instant = instant.flatMap({ Instant(rfc3339: $0) }) else { return nil }
        let seconds = max(0, (now - instant) / 1000)
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }
}
