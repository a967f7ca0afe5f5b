import Foundation
import TestDoors
import Testing

extension EndToEnd {
    @Suite struct Shutdown {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        /// Processes that work in the demonstration's folder or were started for it.
        private func remaining() -> [String] {
            let place = demo.folder.resolvingSymlinksInPath().path
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.compactMap { pid_t($0) }.filter { $0 != getpid() }.compactMap { process in
                let words = (try? Data(contentsOf: URL(filePath: "/proc/\(process)/cmdline"))) ?? Data()
                let command = String(decoding: words.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
                let directory =
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")) ?? ""
                return command.contains(place) || directory.hasPrefix(place) ? "\(process): \(command)" : nil
            }
        }

        @Test func `Ctrl-C leaves no process, and a second start goes on with the same data`() async throws {
            let node = try demo.server("IR-03")
            let id = try await node.register("پیش از خاموشی").text("id")
            try await demo.settled("IR-03")
            let before = try (demo.document, await demo.hub.get("/overview"), await node.status())
            let processes = try (["hub"] + demo.codes).compactMap { try demo.processID($0) } + [demo.postmaster]
            #expect(processes.count == 33)

            #expect(try await demo.interrupt() == 0)
            #expect(remaining().isEmpty)
            #expect(!FileManager.default.fileExists(atPath: demo.demoFile.path), "it says what runs, and nothing runs")
            for process in processes { #expect(kill(process, 0) != 0, "process \(process) is left") }

            try await demo.start()
            let after = try demo.document
            func identities(_ document: JSON) throws -> [JSON?] {
                try ([document["hub"] ?? .null] + document.list("nodes")).flatMap { [$0["console"], $0["token"]] }
            }
            #expect(try identities(after) == identities(before.0), "addresses and tokens stay")
            let status = try await demo.settled("IR-03")
            #expect(status["head"] == before.2["head"])
            #expect(status["cases"] == before.2["cases"])
            #expect(try await node.caseDocument(id)["status"]?.string == "registered")
            let overview = try await demo.hub.get("/overview")
            for name in ["registered", "open", "answered", "closed", "disputed", "conflicts"] {
                #expect(overview[name] == before.1[name], "\(name)")
            }
            #expect(try await node.register("پس از روشنی")["status"]?.string == "registered")
        }
    }
}
