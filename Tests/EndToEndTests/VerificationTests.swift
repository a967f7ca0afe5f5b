import Foundation
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

        @Test(arguments: ["IR-03", "hub"])
        func `verify names the row when one byte of one event is changed`(code: String) async throws {
            let id = try await demo.server("IR-03").register("دست‌خورده").text("id")
            try await demo.hub.waitForCase(id, "known at the hub") { _ in true }
            let row = "origin = 'IR-03' AND case_id = '\(id)'"
            let seq = try await demo.count(code, "SELECT seq FROM journal WHERE \(row)")
            try await expectNamed(code, row: row, table: "journal", column: "envelope", seq: seq)
        }

        @Test func `verify names the row when one byte of a citizen's words is changed`() async throws {
            let id = try await demo.server("IR-03").register("واژه‌های شهروند").text("id")
            let seq = try await demo.count("IR-03", "SELECT seq FROM journal WHERE case_id = '\(id)'")
            try await demo.settled("IR-03")
            try await expectNamed(
                "IR-03", row: "origin = 'IR-03' AND seq = \(seq)", table: "parts", column: "part", seq: seq)
        }

        /// Flips a bit in the middle, verifies, and flips it back.
        private func expectNamed(_ code: String, row: String, table: String, column: String, seq: Int) async throws {
            let flip = """
                UPDATE \(table) SET \(column) = set_byte(\(column), length(\(column)) / 2,
                    get_byte(\(column), length(\(column)) / 2) # 1) WHERE \(row) RETURNING 1
                """
            #expect(try await demo.count(code, flip) == 1)
            let outcome: Result<Program.Result, any Error>
            do {
                outcome = .success(try await verify())
            } catch {
                outcome = .failure(error)
            }
            #expect(try await demo.count(code, flip) == 1)
            let result = try outcome.get()
            #expect(result.code == 1, "\(result)")
            let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("\(code):") }
            #expect(lines.contains { $0.contains("\(table) IR-03 seq \(seq) ") }, "\(result.errors)")
            let others = result.errors.split(separator: "\n").filter { !$0.hasPrefix("\(code):") && !$0.hasPrefix("peyvand:") }
            #expect(others.isEmpty, "other databases are sound: \(others)")
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
