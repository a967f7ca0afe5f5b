public import Casework
public import Federation

extension CaseStore {
    /// The hashes stored at the places that events of one origin claim and at those before them: what a chain's verdict
    /// asks for. A sender may claim any seq, so the journal is looked at only near the places named.
    /// - Parameter events: in order of seq.
    public func known(around events: [Event], of origin: Origin) async throws -> [ChainPlace: EventHash] {
        var known: [ChainPlace: EventHash] = [:]
        for run in Self.runs(events.map(\.envelope.seq)) {
            known.merge(try await hashes(of: origin, from: run.lowerBound, through: run.upperBound)) { first, _ in first
            }
        }
        return known
    }

    /// Ascending seqs as few ranges, each with the seq before its first: near neighbours are read together.
    private static func runs(_ seqs: [UInt64]) -> [ClosedRange<UInt64>] {
        var runs: [ClosedRange<UInt64>] = []
        for seq in seqs {
            let first = max(seq, 2) - 1
            if let last = runs.last, last.lowerBound <= seq, first <= last.upperBound &+ 64 {
                runs[runs.count - 1] = last.lowerBound...max(last.upperBound, seq)
            } else {
                runs.append(first...max(first, seq))
            }
        }
        return runs
    }
}
