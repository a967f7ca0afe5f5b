import Foundation
import TestDoors
import Testing

extension Chaos {
    @Suite struct Returns {
        /// 31 provinces write while the hub is dead; then it comes back.
        @Test func `row05 31 nodes return at once with a backlog: it drains, and live events stay quick`()
            async throws
        {
            let demo = Demo(named: "row05")
            let outcome: Result<Void, any Error>
            do {
                try await demo.start()
                outcome = .success(
                    try await Testimony.$logs.withValue({ demo.logTails() }) { try await Self.comeBack(demo) })
            } catch {
                outcome = .failure(error)
            }
            await demo.end()
            try outcome.get()
        }

        private static func comeBack(_ demo: Demo) async throws {
            #expect(try demo.codes.count == 31)
            for code in try demo.codes { try await demo.settled(code) }
            // One has nothing to catch up with: what is registered there is live from the first moment.
            let codes = try demo.codes.filter { $0 != Self.live }
            let each = Run.size(short: 40, long: 1000)
            let before = try await demo.hub.get("/overview").number("registered")
            let ids = try await demo.without("hub") {
                try await withThrowingTaskGroup(of: [String].self) { group in
                    var ids: [String] = []
                    for (index, code) in codes.enumerated() {
                        // As many curls at once as this machine has a use for.
                        if index >= 3 { ids += try await group.next() ?? [] }
                        let batch = try Batch(each, at: try demo.server(code))
                        group.addTask { try await batch.documents().map { try $0.text("id") } }
                    }
                    for try await more in group { ids += more }
                    return ids
                }
            }
            let begun = ContinuousClock.now
            let live = try await watch(demo, codes)
            let took = ContinuousClock.now - begun
            Run.note("row05: 30 x \(each) events drained in \(took); live: \(live)")
            #expect(took < .seconds(Run.size(short: 120, long: 900)))
            #expect(live.count >= 3, "too few to say anything")
            #expect(live.local < .milliseconds(2000), "a registration took \(live.local) meanwhile")
            #expect(live.toHub < .seconds(20), "a live event took \(live.toHub) to the hub")
            try await expectAll(demo, ids, registered: before + ids.count + live.count)
        }

        private static let live = "IR-03"

        struct Live: CustomStringConvertible {
            var count = 0
            /// The slowest: until the citizen has the code, and until the hub has the case.
            var (local, toHub) = (Duration.zero, Duration.zero)
            var description: String { "\(count) registered, \(local) at most, \(toHub) at most to the hub" }
        }

        /// Goes on registering at a node that is connected, until all others have caught up.
        private static func watch(_ demo: Demo, _ codes: [String]) async throws -> Live {
            var (live, left) = (Live(), codes)
            let deadline = ContinuousClock.now + .seconds(Run.size(short: 180, long: 1200))
            try await demo.settled(Self.live)
            repeat {
                let begun = ContinuousClock.now
                let id = try await demo.server(Self.live).register("زنده \(live.count)").text("id")
                live.local = max(live.local, .now - begun)
                live.count += 1
                try await demo.hub.waitForCase(id, "arrived", within: .seconds(60)) { _ in true }
                live.toHub = max(live.toHub, .now - begun)
                var late: [String] = []
                for code in left {
                    let status = try await demo.server(code).status()
                    if status["link"]?.string != "connected" || status["backlog"]?.int != 0 { late.append(code) }
                }
                left = late
                guard ContinuousClock.now < deadline else { throw Fault("\(left) have not caught up") }
            } while !left.isEmpty
            return live
        }

        private static func expectAll(_ demo: Demo, _ ids: [String], registered: Int) async throws {
            #expect(Set(ids).count == ids.count)
            let firsts = "SELECT case_id FROM journal WHERE origin <> 'hub'"
            let found = try await demo.rows("hub", firsts).map { $0[0] }
            let counts = Dictionary(found.map { ($0, 1) }, uniquingKeysWith: +)
            #expect(ids.allSatisfy { counts[$0] == 1 }, "each once at the hub")
            let overview = try await demo.hub.get("/overview")
            #expect(try overview.number("registered") == registered)
            #expect(try await demo.count("hub", "SELECT count(*) FROM cases WHERE status <> 'newEvent'") == registered)
            let result = try await Demo.peyvand(["verify", "--directory", demo.folder.path], within: .seconds(300))
            #expect(result.code == 0, "\(result.output) \(result.errors)")
        }
    }
}
