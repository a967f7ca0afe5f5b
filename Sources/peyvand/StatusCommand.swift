import ArgumentParser
import Casework
import Contract
import JSON
import Program

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "A node's or the hub's state, and what a person must look at; with --directory, of all nodes.")

    @OptionGroup var remote: RemoteOptions
    @Option(help: "A running demonstration's folder.") var directory: String?

    func run() async throws {
        guard let directory else { return try await one() }
        let document = try DemoDocument(reading: DemoFolder(directory))
        let rows = try await withThrowingTaskGroup(of: (Int, [String]).self) { group in
            for (index, node) in document.nodes.enumerated() {
                let client = try document.client(node)
                group.addTask {
                    let row = await Self.row(node.code, node.process, client)
                    await client.close()
                    return (index, row)
                }
            }
            var rows = [[String]](repeating: [], count: document.nodes.count)
            for try await (index, row) in group { rows[index] = row }
            return rows
        }
        let heading = [
            "code", "process", "link", "head", "acknowledged", "backlog", "last acknowledgement", "feed", "cases",
            "conflicts", "proposals", "parked", "branches", "clock ms", "oldest unacknowledged", "newest alarm",
        ]
        TextTable(heading, rows).show()
    }

    private static func row(_ code: String, _ process: Int32?, _ client: APIClient) async -> [String] {
        let running = process.map { String($0) } ?? "down"
        let answer: APIClient.Answer
        do {
            answer = try await client.get("/api/v1/status")
        } catch {
            return [code, running, String("no answer: \(error)".prefix(80))]
        }
        guard answer.isSuccess else { return [code, running, answer.problem] }
        let json = answer.json
        let number = { (name: String) in json[name]?.int.map { String($0) } ?? "–" }
        // A reason may be long; the node's own page and log have it whole.
        let link = json["link"]?.string ?? "–"
        return [
            code, running, link.count > 50 ? link.prefix(49) + "…" : link,
            json["head"]?["seq"]?.int.map { String($0) } ?? "–",
            number("acknowledged"), number("backlog"), json["acknowledged_at"]?.string ?? "never", number("feed"),
            number("cases"), number("conflicts"), number("proposals"), number("parked"),
            String(json["branches"]?.array?.count ?? 0), number("clock_offset_ms"),
            Age.text(json["oldest_unacknowledged_at"]?.string) ?? "–",
            json["alarms"]?.array?.first?["code"]?.string ?? "–",
        ]
    }

    private func one() async throws {
        let client = try remote.client()
        let me = try await client.document("/api/v1/me")
        guard me["server"]?["kind"]?.string != "hub" else {
            try await HubStatus.show(client)
            return await client.close()
        }
        let json = try await client.document("/api/v1/status")
        await client.close()
        let head = json["head"]
        let number = { (name: String) in json[name]?.int.map { String($0) } ?? "–" }
        TextTable(
            ["node", json["code"]?.string ?? "–"],
            [
                ["link", json["link"]?.string ?? "–"],
                ["hub last heard", json["hub_seen_at"]?.string ?? "never"],
                ["journal's head", head?["seq"]?.int.map { String($0) } ?? "–"],
                ["incarnation", head?["incarnation"]?.string ?? "–"],
                ["acknowledged", "\(number("acknowledged")), last at \(json["acknowledged_at"]?.string ?? "–")"],
                ["backlog", number("backlog") + " events"],
                ["feed", number("feed")],
                ["clock", number("clock_offset_ms") + " ms from the hub's"],
                ["oldest unacknowledged", Age.text(json["oldest_unacknowledged_at"]?.string) ?? "none"],
                ["cases", number("cases")], ["conflicts", number("conflicts")], ["proposals", number("proposals")],
                ["parked", number("parked") + " cases wait for an upgrade"],
                ["pending", number("pending") + " referrals wait for the hub"],
                ["journal's chains", "\(number("chains")), \(json["branches"]?.array?.count ?? 0) of them forked"],
                ["restored", json["restored_at"]?.string ?? "never"],
            ]
        ).show()
        let alarms = json["alarms"]?.array ?? []
        if !alarms.isEmpty { Terminal.line() }
        AlarmTable.show(alarms)
    }
}
