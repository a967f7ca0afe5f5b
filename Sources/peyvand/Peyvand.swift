import ArgumentParser
import Bench
import Demo
import Glibc
import Program

/// `peyvand`: one program for offices, the hub, and whoever looks after them.
@main
struct Peyvand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peyvand",
        abstract: "The sync node and the hub of a network for people's complaints and requests.",
        subcommands: [
            DemoCommand.self, HubCommand.self, NodeCommand.self, DatabaseCommand.self, CertificateCommand.self,
            UserCommand.self, TokenCommand.self, ImportCommand.self, ReportCommand.self, StatusCommand.self,
            VerifyCommand.self, RebuildCommand.self, BackupCommand.self, RestoreCommand.self,
            QuarantineCommand.self, SimulateCommand.self, BenchCommand.self,
        ])

    /// Exit codes: 0 done, 1 failed, 2 used wrongly. An error is one line that says what, and what to do.
    static func main() async {
        // A reader that goes away (`peyvand status | head`) must not kill a demonstration in the middle of its work.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Terminal.flush()
            Glibc.exit(report(error))
        }
        Glibc.exit(0)
    }

    private static func report(_ error: any Error) -> Int32 {
        if let failure = error as? Failure {
            Terminal.complain("peyvand: \(failure.message)")
            return failure.code
        }
        switch exitCode(for: error) {
        case .success:
            Terminal.line(fullMessage(for: error))
            return 0
        case .validationFailure:
            Terminal.complain("peyvand: \(oneLine(message(for: error))) See peyvand --help.")
            return 2
        default:
            let text = message(for: error)
            if !text.isEmpty { Terminal.complain("peyvand: \(oneLine(text))") }
            return 1
        }
    }

    private static func oneLine(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.hasSuffix(".") || line.hasSuffix("?") ? line : line + "."
    }
}
