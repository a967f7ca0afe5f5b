import Casework
import Federation

// The tables that a batch adds rows to.

extension Table<Effects.Numbered> {
    static let journal = Table(
        "journal",
        [
            .origin("origin") { $0.event.origin },
            .bigint("seq") { $0.event.place.seq },
            .bigint("incarnation") { $0.event.place.incarnation },
            .hash("hash") { $0.event.hash },
            .id(optional: "case_id") { $0.event.caseID },
            .bigint("position") { $0.position },
            .bytea("envelope") { $0.event.bytes },
        ])
}

extension Table<Effects.Routed> {
    static let feeds = Table(
        "feeds",
        [
            .origin("destination") { $0.destination },
            .bigint("seq") { $0.seq },
            .origin("origin") { $0.origin },
            .bigint("event_seq") { $0.place.seq },
            .bigint("incarnation") { $0.place.incarnation },
            .bool("with_part") { $0.withPart },
            .bigint("hub_incarnation") { $0.hubIncarnation },
        ])
}

extension Table<StoredPart> {
    static let parts = Table(
        "parts",
        [
            .origin("origin") { $0.event.origin },
            .bigint("seq") { $0.event.place.seq },
            .bigint("incarnation") { $0.event.place.incarnation },
            .smallint("state") { $0.state },
            .bytea(optional: "part") { $0.event.part.bytes },
        ])
}

/// An event that has a part, whether its bytes are here or not.
struct StoredPart {
    let event: Event
    let state: Int

    /// `nil` for an event that never had one.
    init?(_ event: Event) {
        guard let state = event.part.storedState else { return nil }
        (self.event, self.state) = (event, state)
    }
}

extension Table<Event> {
    static let held = Table(
        "held_events",
        [
            .origin("origin") { $0.origin },
            .bigint("seq") { $0.envelope.seq },
            .bigint("incarnation") { $0.envelope.incarnation },
            .hash("hash") { $0.hash },
            .id(optional: "case_id") { $0.caseID },
            .bytea("envelope") { $0.bytes },
            .smallint(optional: "part_state") { $0.part.storedState },
            .bytea(optional: "part") { $0.part.bytes },
        ])
}

/// Which origins have events of a case here.
struct CaseOrigins {
    let id: CaseID
    var mask: UInt64
}

extension Table<CaseOrigins> {
    static let origins = Table(
        "case_origins",
        onConflict: """
            ON CONFLICT (case_id) DO UPDATE SET origins = known.origins | excluded.origins
                WHERE known.origins | excluded.origins <> known.origins
            """,
        [
            .id("case_id") { $0.id },
            .bigint("origins") { $0.mask },
        ])
}
