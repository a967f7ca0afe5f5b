import Casework
import Federation

/// A network of two versions. Mostly the hub is upgraded first and nodes follow over weeks, some of them back again; now and
/// then somebody upgrades a node before the hub.
extension World {
    /// Asked after each commit. An event carries the reader of its kind, whoever wrote it; nobody writes what the other
    /// side does not read; what everybody knows parks nothing, and what parks a case is of a kind that may change held
    /// fields and that this version does not know.
    /// - Parameter reads: what this server has been told that the others read.
    func checkVersions(of desk: Desk, _ effects: Effects, _ reads: [Origin: UInt32]) throws {
        guard !later.isEmpty else { return }
        for numbered in effects.numbered where numbered.event.origin != Stranger.origin {
            try checkStamp(of: numbered.event)
            // What it wrote in an earlier life may come back to it.
            if numbered.event.origin == desk.origin, numbered.event.envelope.incarnation == desk.writer.incarnation {
                try checkReaders(of: numbered.event, desk, reads)
            }
        }
        for id in effects.touched {
            try checkEffects(in: desk.cases[id]?.state, desk)
            guard let record = desk.cases[id], let parking = record.state.parkedBy.flatMap({ record[$0] }),
                parking.origin != Stranger.origin
            else { continue }
            let kind = parking.envelope.change?.kind
            guard let kind, later[kind] != nil, desk.reader < 2, kind.mergeClass != .appendOnly else {
                throw Violation("\(label(parking)) parks \(id) at \(desk.origin), which could go on")
            }
        }
    }

    /// A version folds no kind that only a later one knows.
    private func checkEffects(in state: Case?, _ desk: Desk) throws {
        guard let state, desk.reader < 2 else { return }
        for entry in state.history where entry.effect == .applied {
            guard let kind = entry.kind, later[kind] != nil else { continue }
            throw Violation("\(kind.rawValue) counts in \(state.id) at \(desk.origin), which does not know it")
        }
    }

    private func checkStamp(of event: Event) throws {
        guard let kind = event.envelope.change?.kind else { return }
        guard event.envelope.minReader == later[kind] ?? kind.rule.since else {
            throw Violation("\(label(event)) asks for reader \(event.envelope.minReader)")
        }
    }

    /// Where it was written, the server and those who must be able to read it were known to do so.
    private func checkReaders(of event: Event, _ desk: Desk, _ reads: [Origin: UInt32]) throws {
        guard let kind = event.envelope.change?.kind, let since = later[kind] else { return }
        var readers = [desk.reader]
        if desk.origin != .hub {
            readers.append(reads[.hub] ?? 1)
        } else if kind.mergeClass != .appendOnly, let id = event.caseID {
            readers.append(reads[id.home] ?? 1)
        }
        guard readers.allSatisfy({ $0 >= since }) else {
            throw Violation("\(label(event)) was written before those who read it are upgraded")
        }
    }
}
