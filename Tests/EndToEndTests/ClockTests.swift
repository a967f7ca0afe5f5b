import Foundation
import TestDoors
import Testing

extension EndToEnd {
    /// A server has one clock, which tests can move.
    @Suite struct Clocks {
        private static let offset = Scratch.folder.appending(path: "clock-offset")

        private func isEscalated(_ id: String, at server: Server) async throws -> Bool {
            try await server.get("/cases/\(id)/events").list("items").contains { $0["type"]?.string == "escalated" }
        }

        @Test func `twenty days pass in a second, at every door and page`() async throws {
            try Data("0".utf8).write(to: Self.offset)
            let demo = Demo(
                named: "clock", provinces: 2, environment: ["PEYVAND_CLOCK_OFFSET_FILE": Self.offset.path])
            try await demo.start()
            do {
                try await check(demo)
            } catch {
                await demo.end()
                throw error
            }
            await demo.end()
        }

        private func check(_ demo: Demo) async throws {
            let (node, hub) = (try demo.server(try #require(demo.codes.first)), try demo.hub)
            let registered = try await node.register("بیست روز بی‌پاسخ")
            let (id, code) = (try registered.text("id"), try registered.text("tracking_code"))
            let home = try registered.text("home")
            try await hub.waitForCase(id, "registered") { $0["status"]?.string == "registered" }
            #expect(try await node.caseDocument(id)["overdue"]?.bool == false)
            #expect(try await node.get("/track/\(code)")["overdue"]?.bool == false)

            try Data(String(20 * 86_400_000).utf8).write(to: Self.offset)
            try await node.waitForCase(id, "overdue", within: .seconds(10)) { $0["overdue"]?.bool == true }
            let list = try await node.get("/cases?overdue=true").list("items")
            #expect(list.contains { $0["id"]?.string == id }, "the list goes by the same clock")
            #expect(try await node.get("/track/\(code)")["overdue"]?.bool == true, "and so does the public")
            _ = try await eventually("the national overview counts it", within: .seconds(5)) {
                let province = try await hub.get("/overview").list("provinces").first { $0["code"]?.string == home }
                return try province?.number("overdue") ?? 0 > 0 ? true : nil
            }
            _ = try await eventually("the seat escalates", within: .seconds(10)) {
                try await isEscalated(id, at: node) ? true : nil
            }
            _ = try await eventually("the hub hears of it", within: .seconds(10)) {
                try await isEscalated(id, at: hub) ? true : nil
            }
        }

        /// What anybody with a text editor moves is not to date an office's events.
        @Test func `a server that others can reach refuses a movable clock`() async throws {
            let result = try await Demo.peyvand([
                "hub", "serve", "--console-address", "0.0.0.0", "--database", "postgresql://127.0.0.1:1/none",
                "--certificate", "/none", "--private-key", "/none", "--trust-roots", "/none", "--receipt-key", "/none",
                "--clock-offset-file", "/none",
            ])
            #expect(result.code == 2)
            #expect(result.errors.contains("--clock-offset-file"))
        }
    }
}
