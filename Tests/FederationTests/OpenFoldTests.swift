import Casework
import Testing

@testable import Federation

/// What everyone entitled may write at any time: entries, shared fields, the citizen's voice; and what orders it.
@Suite struct OpenFoldTests {
    // MARK: Entries

    @Test func entriesAreAUnion() throws {
        var (docket, _) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        let hashes = [
            try docket.write(Place.home, .noted, texts: Texts(text: "a")),
            try docket.write(Place.seat, .noted, texts: Texts(text: "a")),
            try docket.write(Place.seat, .acted, epoch: 10), try docket.write(.hub, .noted),
        ]
        for hash in hashes { #expect(docket.effect(of: hash) == .applied) }
        #expect(docket.state().hidden.isEmpty)
    }

    @Test func filesAreAUnion() throws {
        var (docket, _) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        let attachment = Attachment(sha256: sha256([7]), size: 1, mediaType: "image/jpeg")
        let first = try docket.write(Place.home, .attached(attachment), texts: Texts(text: "a.jpg"))
        let same = try docket.write(Place.seat, .attached(attachment), texts: Texts(text: "b.jpg"))
        let outsider = try docket.write(Place.stranger, .attached(attachment))
        #expect(docket.state().attachments.map(\.event) == [first, same])
        #expect(docket.state().attachments.allSatisfy { $0.attachment == attachment })
        #expect(docket.effect(of: outsider) == .withoutEffect(.foreignOrigin))
    }

    @Test func aHideHidesOnlyWhatItsAuthorSaw() throws {
        var (docket, _) = try Docket.registered()
        let seen = try docket.write(Place.home, .noted)
        let unseen = try docket.write(Place.home, .noted)
        try docket.hide(seen, at: Place.home, seeing: [seen])
        try docket.hide(unseen, at: Place.home, seeing: [seen])
        #expect(docket.state().hidden == [seen])
    }

    @Test func anUnhideShowsAgain() throws {
        var (docket, _) = try Docket.registered()
        let note = try docket.write(Place.home, .noted)
        let hide = try docket.hide(note, at: Place.home, seeing: [note])
        let unhide = try docket.write(Place.home, .unhidden(note), base: [Base(field: nil, events: [note, hide])])
        #expect(docket.state().hidden == [])
        // Who hides it after that, and knows of it, hides it.
        try docket.hide(note, at: Place.home, seeing: [note, unhide])
        #expect(docket.state().hidden == [note])
    }

    @Test func aConcurrentUnhideKeepsItVisible() throws {
        var (docket, _) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        let note = try docket.write(Place.home, .noted)
        let hide = try docket.hide(note, at: Place.home, seeing: [note])
        // One office shows it while another hides it once more, neither knowing of the other.
        let unhide = try docket.write(Place.seat, .unhidden(note), base: [Base(field: nil, events: [note, hide])])
        try docket.hide(note, at: Place.home, seeing: [note, hide])
        #expect(docket.state().hidden == [])
        #expect(docket.state().shownAgain == [note: [unhide]])
    }

    @Test func duplicatesAreShownAndMergeNothing() throws {
        var (docket, _) = try Docket.registered()
        let twin = CaseID(home: Place.seat, at: Docket.start, random: (5, 5))
        try docket.write(Place.home, .duplicateMarked(of: twin))
        let again = try docket.write(Place.home, .duplicateMarked(of: twin))
        #expect(docket.state().duplicates == [twin])
        #expect(docket.effect(of: again) == .withoutEffect(.repeated))
        #expect(docket.state().status == .registered)
    }

    // MARK: Shared fields

    @Test func theLaterEditReplacesTheOneItWasBasedOn() throws {
        var (docket, registration) = try Docket.registered()
        let first = try docket.amend(Place.home, subject: "a", seeing: [registration])
        let second = try docket.amend(Place.home, subject: "b", seeing: [first])
        #expect(docket.state().values[.subject] == SharedValue(shown: second, conflicts: [], value: nil))
        // Other fields stay with the registration.
        #expect(docket.state().values[.category]?.shown == registration)
    }

    @Test func concurrentEditsAreAConflictAndBothStay() throws {
        var (docket, registration) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        let here = try docket.amend(Place.home, subject: "a", seeing: [registration])
        let there = try docket.amend(Place.seat, subject: "b", seeing: [registration])
        #expect(docket.state().values[.subject] == SharedValue(shown: there, conflicts: [here], value: nil))
        #expect(docket.state().conflicts == [here])
        #expect(docket.effect(of: here) == .applied)
        // A later edit by someone who saw only the winner leaves the conflict open; a restore settles it.
        let third = try docket.amend(Place.seat, subject: "c", seeing: [there])
        #expect(docket.state().values[.subject] == SharedValue(shown: third, conflicts: [here], value: nil))
        let restored = try docket.amend(Place.home, subject: "a", seeing: [here, third])
        #expect(docket.state().values[.subject] == SharedValue(shown: restored, conflicts: [], value: nil))
        #expect(docket.state().conflicts == [])
    }

    @Test func valuesInEnvelopesAreGiven() throws {
        var (docket, registration) = try Docket.registered()
        let base = [Field.category, .priority, .tags].map { Base(field: $0, events: [registration]) }
        try docket.write(
            Place.home, .amended(Amendment(category: "roads", priority: .urgent, tags: ["x", "y"])), base: base)
        let state = docket.state()
        #expect(state.values[.category]?.value == .category("roads"))
        #expect(state.values[.priority]?.value == .priority(.urgent))
        #expect(state.values[.tags]?.value == .tags(["x", "y"]))
        #expect(state.conflicts == [])
    }

    @Test func aBaseCountsForItsOwnFieldOnly() throws {
        var (docket, registration) = try Docket.registered()
        let hash = try docket.write(
            Place.home, .amended(Amendment(category: "roads")), base: [Base(field: .subject, events: [registration])])
        #expect(docket.state().values[.category]?.heads == [registration, hash])
        #expect(docket.state().values[.subject]?.heads == [registration])
    }

    @Test func aNationalIDIsNeverChosenByMachine() throws {
        var (docket, registration) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        let base = [Base(field: .citizenNationalID, events: [registration])]
        let change = CaseChange.amended(Amendment(textFields: [.citizenNationalID]))
        let first = try docket.write(Place.home, change, base: base, texts: Texts(citizenNationalID: "1"))
        let second = try docket.write(Place.seat, change, base: base, texts: Texts(citizenNationalID: "2"))
        let value = docket.state().values[.citizenNationalID]
        #expect(value == SharedValue(shown: first, conflicts: [second], value: nil))
        let settled = try docket.write(
            Place.seat, change, base: [Base(field: .citizenNationalID, events: [first, second])],
            texts: Texts(citizenNationalID: "2"))
        #expect(docket.state().values[.citizenNationalID]?.heads == [settled])
    }

    // MARK: The citizen's voice

    @Test func anOpenDisputeOutlivesAnyClosure() throws {
        var (docket, _) = try Docket.registered()
        let dispute = try docket.write(Place.home, .disputed)
        let close = try docket.write(Place.home, .closed(.resolved))
        #expect(docket.state().status == .disputed)
        #expect(docket.effect(of: close) == .applied)
        #expect(docket.state().openDisputes.map(\.event) == [dispute])
        try docket.write(
            Place.home, .reviewed(dispute: dispute, upheld: false), by: person("r", at: Place.home, .supervisor))
        #expect(docket.state().status == .closed)
    }

    @Test func aPastSeatStillHearsTheCitizen() throws {
        var (docket, _) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        try docket.write(Place.seat, .closed(.resolved), epoch: 10)
        let dispute = try docket.write(Place.home, .disputed)
        #expect(docket.effect(of: dispute) == .applied)
        #expect(docket.state().status == .disputed)
    }

    @Test func aWithdrawalEndsTheCaseOnlyWithNoOpenDispute() throws {
        var (docket, _) = try Docket.registered()
        let withdrawal = try docket.write(Place.home, .withdrawn)
        #expect(docket.state().status == .closed && docket.state().outcome == .withdrawn)
        #expect(docket.state().withdrawnBy == withdrawal)
        let again = try docket.write(Place.home, .withdrawn)
        #expect(docket.effect(of: again) == .withoutEffect(.repeated))
        let dispute = try docket.write(Place.home, .disputed)
        #expect(docket.state().status == .disputed)
        try docket.write(
            Place.home, .reviewed(dispute: dispute, upheld: false), by: person("r", at: Place.home, .supervisor))
        #expect(docket.state().status == .closed && docket.state().outcome == .withdrawn)
    }

    @Test func anUpheldDisputeTakesBackAnEarlierWithdrawal() throws {
        var (docket, _) = try Docket.registered()
        let withdrawal = try docket.write(Place.home, .withdrawn)
        let dispute = try docket.write(Place.home, .disputed)
        try docket.write(
            Place.home, .reviewed(dispute: dispute, upheld: true), by: person("r", at: Place.home, .supervisor))
        #expect(docket.state().status == .registered)
        #expect(docket.effect(of: withdrawal) == .withoutEffect(.disputeUpheld))
        let later = try docket.write(Place.home, .withdrawn)
        #expect(docket.state().withdrawnBy == later && docket.state().status == .closed)
    }

    @Test func theVoiceNeedsARegisteredCase() throws {
        var docket = Docket()
        let code = try #require(TrackingCode(province: 3, random: 5))
        try docket.write(Place.home, .opened(trackingCode: code))
        let voice = [
            try docket.write(Place.home, .disputed), try docket.write(Place.home, .rated(score: 5)),
            try docket.write(Place.home, .withdrawn),
        ]
        for hash in voice { #expect(docket.effect(of: hash) == .withoutEffect(.notRegistered)) }
        #expect(docket.state().status == .draft)
        try docket.write(Place.home, docket.registration())
        for hash in voice { #expect(docket.effect(of: hash) == .applied) }
        #expect(docket.state().status == .disputed)
        #expect(docket.state().ratings.map(\.score) == [5])
    }

    // MARK: Escalation

    @Test func aClockEscalatesOnceForEachLevel() throws {
        var (docket, registration) = try Docket.registered()
        let first = try docket.write(Place.home, .escalated(clock: registration, level: 1))
        let again = try docket.write(.hub, .escalated(clock: registration, level: 1))
        let second = try docket.write(.hub, .escalated(clock: registration, level: 2))
        #expect(docket.state().escalations.map(\.event) == [first, second])
        #expect(docket.effect(of: again) == .withoutEffect(.alreadyEscalated))
    }

    @Test(arguments: [true, false]) func aTimelyAnswerCancelsAnEscalation(timely: Bool) throws {
        var (docket, registration) = try Docket.registered()
        let due = Docket.start + 15 * Instant.day
        docket.now = timely ? due - Instant.second : due
        try docket.write(Place.home, .answered)
        let late = try docket.write(.hub, .escalated(clock: registration, level: 2))
        #expect(docket.effect(of: late) == (timely ? .withoutEffect(.answeredInTime) : .applied))
    }

    @Test(arguments: [true, false]) func aHoldersClockIsMeasuredByItsOwnDue(timely: Bool) throws {
        var (docket, _) = try Docket.registered()
        let grant = try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        let due = Due(at: docket.now + 5 * Instant.day, calendar: 1)
        let clock = try docket.write(Place.seat, .received(grant: grant, due: due, acceptBy: due), epoch: 10)
        docket.now = due.at + (timely ? -Instant.day : Instant.day)
        try docket.write(Place.seat, .answered, epoch: 10)
        let escalation = try docket.write(Place.seat, .escalated(clock: clock, level: 1))
        #expect(docket.effect(of: escalation) == (timely ? .withoutEffect(.answeredInTime) : .applied))
    }

    /// The grant names the clock of accepting, so that one `received` starts two clocks that are told apart.
    @Test(arguments: [true, false]) func theTimeToAcceptIsMeasuredByItsOwnDue(timely: Bool) throws {
        var (docket, _) = try Docket.registered()
        let grant = try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        let (due, acceptBy) = (docket.now + 5 * Instant.day, docket.now + 2 * Instant.day)
        try docket.write(
            Place.seat,
            .received(grant: grant, due: Due(at: due, calendar: 1), acceptBy: Due(at: acceptBy, calendar: 1)),
            epoch: 10)
        docket.now = acceptBy + (timely ? -Instant.hour : Instant.hour)
        try docket.write(Place.seat, .answered, epoch: 10)
        let escalation = try docket.write(Place.seat, .escalated(clock: grant, level: 1))
        #expect(docket.effect(of: escalation) == (timely ? .withoutEffect(.answeredInTime) : .applied))
    }

    // MARK: Notices

    /// Reports come in any order: what says less than was known changes nothing, and a proven delivery stands.
    @Test func aNoticeStandsAsItWasHeardBest() throws {
        var (docket, registration) = try Docket.registered()
        let key = NoticeKey(event: registration, recipient: .citizen, template: "registered")
        func notified(_ outcome: NoticeOutcome) throws -> EventHash {
            try docket.write(Place.home, .notified(Notice(key: key, outcome: outcome)))
        }
        let events = try [NoticeOutcome.sent, .failed, .sent, .delivered, .failed].map(notified)
        #expect(docket.state().notices == [Notice(key: key, outcome: .delivered)])
        #expect(docket.state().outcome(of: key) == .delivered)
        let isApplied = events.map { docket.effect(of: $0) == .applied }
        #expect(isApplied == [true, true, false, true, false])
        #expect(docket.effect(of: events[2]) == .withoutEffect(.repeated))
    }

    // MARK: Order

    @Test func historyIsOrderedByStampThenPlace() throws {
        var (docket, registration) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        docket.skews[Place.seat] = -Instant.minute
        let behind = try docket.write(Place.seat, .noted)
        let order = docket.state().history.map(\.event)
        #expect(order.first == behind)
        #expect(order.dropFirst().first == registration)
    }

    @Test func theHubBoundsAStampThatRanAhead() throws {
        var (docket, registration) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        docket.skews[Place.seat] = 365 * Instant.day
        let ahead = try docket.amend(Place.seat, subject: "a year ahead", seeing: [registration])
        let honest = try docket.amend(Place.home, subject: "honest", seeing: [registration])
        #expect(docket.state().values[.subject]?.shown == ahead)
        let bound = try #require(docket.events.first { $0.hash == honest }?.envelope.stamp.rawValue)
        try docket.write(.hub, .stamped(ahead, hlc: bound - 1))
        #expect(docket.state().values[.subject]?.shown == honest)
        #expect(docket.state().conflicts == [ahead])
        // A restored hub may have said two: the least counts.
        try docket.write(.hub, .stamped(ahead, hlc: bound + 1))
        #expect(docket.state().values[.subject]?.shown == honest)
    }

    @Test func effectiveStampsNeverFallAlongAChain() throws {
        var (docket, _) = try Docket.registered()
        docket.skews[Place.home] = 4 * Instant.minute
        let before = try docket.write(Place.home, .answered)
        docket.skews[Place.home] = 365 * Instant.day
        let ahead = try docket.write(Place.home, .closed(.resolved))
        // Bounded to a moment before its own predecessor, it still comes after it.
        try docket.write(.hub, .stamped(ahead, hlc: Stamp(at: docket.now).rawValue))
        let order = docket.state().history.map(\.event)
        let (first, second) = (try #require(order.firstIndex(of: before)), try #require(order.firstIndex(of: ahead)))
        #expect(first < second)
        #expect(docket.state().status == .closed)
    }

    // MARK: Parking

    @Test func aNewerEventParksItsCase() throws {
        var (docket, _) = try Docket.registered()
        try docket.write(Place.home, .closed(.advised))
        let newer = try docket.forgeLast { $0.minReader = 2 }
        #expect(docket.state().parkedBy == newer)
        #expect(docket.effect(of: newer) == .parked)
        #expect(docket.state().status == .registered)
        // An upgrade frees it.
        let upgraded = Fold.fold(docket.id, docket.events, reader: 2)
        #expect(upgraded.parkedBy == nil)
        #expect(upgraded.status == .closed)
    }

    /// Whoever does not know an append-only kind keeps it and goes on; an upgrade shows what it says.
    @Test(arguments: [
        CaseChange.noted, .acted, .duplicateMarked(of: CaseID(home: Place.seat, at: Docket.start, random: (1, 2))),
    ])
    func aNewerAppendOnlyEventParksNothing(_ change: CaseChange) throws {
        var (docket, _) = try Docket.registered()
        try docket.write(Place.home, change)
        let newer = try docket.forgeLast { $0.minReader = 2 }
        try docket.write(Place.home, .closed(.advised))
        #expect(docket.state().parkedBy == nil && docket.state().hasNewer)
        #expect(docket.effect(of: newer) == .newer)
        #expect(docket.state().status == .closed)
        let upgraded = Fold.fold(docket.id, docket.events, reader: 2)
        #expect(!upgraded.hasNewer && upgraded.history.allSatisfy { $0.effect == .applied })
    }

    /// The class of a kind that this reader has never heard of stands in the envelope.
    @Test(arguments: MergeClass.allCases) func anUnknownKindDoesWhatItsClassSays(_ mergeClass: MergeClass) throws {
        var (docket, _) = try Docket.registered()
        try docket.write(Place.home, .closed(.advised))
        let newer = try docket.forgeLast {
            ($0.type, $0.minReader, $0.declaredClass) = ("from.the.future", 2, mergeClass)
            $0.content = .unreadable
        }
        let isBeside = mergeClass == .appendOnly
        #expect(docket.effect(of: newer) == (isBeside ? .newer : .parked))
        #expect(docket.state().parkedBy == (isBeside ? nil : newer) && docket.state().hasNewer == isBeside)
    }

    @Test func anUnknownClassParks() throws {
        var (docket, _) = try Docket.registered()
        try docket.write(Place.home, .noted)
        let newer = try docket.forgeLast {
            ($0.type, $0.minReader, $0.declaredClass, $0.content) = ("from.the.future", 2, nil, .unreadable)
        }
        #expect(docket.effect(of: newer) == .parked)
    }

    @Test func anUndecodableContentParksItsCase() throws {
        var (docket, _) = try Docket.registered()
        try docket.write(Place.home, .closed(.advised))
        let strange = try docket.forgeLast { $0.type = "from.the.future" }
        #expect(docket.state().parkedBy == strange)
        #expect(docket.state().heldStatus == .registered)
    }

    @Test func aGrantThatIsNotUnderstoodMovesNothing() throws {
        var (docket, _) = try Docket.registered()
        try docket.grant("IR-23", at: Place.seat, epoch: 10, from: Place.home)
        let newer = try docket.forgeLast { $0.minReader = 2 }
        #expect(docket.effect(of: newer) == .parked)
        #expect(docket.state().seat == Place.home && docket.state().epoch == 0)
    }

    @Test func aStrangerCannotParkACase() throws {
        var (docket, _) = try Docket.registered()
        try docket.write(Place.stranger, .noted)
        let strange = try docket.forgeLast { $0.minReader = 99 }
        #expect(docket.state().parkedBy == nil)
        #expect(docket.effect(of: strange) == .withoutEffect(.foreignOrigin))
    }
}
