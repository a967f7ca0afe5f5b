import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// The single writer, without a store.
@Suite struct WriterMachineTests {
    private typealias Machine = WriterMachine<NodeCore, Int>

    /// A machine with its queue, and what a driver would do for it at once: reads find nothing.
    private struct Bench {
        var machine: Machine
        var queue: WriterQueue<NodeCore, Int>
        var random = Generator(seed: 5)
        var time = Instant(milliseconds: 0)
        let now = Instant(milliseconds: 1_794_818_000_000)
        var stored = StoredHead.empty
        var replies: [IdempotencyKey: IdempotentReply] = [:]

        init(isOpen: Bool = true) throws {
            var bounds = WriterBounds()
            bounds.admission.large = 2
            machine = Machine(origin: Place.home, bounds: bounds)
            queue = WriterQueue(isOpen: isOpen, bounds: bounds)
            #expect(run() == [.reload(isFirst: true)])
            #expect(reload() == [])
        }

        func core() -> NodeCore {
            NodeCore(
                desk: Desk(
                    writer: JournalWriter(
                        origin: Place.home, incarnation: 9, continuing: stored.head, clock: HybridClock()),
                    journal: ChainTree(), tree: .standard, calendar: .standard, hashing: sha256),
                hub: ChainTree(), cursors: [], position: stored.position)
        }

        mutating func reload() -> [Machine.Action] { machine.reloaded(stored, core()) }

        /// What the machine says once it has read all that it asks for.
        mutating func run() -> [Machine.Action] {
            while true {
                queue.isCommitting = machine.isSaving
                var actions = machine.proceed(queue.facts(time: time), time: time, now: now, random: &random)
                var said: [Machine.Action] = []
                while !actions.isEmpty {
                    let action = actions.removeFirst()
                    switch action {
                    case .take: actions += machine.took(queue.take(time: time), time: time, now: now, random: &random)
                    case .find: actions += machine.found(replies, now: now, random: &random)
                    case .load(let cases, _):
                        actions += machine.loaded(cases, [:], used: [], now: now, random: &random)
                    case .derive: break
                    default: said.append(action)
                    }
                }
                if !said.isEmpty || machine.isAtRest(queue, time) { return said }
            }
        }

        @discardableResult
        mutating func post(_ subject: String, key: String? = nil, body: UInt8 = 1, caller: Int) throws -> Bool {
            let intake = Intake(
                kind: .complaint, channel: .phone, category: "water", texts: Texts(subject: subject))
            let request = WriterRequest(
                command: .register(intake), caseID: nil,
                actor: Actor(name: "maryam", role: .operator, organization: OrganizationCode(Place.home)),
                key: key.map { IdempotencyKey(principal: "maryam", key: $0) }, bodyHash: [body])
            return try queue.post(.wish(request), for: caller, time: time)
        }

        /// Somebody's long journal: it touches nothing, and is decided ahead.
        mutating func postLong(caller: Int) throws {
            let arrival = NodeCore.Arrival.refold([])
            _ = try queue.post(.arrival(arrival, cases: [], .init(size: 9)), for: caller, time: time)
        }
    }

    @Test func whatWaitsIsSavedTogetherThenTold() throws {
        var bench = try Bench()
        for caller in 1...3 { try bench.post("\(caller)", caller: caller) }
        guard case .save(let batch, after: nil)? = bench.run().first else { return #expect(Bool(false)) }
        #expect(batch.items.map(\.caller) == [1, 2, 3] && batch.effects.numbered.count == 3)
        // Nothing is told before it is saved, and single commands wait for its end.
        #expect(try bench.post("4", caller: 4) == true)
        #expect(bench.run() == [])
        #expect(try bench.post("5", caller: 5) == false, "the end of the commit wakes it")
        bench.machine.ended(batch.number, .success(()))
        #expect(bench.run() == [.tell(batch)])
        #expect(bench.machine.head == batch.becomes)
        guard case .save(let next, after: nil)? = bench.run().first else { return #expect(Bool(false)) }
        #expect(next.items.map(\.caller) == [4, 5] && next.expected == batch.becomes)
    }

    @Test func aLongJournalIsDecidedAheadAndGoesOnFromWhatIsUnderWay() throws {
        var bench = try Bench()
        try bench.postLong(caller: 1)
        guard case .save(let first, _)? = bench.run().first else { return #expect(Bool(false)) }
        try bench.postLong(caller: 2)
        guard case .save(let second, after: first.number)? = bench.run().first else { return #expect(Bool(false)) }
        try bench.postLong(caller: 3)
        #expect(bench.run() == [], "two are saved at a time")
        // The first falls: all that went on from it is decided anew, once both transactions are over.
        bench.machine.ended(first.number, .failure(.passing))
        #expect(bench.run() == [])
        bench.machine.ended(second.number, .failure(.passing))
        #expect(bench.run() == [.wait(until: bench.time + 200)])
        bench.time = bench.time + 200
        #expect(bench.run() == [.reload(isFirst: false)])
        _ = bench.reload()
        var saved: [Int] = []
        while case .save(let batch, after: nil)? = bench.run().first {
            saved += batch.items.map(\.caller)
            bench.machine.ended(batch.number, .success(()))
            #expect(bench.run() == [.tell(batch)])
        }
        #expect(saved == [1, 2, 3])
    }

    @Test func theHeadTellsWhetherAnUnknownOutcomeWasKept() throws {
        var bench = try Bench()
        try bench.post("a", caller: 1)
        guard case .save(let batch, _)? = bench.run().first else { return #expect(Bool(false)) }
        bench.machine.ended(batch.number, .failure(.passing))
        _ = bench.run()
        bench.time = bench.time + 200
        _ = bench.run()
        bench.stored = batch.becomes
        #expect(bench.reload() == [.tell(batch)])
        #expect(bench.run() == [])
    }

    /// Callers gave up; who watches still learns of it, and nobody else waits as long.
    @Test func patienceEnds() throws {
        var bench = try Bench()
        try bench.post("a", caller: 1)
        guard case .save(let batch, _)? = bench.run().first else { return #expect(Bool(false)) }
        bench.machine.ended(batch.number, .failure(.passing))
        _ = bench.run()
        bench.time = bench.time + 9_000
        #expect(bench.run() == [.reload(isFirst: false)])
        #expect(
            bench.machine.failed(.passing, time: bench.time) == [.refuse(batch.items, .away), .refuseWaiting(.away)])
        bench.time = bench.time + 5_000
        #expect(bench.run() == [.reload(isFirst: false)])
        bench.stored = batch.becomes
        #expect(bench.reload() == [.observe(batch)])
    }

    @Test func onlyTheCulpritHears() throws {
        var bench = try Bench()
        for caller in 1...2 { try bench.post("\(caller)", caller: caller) }
        guard case .save(let both, _)? = bench.run().first else { return #expect(Bool(false)) }
        bench.machine.ended(both.number, .failure(.refused("no")))
        #expect(bench.run() == [.reload(isFirst: false)])
        _ = bench.reload()
        guard case .save(let first, _)? = bench.run().first else { return #expect(Bool(false)) }
        bench.machine.ended(first.number, .failure(.refused("no")))
        #expect(bench.run() == [.refuse(first.items, .notSaved("no"))])
        _ = bench.run()
        _ = bench.reload()
        guard case .save(let second, _)? = bench.run().first else { return #expect(Bool(false)) }
        #expect(second.items.map(\.caller) == [2])
    }

    @Test func aKeyIsOneThing() throws {
        var bench = try Bench()
        try bench.post("a", key: "k", caller: 1)
        try bench.post("a", key: "k", caller: 2)
        try bench.post("b", key: "k", body: 2, caller: 3)
        guard case .save(let batch, _)? = bench.run().first else { return #expect(Bool(false)) }
        #expect(batch.effects.numbered.count == 1 && batch.replies.count == 1)
        guard case .success(.answer(let again)) = batch.outcomes[1] else { return #expect(Bool(false)) }
        #expect(again.isReplay)
        #expect(throws: Refusal.keyReused) { try batch.outcomes[2].get() }
    }

    /// A case that cannot be read is passed over by what concerns many.
    @Test func aDamagedCaseKeepsNoOthersWaiting() throws {
        var bench = try Bench()
        let cases = (1...3).map { CaseID(home: Place.home, at: bench.now, random: ($0, $0)) }
        _ = try bench.queue.post(.arrival(.refold(cases), cases: cases, .init(size: 3)), for: 1, time: bench.time)
        var actions = bench.machine.proceed(
            bench.queue.facts(time: bench.time), time: bench.time, now: bench.now, random: &bench.random)
        #expect(actions == [.take])
        actions = bench.machine.took(
            bench.queue.take(time: bench.time), time: bench.time, now: bench.now, random: &bench.random)
        #expect(actions == [.load(cases, codes: [])])
        let failure = StoreFailure.damaged(cases[1], place: "IR-03 1")
        #expect(bench.machine.failed(failure, time: bench.time) == [.report(damaged: cases[1])])
        guard case .save(let batch, _)? = bench.run().first else { return #expect(Bool(false)) }
        #expect(batch.effects.touched == [cases[0], cases[2]])
    }

    @Test func untilItMayWriteOnlyTheLinksWorkIsTaken() throws {
        var bench = try Bench(isOpen: false)
        try bench.post("a", caller: 1)
        #expect(bench.run() == [])
        bench.queue.isOpen = true
        guard case .save(let batch, _)? = bench.run().first else { return #expect(Bool(false)) }
        #expect(batch.items.map(\.caller) == [1])
    }

    /// A person lets an origin in, and its second copy speaks again: in one batch as one after the other.
    @Test func theLastWordOnAnOriginCounts() {
        var (out, back) = (Effects(), Effects())
        (out.quarantined, back.lifted) = ([Place.seat], [Place.seat])
        var (first, second) = (out, back)
        first.append(back)
        #expect(first.quarantined.isEmpty && first.lifted == [Place.seat])
        second.append(out)
        #expect(second.lifted.isEmpty && second.quarantined == [Place.seat])
    }

    @Test func everybodyHearsTheEnd() throws {
        var bench = try Bench()
        try bench.post("a", caller: 1)
        guard case .save(let batch, _)? = bench.run().first else { return #expect(Bool(false)) }
        bench.machine.stop()
        #expect(bench.run() == [], "what is being saved is waited for")
        bench.machine.ended(batch.number, .success(()))
        #expect(bench.run() == [.tell(batch)])
        #expect(bench.run() == [.refuse([], .stopping), .stop(.stopping)])
    }
}

extension WriterMachine {
    /// Whether nothing can be done now.
    fileprivate func isAtRest(_ queue: WriterQueue<Core, Caller>, _ time: Instant) -> Bool {
        var copy = self
        var random = Generator(seed: 1)
        return copy.proceed(queue.facts(time: time), time: time, now: time, random: &random).isEmpty
    }
}
