import Casework
import Federation

/// A server in memory: the real writer and its queue, a disk, and the commits under way.
class ServerProcess<Core: DecidingCore, Work> {
    typealias Machine = WriterMachine<Core, Int>

    /// A batch that the disk was given.
    struct Saving {
        let batch: Machine.Batch
        let after: UInt64?
        /// What its cases are once it is saved.
        let cases: [(id: CaseID, state: Case?)]
    }

    let origin: Origin
    var disk: Disk
    var machine: Machine
    var inbox: WriterQueue<Core, Int>
    var incarnation: UInt64
    /// What this program can read.
    var reader: UInt32
    /// Older states of its disk.
    var images: [Disk] = []
    /// Milliseconds by which its wall clock is wrong.
    var skew: Int64 = 0
    /// What nobody has been told of, by who waits for it.
    private(set) var works: [Int: Work] = [:]
    var saving: [Saving] = []
    var derived: [UInt64: [(id: CaseID, state: Case?)]] = [:]
    /// Batches that were not saved: nothing is saved on them.
    var unsaved: Set<UInt64> = []
    /// When its writer looks for work; `nil` until something comes.
    var wakeAt: Instant?
    private let bounds: WriterBounds
    private var posted = 0

    init(disk: Disk, incarnation: UInt64, reader: UInt32, bounds: WriterBounds, isOpen: Bool, now: Instant) {
        self.disk = disk
        self.incarnation = incarnation
        self.reader = reader
        self.bounds = bounds
        origin = disk.origin
        machine = Machine(origin: disk.origin, bounds: bounds)
        inbox = WriterQueue(isOpen: isOpen, bounds: bounds)
        wakeAt = now
    }

    func isAwake(_ now: Instant) -> Bool { wakeAt.map { now >= $0 } ?? false }

    func post(_ work: Work, as given: WriterWork<Core>, now: Instant) {
        posted += 1
        works[posted] = work
        do {
            if try inbox.post(given, for: posted, time: now) { wakeAt = now }
        } catch {
            preconditionFailure("the writer of \(origin) takes nothing: \(error)")
        }
    }

    /// Whoever waits hears of it, once.
    func settle(_ caller: Int) throws -> Work {
        guard let work = works.removeValue(forKey: caller) else {
            throw Violation("\(origin): somebody is told twice")
        }
        return work
    }

    func ended(_ number: UInt64, _ outcome: Result<Void, StoreFailure>, now: Instant) {
        if case .failure = outcome { unsaved.insert(number) }
        machine.ended(number, outcome)
        wakeAt = now
    }

    /// The process starts: what only its memory held is gone. Returns what nobody was told of.
    func forgetAll(as incarnation: UInt64, isOpen: Bool, now: Instant) -> [Work] {
        self.incarnation = incarnation
        machine = Machine(origin: origin, bounds: bounds)
        inbox = WriterQueue(isOpen: isOpen, bounds: bounds)
        (saving, derived, unsaved, wakeAt) = ([], [:], [], now)
        defer { works = [:] }
        return works.sorted { $0.key < $1.key }.map(\.value)
    }
}

/// What is heard of a writer.
enum WriterNews<Core: DecidingCore, Work> {
    /// A batch is durable.
    case saved(WriterBatch<Core, Int>)
    case done(Work, Result<WriterDone, any Error>)
    case refused(Work, WriterFault)
    case damaged(CaseID)
}

/// A person's request, which is sent again until it is answered.
struct Client {
    let request: WriterRequest
    /// What follows on a case that was only opened.
    var then: Intake?
    /// What was answered before.
    var answered: [EventHash]?
}

extension World {
    /// Carries out what a server's writer says, until nothing can be done now.
    func drive<Core: DecidingCore, Work>(
        _ server: ServerProcess<Core, Work>, clock: Instant, makeCore: () -> Core,
        hear: (WriterNews<Core, Work>) throws -> Void
    ) throws {
        server.wakeAt = nil
        while server.wakeAt == nil {
            server.inbox.isCommitting = server.machine.isSaving
            let facts = server.inbox.facts(time: now)
            var actions = server.machine.proceed(facts, time: now, now: clock, random: &random)
            if actions.isEmpty { return }
            while !actions.isEmpty {
                let action = actions.removeFirst()
                if case .wait(let until) = action { server.wakeAt = until }
                actions += try carryOut(action, server, clock: clock, makeCore: makeCore, hear: hear)
            }
        }
    }

    private func carryOut<Core: DecidingCore, Work>(
        _ action: WriterMachine<Core, Int>.Action, _ server: ServerProcess<Core, Work>, clock: Instant,
        makeCore: () -> Core, hear: (WriterNews<Core, Work>) throws -> Void
    ) throws -> [WriterMachine<Core, Int>.Action] {
        switch action {
        case .take:
            return server.machine.took(server.inbox.take(time: now), time: now, now: clock, random: &random)
        case .find(let keys):
            return server.machine.found(server.disk.replies(keys), now: clock, random: &random)
        case .load(let cases, _):
            if let id = cases.first(where: { server.disk.isDamaged($0) }) {
                return server.machine.failed(.damaged(id, place: "\(server.origin)"), time: now)
            }
            let events = Dictionary(uniqueKeysWithValues: cases.map { ($0, server.disk.events(of: $0)) })
            return server.machine.loaded(cases, events, used: [], now: clock, random: &random)
        case .reload: return server.machine.reloaded(server.disk.stored, makeCore())
        case .derive(let batch):
            if !server.machine.isSaving { server.derived = [:] }
            let desk = server.machine.core?.desk
            server.derived[batch.number] = batch.effects.touched.map { ($0, desk?.cases[$0]?.state) }
        case .save(let batch, let after):
            let cases = server.derived[batch.number] ?? []
            server.saving.append(.init(batch: batch, after: after, cases: cases))
            if server.saving.count > 1 { tally.add("saved side by side") }
        case .tell(let batch):
            try checkSaved(batch, at: server)
            if !batch.isEmpty { try hear(.saved(batch)) }
            for (item, outcome) in zip(batch.items, batch.outcomes) {
                try hear(.done(try server.settle(item.caller), outcome))
            }
        case .observe(let batch):
            tally.add("given up and found saved")
            try checkSaved(batch, at: server)
            try hear(.saved(batch))
        case .refuse(let items, let fault):
            for item in items { try hear(.refused(try server.settle(item.caller), fault)) }
        case .refuseLane(let lane, let fault):
            for item in server.inbox.clear(lane: lane) { try hear(.refused(try server.settle(item.caller), fault)) }
        case .refuseWaiting(let fault):
            for item in server.inbox.clear() { try hear(.refused(try server.settle(item.caller), fault)) }
        case .report(let id): try hear(.damaged(id))
        case .wait: break
        case .stop(let fault): throw Violation("the writer of \(server.origin) ends: \(fault)")
        }
        return []
    }

    /// Nobody is told of what is not durable.
    private func checkSaved<Core: DecidingCore, Work>(
        _ batch: WriterBatch<Core, Int>, at server: ServerProcess<Core, Work>
    ) throws {
        guard server.disk.position >= batch.becomes.position,
            batch.effects.numbered.allSatisfy({ server.disk.holds($0.event.hash) })
        else { throw Violation("\(server.origin) tells of what it has not saved") }
    }

    /// The first commit under way ends, one way or another.
    func endCommit<Core: DecidingCore, Work>(
        _ server: ServerProcess<Core, Work>, commit: (ServerProcess<Core, Work>.Saving) throws -> Void,
        die: () -> Void
    ) throws {
        let next = server.saving.removeFirst()
        let number = next.batch.number
        if let after = next.after, server.unsaved.contains(after) {
            tally.add("fell with the batch before it")
            return server.ended(number, .failure(.passing), now: now)
        }
        switch fate() {
        case .commits:
            try commit(next)
            server.ended(number, .success(()), now: now)
        case .refuses: server.ended(number, .failure(.refused("no")), now: now)
        case .keepsUnknown:
            try commit(next)
            server.ended(number, .failure(.passing), now: now)
        case .losesUnknown: server.ended(number, .failure(.passing), now: now)
        case .diesBefore: die()
        case .diesAfter:
            try commit(next)
            die()
        }
    }

    // MARK: People who ask

    /// A key stands for one thing, however often its request is sent.
    func answered(_ client: Client, _ answer: WriterAnswer, at origin: Origin) throws {
        let events = answer.events.map(\.hash)
        guard let key = client.request.key else { return }
        if answer.isReplay { tally.add("answered again") }
        let known = ledger.answers[key]
        ledger.answers[key] = events
        guard let known, known != events, !mayHaveForgotten(origin) else { return }
        throw Violation("\(origin) answers \(key.key) with something else than before")
    }

    /// Whether its keys may be gone: they went back with its disk.
    private func mayHaveForgotten(_ origin: Origin) -> Bool {
        causes.restored.contains(origin) || causes.copied.contains(origin) || origin == .hub && causes.hubRestored
    }

    /// Each key has one effect.
    func checkKeys<Core: DecidingCore, Work>(
        _ batch: WriterBatch<Core, Int>, at server: ServerProcess<Core, Work>
    ) throws {
        for (key, reply) in batch.replies {
            let known = ledger.effects.updateValue(reply.events, forKey: key)
            guard known == nil || known == reply.events || mayHaveForgotten(server.origin) else {
                throw Violation("\(server.origin): \(key.key) has two effects")
            }
        }
    }
}
