import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// The heads of a shared field by their definition, pair by pair: dumb, and written without a look at the fold.
enum SharedHeadsReference {
    /// Value events of `field` that no other value event of it names in its base, the shown one last.
    static func heads(of field: Field, among values: [Event]) -> [EventHash] {
        var heads = [Event]()
        for candidate in values where touches(candidate, field) {
            var isReplaced = false
            for other in values where other.hash != candidate.hash && touches(other, field) {
                for base in other.envelope.base where base.field == field {
                    for seen in base.events where seen == candidate.hash { isReplaced = true }
                }
            }
            if !isReplaced { heads.append(candidate) }
        }
        return heads.sorted { isBefore($0.envelope, $1.envelope) }.map(\.hash)
    }

    static func touches(_ event: Event, _ field: Field) -> Bool {
        switch event.envelope.change {
        case .registered: true
        case .amended(let amendment):
            amendment.textFields.contains(field) || field == .category && amendment.category != nil
                || field == .priority && amendment.priority != nil || field == .tags && amendment.tags != nil
        default: false
        }
    }

    private static func isBefore(_ a: Envelope, _ b: Envelope) -> Bool {
        (a.stamp.rawValue, a.origin.code, a.incarnation, a.seq)
            < (b.stamp.rawValue, b.origin.code, b.incarnation, b.seq)
    }
}

@Suite struct SharedHeadsTests {
    /// Value events with arbitrary bases: of other fields, of unknown events, of themselves, along no history at all.
    private func randomEvents(_ random: inout Generator, _ id: CaseID) -> [Event] {
        let origins = [Place.home, .hub]
        let fields: [Field] = [.subject, .category, .tags, .citizenNationalID]
        let hashes = (0..<(2 + random.below(9))).map { index in
            sha256([UInt8(index), UInt8(random.below(256))])
        }
        return hashes.enumerated().map { index, hash in
            var amendment = Amendment()
            for field in fields where random.chance(60) {
                switch field {
                case .category: amendment.category = "x"
                case .tags: amendment.tags = []
                default: amendment.textFields.append(field)
                }
            }
            let base = fields.map { field in
                Base(
                    field: random.chance(5) ? nil : field,
                    events: hashes.filter { _ in random.chance(25) } + (random.chance(10) ? [.zero] : []))
            }
            let envelope = Envelope(
                id: [], origin: origins[random.below(2)], incarnation: UInt64(random.below(2)), seq: UInt64(index + 1),
                previous: .zero, caseID: id, base: base, epoch: 0, stamp: Stamp(rawValue: UInt64(index / 3)),
                occurredAt: Docket.start, actor: person("x", at: Place.home), type: "amended", schema: 1, minReader: 1,
                content: .change(.amended(amendment)), partHash: nil, applies: nil)
            return Event(envelope: envelope, bytes: [], hash: hash, part: .none)
        }
    }

    @Test func theFoldAgreesWithTheDefinition() throws {
        var conflicts = 0
        for seed in UInt64(1)...400 {
            var random = Generator(seed: seed)
            let id = CaseID(home: Place.home, at: Docket.start, random: (seed, 1))
            let events = randomEvents(&random, id)
            let state = Fold.fold(id, events.shuffled(using: &random))
            for field in Field.allCases {
                let expected = SharedHeadsReference.heads(of: field, among: events)
                let value = state.values[field]
                #expect(Set(value?.heads ?? []) == Set(expected), "seed \(seed), \(field)")
                let shown = field == .citizenNationalID ? expected.first : expected.last
                #expect(value?.shown == shown, "seed \(seed), \(field)")
                conflicts += value?.conflicts.count ?? 0
            }
        }
        #expect(conflicts > 400)
    }
}
