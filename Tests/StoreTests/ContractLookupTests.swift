import Casework
import Federation
import Postgres
import Store
import Testing

/// Feeds, keys, cursors, receipts and clocks of every `CaseStore`.
@Suite struct ContractLookupTests {
    @Test(arguments: StoreKind.allCases) func feedsCarryPartsAsTheirRowsAllow(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice("hub")
            var province = ContractOffice("IR-03", seed: 3)
            try await office.begin(store)
            let event = try province.register()
            let plain = try province.write(.accepted, event.caseID)
            let there = try #require(Origin("IR-23"))
            var batch = office.batch([event, plain])
            batch.effects.routed = [
                route(event, to: there, 1, withPart: false), route(plain, to: there, 2, withPart: false),
                route(event, to: province.origin, 1),
            ]
            try await store.commit(batch)
            let rows = try await store.feed(of: there, after: 0)
            #expect(
                rows.map(\.cursor)
                    == [event, plain].enumerated().map {
                        FeedCursor(hubIncarnation: .max, seq: UInt64($0 + 1), hash: $1.hash)
                    })
            #expect(rows.map(\.event.bytes) == [event.bytes, plain.bytes])
            #expect(rows.map(\.event.part) == [.withheld, .none])
            #expect(try await store.feed(of: province.origin, after: 0).map(\.event) == [WireEvent(event)])
            #expect(try await store.feed(of: there, after: 2).isEmpty)
            #expect(try await store.feedEnds() == [there: 2, province.origin: 1])
        }
    }

    @Test(arguments: StoreKind.allCases) func feedsAreReadInBoundedBatches(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice("hub")
            try await office.begin(store)
            let id = office.newCase()
            let events =
                try (0..<(Batch.maximumEvents + 2)).map { _ in try office.note(id) }
                + (0..<5).map { _ in try office.note(id, String(repeating: "y", count: 250 * 1024)) }
            let there = try #require(Origin("IR-07"))
            let bare = try #require(Origin("IR-08"))
            var batch = office.batch(events)
            batch.effects.routed = events.enumerated().flatMap { index, event in
                [
                    route(event, to: there, UInt64(index + 1)),
                    route(event, to: bare, UInt64(index + 1), withPart: false),
                ]
            }
            try await store.commit(batch)
            #expect(try await store.feed(of: there, after: 0).count == Batch.maximumEvents)
            #expect(try await store.feed(of: there, after: UInt64(Batch.maximumEvents)).count == 6)
            // Parts that are not sent do not count.
            #expect(try await store.feed(of: bare, after: UInt64(Batch.maximumEvents)).count == 7)
        }
    }

    @Test(arguments: StoreKind.allCases) func aKeyIsAnsweredOnce(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            let event = try office.register()
            var batch = office.batch([event])
            batch.replies = [try office.reply(event, key: "a"), try office.reply(event, key: "b")]
            try await store.commit(batch)
            let first = batch.replies[0]
            let asked = [first.key, IdempotencyKey(principal: first.key.principal, key: "c")]
            #expect(try await store.replies(asked) == [first.key: first.reply])

            let before = office
            let late = try office.register()
            var again = office.batch([late])
            again.replies = [try office.reply(late, key: "b")]
            await #expect(throws: StoreError.duplicateKey) { try await store.commit(again) }
            again.replies = [try office.reply(late, key: "d"), try office.reply(late, key: "d")]
            await #expect(throws: StoreError.duplicateKey) { try await store.commit(again) }
            // Nothing of the refused batches is there.
            let id = try #require(late.caseID)
            #expect(try await store.events(of: [id]).isEmpty)
            #expect(try await store.resume(office.origin, token: 7) == before.stored)
            #expect(try await store.replies([IdempotencyKey(principal: "maryam@IR-03", key: "d")]).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases) func aFailingPartLeavesNothing(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice("hub")
            try await office.begin(store)
            let there = try #require(Origin("IR-07"))
            let first = try office.register()
            var batch = office.batch([first])
            batch.effects.routed = [route(first, to: there, 1)]
            try await store.commit(batch)
            let before = office
            let event = try office.register()
            var bad = office.batch([event])
            bad.effects.cursor = FeedCursor(hubIncarnation: 1, seq: 1, hash: event.hash)
            bad.effects.quarantined = [there]
            bad.replies = [try office.reply(event, key: "k")]
            // This place of the feed is taken.
            bad.effects.routed = [route(event, to: there, 1)]
            await #expect(throws: PostgresError.self) { try await store.commit(bad) }
            #expect(try await store.resume(.hub, token: 7) == before.stored)
            #expect(try await store.journal(of: .hub, after: 0) == [first])
            #expect(try await store.chains()[.hub]?.latest == before.writer.head)
            #expect(try await store.feedCursors().isEmpty)
            #expect(try await store.quarantines().isEmpty)
            #expect(try await store.replies([bad.replies[0].key]).isEmpty)
            // The writer goes on.
            bad.effects.routed = [route(event, to: there, 2)]
            try await store.commit(bad)
            #expect(try await store.quarantines() == [there: 0])
        }
    }

    @Test(arguments: StoreKind.allCases) func chainsKeepTheirOrder(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice("hub")
            try await office.begin(store)
            let origin = try #require(Origin("IR-05"))
            func chain(_ incarnation: UInt64, _ seq: UInt64, parent: UInt64 = 0, first: UInt64 = 1) -> Chain {
                let head = ChainHead(incarnation: incarnation, seq: seq, hash: sha256([UInt8(seq)]))
                return Chain(parent: parent, first: first, head: head)
            }
            let high = UInt64.max
            let (third, second) = (chain(3, 7, parent: high, first: 3), chain(2, 9, parent: 3, first: 8))
            for chains in [[chain(high, 1), chain(2, 1), chain(high, 2)], [third], [second]] {
                var batch = office.batch([])
                batch.note(chains.map { (origin, $0) })
                try await store.commit(batch)
            }
            #expect(try await store.chains() == [origin: ChainTree(chains: [chain(high, 2), third, second])])
        }
    }

    @Test(arguments: StoreKind.allCases) func theCursorMovesWithItsBatch(_ kind: StoreKind) async throws {
        try await kind.with { store, reopen in
            var office = ContractOffice()
            try await office.begin(store)
            #expect(try await store.feedCursors().isEmpty)
            func cursor(_ incarnation: UInt64, _ seq: UInt64) -> FeedCursor {
                FeedCursor(hubIncarnation: incarnation, seq: seq, hash: sha256([UInt8(seq)]))
            }
            let old = UInt64.max - 1
            for (next, all) in [
                (cursor(old, 3), [cursor(old, 3)]), (cursor(old, 4), [cursor(old, 4)]),
                (cursor(7, 4), [cursor(7, 4), cursor(old, 4)]), (cursor(old, 5), [cursor(old, 5), cursor(7, 4)]),
            ] {
                var batch = office.batch([])
                batch.effects.cursor = next
                try await store.commit(batch)
                #expect(try await reopen().feedCursors() == all)
            }
            for incarnation in UInt64(100)..<170 {
                var batch = office.batch([])
                batch.effects.cursor = cursor(incarnation, 6)
                try await store.commit(batch)
            }
            #expect(try await store.feedCursors() == (106..<170).reversed().map { cursor($0, 6) })
            // The hub has lost what lies beyond: those cursors are forgotten, and the feed goes on from one of before.
            var batch = office.batch([])
            (batch.effects.rewound, batch.effects.cursor) = (5, cursor(old, 3))
            try await store.commit(batch)
            #expect(try await reopen().feedCursors() == [cursor(old, 3), cursor(7, 4)])
        }
    }

    @Test(arguments: StoreKind.allCases) func whatOthersReadIsKept(_ kind: StoreKind) async throws {
        try await kind.with { store, reopen in
            var office = ContractOffice()
            try await office.begin(store)
            #expect(try await store.reads() == [:])
            let province = try #require(Origin("IR-03"))
            for schema: UInt32 in [1, 2, .max] {
                var batch = office.batch([])
                batch.effects.reads = [(.hub, schema), (province, 1)]
                try await store.commit(batch)
                #expect(try await reopen().reads() == [.hub: schema, province: 1])
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func aFeedKnowsWhoWroteIt(_ kind: StoreKind) async throws {
        try await kind.with { store, reopen in
            var office = ContractOffice("hub")
            try await office.begin(store)
            let (there, other) = (try #require(Origin("IR-07")), try #require(Origin("IR-08")))
            var events: [Event] = []
            var seq: UInt64 = 0
            // Two starts of the hub, the first over several batches and, as after a lost connection, several stores.
            for (store, incarnation) in [(store, UInt64.max), (try await reopen(), .max), (store, 5)] {
                let new = try (0..<3).map { _ in try office.register() }
                var batch = office.batch(new)
                batch.effects.routed = new.enumerated().map {
                    route($1, to: there, seq + UInt64($0) + 1, by: incarnation)
                }
                if incarnation == 5 { batch.effects.routed.append(route(new[0], to: other, 1, by: 5)) }
                try await store.commit(batch)
                events += new
                seq += 3
            }
            func cursor(_ incarnation: UInt64, _ seq: UInt64) -> FeedCursor {
                FeedCursor(hubIncarnation: incarnation, seq: seq, hash: .zero)
            }
            func end(_ incarnation: UInt64, _ seq: UInt64, _ event: Event) -> FeedCursor {
                FeedCursor(hubIncarnation: incarnation, seq: seq, hash: event.hash)
            }
            let asked = [cursor(5, 8), cursor(.max, 2), cursor(9, 100), cursor(.max, 12), cursor(5, 1)]
            #expect(
                try await store.feedFacts(of: there, asked) == [
                    FeedFact(hash: events[7].hash, end: end(5, 9, events[8])),
                    FeedFact(hash: events[1].hash, end: end(.max, 6, events[5])),
                    FeedFact(hash: nil, end: nil), FeedFact(hash: nil, end: end(.max, 6, events[5])),
                    FeedFact(hash: nil, end: end(5, 9, events[8])),
                ])
            #expect(
                try await store.feedFacts(of: other, [cursor(5, 1), cursor(.max, 1)]) == [
                    FeedFact(hash: events[6].hash, end: end(5, 1, events[6])), FeedFact(hash: nil, end: nil),
                ])
            #expect(try await store.feedFacts(of: .hub, [cursor(5, 1)]) == [FeedFact(hash: nil, end: nil)])
            #expect(try await store.feedFacts(of: there, []).isEmpty)
            let writers = try await store.feed(of: there, after: 0).map(\.cursor.hubIncarnation)
            #expect(writers == Array(repeating: .max, count: 6) + [5, 5, 5])
        }
    }

    @Test(arguments: StoreKind.allCases) func receiptsCoverWhatTheyName(_ kind: StoreKind) async throws {
        try await kind.with { store, reopen in
            #expect(try await store.acknowledged().isEmpty)
            func ack(_ heads: [(incarnation: UInt64, seq: UInt64)], at: Int64) -> Ack {
                let heads = heads.map {
                    ChainHead(incarnation: $0.incarnation, seq: $0.seq, hash: sha256([UInt8($0.seq)]))
                }
                return Ack(
                    heads: heads, committedAt: ContractOffice.noon + at, position: UInt64(at), signature: [9, 9])
            }
            let high = UInt64.max
            let acks = [ack([(high, 5)], at: 1), ack([(2, 4), (high, 12)], at: 2), ack([(high, 20)], at: 3)]
            for ack in acks { try await store.record(ack) }
            // Said again later: the first stands. What else it names is new.
            let again = ack([(high, 5), (3, 6)], at: 9)
            try await store.record(again)
            try await store.record(Ack(heads: [], committedAt: ContractOffice.noon, position: 0, signature: []))
            #expect(try await reopen().acknowledged() == [high: 20, 2: 4, 3: 6])
            func covering(_ incarnation: UInt64, _ seq: UInt64) async throws -> Ack? {
                try await store.acknowledgement(covering: ChainPlace(incarnation: incarnation, seq: seq))
            }
            #expect(try await covering(high, 5) == acks[0])
            #expect(try await covering(high, 6) == acks[1])
            #expect(try await covering(high, 20) == acks[2])
            #expect(try await covering(high, 21) == nil)
            #expect(try await covering(2, 4) == acks[1])
            #expect(try await covering(2, 5) == nil)
            #expect(try await covering(3, 1) == again)
            #expect(try await covering(4, 1) == nil)
        }
    }

    @Test(arguments: StoreKind.allCases) func codesInUseAreKnown(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            var office = ContractOffice()
            try await office.begin(store)
            let batch = try office.batch([office.register()])
            try await store.commit(batch)
            let used = try #require(TrackingCode(parsing: batch.cases[0].trackingCode))
            let free = try #require(TrackingCode(province: 3, random: 1))
            #expect(try await store.used([used, free]) == [used])
        }
    }

    @Test(arguments: StoreKind.allCases) func reportsOfNodesAreKept(_ kind: StoreKind) async throws {
        try await kind.with { store, _ in
            let there = try #require(Origin("IR-07"))
            let noon = ContractOffice.noon
            try await store.note(NodeReport(origin: there, heardAt: noon, clockOffset: -5, backlog: 4, feed: 9))
            try await store.note(NodeReport(origin: there, heardAt: noon, clockOffset: 5, backlog: nil, feed: nil))
            #expect(try await store.quarantines().isEmpty)
        }
    }
}
