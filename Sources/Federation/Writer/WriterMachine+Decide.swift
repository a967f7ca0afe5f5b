public import Casework

/// What is decided together: keys, cases and codes first, then every item in its order.
extension WriterMachine {
    /// An item, and what its decision rests on.
    public struct Prepared: Sendable {
        let item: Item
        /// The case of a wish: given, replayed, or new.
        var caseID: CaseID?
        var reply: IdempotentReply?
        var code: TrackingCode?
        var needsCode = false
        var cases: [CaseID]
    }

    mutating func begin(
        _ items: [Item], isTrial: Bool, now: Instant, random: inout some RandomNumberGenerator
    ) -> [Action] {
        boundCache()
        isTrying = isTrial
        let keys = items.compactMap(\.key)
        guard keys.isEmpty else {
            state = .finding(items)
            return [.find(keys)]
        }
        return prepare(items, [:], now: now, random: &random)
    }

    /// What was answered under the keys that were looked up.
    public mutating func found(
        _ replies: [IdempotencyKey: IdempotentReply], now: Instant, random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard case .finding(let items) = state else { return [] }
        return prepare(items, replies, now: now, random: &random)
    }

    private mutating func prepare(
        _ items: [Item], _ stored: [IdempotencyKey: IdempotentReply], now: Instant,
        random: inout some RandomNumberGenerator
    ) -> [Action] {
        var replies = stored
        // Those of batches that the store does not show yet.
        for batch in underWay { for (key, reply) in batch.replies { replies[key] = reply } }
        var prepared: [Prepared] = []
        prepared.reserveCapacity(items.count)
        for item in items { prepared.append(prepare(item, replies, now: now, random: &random)) }
        return drawCodes(prepared, of: prepared.indices.filter { prepared[$0].needsCode }, now: now, random: &random)
    }

    private mutating func prepare(
        _ item: Item, _ replies: [IdempotencyKey: IdempotentReply], now: Instant,
        random: inout some RandomNumberGenerator
    ) -> Prepared {
        switch item.work {
        case .wish(let request):
            if let reply = request.key.flatMap({ replies[$0] }) {
                return Prepared(item: item, caseID: reply.caseID, reply: reply, cases: [reply.caseID])
            }
            if let id = request.caseID { return Prepared(item: item, caseID: id, cases: [id]) }
            let id = CaseID(home: origin, at: now, random: (random.next(), random.next()))
            // Its identifier is of this moment: nobody has written about it.
            core?.desk.load(id, events: [])
            // The hub draws under no province's digits, so it registers none.
            return Prepared(item: item, caseID: id, needsCode: origin.provinceNumber != nil, cases: [id])
        case .arrival(_, let cases, _): return Prepared(item: item, cases: cases)
        case .escalation(let id): return Prepared(item: item, caseID: id, cases: [id])
        }
    }

    /// Draws tracking codes for some of the items and has them looked up, with the cases that are not loaded.
    private mutating func drawCodes(
        _ items: [Prepared], of missing: [Int], now: Instant, random: inout some RandomNumberGenerator
    ) -> [Action] {
        var prepared = items
        var taken = underWay.reduce(into: Set(prepared.compactMap(\.code))) { $0.formUnion($1.codes) }
        for index in missing {
            guard let province = origin.provinceNumber else { break }
            repeat {
                prepared[index].code = TrackingCode(province: province, random: random.next())
            } while prepared[index].code.map { taken.insert($0).inserted } == false
        }
        var seen: Set<CaseID> = []
        let cases = prepared.flatMap(\.cases).filter { core?.desk.isLoaded($0) == false && seen.insert($0).inserted }
        let codes = missing.compactMap { prepared[$0].code }
        guard cases.isEmpty, codes.isEmpty else {
            state = .loading(prepared)
            return [.load(cases, codes: codes)]
        }
        return decide(prepared, now: now, random: &random)
    }

    /// The cases that were asked for, one without events left out, and which of the codes are in use.
    public mutating func loaded(
        _ cases: [CaseID], _ events: [CaseID: [Event]], used: Set<TrackingCode>, now: Instant,
        random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard case .loading(let prepared) = state else { return [] }
        for id in cases {
            let events = events[id] ?? []
            cachedBytes += events.reduce(0) { $0 + $1.size }
            core?.desk.load(id, events: events)
        }
        let again = prepared.indices.filter { prepared[$0].code.map { used.contains($0) } ?? false }
        guard again.isEmpty else { return drawCodes(prepared, of: again, now: now, random: &random) }
        return decide(prepared, now: now, random: &random)
    }

    // MARK: The batch

    private mutating func decide(
        _ prepared: [Prepared], now: Instant, random: inout some RandomNumberGenerator
    ) -> [Action] {
        decided += 1
        var batch = Batch(decided, prepared.map(\.item), isTrial: isTrying, after: underWay.last?.becomes ?? head)
        batch.codes = Set(prepared.compactMap(\.code))
        // Apart from `self`: a core that two names hold would be copied by the first change.
        guard var core else { return [] }
        self.core = nil
        var replies: [IdempotencyKey: IdempotentReply] = [:]
        for item in prepared {
            batch.outcomes.append(decide(item, &core, &batch, &replies, now: now, random: &random))
        }
        batch.becomes = StoredHead(
            head: core.desk.writer.head, stamp: core.desk.writer.clock.last, position: core.position)
        batch.journal = core.desk.journal
        batch.bytes = batch.effects.touched.reduce(0) { $0 + (core.desk.cases[$1]?.size ?? 0) }
        self.core = core
        state = .decided(batch)
        return batch.isEmpty ? [] : [.derive(batch)]
    }

    private func decide(
        _ prepared: Prepared, _ core: inout Core, _ batch: inout Batch,
        _ replies: inout [IdempotencyKey: IdempotentReply], now: Instant, random: inout some RandomNumberGenerator
    ) -> Result<WriterDone, any Error> {
        do {
            switch prepared.item.work {
            case .wish(let request):
                return .success(
                    .answer(try decide(request, prepared, &core, &batch, &replies, now: now, random: &random)))
            case .arrival(let arrival, _, _):
                let effects = try core.take(arrival, now: now, random: &random)
                batch.effects.append(effects)
                return .success(.effects(effects))
            case .escalation(let id):
                let effects = try core.escalate(id, now: now, random: &random)
                batch.effects.append(effects)
                return .success(.effects(effects))
            }
        } catch {
            return .failure(error)
        }
    }

    private func decide(
        _ request: WriterRequest, _ prepared: Prepared, _ core: inout Core, _ batch: inout Batch,
        _ replies: inout [IdempotencyKey: IdempotentReply], now: Instant, random: inout some RandomNumberGenerator
    ) throws(Refusal) -> WriterAnswer {
        // The same key may stand twice in one batch: the second finds the first's reply.
        if let reply = prepared.reply ?? request.key.flatMap({ replies[$0] }) {
            guard reply.bodyHash == request.bodyHash else { throw Refusal.keyReused }
            let record = core.desk.cases[reply.caseID] ?? CaseRecord(id: reply.caseID)
            return WriterAnswer(record: record, events: reply.events.compactMap { record[$0] }, isReplay: true)
        }
        guard let id = prepared.caseID else { throw Refusal.unknownCase }
        let wish = Wish(
            command: request.command, caseID: id, actor: request.actor, revision: request.revision,
            trackingCode: prepared.code)
        let effects = try core.decide(wish, now: now, random: &random)
        batch.effects.append(effects)
        let own = effects.numbered.map(\.event).filter { $0.origin == origin && $0.caseID == id }
        if let key = request.key {
            let reply = IdempotentReply(
                bodyHash: request.bodyHash, caseID: id, events: own.map(\.hash),
                isForEver: request.command.act?.beginsCase ?? false)
            replies[key] = reply
            batch.replies.append((key, reply))
        }
        return WriterAnswer(record: core.desk.cases[id] ?? CaseRecord(id: id), events: own, isReplay: false)
    }
}

extension WriterItem {
    fileprivate var key: IdempotencyKey? { if case .wish(let request) = work { request.key } else { nil } }
}
