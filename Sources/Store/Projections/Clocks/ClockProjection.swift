public import Casework
import Federation
import Postgres

/// A clock that runs in a case.
public struct RunningClock: Sendable, Hashable {
    public internal(set) var caseID: CaseID
    /// The event that started it.
    public internal(set) var startedBy: EventHash
    public internal(set) var kind: ClockKind
    public internal(set) var due: Instant
    /// Where the case is worked on.
    public internal(set) var seat: Origin
    /// Who must act.
    public internal(set) var holder: OrganizationCode
    /// The greatest level to which it was escalated; 0 before.
    public internal(set) var level: Int
}

/// Keeps the table `clocks`: all clocks of open cases, so that what is due is one index read.
struct ClockProjection: CaseProjection {
    static let table = Table<RunningClock>(
        "clocks",
        [
            .id("case_id", { $0.caseID }, { $0.caseID = $1 }),
            .hash("started_by", { $0.startedBy }, { $0.startedBy = $1 }),
            .word("kind", { $0.kind }, { $0.kind = $1 }),
            .time("due", { $0.due }, { if let due = $1 { $0.due = due } }),
            .origin("seat", { $0.seat }, { $0.seat = $1 }),
            .word("holder", { $0.holder }, { $0.holder = $1 }),
            .smallint("level", { $0.level }, { $0.level = $1 }),
        ])
    static let blank = RunningClock(
        caseID: .blank, startedBy: .zero, kind: .case, due: Instant(milliseconds: 0), seat: .hub,
        holder: OrganizationCode(.hub), level: 0)

    let keys = ["case_id", "started_by"]
    let definition = PackageResources.clocks_sql

    func rows(of record: CaseRecord, at origin: Origin) -> [RunningClock] {
        let state = record.state
        return state.clocks.map { clock in
            RunningClock(
                caseID: record.id, startedBy: clock.startedBy, kind: clock.kind, due: clock.due.at.storable,
                seat: state.seat, holder: state.holder,
                level: Int(Int16(clamping: state.escalatedLevel(of: clock.startedBy))))
        }
    }

    func caseID(of row: RunningClock) -> CaseID { row.caseID }
}
