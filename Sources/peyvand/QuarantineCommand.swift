import ArgumentParser
import Casework
import Contract
import HTTPTypes
import JSON
import Program

struct QuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine", abstract: "The provinces that the hub keeps out until a person decides.",
        subcommands: [List.self, Release.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Who is quarantined, since when and why, and between which incarnations to choose.")
        @OptionGroup var remote: RemoteOptions

        func run() async throws {
            let client = try remote.client()
            let provinces = try await client.document("/api/v1/provinces")["items"]?.array ?? []
            await client.close()
            let kept = provinces.filter { $0["quarantine"].map { !$0.isNull } ?? false }
            guard !kept.isEmpty else { return Terminal.line("no province is quarantined.") }
            for province in kept { QuarantineCommand.show(province) }
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a quarantine: the province's events that wait are merged. The hub's audit says who did it.")
        @Argument(help: "The province, such as IR-03.") var code: String
        @Option(help: "The incarnation that goes on, 16 hexadecimal digits, of those that list names.")
        var keep: String?
        @OptionGroup var remote: RemoteOptions

        func run() async throws {
            guard let origin = Origin(code), !origin.isHub else {
                throw Failure.usedWrongly("'\(code)' is no province; give a code from IR-00 to IR-30.")
            }
            if let keep, keep.count > 16 || UInt64(keep, radix: 16) == nil {
                throw Failure.usedWrongly("'\(keep)' is no incarnation; peyvand quarantine list names them.")
            }
            let client = try remote.client()
            let answer: APIClient.Answer
            do {
                answer = try await client.call(
                    .post, "/api/v1/provinces/\(origin.code)/release", body: ["keep": JSON(keep)])
            } catch let unreachable as APIClient.Unreachable {
                throw Failure("the server cannot be reached: \(unreachable).")
            }
            await client.close()
            guard answer.isSuccess else { throw Failure("\(client.endpoint.authority) says: \(answer.problem)") }
            Terminal.line("\(origin.code) is no longer quarantined.")
        }
    }

    private static func show(_ province: JSON) {
        let quarantine = province["quarantine"]
        let reason = quarantine?["reason"]
        let since = quarantine?["since"]?.string
        Terminal.line(
            "\(province["code"]?.string ?? "–")  since \(since ?? "an unknown time"), "
                + "\(quarantine?["held"]?.int ?? 0) events wait")
        let why = reason?["detail"]?.string ?? "no reason is kept"
        Terminal.line("    why: \(reason?["code"]?.string ?? "unknown"): \(why)")
        let candidates = quarantine?["candidates"]?.array ?? []
        guard !candidates.isEmpty else { return }
        Terminal.line("    choose the incarnation that goes on with --keep:")
        TextTable(
            ["    incarnation", "first", "last"],
            candidates.map { one in
                [
                    "    " + (one["incarnation"]?.string ?? "–"), one["first"]?.int.map { String($0) } ?? "–",
                    one["last"]?.int.map { String($0) } ?? "–",
                ]
            }
        ).show()
    }
}
