import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// The history of one case, written by several origins that know only part of each other: referrals and returns, edits,
/// branches, clocks that are wrong, events of the future, an outsider. What they write need not make sense.
struct RandomHistory {
    private(set) var docket: Docket
    private var random: Generator
    private var origins: [Origin]
    /// What each origin has received.
    private var views: [Origin: [Event]] = [:]

    var id: CaseID { docket.id }
    var events: [Event] { docket.events }

    init(seed: UInt64) throws {
        docket = Docket(seed: seed)
        random = Generator(seed: seed &* 7_919)
        origins = [Place.home, Place.seat, .hub]
        if random.chance(50) { origins.append(Place.other) }
        if random.chance(30) { origins.append(Place.stranger) }
        for origin in origins {
            let skew = random.chance(10) ? 365 * Instant.day : Int64(random.below(240_000)) - 120_000
            docket.skews[origin] = skew
        }
        if random.chance(30) { try write(Place.home, .opened(trackingCode: code())) }
        if random.chance(92) { try write(Place.home, docket.registration()) }
        for _ in 0..<(6 + random.below(9)) { try step() }
    }

    private mutating func step() throws {
        let actsInTurn = random.chance(45)
        let origin = actsInTurn ? seat : origins[random.below(origins.count)]
        if actsInTurn { views[origin] = docket.events }
        if random.chance(45) { sync(origin) }
        if random.chance(6) { restart(origin) }
        if origin == .hub, random.chance(60) {
            try write(origin, hubChange())
        } else {
            try write(origin, actsInTurn && random.chance(60) ? nextChange() : change(origin))
        }
        if random.chance(4) {
            let isNewer = random.chance(50)
            _ = try docket.forgeLast { if isNewer { $0.minReader = 2 } else { $0.type = "from.the.future" } }
        }
        if let last = docket.events.last { views[origin, default: []].append(last) }
    }

    /// Who holds custody by the last grant.
    private var seat: Origin { lastGrant?.seat ?? Place.home }

    private var lastGrant: Grant? {
        docket.events.compactMap { event in
            if case .granted(let grant) = event.envelope.change { grant } else { nil }
        }.max { $0.epoch < $1.epoch }
    }

    /// What an office might do after the last held write.
    private mutating func nextChange() throws -> CaseChange {
        let last = docket.events.last { $0.envelope.change?.mergeClass == .held }
        switch last?.envelope.change {
        case .referred: return random.chance(50) ? .accepted : .refused
        case .accepted: return .answered
        case .answered, .closed: return .disputed
        case .registered: return .referred(to: office("IR-03-MUN"), seat: Place.home)
        default: return try docket.registration()
        }
    }

    private mutating func sync(_ origin: Origin) {
        let known = Set((views[origin] ?? []).map(\.hash))
        for event in docket.events where !known.contains(event.hash) && random.chance(80) {
            views[origin, default: []].append(event)
        }
    }

    /// A new incarnation, from the last event or, as a restored backup does, from an earlier one.
    private mutating func restart(_ origin: Origin) {
        let own = docket.events.filter { $0.origin == origin }
        guard !own.isEmpty else { return }
        let parent = random.chance(50) ? own[own.count - 1] : own[random.below(own.count)]
        let head = ChainHead(
            incarnation: parent.envelope.incarnation, seq: parent.envelope.seq, hash: parent.hash)
        docket.restart(origin, as: 1_000 + UInt64(random.below(1_000_000)), from: head)
    }

    private mutating func write(_ origin: Origin, _ change: CaseChange) throws {
        var texts = Texts()
        var base = [Base]()
        switch change {
        case .amended(let amendment):
            for field in amendment.fields {
                texts[field] = "\(random.below(1_000))"
                base.append(Base(field: field, events: seen(field, by: origin)))
            }
        case .hidden(let entry), .unhidden(let entry):
            let unhides = (views[origin] ?? []).filter { $0.envelope.change == .unhidden(entry) }.map(\.hash)
            base = [Base(field: nil, events: [entry] + unhides)]
        default: break
        }
        try docket.write(
            origin, change, epoch: epoch(of: origin), base: base, texts: texts,
            applies: random.chance(12) ? someEvent(origin) : nil,
            by: person("clerk \(random.below(3))", at: origin))
    }

    private mutating func seen(_ field: Field, by origin: Origin) -> [EventHash] {
        let view = views[origin] ?? []
        if random.chance(10) { return view.filter { _ in random.chance(30) }.map(\.hash) }
        return SharedHeadsReference.heads(of: field, among: view)
    }

    private mutating func epoch(of origin: Origin) -> Epoch {
        if random.chance(15) { return Epoch(random.below(4) * 10) }
        return (views[origin] ?? []).map { event in
            if case .granted(let grant) = event.envelope.change { grant.epoch } else { 0 }
        }.max() ?? 0
    }

    /// An event that the origin knows, preferably one of a kind.
    private mutating func someEvent(_ origin: Origin, _ isWanted: (Event) -> Bool = { _ in true }) -> EventHash {
        let view = views[origin] ?? []
        let wanted = view.filter(isWanted)
        let choice = wanted.isEmpty ? view : wanted
        return choice.isEmpty ? .zero : choice[random.below(choice.count)].hash
    }

    private mutating func code() throws -> TrackingCode {
        try #require(TrackingCode(province: 3, random: UInt64(random.below(1_000))))
    }

    private mutating func hubChange() -> CaseChange {
        switch random.below(5) {
        case 0: return .stamped(someEvent(.hub), hlc: Stamp(at: docket.now).rawValue)
        case 1:
            let losers = docket.positions(of: Place.home).filter { _ in random.chance(50) }
            return .branchRanked(BranchRank(origin: Place.home, epoch: Epoch(random.below(3) * 10), losers: losers))
        default:
            let outgoing = origins[random.below(origins.count)]
            let seats = origins.filter { $0 != Place.stranger }
            let seat = seats[random.below(seats.count)]
            let causes = (views[.hub] ?? []).filter {
                switch $0.envelope.change {
                case .referred, .refused: true
                default: false
                }
            }
            return .granted(
                Grant(
                    epoch: Epoch(1 + random.below(4)) * 10, holder: OrganizationCode(seat), seat: seat,
                    cut: docket.positions(of: outgoing), cause: causes.last?.hash))
        }
    }

    private mutating func change(_ origin: Origin) throws -> CaseChange {
        let due = Due(at: docket.now + Int64(random.below(20)) * Instant.day, calendar: 1)
        let seat = origins[random.below(origins.count)]
        switch random.below(28) {
        case 0...5: return .amended(amendment())
        case 6: return .hidden(someEvent(origin))
        case 7: return .unhidden(someEvent(origin))
        case 8:
            guard random.chance(30) else { return .noted }
            return .attached(Attachment(sha256: someEvent(origin), size: 1, mediaType: "image/jpeg"))
        case 9: return .acted
        case 10: return .answered
        case 11: return .closed(.resolved)
        case 12, 13: return .accepted
        case 14: return .refused
        case 15, 16: return .referred(to: OrganizationCode(seat), seat: seat)
        case 17: return .assessed(Assessment(lawful: random.chance(50), withinMeans: true, done: false))
        case 18:
            let grant = someEvent(origin) { $0.origin == .hub }
            return .received(grant: grant, due: due, acceptBy: due)
        case 19: return .disputed
        case 20:
            let dispute = someEvent(origin) { $0.envelope.change == .disputed }
            return .reviewed(dispute: dispute, upheld: random.chance(50))
        case 21: return .withdrawn
        case 22: return random.chance(50) ? .rated(score: 1 + random.below(5)) : .dueMoved(due)
        case 23:
            let type = random.chance(70) ? "registered" : "received"
            return .escalated(clock: someEvent(origin) { $0.envelope.type == type }, level: 1 + random.below(2))
        case 24: return .duplicateMarked(of: CaseID(home: .hub, at: Docket.start, random: (UInt64(random.below(2)), 1)))
        case 25: return random.chance(50) ? try docket.registration() : .opened(trackingCode: try code())
        default: return .escalated(clock: docket.events.first?.hash ?? .zero, level: 1)
        }
    }

    private mutating func amendment() -> Amendment {
        var amendment = Amendment(textFields: random.chance(70) ? [.subject] : [.citizenNationalID])
        if random.chance(40) { amendment.category = "category \(random.below(9))" }
        if random.chance(20) { amendment.tags = ["\(random.below(9))"] }
        return amendment
    }
}
