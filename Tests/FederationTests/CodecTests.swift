import Casework
import FoundationEssentials
import SwiftProtobuf
import Testing

@testable import Federation

@Suite struct CodecTests {
    private static let hash = sha256([1])
    private static let due = Due(at: Docket.start, calendar: 3)

    /// One of every change, with every field set.
    static func everyChange() throws -> [CaseChange] {
        let code = try #require(TrackingCode(province: 3, random: 5))
        let registration = Registration(
            trackingCode: code, kind: .request, channel: .inPerson, category: "water", priority: .urgent,
            tags: ["a", "ب"], about: office("IR-03-MUN"), due: due, imported: true)
        let grant = Grant(
            epoch: .max, holder: office("SAMT"), seat: .hub,
            cut: [ChainPlace(incarnation: .max, seq: 7), ChainPlace(incarnation: 1, seq: 2)], cause: hash)
        return [
            .opened(trackingCode: code), .registered(registration),
            .registered(Registration(trackingCode: code, kind: .idea, channel: .web, category: "", due: due)),
            .assessed(Assessment(lawful: true, withinMeans: false, done: true)),
            .referred(to: office("IR-23"), seat: Place.seat), .received(grant: hash, due: due, acceptBy: due),
            .accepted, .refused, .acted, .answered, .closed(.beyondMeans), .noted,
            .attached(Attachment(sha256: hash, size: 4 << 30, mediaType: "audio/ogg; codecs=opus")),
            .amended(Amendment(category: "x", priority: .low, tags: [], textFields: [.subject, .citizenNationalID])),
            .amended(Amendment(textFields: [.description])), .hidden(hash), .unhidden(hash), .disputed,
            .reviewed(dispute: hash, upheld: true), .rated(score: 5), .withdrawn, .dueMoved(due),
            .escalated(clock: hash, level: 2),
            .duplicateMarked(of: CaseID(home: .hub, at: Docket.start, random: (1, 1))), .granted(grant),
            .notified(
                Notice(key: NoticeKey(event: hash, recipient: .citizen, template: "due.moved"), outcome: .failed)),
            .granted(Grant(epoch: 1, holder: office("IR-23"), seat: Place.seat, cut: [], cause: nil)),
            .stamped(hash, hlc: .max),
            .branchRanked(BranchRank(origin: Place.home, epoch: 4, losers: [ChainPlace(incarnation: 2, seq: 3)])),
        ]
    }

    @Test func everyChangeRoundTripsInItsEnvelope() throws {
        var docket = Docket()
        let texts = Texts(
            subject: "s", description: "d", citizenName: "n", citizenNationalID: "i", citizenMobile: "m",
            citizenAddress: "", text: "متن")
        let base = [Base(field: nil, events: [Self.hash]), Base(field: .citizenMobile, events: [Self.hash, .zero])]
        var types = Set<String>()
        for change in try Self.everyChange() {
            try docket.write(Place.home, change, epoch: 12, base: base, texts: texts, applies: Self.hash)
            let event = try #require(docket.events.last)
            let read = try Event(bytes: event.bytes, part: event.part, hashing: sha256)
            #expect(read.envelope == event.envelope, "\(change)")
            #expect(read == event && read.bytes == event.bytes && read.part == event.part)
            #expect(read.texts == texts)
            types.insert(change.kind.rawValue)
        }
        // Every kind of change is among them.
        #expect(types.count == EventKind.allCases.count)
    }

    @Test func anEnvelopeWithoutOptionsRoundTrips() throws {
        var docket = Docket()
        try docket.write(Place.home, .noted)
        let written = try #require(docket.events.first)
        var envelope = written.envelope
        envelope.caseID = nil
        envelope.occurredAt = Instant(milliseconds: .min)
        envelope.stamp = Stamp(rawValue: .max)
        envelope.incarnation = .max
        #expect(try Envelope(wire: envelope.wire) == envelope)
        #expect(written.part == .none && envelope.partHash == nil)
    }

    // MARK: Unknown fields

    /// A field that this reader does not know: number 200, a string of three bytes.
    private static let unknownField: [UInt8] = [0xC2, 0x0C, 3, 0x61, 0x62, 0x63]

    @Test func unknownFieldsSurviveInTheExactBytes() throws {
        var docket = Docket()
        try docket.write(Place.home, .noted, texts: Texts(text: "x"))
        let event = try #require(docket.events.first)
        let bytes = event.bytes + Self.unknownField
        let read = try Event(bytes: bytes, part: event.part, hashing: sha256)
        #expect(read.bytes == bytes)
        #expect(read.hash == sha256(bytes))
        #expect(read.hash != event.hash)
        #expect(read.envelope == event.envelope)
        // Written anew the field would be lost: the hash is taken over what the origin stored.
        #expect(sha256(read.envelope.wire) != read.hash)
        // And it crosses the wire as it is.
        let frame = NodeFrame.events([WireEvent(read)])
        #expect(try NodeFrame(wire: frame.wire) == frame)
    }

    @Test func frameReadersSkipUnknownFields() throws {
        let frame = NodeFrame.goodbye(Goodbye(reason: "maintenance", retryAfterMilliseconds: 5))
        #expect(try NodeFrame(wire: frame.wire + Self.unknownField) == frame)
    }

    // MARK: Parts

    @Test func aPartHasTheHashThatItsEnvelopeNames() throws {
        var docket = Docket()
        try docket.write(Place.home, .noted, texts: Texts(text: "x"))
        let event = try #require(docket.events.first)
        let part = try #require(event.part.bytes)
        #expect(event.envelope.partHash == sha256(part))
        #expect(throws: EventFault.wrongPart(event.hash)) {
            try Event(bytes: event.bytes, part: .present(part + [0]), hashing: sha256)
        }
        // Absent, withheld, erased: the chain verifies all the same.
        #expect(try Event(bytes: event.bytes, part: .none, hashing: sha256).part == .withheld)
        #expect(try Event(bytes: event.bytes, part: .withheld, hashing: sha256).hash == event.hash)
        #expect(try Event(bytes: event.bytes, part: .erased, hashing: sha256).part == .erased)
        #expect(event.withheld.part == .withheld && event.withheld.texts == nil)
    }

    @Test func aPartThatNoEnvelopeNamesIsRefused() throws {
        var docket = Docket()
        try docket.write(Place.home, .noted)
        let event = try #require(docket.events.first)
        #expect(throws: EventFault.wrongPart(event.hash)) {
            try Event(bytes: event.bytes, part: .present([1, 2, 3]), hashing: sha256)
        }
        #expect(try Event(bytes: event.bytes, part: .withheld, hashing: sha256).part == .none)
    }

    @Test func equalTextsHaveUnequalParts() throws {
        var docket = Docket()
        try docket.write(Place.home, .noted, texts: Texts(text: "x"))
        try docket.write(Place.home, .noted, texts: Texts(text: "x"))
        #expect(docket.events[0].envelope.partHash != docket.events[1].envelope.partHash)
        #expect(docket.events.map(\.texts) == [Texts(text: "x"), Texts(text: "x")])
        #expect(Texts(part: [UInt8](repeating: 0, count: 15)) == nil)
        #expect(Texts(part: [UInt8](repeating: 0, count: 16)) == Texts())
    }

    // MARK: Malformed envelopes

    @Test func whatIsWrongWithAnEnvelopeIsItsOriginsFault() throws {
        var docket = Docket()
        try docket.write(Place.home, .noted)
        let good = try #require(docket.events.first)
        let message = try Peyvand_V1_Envelope(serializedBytes: good.bytes)
        let faults: [(String, (inout Peyvand_V1_Envelope) -> Void)] = [
            ("format 2 is not known", { $0.format = 2 }), ("unknown origin", { $0.origin = "IR-31" }),
            ("seq out of range", { $0.seq = 0 }), ("seq out of range", { $0.seq = .max }),
            ("prev_hash", { $0.prevHash = .init() }), ("id", { $0.id = .init() }),
            ("case_id", { $0.caseID.removeLast() }), ("part_hash", { $0.partHash = $0.id }),
            ("applies", { $0.applies = $0.id }), ("actor", { $0.actor.organization = "ir 3" }),
        ]
        for (reason, edit) in faults {
            var bad = message
            edit(&bad)
            #expect(throws: EventFault.unreadableEnvelope(reason)) {
                try Event(bytes: bad.wire, part: .none, hashing: sha256)
            }
        }
        #expect(throws: EventFault.unreadableEnvelope("not a message")) {
            try Event(bytes: [0xFF, 0xFF], part: .none, hashing: sha256)
        }
        let size = Schema.maximumEventSize + 1
        #expect(throws: EventFault.tooLarge(size)) {
            try Event(bytes: [UInt8](repeating: 0, count: size), part: .none, hashing: sha256)
        }
    }

    @Test func whatIsNotUnderstoodInAContentParksAndFaultsNobody() throws {
        var docket = Docket()
        try docket.write(Place.home, .rated(score: 1))
        let good = try Peyvand_V1_Envelope(serializedBytes: try #require(docket.events.first).bytes)
        let edits: [(inout Peyvand_V1_Envelope) -> Void] = [
            { $0.type = "from.the.future" }, { $0.content = $0.id }, { $0.content = .init() },
            { $0.actor.role = "emperor" }, { $0.base = [.with { $0.field = "shoe_size" }] },
            { $0.base = [.with { $0.events = [.init([1])] }] },
            { $0.content = .init(Peyvand_V1_Content.with { $0.rated = .with { $0.score = 6 } }.wire) },
        ]
        for edit in edits {
            var strange = good
            edit(&strange)
            let event = try Event(bytes: strange.wire, part: .none, hashing: sha256)
            #expect(event.envelope.content == .unreadable)
        }
    }

    // MARK: Frames

    static func everyFrame() throws -> (node: [NodeFrame], hub: [HubFrame]) {
        var docket = Docket()
        try docket.write(Place.home, docket.registration(), texts: Texts(subject: "x"))
        try docket.write(Place.home, .noted)
        let events = docket.events.map { WireEvent($0) }
        let heads = [ChainHead(incarnation: .max, seq: 9, hash: hash), ChainHead(incarnation: 0, seq: 0, hash: .zero)]
        let cursor = FeedCursor(hubIncarnation: .max, seq: .max, hash: hash)
        let alarm = Alarm(code: .gap, detail: "متن", event: hash)
        let goodbye = Goodbye(reason: "x", retryAfterMilliseconds: .max)
        let erased = WireEvent(bytes: events[0].bytes, part: .erased)
        let withheld = WireEvent(bytes: events[0].bytes, part: .withheld)
        return (
            [
                .hello(
                    Hello(
                        origin: Place.home, writer: .max, heads: heads, schemas: [1, 2], cursors: [cursor, cursor],
                        hubHeads: heads, clock: Docket.start, backlog: 4)),
                .hello(
                    Hello(
                        origin: Place.seat, writer: 0, heads: [], schemas: [], cursors: [], hubHeads: [],
                        clock: Instant(milliseconds: -1), backlog: 0)),
                .events(events + [erased, withheld]), .events([]),
                .history(History(.lost, events, isLast: false)), .history(History(.repair, [], isLast: true)),
                .digests([CaseDigest(caseID: docket.id, digest: hash)]), .digests([]), .fetch([docket.id]), .fetch([]),
                .feedAck(cursor, clock: Docket.start, backlog: 3),
                .feedAck(nil, clock: Docket.start, backlog: 0), .alarm(alarm),
                .alarm(Alarm(code: .gap, detail: "")), .goodbye(goodbye),
            ],
            [
                .welcome(
                    Welcome(
                        schemas: [1], heads: heads, clock: Docket.start, incarnation: .max, quarantined: true,
                        lost: [Stretch(incarnation: .max, after: 0), Stretch(incarnation: 1, after: .max)], feed: cursor
                    )),
                .history(History(.lost, events, isLast: true)), .history(History(.repair, [withheld], isLast: false)),
                .fetch([docket.id]),
                .ack(Ack(heads: heads, committedAt: Docket.start, position: .max, signature: [1, 2, 3])),
                .feed(events.map { FeedRow(cursor: cursor, event: $0) } + [FeedRow(cursor: cursor, event: erased)]),
                .alarm(alarm), .goodbye(goodbye),
            ]
        )
    }

    @Test func everyFrameRoundTrips() throws {
        let frames = try Self.everyFrame()
        for frame in frames.node { #expect(try NodeFrame(wire: frame.wire) == frame) }
        for frame in frames.hub { #expect(try HubFrame(wire: frame.wire) == frame) }
    }

    /// A bit that flips on the way is found, though the bytes still read as an event.
    @Test func bytesThatChangedOnTheWayAreFound() throws {
        var docket = Docket()
        try docket.write(Place.home, .noted, texts: Texts(text: "n"), by: person("ali", at: Place.home))
        let event = docket.events[0]
        var envelope = event.envelope
        envelope.actor.name = "alj"
        var wire = WireEvent(event)
        #expect(try Event(wire, hashing: sha256) == event)
        wire.bytes = envelope.wire
        #expect(throws: EventFault.wrongHash(event.hash)) { try Event(wire, hashing: sha256) }
        wire.hash = nil
        #expect(try Event(wire, hashing: sha256).envelope.actor.name == "alj")
    }

    @Test func framesThatLackSomethingAreFaults() throws {
        #expect(throws: FrameFault("not a NodeFrame")) { try NodeFrame(wire: []) }
        #expect(throws: FrameFault("not a HubFrame")) { try HubFrame(wire: []) }
        let noOrigin = Peyvand_V1_NodeFrame.with { $0.hello = Peyvand_V1_Hello() }
        #expect(throws: FrameFault("Hello names no known origin")) { try NodeFrame(wire: noOrigin.wire) }
        let noCursor = Peyvand_V1_NodeFrame.with { $0.feedAck = .with { $0.cursor = Peyvand_V1_Cursor() } }
        #expect(throws: FrameFault("a cursor without a hash")) { try NodeFrame(wire: noCursor.wire) }
        let noHash = Peyvand_V1_HubFrame.with { $0.ack = .with { $0.heads = [Peyvand_V1_Head()] } }
        #expect(throws: FrameFault("a head without a hash")) { try HubFrame(wire: noHash.wire) }
    }
}
