import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// A case is a function of the SET of its events, and nothing that anybody wrote is out of reach.
@Suite struct ArrivalOrderTests {
    private static let batch = 250

    @Test(arguments: 0..<8) func randomHistoriesInAnyOrder(batch: Int) throws {
        for index in 0..<Self.batch {
            let seed = UInt64(batch * Self.batch + index + 1)
            let history = try RandomHistory(seed: seed)
            var random = Generator(seed: seed)
            let state = Fold.fold(history.id, history.events)
            for _ in 0..<3 {
                let shuffled = history.events.shuffled(using: &random)
                guard Fold.fold(history.id, shuffled) == state else {
                    Issue.record("seed \(seed): another order of arrival gives another case")
                    return
                }
            }
            if let fault = unreachable(in: history.events, state) {
                Issue.record("seed \(seed): \(fault)")
                return
            }
        }
    }

    /// What was written and is neither shown, a conflict, replaced by one who saw it, a proposal, nor listed with an
    /// effect.
    private func unreachable(in events: [Event], _ state: Case) -> String? {
        let effects = Dictionary(uniqueKeysWithValues: state.history.map { ($0.event, $0.effect) })
        guard state.history.count == events.count, events.allSatisfy({ effects[$0.hash] != nil }) else {
            return "the history does not list every event once"
        }
        let counted = events.filter { effects[$0.hash] == .applied }
        for event in events {
            if case .proposal = effects[event.hash], !state.proposals.contains(where: { $0.event == event.hash }),
                !counted.contains(where: { $0.envelope.applies == event.hash })
            {
                return "the proposal \(event.hash) is lost"
            }
            if effects[event.hash] == .parked, state.parkedBy == nil { return "parked by nothing" }
        }
        let values = counted.filter { event in
            if case .amended = event.envelope.change { true } else { event.hash == state.registeredBy }
        }
        for field in Field.allCases {
            let heads = SharedHeadsReference.heads(of: field, among: values)
            if Set(heads) != Set(state.values[field]?.heads ?? []) { return "\(field): a value is lost" }
            for loser in heads where loser != state.values[field]?.shown && !state.conflicts.contains(loser) {
                return "\(field): the conflict \(loser) is lost"
            }
        }
        return nil
    }

    /// The generator is worth something only if its histories reach every rule.
    @Test func theHistoriesReachEveryRule() throws {
        var seen = Set<String>()
        var statuses = Set<Status>()
        for seed in UInt64(1)...400 {
            let history = try RandomHistory(seed: seed)
            let state = Fold.fold(history.id, history.events)
            statuses.insert(state.status)
            if !state.conflicts.isEmpty { seen.insert("conflict") }
            if !state.hidden.isEmpty { seen.insert("hidden") }
            if state.transfer != nil { seen.insert("transfer") }
            if state.refusals > 0 { seen.insert("refused") }
            if state.disputes.contains(where: { $0.upheld == true }) { seen.insert("upheld") }
            for entry in state.history {
                switch entry.effect {
                case .applied: seen.insert("applied")
                case .newer: seen.insert("newer")
                case .parked: seen.insert("parked")
                case .proposal(let reason): seen.insert("proposal: " + reason.rawValue)
                case .withoutEffect(let reason): seen.insert("without effect: " + reason.rawValue)
                }
            }
        }
        let proposals: [EffectReason] = [.custodyMoved, .notTheSeat, .unknownEpoch, .otherBranch]
        let without: [EffectReason] = [
            .foreignOrigin, .statusDoesNotAllow, .alreadyRegistered, .notRegistered, .alreadyEscalated, .repeated,
            .answeredInTime, .disputeUnknown, .transferPending, .epochTaken, .referredToItself,
        ]
        let expected =
            ["applied", "parked", "conflict", "hidden", "transfer", "refused", "upheld"]
            + proposals.map { "proposal: " + $0.rawValue } + without.map { "without effect: " + $0.rawValue }
        for rule in expected { #expect(seen.contains(rule), "\(rule)") }
        #expect(statuses == Set(Status.allCases))
    }

    // MARK: Four at once

    private func orders<Element>(_ elements: [Element]) -> [[Element]] {
        guard let first = elements.first else { return [[]] }
        return orders(Array(elements.dropFirst())).flatMap { rest in
            (0...rest.count).map { Array(rest[..<$0]) + [first] + Array(rest[$0...]) }
        }
    }

    /// A case that three provinces and the hub are entitled to; home holds it.
    private func shared() throws -> (Docket, EventHash) {
        var (docket, registration) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        try docket.grant("IR-07", at: Place.other, epoch: 20, from: Place.seat)
        try docket.grant("IR-03", at: Place.home, epoch: 30, from: Place.other)
        return (docket, registration)
    }

    private func check(_ docket: Docket, concurrent: Int) throws -> Case {
        let known = Array(docket.events.dropLast(concurrent))
        let arrivals = orders(Array(docket.events.suffix(concurrent)))
        #expect(arrivals.count == 24)
        let state = docket.state()
        for arrival in arrivals {
            #expect(Fold.fold(docket.id, known + arrival) == state)
            #expect(Fold.fold(docket.id, arrival + known) == state)
        }
        return state
    }

    private let four = [Place.home, Place.seat, Place.other, Origin.hub]

    @Test func fourConcurrentEdits() throws {
        var (docket, registration) = try shared()
        let edits = try four.map { try docket.amend($0, subject: $0.code, seeing: [registration]) }
        let state = try check(docket, concurrent: 4)
        #expect(state.values[.subject] == SharedValue(shown: edits[3], conflicts: Array(edits[..<3]), value: nil))
    }

    @Test func fourConcurrentEditsOfOneMoment() throws {
        var (docket, registration) = try shared()
        let moment = docket.now
        var edits = [EventHash]()
        for origin in four {
            docket.now = moment
            edits.append(try docket.amend(origin, subject: origin.code, seeing: [registration]))
        }
        // Equal stamps: the origins' codes decide, and "hub" is the greatest.
        let state = try check(docket, concurrent: 4)
        #expect(state.values[.subject]?.shown == edits[3])
        #expect(state.conflicts == [edits[0], edits[2], edits[1]])
    }

    @Test func fourConcurrentClosures() throws {
        var (docket, _) = try shared()
        let outcomes: [Outcome] = [.advised, .resolved, .unlawful, .beyondMeans]
        let closures = try zip(four, outcomes).map { try docket.write($0, .closed($1), epoch: 30) }
        let state = try check(docket, concurrent: 4)
        #expect(state.outcome == .advised)
        #expect(state.proposals.map(\.event) == Array(closures[1...]))
        #expect(state.proposals.map(\.reason) == [.notTheSeat, .notTheSeat, .notTheSeat])
    }

    @Test func fourConcurrentHidesAndShows() throws {
        var (docket, _) = try shared()
        let note = try docket.write(Place.home, .noted)
        let hide = try docket.hide(note, at: Place.home, seeing: [note])
        let unhide = try docket.write(Place.seat, .unhidden(note), base: [Base(field: nil, events: [note, hide])])
        try docket.hide(note, at: Place.other, seeing: [note])
        try docket.hide(note, at: .hub, seeing: [note, hide])
        #expect(try check(docket, concurrent: 4).hidden == [])
        // Once somebody who knows of it all hides it, it is hidden in every order.
        try docket.hide(note, at: .hub, seeing: [note, unhide])
        #expect(try check(docket, concurrent: 4).hidden == [note])
    }

    @Test func aGrantAmongConcurrentWrites() throws {
        var (docket, _) = try shared()
        let within = try docket.write(Place.home, .answered, epoch: 30)
        try docket.grant("IR-23", at: Place.seat, epoch: 40, from: Place.home)
        let beyond = try docket.write(Place.home, .closed(.resolved), epoch: 30)
        let early = try docket.write(Place.seat, .closed(.unlawful), epoch: 40)
        let state = try check(docket, concurrent: 4)
        #expect(state.outcome == .unlawful)
        #expect(state.history.first { $0.event == within }?.effect == .applied)
        #expect(state.history.first { $0.event == early }?.effect == .applied)
        #expect(state.proposals.map(\.event) == [beyond])
    }
}
