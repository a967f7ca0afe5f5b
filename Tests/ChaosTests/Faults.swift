import Foundation
import Glibc
import TestDoors

/// A disk of a few megabytes below a PostgreSQL, which can be filled to the last byte.
struct SmallDisk: Sendable {
    let place: URL
    private var filler: String { place.appending(path: "filler").path }

    static func mount(at place: URL, bytes: Int, owner: (user: uid_t, group: gid_t)) async throws -> SmallDisk {
        mkdir(place.path, 0o755)
        try await Program.succeed(
            "mount", ["-t", "tmpfs", "-o", "size=\(bytes),mode=755", "peyvand-test", place.path])
        return SmallDisk(place: place)
    }

    /// Fails when something is still at work there.
    func remove() async throws { try await Program.succeed("umount", [place.path]) }

    /// Takes every byte that is left.
    func fill() throws {
        let descriptor = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Fault("cannot fill \(place.path)") }
        defer { close(descriptor) }
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        while write(descriptor, zeros, zeros.count) > 0 {}
        guard errno == ENOSPC else { throw Fault("\(place.path) was not filled: \(String(cString: strerror(errno)))") }
    }

    func free() { unlink(filler) }
}

/// strace on some processes, all that they start included, which watches their system calls or spoils some.
struct Tracer: Sendable {
    private let program: Program
    /// One file for each process.
    private let prefix: URL

    /// - Parameters:
    ///   - calls: the system calls that are watched.
    ///   - injection: as strace's `--inject` takes it.
    init(_ processes: [pid_t], calls: String, injection: String? = nil) async throws {
        prefix = Scratch.folder.appending(path: "strace-\(UUID().uuidString)")
        let spoilt = injection.map { ["-e", "inject=\($0)"] } ?? []
        program = try Program(
            "strace",
            ["-ff", "-y", "-ttt", "-s", "32", "-o", prefix.path, "-e", "trace=\(calls)"] + spoilt
                + processes.flatMap { ["-p", String($0)] })
        _ = try await eventually("strace is attached", within: .seconds(10), every: .milliseconds(20)) {
            if let code = program.exitCode { throw Fault.final("strace ended with \(code): \(program.errors)") }
            return program.errors.components(separatedBy: "attached").count > processes.count ? true : nil
        }
    }

    /// Lets go of the processes.
    func stop() async throws {
        program.signal(SIGINT)
        _ = try await program.end(within: .seconds(10))
    }

    /// The calls of each process, in its order.
    func calls() throws -> [[Substring]] {
        let folder = prefix.deletingLastPathComponent()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return try names.filter { $0.hasPrefix(prefix.lastPathComponent + ".") }.map { name in
            try String(contentsOf: folder.appending(path: name), encoding: .utf8).split(separator: "\n")
        }
    }
}
