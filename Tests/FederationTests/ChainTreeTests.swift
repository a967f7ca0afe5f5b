import Casework
import Testing

@testable import Federation

@Suite struct ChainTreeTests {
    /// What a receiver keeps: the tree, and the hash at every accepted place.
    private struct Receiver {
        var tree = ChainTree()
        var known: [ChainPlace: EventHash] = [:]

        func verdict(_ event: Event) -> ChainTree.Verdict { tree.verdict(on: event) { known[$0] } }

        mutating func take(_ event: Event) -> ChainTree.Verdict {
            let verdict = verdict(event)
            if case .next(let parent) = verdict {
                tree.accept(event, parent: parent)
                known[event.envelope.place] = event.hash
            }
            return verdict
        }
    }

    private func chain(_ count: Int, of docket: inout Docket) throws -> [Event] {
        let start = docket.events.count
        for _ in 0..<count { try docket.write(Place.home, .noted) }
        return Array(docket.events[start...])
    }

    @Test func aChainContinues() throws {
        var docket = Docket()
        let events = try chain(3, of: &docket)
        var receiver = Receiver()
        #expect(events.map { receiver.take($0) } == [.next(parent: 0), .next(parent: 0), .next(parent: 0)])
        #expect(receiver.tree.heads == [docket.head(of: Place.home)])
        #expect(events.map { receiver.take($0) } == [.duplicate, .duplicate, .duplicate])
        #expect(events.map(\.envelope.seq) == [1, 2, 3])
        #expect(events[0].envelope.previous == .zero && events[2].envelope.previous == events[1].hash)
    }

    @Test func aMissingEventIsAGap() throws {
        var docket = Docket()
        let events = try chain(4, of: &docket)
        var receiver = Receiver()
        #expect(receiver.verdict(events[1]) == .gap(after: .empty))
        _ = receiver.take(events[0])
        let head = ChainHead(incarnation: events[0].envelope.incarnation, seq: 1, hash: events[0].hash)
        #expect(receiver.verdict(events[2]) == .gap(after: head))
        #expect(receiver.verdict(events[3]) == .gap(after: head))
    }

    @Test func anotherEventAtAKnownPlaceIsForged() throws {
        var docket = Docket()
        let events = try chain(3, of: &docket)
        var receiver = Receiver()
        for event in events { _ = receiver.take(event) }
        for index in events.indices {
            var envelope = events[index].envelope
            envelope.actor.name = "somebody else"
            let forged = try Event(bytes: envelope.wire, part: .none, hashing: sha256)
            #expect(receiver.verdict(forged) == .forged)
        }
    }

    @Test func theWrongParentIsABrokenLink() throws {
        var docket = Docket()
        let events = try chain(3, of: &docket)
        var receiver = Receiver()
        _ = receiver.take(events[0])
        _ = receiver.take(events[1])
        var envelope = events[2].envelope
        envelope.previous = events[0].hash
        #expect(receiver.verdict(try Event(bytes: envelope.wire, part: .none, hashing: sha256)) == .brokenLink)
        // The beginning of a new line may have been lost on the way.
        envelope.incarnation = 500
        let orphan = try Event(bytes: envelope.wire, part: .none, hashing: sha256)
        #expect(receiver.verdict(orphan) == .gap(after: receiver.tree.latest))
        var first = events[0].envelope
        first.previous = events[1].hash
        first.incarnation = 501
        #expect(receiver.verdict(try Event(bytes: first.wire, part: .none, hashing: sha256)) == .brokenLink)
    }

    @Test func aNewIncarnationContinuesTheLine() throws {
        var docket = Docket()
        var receiver = Receiver()
        for event in try chain(2, of: &docket) { _ = receiver.take(event) }
        docket.restart(Place.home, as: 700)
        let second = try chain(2, of: &docket)
        #expect(second.map(\.envelope.seq) == [3, 4])
        #expect(second.map { receiver.take($0) } == [.next(parent: 4), .next(parent: 4)])
        #expect(receiver.tree.heads.map(\.seq) == [2, 4] && !receiver.tree.isForked)
        #expect(receiver.tree.latest == docket.head(of: Place.home))
        docket.restart(Place.home, as: 701)
        // Its parent was written by an incarnation that is not the first.
        #expect(try chain(1, of: &docket).map { receiver.take($0) } == [.next(parent: 700)])
        #expect(second.map { receiver.take($0) } == [.duplicate, .duplicate])
    }

    @Test func aRestoredNodeBranchesAtAnEarlierSeq() throws {
        var docket = Docket()
        var receiver = Receiver()
        let line = try chain(4, of: &docket)
        for event in line { _ = receiver.take(event) }
        let backup = ChainHead(
            incarnation: line[1].envelope.incarnation, seq: 2, hash: line[1].hash)
        docket.restart(Place.home, as: 800, from: backup)
        let branch = try chain(3, of: &docket)
        #expect(branch.map(\.envelope.seq) == [3, 4, 5])
        #expect(branch.map { receiver.take($0) } == [.next(parent: 4), .next(parent: 4), .next(parent: 4)])
        #expect(receiver.tree.head(of: line[0].envelope.incarnation)?.seq == 4)
        #expect(receiver.tree.head(of: 800)?.seq == 5)
        #expect(receiver.tree.isForked)
        #expect(
            receiver.tree.stretches(beyond: [backup]) == [
                Stretch(incarnation: 4, after: 2), Stretch(incarnation: 800, after: 2),
            ])
        let end = ChainPlace(incarnation: 800, seq: 5)
        #expect(receiver.tree.isOnLine(ChainPlace(incarnation: 4, seq: 2), to: end))
        #expect(!receiver.tree.isOnLine(ChainPlace(incarnation: 4, seq: 3), to: end))
        // Restored from nothing at all: a second root.
        docket.restart(Place.home, as: 801, from: .empty)
        #expect(try chain(1, of: &docket).map { receiver.take($0) } == [.next(parent: 0)])
    }

    @Test func aBranchWhoseParentIsMissingWaits() throws {
        var docket = Docket()
        var receiver = Receiver()
        let line = try chain(3, of: &docket)
        _ = receiver.take(line[0])
        docket.restart(Place.home, as: 900)
        let next = try chain(1, of: &docket)
        #expect(receiver.verdict(next[0]) == .gap(after: receiver.tree.latest))
        _ = receiver.take(line[1])
        _ = receiver.take(line[2])
        #expect(receiver.take(next[0]) == .next(parent: 4))
    }

    @Test func theWriterRefusesWhatIsTooLarge() throws {
        var docket = Docket()
        let huge = Texts(text: String(repeating: "x", count: Schema.maximumEventSize))
        #expect(throws: Refusal.self) { try docket.write(Place.home, .noted, texts: huge) }
        // Nothing was taken: the next event has the first place.
        #expect(docket.head(of: Place.home) == .empty)
        try docket.write(Place.home, .noted)
        #expect(docket.events.map(\.envelope.seq) == [1])
    }
}
