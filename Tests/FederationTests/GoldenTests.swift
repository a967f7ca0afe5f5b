import Casework
import FoundationEssentials
import Testing

@testable import Federation

/// The bytes of every kind and of every frame are those that stand in `Tests/Golden`.
@Suite struct GoldenTests {
    @Test func everyKindHasItsBytes() throws {
        let lines = try EventKind.allCases.map { kind in
            var docket = Docket(seed: 7)
            let change = try GoldenSamples.change(of: kind)
            try docket.write(kind.mergeClass == .hub ? .hub : Place.home, change, epoch: 3, texts: Texts(text: "متن"))
            let event = try #require(docket.events.last)
            #expect(event.envelope.change?.kind == kind)
            return "\(kind.rawValue) \(Hex.encode(event.bytes))"
        }
        try GoldenFile("events.txt").compare(lines)
    }

    @Test func everyFrameHasItsBytes() throws {
        let up = GoldenSamples.nodeFrames.map { "up.\(GoldenSamples.name(of: $0)) \(Hex.encode($0.wire))" }
        let down = GoldenSamples.hubFrames.map { "down.\(GoldenSamples.name(of: $0)) \(Hex.encode($0.wire))" }
        try GoldenFile("frames.txt").compare(up + down)
        #expect(Set(GoldenSamples.nodeFrames.map(GoldenSamples.name)).count == 8, "one of each")
        #expect(Set(GoldenSamples.hubFrames.map(GoldenSamples.name)).count == 7, "one of each")
    }
}

/// A file of golden lines beside the tests.
private struct GoldenFile {
    let path: String

    init(_ name: String, source: String = #filePath) {
        let tests = source.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
        path = tests.joined(separator: "/") + "/Golden/" + name
    }

    /// Compares line by line, or writes the file anew when that is asked for.
    func compare(_ lines: [String]) throws {
        let text = lines.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["PEYVAND_GOLDEN"] == "write" {
            return try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(golden.count == lines.count)
        for (known, line) in zip(golden, lines) { #expect(known == line) }
    }
}

/// One of everything that crosses the wire.
enum GoldenSamples {
    static let hash = EventHash(hex: String(repeating: "ab", count: 32)) ?? .zero
    static let due = Due(at: Docket.start + 15 * Instant.day, calendar: 1)

    /// A change of a kind; a new kind adds its line here.
    static func change(of kind: EventKind) throws -> CaseChange {
        switch kind {
        case .opened: .opened(trackingCode: try #require(TrackingCode(province: 3, random: 5)))
        case .registered: try Docket().registration(about: "IR-03-MUN")
        case .assessed: .assessed(Assessment(lawful: true, withinMeans: false, done: true))
        case .referred: .referred(to: office("IR-23"), seat: Place.seat)
        case .received: .received(grant: hash, due: due, acceptBy: due)
        case .accepted: .accepted
        case .refused: .refused
        case .acted: .acted
        case .answered: .answered
        case .closed: .closed(.beyondMeans)
        case .noted: .noted
        case .attached: .attached(Attachment(sha256: hash, size: 1 << 33, mediaType: "image/jpeg"))
        case .amended:
            .amended(Amendment(category: "water", priority: .high, tags: ["الف"], textFields: [.subject]))
        case .hidden: .hidden(hash)
        case .unhidden: .unhidden(hash)
        case .disputed: .disputed
        case .reviewed: .reviewed(dispute: hash, upheld: true)
        case .rated: .rated(score: 4)
        case .withdrawn: .withdrawn
        case .dueMoved: .dueMoved(due)
        case .escalated: .escalated(clock: hash, level: 2)
        case .duplicateMarked:
            .duplicateMarked(of: CaseID(home: Place.other, at: Docket.start, random: (3, 4)))
        case .notified:
            .notified(
                Notice(
                    key: NoticeKey(event: hash, recipient: .citizen, template: "answered"), outcome: .delivered))
        case .granted:
            .granted(
                Grant(
                    epoch: 9, holder: office("SAMT"), seat: .hub,
                    cut: [ChainPlace(incarnation: 7, seq: 12)], cause: hash))
        case .stamped: .stamped(hash, hlc: 1 << 50)
        case .branchRanked:
            .branchRanked(
                BranchRank(origin: Place.home, epoch: 3, losers: [ChainPlace(incarnation: 7, seq: 12)]))
        }
    }

    private static let head = ChainHead(incarnation: 7, seq: 12, hash: hash)
    private static let cursor = FeedCursor(hubIncarnation: 8, seq: 5, hash: hash)
    private static let wire = WireEvent(bytes: [1, 2, 3], part: .present([4, 5]), hash: hash)
    private static let caseID = CaseID(home: Place.home, at: Docket.start, random: (1, 2))
    private static let alarm = Alarm(code: .gap, detail: "events are missing", event: hash)
    private static let goodbye = Goodbye(reason: "later", retryAfterMilliseconds: 5_000)

    static let nodeFrames: [NodeFrame] = [
        .hello(
            Hello(
                origin: Place.home, writer: 7, heads: [head], schemas: [1, 2], cursors: [cursor], hubHeads: [head],
                clock: Docket.start, backlog: 3)),
        .events([wire]), .history(History(.repair, [wire], isLast: true)),
        .digests([CaseDigest(caseID: caseID, digest: hash)]), .fetch([caseID]),
        .feedAck(cursor, clock: Docket.start, backlog: 3), .alarm(alarm), .goodbye(goodbye),
    ]

    static let hubFrames: [HubFrame] = [
        .welcome(
            Welcome(
                schemas: [1, 2], heads: [head], clock: Docket.start, incarnation: 8, quarantined: true,
                lost: [Stretch(incarnation: 8, after: 4)], feed: cursor)),
        .ack(Ack(heads: [head], committedAt: Docket.start, position: 9, signature: [9, 9])),
        .feed([FeedRow(cursor: cursor, event: wire)]), .history(History(.lost, [wire], isLast: false)),
        .fetch([caseID]), .alarm(alarm), .goodbye(goodbye),
    ]

    static func name(of frame: NodeFrame) -> String {
        switch frame {
        case .hello: "hello"
        case .events: "events"
        case .history: "history"
        case .digests: "digests"
        case .fetch: "fetch"
        case .feedAck: "feedAck"
        case .alarm: "alarm"
        case .goodbye: "goodbye"
        }
    }

    static func name(of frame: HubFrame) -> String {
        switch frame {
        case .welcome: "welcome"
        case .ack: "ack"
        case .feed: "feed"
        case .history: "history"
        case .fetch: "fetch"
        case .alarm: "alarm"
        case .goodbye: "goodbye"
        }
    }
}
