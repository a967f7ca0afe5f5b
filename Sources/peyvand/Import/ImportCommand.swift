import ArgumentParser
import Casework
import CSV
import Contract
import Cryptography
import JSON
import POSIX
import Program

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Bring cases of an older system from a CSV file, with their history.",
        discussion: """
            Into one node (--node URL), or each row into its province's node of a demonstration (--directory DIR). It \
            can be repeated: rows that are there are left alone. Rows that become no case go to the rejects' file.
            """)

    @Option(help: "The CSV file, with a heading.") var file: String
    @Option(help: "A mapping file, or the name of a shipped one: la311-2020.") var mapping: String
    @OptionGroup var remote: RemoteOptions
    @Option(help: "A running demonstration's folder.") var directory: String?
    @Flag(help: "Read and judge every row; send nothing.") var dryRun = false
    @Option(help: "Where rejected rows go: line, key, reason.") var rejects: String?
    @Option(help: "Where to note how far the import has come.") var state: String?

    func run() async throws {
        guard directory == nil || remote.node == nil else {
            throw Failure.usedWrongly("give --node or --directory, not both.")
        }
        let bytes = try Files.read(file)
        let mapping = try ImportMapping(mapping)
        var csv = CSVReader(bytes)
        guard let heading = csv.next(), heading.fault == nil else {
            throw Failure("\(file) has no heading; its first line must name the columns.")
        }
        let reader = try RowReader(mapping, heading: heading.fields)
        let target = dryRun ? nil : try await target()
        let digest = hex(
            Digest.sha256(Digest.sha256(bytes) + Digest.sha256(mapping.source) + Array((target?.label ?? "").utf8)))
        let name = file.split(separator: "/").last.map { String($0) } ?? "rows"
        let place = directory.map { DemoFolder($0).imports }
        let rejectsFile = rejects ?? (place.map { "\($0)/\(name).rejects.csv" } ?? "\(name).rejects.csv")
        let stateFile = try state ?? statePath(place, digest: digest)
        if let place { try Files.makeFolder(place) }
        if dryRun { try Files.remove(rejectsFile) }
        let run = ImportRun(
            bytes: bytes, reader: reader, target: target, only: target?.only, stateFile: stateFile,
            rejectsFile: rejectsFile, digest: digest)
        let tally = try await run.run()
        report(tally, rejectsFile: rejectsFile)
        for client in target?.clients.values ?? [:].values { await client.close() }
    }

    private func target() async throws -> ImportTarget {
        if let directory {
            let folder = DemoFolder(directory)
            let document = try DemoDocument(reading: folder)
            var clients: [String: APIClient] = [:]
            for node in document.nodes { clients[node.code] = try document.client(node) }
            return ImportTarget(clients: clients, only: nil, label: folder.path)
        }
        let client = try remote.client()
        let answer: APIClient.Answer
        do {
            answer = try await client.get("/api/v1/status")
        } catch let unreachable as APIClient.Unreachable {
            throw Failure("the node cannot be reached: \(unreachable).")
        }
        guard answer.isSuccess else {
            throw Failure("\(client.endpoint.authority) does not let us in: \(answer.problem)")
        }
        guard let origin = answer.json["code"]?.string.flatMap({ Origin($0) }), !origin.isHub else {
            throw Failure("\(client.endpoint.authority) is no node; cases are imported at a province.")
        }
        return ImportTarget(clients: [origin.code: client], only: origin, label: client.endpoint.authority)
    }

    /// Below the demonstration, else below the user's state folder.
    private func statePath(_ place: String?, digest: String) throws -> String? {
        guard !dryRun else { return nil }
        let home = Environment["HOME"].map { $0 + "/.local/state" }
        guard let folder = place ?? (Environment["XDG_STATE_HOME"] ?? home).map({ $0 + "/peyvand" }) else { return nil }
        try Files.makeFolder(folder)
        return "\(folder)/\(digest.prefix(16)).import.json"
    }

    private func report(_ tally: ImportTally, rejectsFile: String) {
        let made = dryRun ? "would become cases" : "created"
        Terminal.line(
            "\(tally.rows) rows: \(tally.created) \(made), \(tally.exists) there before, \(tally.rejected) rejected")
        for (code, count) in tally.provinces.sorted(by: { $0.key < $1.key }) {
            Terminal.line("  \(code)  \(count)  \(Province[code]?.nameEN ?? "")")
        }
        if tally.rejected > 0 { Terminal.line("rejected rows with their reasons: \(rejectsFile)") }
    }
}
