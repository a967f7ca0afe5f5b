import Glibc
import POSIX

/// An installed PostgreSQL server.
struct ServerBinaries: Sendable, Equatable {
    static let oldestMajor = 15

    let directory: String
    let major: Int

    var initdb: String { directory + "/initdb" }
    var postgres: String { directory + "/postgres" }

    /// The newest server installed; with `major`, one of that version: a data directory belongs to one major version.
    /// - Throws: `serverUnavailable`, saying what to install.
    static func find(major: Int?, log: String) throws -> ServerBinaries {
        let found = candidates().compactMap { directory -> ServerBinaries? in
            guard Files.isExecutable(directory + "/postgres"), Files.isExecutable(directory + "/initdb") else {
                return nil
            }
            return version(of: directory, log: log).map { ServerBinaries(directory: directory, major: $0) }
        }
        if let major {
            if let exact = found.first(where: { $0.major == major }) { return exact }
            throw PostgresError(
                .serverUnavailable,
                "The data directory was made by PostgreSQL \(major), which is not installed: "
                    + "apt install postgresql-\(major), or upgrade the directory with pg_upgrade.")
        }
        if let newest = found.max(by: { $0.major < $1.major }), newest.major >= oldestMajor { return newest }
        throw PostgresError(
            .serverUnavailable,
            "No PostgreSQL server of version \(oldestMajor) or later was found: apt install postgresql-\(oldestMajor).")
    }

    /// Where distributions put servers, before what PATH names: PATH may lead to wrappers.
    private static func candidates() -> [String] {
        var list = Files.names(in: "/usr/lib/postgresql").map { "/usr/lib/postgresql/\($0)/bin" }
        list += Files.names(in: "/usr").filter { $0.hasPrefix("pgsql-") }.map { "/usr/\($0)/bin" }
        list += ["/usr/local/pgsql/bin"]
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for directory in path.split(separator: ":") {
            // A link named postgres leads to the directory in which its libraries and initdb lie.
            guard let program = try? Files.resolve("\(directory)/postgres"),
                let slash = program.lastIndex(of: "/")
            else { continue }
            list.append(String(program[..<slash]))
        }
        return list
    }

    /// The version stands in the directory's name, or else the program tells it.
    private static func version(of directory: String, log: String) -> Int? {
        let parts = directory.split(separator: "/")
        if parts.count >= 4, parts[2] == "postgresql", let major = Int(parts[3]) { return major }
        let answer = log + ".version"
        unlink(answer)
        defer { unlink(answer) }
        guard (try? ChildProcess.run([directory + "/postgres", "--version"], log: answer)) != nil else { return nil }
        // "postgres (PostgreSQL) 15.7 (Debian …)"
        let words = ((try? Files.text(answer)) ?? "").split { $0 == " " || $0 == "\n" }
        guard words.count >= 3 else { return nil }
        return words[2].split { !$0.isNumber }.first.flatMap { Int($0) }
    }
}
