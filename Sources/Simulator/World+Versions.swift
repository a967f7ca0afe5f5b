import Casework
import Federation

/// A network of two versions: the hub is upgraded first, nodes over weeks, some of them back again.
extension World {
    /// An event carries the reader of its kind, whoever wrote it; what everybody knows parks nothing, and what parks a case
    /// is of a kind that may change held fields and that this version does not know.
    func checkVersions(of desk: Desk, _ touched: [CaseID]) throws {
        guard !later.isEmpty else { return }
        for id in touched {
            guard let record = desk.cases[id] else { continue }
            for event in record.events where event.origin != Stranger.origin {
                guard let kind = event.envelope.change?.kind else { continue }
                guard event.envelope.minReader == later[kind] ?? kind.rule.since else {
                    throw Violation("\(label(event)) asks for reader \(event.envelope.minReader)")
                }
            }
            guard let parking = record.state.parkedBy.flatMap({ record[$0] }), parking.origin != Stranger.origin else {
                continue
            }
            let kind = parking.envelope.change?.kind
            guard let kind, later[kind] != nil, desk.reader < 2, kind.mergeClass != .appendOnly else {
                throw Violation("\(label(parking)) parks \(id) at \(desk.origin), which could go on")
            }
        }
    }
}
