import Foundation
import TestDoors
import Testing

extension EndToEnd {
    /// The national dashboard's feed of server-sent events.
    @Suite struct Feed {
        let demo: Demo

        init() throws { demo = try Demo.running() }

        struct Message: Equatable {
            var id, event, data: String

            var json: JSON { get throws { try JSON(Data(data.utf8)) } }
        }

        /// A reader of the feed by curl.
        private struct Reader {
            let curl: Program

            init(_ hub: Server, after id: String? = nil) throws {
                let resume = id.map { ["-H", "Last-Event-ID: \($0)"] } ?? []
                var credentials = hub.credentials
                if let place = credentials.firstIndex(of: "--max-time") { credentials[place + 1] = "120" }
                let arguments = ["-N", "-H", "Accept: text/event-stream"] + resume
                curl = try Program("/usr/bin/curl", credentials + arguments + [hub.console + "/api/v1/feed"])
            }

            /// Whole messages that have come so far.
            var messages: [Message] {
                curl.output.components(separatedBy: "\n\n").dropLast().compactMap { block in
                    var message = Message(id: "", event: "", data: "")
                    for line in block.split(separator: "\n") {
                        if line.hasPrefix("id: ") { message.id = String(line.dropFirst(4)) }
                        if line.hasPrefix("event: ") { message.event = String(line.dropFirst(7)) }
                        if line.hasPrefix("data: ") { message.data += line.dropFirst(6) }
                    }
                    return message.event.isEmpty ? nil : message
                }
            }

            func cases() throws -> [String] {
                try messages.filter { $0.event == "change" }.map { try $0.json.text("case_id") }
            }
        }

        @Test func `a snapshot, a change within two seconds, and a resumption without a gap`() async throws {
            let (hub, node) = (try demo.hub, try demo.server("IR-03"))
            try await demo.settled("IR-03")
            let reader = try Reader(hub)
            defer { reader.curl.signal(SIGKILL) }
            let snapshot = try await eventually("the feed begins with a snapshot") { reader.messages.first }
            #expect(snapshot.event == "snapshot")
            let figures = try snapshot.json
            #expect(try figures.list("provinces").count == 31)
            let registered = try figures.number("registered")

            let id = try await node.register("خبر تازه").text("id")
            let change = try await eventually(
                "the new case is on the feed", within: .seconds(2), every: .milliseconds(20)
            ) {
                try reader.messages.first { try $0.event == "change" && $0.json["case_id"]?.string == id }
            }
            #expect(try change.json["home"]?.string == "IR-03")
            #expect(try change.json["totals"]?["registered"]?.int == registered + 1)
            reader.curl.signal(SIGKILL)

            var missed: [String] = []
            for index in 0..<5 { missed.append(try await node.register("در نبود خواننده \(index)").text("id")) }
            try await demo.settled("IR-03")
            let resumed = try Reader(hub, after: change.id)
            defer { resumed.curl.signal(SIGKILL) }
            let seen = try await eventually("the missed changes come after the resumption") {
                let seen = try resumed.cases()
                return seen.count >= missed.count ? seen : nil
            }
            #expect(seen == missed, "each once, in order")
            #expect(!resumed.messages.contains { $0.event == "snapshot" })

            let stranger = try Reader(hub, after: "0123456789abcdef-77")
            defer { stranger.curl.signal(SIGKILL) }
            let fresh = try await eventually("an unknown id gets a snapshot") { stranger.messages.first }
            #expect(fresh.event == "snapshot")
            #expect(try fresh.json.number("registered") >= registered + 6)
        }

        @Test func `a province's link that goes and comes is on the feed`() async throws {
            let reader = try Reader(try demo.hub)
            defer { reader.curl.signal(SIGKILL) }
            _ = try await eventually("the feed begins") { reader.messages.first }
            func state() throws -> String? {
                let links = reader.messages.filter { $0.event == "link" }
                return try links.last { try $0.json["code"]?.string == "IR-10" }?.json["state"]?.string
            }
            try await demo.without("IR-10") {
                _ = try await eventually("the feed tells of the silence", within: .seconds(20)) {
                    try state() == "silent" ? true : nil
                }
            }
            _ = try await eventually("the feed tells of the return", within: .seconds(60)) {
                try state() == "connected" ? true : nil
            }
        }

        @Test func `the feed is closed to strangers`() async throws {
            let answer = try await demo.hub.with(token: nil).call("GET", "/api/v1/feed")
            #expect(answer.status == 401)
        }
    }
}
