import Foundation
import TestDoors
import Testing

extension EndToEnd {
    @Suite struct Verification {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        private func verify() async throws -> Program.Result {
            try await Demo.peyvand(["verify", "--directory", demo.folder.path], within: .seconds(240))
        }

        @Test func `verify passes on every journal`() async throws {
            for code in try demo.codes { try await demo.settled(code) }
            let result = try await verify()
            #expect(result.code == 0, "\(result.output) \(result.errors)")
            for code in try ["hub"] + demo.codes { #expect(result.output.contains(code), "\(code) was not verified") }
        }

        /// One row of one database, in which a bit is turned over.
        private struct Spot {
            var server, table, column: String
            var seq: Int

            /// As `verify` names it.
            var name: String { "\(table) IR-03 seq \(seq) " }

            /// Turns one bit in the middle over, and back when it is done again.
            var flip: String {
                """
                UPDATE \(table) SET \(column) = set_byte(\(column), length(\(column)) / 2,
                    get_byte(\(column), length(\(column)) / 2) # 1)
                WHERE origin = 'IR-03' AND seq = \(seq) RETURNING 1
                """
            }
        }

        @Test func `verify names every row in which one byte was changed, at node and hub, and no other`()
            async throws
        {
            let node = try demo.server("IR-03")
            var seqs: [Int] = []
            for subject in ["دست‌خورده در استان", "دست‌خورده در مرکز", "واژه‌های دست‌خورده"] {
                let receipt = try #require(try await node.register(subject)["receipt"])
                seqs.append(try receipt.number("seq"))
            }
            for code in try demo.codes { try await demo.settled(code) }
            let spots = [
                Spot(server: "IR-03", table: "journal", column: "envelope", seq: seqs[0]),
                Spot(server: "hub", table: "journal", column: "envelope", seq: seqs[1]),
                Spot(server: "IR-03", table: "parts", column: "part", seq: seqs[2]),
            ]
            for spot in spots { #expect(try await demo.count(spot.server, spot.flip) == 1) }
            let outcome: Result<Program.Result, any Error>
            do {
                outcome = .success(try await verify())
            } catch {
                outcome = .failure(error)
            }
            for spot in spots { #expect(try await demo.count(spot.server, spot.flip) == 1) }
            let result = try outcome.get()
            #expect(result.code == 1)
            let faults = result.errors.split(separator: "\n").filter { !$0.hasPrefix("peyvand:") }
            for spot in spots {
                let named = faults.contains { $0.hasPrefix("\(spot.server): ") && $0.contains(spot.name) }
                #expect(named, "\(spot) is not named: \(faults)")
            }
            let journals = faults.filter { fault in
                (fault.contains(": journal ") || fault.contains(": parts "))
                    && !spots.contains { fault.hasPrefix("\($0.server): ") && fault.contains($0.name) }
            }
            #expect(journals.isEmpty, "sound rows are named too: \(journals)")
            #expect(faults.allSatisfy { $0.hasPrefix("IR-03: ") || $0.hasPrefix("hub: ") }, "\(faults)")
        }

        @Test func `rebuild makes what is derived anew and proves it equal`() async throws {
            let overview = try await demo.hub.get("/overview")
            _ = try await demo.interrupt()
            let result = try await Demo.peyvand(["rebuild", "--directory", demo.folder.path], within: .seconds(280))
            #expect(result.code == 0, "\(result.output.suffix(3000)) \(result.errors.suffix(3000))")
            try await demo.start()
            for code in try demo.codes { try await demo.settled(code) }
            let again = try await demo.hub.get("/overview")
            for name in ["position", "registered", "open", "answered", "closed", "disputed", "conflicts"] {
                #expect(again[name] == overview[name], "\(name)")
            }
        }
    }
}
