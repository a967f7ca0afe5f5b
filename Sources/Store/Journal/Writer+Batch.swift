import Casework
import Contract
import Cryptography
import Federation
import Postgres

extension Writer {
    /// A batch that was decided and is not yet durable.
    struct Batch {
        let expected: StoredHead
        var becomes: StoredHead
        var effects = Effects()
        /// The own chains after it.
        var journal = ChainTree()
        var rows: [CaseRow] = []
        var begun = 0
        /// Of the events of the cases that it touches.
        var bytes = 0
        var replies: [(key: IdempotencyKey, reply: IdempotentReply)] = []
        var outcomes: [(item: Item, outcome: Swift.Result<Result, any Error>)] = []
        var isEmpty: Bool { effects.isEmpty }

        init(after head: StoredHead) { (expected, becomes) = (head, head) }

        /// Whether the journal's head proves that this batch was committed. One that moves no head (parts that came,
        /// a feed's cursor) leaves no proof: it is decided anew, which changes nothing twice.
        func isCommitted(at head: StoredHead) -> Bool { becomes != expected && becomes == head }

        func commit(origin: Origin, token: UInt64, now: Instant) -> Commit {
            var commit = Commit(
                origin: origin, token: token, expected: expected, becomes: becomes, effects: effects, now: now)
            (commit.cases, commit.begun, commit.replies) = (rows, begun, replies)
            return commit
        }
    }

    /// Errors that end this writer.
    func isFinal(_ error: any Error) -> Bool {
        if error is CancellationError { return true }
        let error = error as? StoreError
        return error == .fenced || error == .wentBack
    }

    func isPassing(_ error: any Error) -> Bool {
        switch error {
        case StoreError.outcomeUnknown: true
        case let error as PostgresError: error.isConnectionFailure || error.isRetryable
        default: false
        }
    }

    /// Decides all items in order on the loaded cases.
    func decide(_ items: [Item]) async throws -> Batch {
        var keys: [IdempotencyKey] = []
        for item in items { if case .wish(let request) = item.work, let key = request.key { keys.append(key) } }
        var replies = keys.isEmpty ? [:] : try await store.replies(keys)
        for batch in underWay { for (key, reply) in batch.replies { replies[key] = reply } }
        var prepared = [Prepared]()
        for item in items { prepared.append(prepare(item, replies: replies)) }
        let codes = try await drawCodes(prepared)
        try await load(prepared.flatMap(\.cases))
        guard var core else { throw StoreError.outcomeUnknown }
        self.core = nil
        defer { self.core = core }
        var batch = Batch(after: underWay.last?.becomes ?? head)
        for (index, item) in prepared.enumerated() {
            decide(item, code: codes[index], &core, &batch, &replies)
        }
        complete(&batch, core)
        return batch
    }

    private func complete(_ batch: inout Batch, _ core: Core) {
        batch.becomes = StoredHead(
            head: core.desk.writer.head, stamp: core.desk.writer.clock.last, position: core.position)
        batch.journal = core.desk.journal
        let new = Self.newEvents(batch.effects.numbered)
        let cases = core.desk.cases
        var known: [CaseRow] = []
        // Neighbours in an index go to one place of it.
        for id in batch.effects.touched.sorted() {
            guard let record = cases[id] else { continue }
            batch.bytes += record.size
            let (count, last) = new[id] ?? (0, core.position)
            guard let row = CaseRow(record, position: last) else { continue }
            if record.events.count == count { batch.rows.append(row) } else { known.append(row) }
        }
        batch.begun = batch.rows.count
        batch.rows += known
    }

    /// How many events each case gained, and the position of the last. What one person does at once mostly stands together.
    private static func newEvents(_ numbered: [Commit.Numbered]) -> [CaseID: (count: Int, last: UInt64)] {
        var new: [CaseID: (count: Int, last: UInt64)] = [:]
        new.reserveCapacity(numbered.count / 2)
        var index = numbered.startIndex
        while index < numbered.endIndex {
            let first = index
            let id = numbered[first].event.caseID
            repeat { index += 1 } while index < numbered.endIndex && numbered[index].event.caseID == id
            guard let id else { continue }
            let count = new[id]?.count ?? 0
            new[id] = (count + index - first, numbered[index - 1].position)
        }
        return new
    }

    // MARK: Items

    private struct Prepared {
        var item: Item
        /// The case of a wish: given, replayed, or new.
        var caseID: CaseID?
        var reply: IdempotentReply?
        var needsCode = false
        var cases: [CaseID]
    }

    private func prepare(_ item: Item, replies: [IdempotencyKey: IdempotentReply]) -> Prepared {
        switch item.work {
        case .wish(let request):
            if let reply = request.key.flatMap({ replies[$0] }) {
                return Prepared(item: item, caseID: reply.caseID, reply: reply, cases: [reply.caseID])
            }
            if let id = request.caseID { return Prepared(item: item, caseID: id, cases: [id]) }
            let id = CaseID(
                home: origin, at: environment.now(), random: (SecureRandom.uint64(), SecureRandom.uint64()))
            // Its identifier is of this moment: nobody has written about it.
            core?.desk.load(id, events: [])
            return Prepared(item: item, caseID: id, needsCode: true, cases: [id])
        case .arrival(_, let cases, _): return Prepared(item: item, cases: cases)
        case .escalation(let id): return Prepared(item: item, caseID: id, cases: [id])
        }
    }

    /// Free tracking codes for the items that register. The hub draws under no province's digits, so it registers none.
    private func drawCodes(_ prepared: [Prepared]) async throws -> [Int: TrackingCode] {
        guard let province = origin.provinceNumber else { return [:] }
        var missing = prepared.indices.filter { prepared[$0].needsCode }
        var drawn: [Int: TrackingCode] = [:]
        var taken = Set(underWay.flatMap(\.rows).compactMap { TrackingCode(parsing: $0.trackingCode) })
        while !missing.isEmpty {
            for index in missing { drawn[index] = TrackingCode(province: province, random: SecureRandom.uint64()) }
            let used = try await store.used(missing.compactMap { drawn[$0] })
            missing = missing.filter { index in
                guard let code = drawn[index] else { return true }
                return used.contains(code) || !taken.insert(code).inserted
            }
        }
        return drawn
    }

    private func load(_ cases: [CaseID]) async throws {
        let missing = try missing(cases)
        guard !missing.isEmpty else { return }
        let events = try await store.events(of: missing)
        for id in missing {
            let events = events[id] ?? []
            cachedBytes += events.reduce(0) { $0 + $1.size }
            core?.desk.load(id, events: events)
        }
    }

    /// Apart from `load`: a desk that two names hold would be copied by the first change.
    private func missing(_ cases: [CaseID]) throws -> [CaseID] {
        guard let desk = core?.desk else { throw StoreError.outcomeUnknown }
        return Array(Set(cases.filter { !desk.isLoaded($0) }))
    }

    private func decide(
        _ prepared: Prepared, code: TrackingCode?, _ core: inout Core, _ batch: inout Batch,
        _ replies: inout [IdempotencyKey: IdempotentReply]
    ) {
        var random = SystemRandomNumberGenerator()
        let now = environment.now()
        do {
            switch prepared.item.work {
            case .wish(let request):
                let answer = try decide(request, prepared, code: code, &core, &batch, &replies, now: now)
                batch.outcomes.append((prepared.item, .success(.answer(answer))))
            case .arrival(let arrival, _, _):
                let effects = try core.take(arrival, now: now, random: &random)
                batch.effects.append(effects)
                batch.outcomes.append((prepared.item, .success(.effects(effects))))
            case .escalation(let id):
                let effects = try core.escalate(id, now: now, random: &random)
                batch.effects.append(effects)
                batch.outcomes.append((prepared.item, .success(.effects(effects))))
            }
        } catch {
            batch.outcomes.append((prepared.item, .failure(error)))
        }
    }

    private func decide(
        _ request: CommandRequest, _ prepared: Prepared, code: TrackingCode?, _ core: inout Core,
        _ batch: inout Batch, _ replies: inout [IdempotencyKey: IdempotentReply], now: Instant
    ) throws -> Answer {
        // The same key may stand twice in one batch: the second finds the first's reply.
        let reply = prepared.reply ?? request.key.flatMap { replies[$0] }
        if let reply {
            guard reply.bodyHash == request.bodyHash else { throw Refusal.keyReused }
            let record = core.desk.cases[reply.caseID] ?? CaseRecord(id: reply.caseID)
            return Answer(record: record, events: reply.events.compactMap { record[$0] }, isReplay: true)
        }
        guard let id = prepared.caseID else { throw Refusal.unknownCase }
        var random = SystemRandomNumberGenerator()
        let wish = Wish(
            command: request.command, caseID: id, actor: request.principal.actor, revision: request.revision,
            trackingCode: code)
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
        return Answer(record: core.desk.cases[id] ?? CaseRecord(id: id), events: own, isReplay: false)
    }
}

extension CommandRequest {
    var key: IdempotencyKey? {
        idempotencyKey.map {
            IdempotencyKey(principal: "\(principal.name)@\(principal.organization.rawValue)", key: $0)
        }
    }
}
