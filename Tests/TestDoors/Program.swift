package import Foundation
import Synchronization

/// A program that the tests started. Its output goes to files, so that it never waits for a reader.
package final class Program: Sendable {
    package let process: pid_t
    package let words: String
    package let outputFile: URL
    package let errorsFile: URL
    /// The exit code, or 128 and the signal's number, once it has ended and was reaped.
    private let status = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - path: of the program; a bare name is looked up in PATH.
    ///   - input: what it reads from standard input; nothing by default.
    package init(
        _ path: String, _ arguments: [String], input: Data? = nil, environment: [String: String] = [:],
        folder: URL = Scratch.folder
    ) throws {
        words = ([path] + arguments).joined(separator: " ")
        let name = UUID().uuidString
        outputFile = folder.appending(path: name + ".out")
        errorsFile = folder.appending(path: name + ".err")
        var inputPath = "/dev/null"
        if let input {
            let file = folder.appending(path: name + ".in")
            try input.write(to: file)
            inputPath = file.path
        }
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&files, 0, inputPath, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&files, 1, outputFile.path, flags, 0o600)
        posix_spawn_file_actions_addopen(&files, 2, errorsFile.path, flags, 0o600)
        process = try Self.spawn(path, arguments, environment, &files)
    }

    /// Threads of Swift's pool block signals, and a child inherits that: it gets a clean mask, and a group of its own
    /// as a terminal would give it. Settings of whoever runs the tests must not reach the program under test.
    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String: String],
        _ files: inout posix_spawn_file_actions_t
    ) throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETPGROUP)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PEYVAND_") }
            .merging(environment) { _, given in given }
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for string in argv + envp { free(string) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, path, &files, &attributes, &argv, &envp)
        guard code == 0 else { throw Fault("cannot start \(path): \(String(cString: strerror(code)))") }
        return process
    }

    /// Nil while it runs.
    package var exitCode: Int32? {
        status.withLock { status in
            if let status { return status }
            var raw: Int32 = 0
            guard waitpid(process, &raw, WNOHANG) == process else { return nil }
            status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
            return status
        }
    }

    /// Only while it runs: afterwards its number may be another's.
    package func signal(_ signal: Int32, wholeGroup: Bool = false) {
        guard exitCode == nil else { return }
        kill(wholeGroup ? -process : process, signal)
    }

    /// Waits for its end; one that takes longer is killed.
    package func end(within limit: Duration) async throws -> Int32 {
        let deadline = ContinuousClock.now + limit
        var pause = Duration.milliseconds(4)
        while true {
            if let code = exitCode { return code }
            guard ContinuousClock.now < deadline else {
                signal(SIGKILL)
                throw Fault("'\(words)' did not end within \(limit).\n\(output.suffix(2000))\n\(errors.suffix(2000))")
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    package var output: String { Self.text(outputFile) }
    package var errors: String { Self.text(errorsFile) }

    private static func text(_ file: URL) -> String {
        guard let data = try? Data(contentsOf: file) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    package struct Result: Sendable {
        package var code: Int32
        package var output, errors: String
    }

    /// Starts a program and waits for its end.
    package static func run(
        _ path: String, _ arguments: [String], input: Data? = nil, within limit: Duration = .seconds(60)
    ) async throws -> Result {
        let program = try Program(path, arguments, input: input)
        defer { program.removeFiles() }
        let code = try await program.end(within: limit)
        return Result(code: code, output: program.output, errors: program.errors)
    }

    package func removeFiles() {
        for file in [outputFile, errorsFile, outputFile.deletingPathExtension().appendingPathExtension("in")] {
            unlink(file.path)
        }
    }
}

/// What went wrong, in words for whoever reads the test's result.
package struct Fault: Error, CustomStringConvertible {
    package var description: String
    /// Looking again will not help.
    package var isFinal = false

    package init(_ description: String) { self.description = description }

    package static func final(_ description: String) -> Fault {
        var fault = Fault(description)
        fault.isFinal = true
        return fault
    }
}

/// A folder for the files of this run. Everybody may pass through it, for PostgreSQL's unprivileged user.
package enum Scratch {
    package static var folder: URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "peyvand-test-\(getpid())")
        // Made anew after `remove`: several suites may run in one process.
        mkdir(folder.path, 0o755)
        return folder
    }

    package static func file(_ name: String, _ data: Data) throws -> URL {
        let file = folder.appending(path: "\(UUID().uuidString)-\(name)")
        try data.write(to: file)
        return file
    }

    package static func remove() {
        // With this variable everything stays, for whoever looks into a failure.
        if ProcessInfo.processInfo.environment["PEYVAND_TEST_KEEP"] != nil { return }
        try? FileManager.default.removeItem(at: folder)
    }
}
