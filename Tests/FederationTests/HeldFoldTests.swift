import Casework
import Testing

@testable import Federation

/// Status, holder and outcome: written by the seat that holds custody, under its epoch.
@Suite struct HeldFoldTests {
    private let reviewer = person("reviewer", at: Place.home, .supervisor)

    /// A case that IR-23 holds by epoch 10, and the hash of the grant.
    private func granted() throws -> (Docket, EventHash) {
        var (docket, _) = try Docket.registered()
        let referral = try docket.write(Place.home, .referred(to: office("IR-23"), seat: Place.seat))
        let grant = try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home, causedBy: referral)
        return (docket, grant)
    }

    @Test func aRegistrationGivesTheCase() throws {
        let (docket, registration) = try Docket.registered(about: "IR-03-MUN")
        let state = docket.state()
        #expect(state.status == .registered)
        #expect(state.registeredBy == registration)
        #expect(state.trackingCode == TrackingCode(province: 3, random: 5))
        #expect(state.deadline == Due(at: Docket.start + 15 * Instant.day, calendar: 1))
        #expect(state.seat == Place.home && state.holder == office("IR-03") && state.epoch == 0)
        #expect(state.values[.category]?.value == .category("water"))
        #expect(state.history == [HistoryEntry(event: registration, kind: .registered, effect: .applied)])
    }

    @Test func aDraftKeepsItsCode() throws {
        var docket = Docket()
        let code = try #require(TrackingCode(province: 3, random: 5))
        try docket.write(Place.home, .opened(trackingCode: code))
        #expect(docket.state().status == .draft)
        #expect(docket.state().trackingCode == code)
        let second = try docket.write(
            Place.home, .opened(trackingCode: try #require(TrackingCode(province: 3, random: 6))))
        #expect(docket.effect(of: second) == .withoutEffect(.repeated))
        try docket.write(Place.home, docket.registration())
        let late = try docket.write(
            Place.home, .opened(trackingCode: try #require(TrackingCode(province: 3, random: 7))))
        #expect(docket.effect(of: late) == .withoutEffect(.repeated))
        #expect(docket.state().trackingCode == code)
        #expect(docket.state().status == .registered)
    }

    @Test func theSecondRegistrationIsWithoutEffect() throws {
        var (docket, first) = try Docket.registered()
        let second = try docket.write(Place.home, docket.registration(code: 6))
        #expect(docket.effect(of: second) == .withoutEffect(.alreadyRegistered))
        #expect(docket.state().registeredBy == first)
        #expect(docket.state().conflicts == [])
    }

    @Test func whatTheLifeCycleForbidsIsListedWithItsReason() throws {
        var (docket, _) = try Docket.registered()
        let accept = try docket.write(Place.home, .accepted)
        #expect(docket.effect(of: accept) == .withoutEffect(.statusDoesNotAllow))
        #expect(docket.state().status == .registered)
        let early = Docket(seed: 2)
        #expect(early.state().status == .draft)
    }

    @Test func aReferralToAnotherSeatIsPendingUntilItsGrant() throws {
        var (docket, _) = try Docket.registered()
        let referral = try docket.write(Place.home, .referred(to: office("IR-23"), seat: Place.seat))
        #expect(docket.state().transfer?.cause == referral)
        #expect(docket.state().seat == Place.home)
        let answer = try docket.write(Place.home, .answered)
        #expect(docket.effect(of: answer) == .withoutEffect(.transferPending))
        let grant = try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home, causedBy: referral)
        let state = docket.state()
        #expect(state.status == .referred)
        #expect(state.seat == Place.seat && state.holder == office("IR-23") && state.epoch == 10)
        #expect(state.grant == grant)
        #expect(state.transfer == nil)
    }

    @Test func theNewSeatWritesUnderItsEpoch() throws {
        var (docket, grant) = try granted()
        let due = Due(at: docket.now + 10 * Instant.day, calendar: 1)
        let acceptBy = Due(at: docket.now + 2 * Instant.day, calendar: 1)
        try docket.write(Place.seat, .received(grant: grant, due: due, acceptBy: acceptBy), epoch: 10)
        #expect(docket.state().holderDeadline == due)
        #expect(docket.state().acceptBy == acceptBy)
        try docket.write(Place.seat, .accepted, epoch: 10)
        #expect(docket.state().acceptBy == nil)
        let action = try docket.write(Place.seat, .acted, epoch: 10)
        let answer = try docket.write(Place.seat, .answered, epoch: 10)
        let state = docket.state()
        #expect(state.status == .answered)
        #expect(state.deadline == Due(at: Docket.start + 15 * Instant.day, calendar: 1))
        #expect(docket.effect(of: action) == .applied && docket.effect(of: answer) == .applied)
    }

    @Test func aWriteBeyondTheCutIsAProposal() throws {
        var (docket, _) = try granted()
        let late = try docket.write(Place.home, .closed(.advised))
        let state = docket.state()
        #expect(docket.effect(of: late) == .proposal(.custodyMoved))
        #expect(state.status == .referred)
        #expect(state.proposals.map(\.event) == [late])
        #expect(state.proposals.map(\.change) == [.closed(.advised)])
    }

    @Test func aWriteWithinTheCutCountsThoughItArrivesLast() throws {
        var (docket, _) = try Docket.registered()
        let assessed = try docket.write(
            Place.home, .assessed(Assessment(lawful: true, withinMeans: true, done: false)))
        try docket.grant("SAMT", at: .hub, epoch: 10, from: Place.home)
        let moved = docket.events
        let state = Fold.fold(docket.id, [moved[2], moved[0], moved[1]])
        #expect(state.assessment != nil)
        #expect(state.history.first { $0.event == assessed }?.effect == .applied)
        #expect(state.seat == .hub)
        // With a cut one event earlier the very same write is a proposal.
        var (other, _) = try Docket.registered()
        let cut = other.positions(of: Place.home)
        let beyond = try other.write(
            Place.home, .assessed(Assessment(lawful: true, withinMeans: true, done: false)))
        try other.write(
            .hub, .granted(Grant(epoch: 10, holder: office("SAMT"), seat: .hub, cut: cut, cause: nil)))
        #expect(other.effect(of: beyond) == .proposal(.custodyMoved))
        #expect(other.state().assessment == nil)
    }

    @Test func theCutNamesEveryIncarnation() throws {
        var (docket, _) = try Docket.registered()
        docket.restart(Place.home, as: 77)
        let second = try docket.write(
            Place.home, .assessed(Assessment(lawful: true, withinMeans: true, done: true)))
        // The hub accepted the first incarnation only.
        try docket.write(
            .hub,
            .granted(
                Grant(
                    epoch: 10, holder: office("SAMT"), seat: .hub,
                    cut: [ChainPlace(incarnation: UInt64(Place.home.number) + 1, seq: 1)], cause: nil)))
        #expect(docket.effect(of: second) == .proposal(.custodyMoved))
        #expect(docket.state().registeredBy != nil)
    }

    @Test func oldEpochsProposeAlsoIfCustodyReturns() throws {
        var (docket, _) = try granted()
        let late = try docket.write(Place.home, .closed(.advised))
        try docket.grant("IR-03", at: Place.home, epoch: 20, from: Place.seat)
        #expect(docket.effect(of: late) == .proposal(.custodyMoved))
        // Written under the new epoch, it counts.
        let anew = try docket.write(Place.home, .closed(.advised), epoch: 20)
        #expect(docket.effect(of: anew) == .applied)
        #expect(docket.state().status == .closed)
    }

    @Test func whoIsNotTheSeatProposes() throws {
        var (docket, _) = try granted()
        let wrong = try docket.write(Place.home, .accepted, epoch: 10)
        #expect(docket.effect(of: wrong) == .proposal(.notTheSeat))
        let early = try docket.write(Place.seat, .closed(.advised), epoch: 0)
        #expect(docket.effect(of: early) == .proposal(.notTheSeat))
        let unknown = try docket.write(Place.seat, .accepted, epoch: 11)
        #expect(docket.effect(of: unknown) == .proposal(.unknownEpoch))
        #expect(docket.state().status == .referred)
        // In history order, not in that of their epochs.
        #expect(docket.state().proposals.map(\.event) == [wrong, early, unknown])
    }

    /// That a grant had arrived, said after custody moved on, asks nobody to do anything.
    @Test func aLateReceivedIsNoProposal() throws {
        var (docket, grant) = try granted()
        try docket.grant("IR-07", at: Place.other, epoch: 20, from: Place.seat)
        let due = Due(at: docket.now + Instant.day, calendar: 1)
        let late = try docket.write(Place.seat, .received(grant: grant, due: due, acceptBy: due), epoch: 10)
        #expect(docket.effect(of: late) == .withoutEffect(.custodyMoved))
        #expect(docket.state().proposals.isEmpty)
    }

    @Test func anAppliedProposalIsSettled() throws {
        var (docket, _) = try granted()
        let late = try docket.write(Place.home, .closed(.beyondMeans))
        let unknown = try docket.write(Place.seat, .accepted, epoch: 11)
        try docket.write(Place.seat, .accepted, epoch: 10, applies: unknown)
        let applied = try docket.write(Place.seat, .closed(.beyondMeans), epoch: 10, applies: late)
        let state = docket.state()
        #expect(state.proposals == [])
        #expect(state.outcome == .beyondMeans)
        #expect(docket.effect(of: late) == .proposal(.custodyMoved))
        #expect(docket.effect(of: applied) == .applied)
        // An application that does not count settles nothing.
        let again = try docket.write(Place.home, .answered)
        try docket.write(Place.home, .answered, applies: again)
        #expect(docket.state().proposals.count == 2)
    }

    @Test func aRefusalReturnsToTheReferrer() throws {
        var (docket, _) = try granted()
        let refusal = try docket.write(Place.seat, .refused, epoch: 10)
        var state = docket.state()
        #expect(state.transfer?.isReturn == true)
        #expect(state.transfer?.seat == Place.home)
        #expect(state.status == .registered && state.refusals == 1)
        try docket.grant("IR-03", at: Place.home, epoch: 11, from: Place.seat, causedBy: refusal)
        state = docket.state()
        #expect(state.seat == Place.home && state.holder == office("IR-03"))
        #expect(state.status == .registered)
        #expect(state.referrers == [])
        try docket.write(Place.home, .closed(.advised), epoch: 11)
        #expect(docket.state().status == .closed)
    }

    @Test func aPersonMovesCustodyWhateverTheStatus() throws {
        var (docket, _) = try granted()
        try docket.write(Place.seat, .accepted, epoch: 10)
        try docket.grant("SAMT", at: .hub, epoch: 11, from: Place.seat)
        #expect(docket.state().status == .inProgress)
        #expect(docket.state().holder == office("SAMT"))
        let (referred, _) = try granted()
        docket = referred
        try docket.grant("SAMT", at: .hub, epoch: 11, from: Place.seat)
        #expect(docket.state().status == .registered)
        let answer = try docket.write(.hub, .answered, epoch: 11, by: person("m", at: .hub, .ministry))
        #expect(docket.effect(of: answer) == .applied)
    }

    @Test func anEpochIsGrantedOnce() throws {
        var (docket, first) = try granted()
        let second = try docket.grant("IR-07", at: Place.other, epoch: 10, from: Place.home)
        #expect(docket.state().grant == first)
        #expect(docket.effect(of: second) == .withoutEffect(.epochTaken))
        // Who wrote under the grant that lost did so in good faith: it proposes.
        let write = try docket.write(Place.other, .closed(.advised), epoch: 10)
        #expect(docket.effect(of: write) == .proposal(.notTheSeat))
        let zero = try docket.grant("IR-07", at: Place.other, epoch: 0, from: Place.home)
        #expect(docket.effect(of: zero) == .withoutEffect(.epochTaken))
    }

    @Test func onlyTheHubGrants() throws {
        var (docket, _) = try Docket.registered()
        let forged = try docket.write(
            Place.home, .granted(Grant(epoch: 9, holder: office("IR-03"), seat: Place.home, cut: [], cause: nil)))
        #expect(docket.effect(of: forged) == .withoutEffect(.notForItsOrigin))
        #expect(docket.state().epoch == 0)
        let stamp = try docket.write(Place.home, .stamped(forged, hlc: 1))
        #expect(docket.effect(of: stamp) == .withoutEffect(.notForItsOrigin))
        #expect(docket.state().history.last?.event == stamp)
    }

    @Test func aStrangerChangesNothing() throws {
        var (docket, registration) = try Docket.registered()
        let before = docket.state()
        var strange = [EventHash]()
        strange.append(try docket.write(Place.stranger, .noted))
        strange.append(try docket.write(Place.stranger, .closed(.advised)))
        strange.append(try docket.amend(Place.stranger, subject: "x", seeing: [registration]))
        strange.append(try docket.write(Place.stranger, .disputed))
        strange.append(try docket.write(Place.stranger, .withdrawn))
        strange.append(try docket.hide(registration, at: Place.stranger, seeing: [registration]))
        for hash in strange { #expect(docket.effect(of: hash) == .withoutEffect(.foreignOrigin)) }
        var after = docket.state()
        #expect(after.revision == before.revision + strange.count)
        after.history = before.history
        #expect(after == before)
    }

    @Test func ofTwoBranchesOnlyTheFirstCounts() throws {
        var (docket, _) = try Docket.registered()
        let common = docket.head(of: Place.home)
        let first = try docket.write(Place.home, .answered)
        docket.restart(Place.home, as: 99, from: common)
        let second = try docket.write(Place.home, .closed(.advised))
        let note = try docket.write(Place.home, .noted)
        try docket.write(
            .hub,
            .branchRanked(
                BranchRank(origin: Place.home, epoch: 0, losers: [ChainPlace(incarnation: 99, seq: common.seq + 1)])))
        #expect(docket.effect(of: first) == .applied)
        #expect(docket.effect(of: second) == .proposal(.otherBranch))
        #expect(docket.effect(of: note) == .applied)
        #expect(docket.state().status == .answered)
    }

    @Test func anUpheldReviewReopensAndARejectedOneDoesNot() throws {
        for upheld in [true, false] {
            var (docket, _) = try Docket.registered()
            try docket.write(Place.home, .closed(.resolved))
            let dispute = try docket.write(Place.home, .disputed)
            #expect(docket.state().status == .disputed)
            try docket.write(Place.home, .reviewed(dispute: dispute, upheld: upheld), by: reviewer)
            #expect(docket.state().status == (upheld ? .inProgress : .closed))
            #expect(docket.state().disputes.map(\.upheld) == [upheld])
            let again = try docket.write(Place.home, .reviewed(dispute: dispute, upheld: !upheld), by: reviewer)
            #expect(docket.effect(of: again) == .withoutEffect(.disputeUnknown))
        }
    }

    @Test func theFirstDecidersReviewIsWithoutEffect() throws {
        var (docket, _) = try Docket.registered()
        try docket.write(Place.home, .answered, by: reviewer)
        let dispute = try docket.write(Place.home, .disputed)
        let review = try docket.write(Place.home, .reviewed(dispute: dispute, upheld: false), by: reviewer)
        #expect(docket.effect(of: review) == .withoutEffect(.reviewerDecided))
        #expect(docket.state().status == .disputed)
    }

    @Test func referralsKeepTheDeadlineAndOnlyAnExplicitMoveChangesIt() throws {
        var (docket, _) = try granted()
        try docket.write(Place.seat, .refused, epoch: 10)
        #expect(docket.state().deadline == Due(at: Docket.start + 15 * Instant.day, calendar: 1))
        let week = Due(at: Docket.start + 7 * Instant.day, calendar: 2)
        try docket.write(Place.seat, .dueMoved(week), epoch: 10)
        #expect(docket.state().deadline == week)
    }

    @Test func neverToTheUnitThatItIsAbout() throws {
        var (docket, _) = try Docket.registered(about: "IR-23")
        let referral = try docket.write(Place.home, .referred(to: office("IR-23"), seat: Place.seat))
        #expect(docket.effect(of: referral) == .withoutEffect(.referredToItself))
        #expect(docket.state().transfer == nil)
    }
}
