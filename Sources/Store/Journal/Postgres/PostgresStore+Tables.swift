import Casework
import Federation

// The tables that a batch adds rows to.

extension Table<Effects.Numbered> {
    static let journal = Table(
        "journal",
        [
            .text("origin") { $0.event.origin.code },
            .bigint("seq") { $0.event.place.seq.stored },
            .bigint("incarnation") { $0.event.place.incarnation.stored },
            .hash("hash") { $0.event.hash },
            .id(optional: "case_id") { $0.event.caseID },
            .bigint("position") { $0.position.stored },
            .bytea("envelope") { $0.event.bytes },
        ])
}

extension Table<Effects.Routed> {
    static let feeds = Table(
        "feeds",
        [
            .text("destination") { $0.destination.code },
            .bigint("seq") { $0.seq.stored },
            .text("origin") { $0.origin.code },
            .bigint("event_seq") { $0.place.seq.stored },
            .bigint("incarnation") { $0.place.incarnation.stored },
            .bool("with_part") { $0.withPart },
            .bigint("hub_incarnation") { $0.hubIncarnation.stored },
        ])
}

extension Table<StoredPart> {
    static let parts = Table(
        "parts",
        [
            .text("origin") { $0.event.origin.code },
            .bigint("seq") { $0.event.place.seq.stored },
            .bigint("incarnation") { $0.event.place.incarnation.stored },
            .smallint("state") { $0.state },
            .bytea(optional: "part") { $0.event.part.bytes },
        ])
}

/// An event that has a part, whether its bytes are here or not.
struct StoredPart {
    let event: Event
    let state: Int16

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
            .text("origin") { $0.origin.code },
            .bigint("seq") { $0.envelope.seq.stored },
            .bigint("incarnation") { $0.envelope.incarnation.stored },
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
    var mask: Int64
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

extension Table<CaseRow> {
    private static let columns: [Column] = [
        .id("id") { $0.id },
        .text("tracking_code") { $0.trackingCode },
        .text("home") { $0.home.code },
        .text("holder") { $0.holder.rawValue },
        .text("seat") { $0.seat.code },
        .bigint("epoch") { $0.epoch.stored },
        .text("status") { $0.status.rawValue },
        .text(optional: "outcome") { $0.outcome?.rawValue },
        .text("kind") { $0.kind.rawValue },
        .text("channel") { $0.channel.rawValue },
        .text("category") { $0.category.stored },
        .text("priority") { $0.priority.rawValue },
        .text(optional: "about") { $0.about?.rawValue },
        .text(optional: "subject") { $0.subject?.stored },
        .time("registered_at") { $0.registeredAt },
        .time("deadline") { $0.deadline },
        .time("answered_at") { $0.answeredAt },
        .bool("is_open") { $0.isOpen },
        .bool("counts_due") { $0.countsDue },
        .bool("imported") { $0.imported },
        .integer("conflicts") { $0.conflicts.stored },
        .integer("proposals") { $0.proposals.stored },
        .smallint("escalated") { Int16(clamping: $0.escalated) },
        .integer("revision") { $0.revision.stored },
        .bigint("position") { $0.position.stored },
        .bool("pending") { $0.pending },
        .bool("parked") { $0.parked },
        .hash("digest") { $0.digest },
    ]

    static let cases = Table(
        "cases",
        onConflict: """
            ON CONFLICT (id) DO UPDATE SET
            \(columns.dropFirst().map { "\($0.name) = excluded.\($0.name)" }.joined(separator: ", "))
            """, columns)
}
