package import Foundation

/// A database of a private PostgreSQL, looked into over its socket as root or its owner may.
package struct Database: Sendable {
    /// The private server's folder: the one that holds `data` and `run`.
    package var postgres: URL
    package var name: String

    package init(postgres: URL, name: String = "peyvand") { (self.postgres, self.name) = (postgres, name) }

    /// What a running server says of itself: its process, its socket's folder.
    private var processFile: [Substring] {
        get throws {
            let text: String
            do {
                text = try String(contentsOf: postgres.appending(path: "data/postmaster.pid"), encoding: .utf8)
            } catch {
                throw Fault("PostgreSQL does not run in \(postgres.path)")
            }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            guard lines.count > 4 else { throw Fault("PostgreSQL is starting: \(text)") }
            return lines
        }
    }

    /// The process that commands PostgreSQL.
    package var postmaster: pid_t {
        get throws {
            let line = try processFile[0]
            guard let process = pid_t(line) else { throw Fault("postmaster.pid begins with \(line)") }
            return process
        }
    }

    package var socket: String { get throws { String(try processFile[4]) } }

    /// Every process of that PostgreSQL: each works in its data directory.
    package var processes: [pid_t] {
        let place = postgres.appending(path: "data").resolvingSymlinksInPath().path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { process in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")) == place
        }
    }

    /// Rows of a query; columns as PostgreSQL prints them.
    package func rows(_ sql: String) async throws -> [[String]] {
        // A file, because a query that lists thousands of cases is too long for a command line.
        let file = FileManager.default.temporaryDirectory.appending(path: "peyvand-query-\(UUID().uuidString).sql")
        try Data(sql.utf8).write(to: file)
        defer { unlink(file.path) }
        let result = try await Program.run(
            "psql",
            ["-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", try socket, "-p", "5432"]
                + ["-U", "peyvand", "-d", name, "-f", file.path])
        guard result.code == 0 else { throw Fault("psql: \(result.errors)") }
        return result.output.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) }
        }
    }

    /// The one number that a query gives.
    package func count(_ sql: String) async throws -> Int {
        guard let text = try await rows(sql).first?.first, let number = Int(text) else {
            throw Fault("no number came of: \(sql)")
        }
        return number
    }
}
