import Foundation
import TestDoors
import Testing

extension EndToEnd {
    @Suite struct Import {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        /// The table of real requests; it is not part of the project.
        static let table: URL? = {
            let folder =
                ProcessInfo.processInfo.environment["PEYVAND_SHARED"].map { URL(filePath: $0) }
                ?? URL(filePath: #filePath).appending(path: "../../../../shared").standardized
            let file = folder.appending(path: "data/la311-2020.csv")
            return FileManager.default.fileExists(atPath: file.path) ? file : nil
        }()

        private struct Tally: Equatable {
            var rows, created, exists, rejected: Int
        }

        private func run(_ table: URL) async throws -> (tally: Tally, provinces: [String: Int]) {
            let output = try await Demo.succeed(
                ["import", "--file", table.path, "--mapping", "la311-2020", "--directory", demo.folder.path],
                within: .seconds(280))
            let pattern = /(\d+) rows: (\d+) created, (\d+) there before, (\d+) rejected/
            let match = try #require(output.matches(of: pattern).last?.output, "\(output)")
            var provinces: [String: Int] = [:]
            for line in output.matches(of: /(?m)^\s+(IR-\d\d)\s+(\d+)/) {
                provinces[String(line.output.1)] = Int(line.output.2)
            }
            let numbers = [match.1, match.2, match.3, match.4].compactMap { Int($0) }
            return (Tally(rows: numbers[0], created: numbers[1], exists: numbers[2], rejected: numbers[3]), provinces)
        }

        private func overview() async throws -> JSON {
            for code in try demo.codes { try await demo.settled(code) }
            return try await demo.hub.get("/overview")
        }

        /// Rows with a column's value by line number of the file; the heading is line 1.
        private static func statuses(of table: URL) throws -> [Int: String] {
            let text = try String(contentsOf: table, encoding: .utf8)
            var (statuses, fields, field, quoted) = ([Int: String](), [String](), "", false)
            var (line, start) = (1, 1)
            for scalar in text.unicodeScalars where scalar != "\r" {
                switch scalar {
                case "\"": quoted.toggle()
                case "," where !quoted:
                    fields.append(field)
                    field = ""
                case "\n" where !quoted:
                    if start > 1, fields.count > 2 { statuses[start] = fields[2] }
                    (fields, field) = ([], "")
                    line += 1
                    start = line
                default:
                    if scalar == "\n" { line += 1 }
                    field.unicodeScalars.append(scalar)
                }
            }
            if start > 1, fields.count > 2 { statuses[start] = fields[2] }
            return statuses
        }

        @Test(.enabled(if: table != nil, "la311-2020.csv is absent: set PEYVAND_SHARED to the folder that holds data/"))
        func `every row of la311-2020 is a case or a stated reject, and a second run adds nothing`() async throws {
            let table = try #require(Self.table)
            let statuses = try Self.statuses(of: table)
            #expect(statuses.count == 10_000)
            let before = try await overview()
            let first = try await run(table)
            #expect(first.tally.rows == 10_000)
            #expect(first.tally.exists == 0)
            #expect(first.tally.created + first.tally.rejected == 10_000)
            #expect(first.tally.created > 9_500)
            let rejects = try await expectReasons(count: first.tally.rejected)

            let after = try await overview()
            try expectFigures(
                before, after, provinces: first.provinces, created: first.tally.created,
                statuses: statuses.filter { !rejects.contains($0.key) }.map(\.value))

            let second = try await run(table)
            #expect(
                second.tally
                    == Tally(
                        rows: 10_000, created: 0, exists: first.tally.created, rejected: first.tally.rejected))
            let again = try await overview()
            #expect(again["position"] == after["position"], "a second run wrote something")
            #expect(again["registered"] == after["registered"])
        }

        /// Every reject names its line and a reason; answers the lines.
        private func expectReasons(count: Int) async throws -> Set<Int> {
            guard count > 0 else { return [] }
            let file = demo.folder.appending(path: "import/la311-2020.csv.rejects.csv")
            let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst()
            #expect(lines.count == count)
            for line in lines { #expect(line.split(separator: ",").count >= 3, "no reason in: \(line)") }
            return Set(lines.compactMap { $0.split(separator: ",").first.flatMap { Int($0) } })
        }

        /// What the overview grew by equals a count over the file.
        private func expectFigures(
            _ before: JSON, _ after: JSON, provinces: [String: Int], created: Int, statuses: [String]
        ) throws {
            func growth(_ name: String) throws -> Int { try after.number(name) - before.number(name) }
            #expect(statuses.count == created)
            let ended = statuses.count { $0 == "Closed" || $0 == "Cancelled" }
            #expect(try growth("registered") == created)
            #expect(try growth("closed") == ended)
            #expect(try growth("open") == created - ended)
            #expect(try growth("overdue") == 0, "imported cases do not score")
            #expect(provinces.values.reduce(0, +) == created)
            let counts = try before.list("provinces").map { (try $0.text("code"), try $0.number("registered")) }
            let earlier = Dictionary(uniqueKeysWithValues: counts)
            for province in try after.list("provinces") {
                let code = try province.text("code")
                let grown = try province.number("registered") - (earlier[code] ?? 0)
                #expect(grown == provinces[code] ?? 0, "\(code)")
            }
        }
    }
}
