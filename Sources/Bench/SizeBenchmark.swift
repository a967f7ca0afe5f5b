import Casework
import Contract
import Glibc
import JSON
import POSIX
import Program

/// What a demonstration without made-up cases holds of the machine's memory once all its provinces are connected.
struct SizeBenchmark: Benchmark {
    private static let mebibyte = 1_048_576.0

    func run(_ bench: BenchRun) async throws -> [Comparison] {
        let provinces = bench.isQuick ? 8 : Province.all.count
        let folder = DemoFolder(bench.folder + "/size")
        for path in [folder.path, folder.logs] { try Files.makeFolder(path) }
        let log = folder.logs + "/demo.log"
        let demo = try ChildProgram(
            [
                try OwnProgram.path(), "demo", "run", "--quiet", "--directory", folder.path, "--provinces",
                String(provinces),
            ], log: try BoundedLog(log), readyWord: "\u{0}")
        let outcome: Result<[Comparison], any Error>
        do {
            outcome = .success(try await measure(folder, demo, log: log, provinces: provinces, bench))
        } catch {
            outcome = .failure(error)
        }
        demo.stop(grace: 60)
        _ = await demo.exited(grace: 60)
        return try outcome.get()
    }

    private func measure(
        _ folder: DemoFolder, _ demo: ChildProgram, log: String, provinces: Int, _ bench: BenchRun
    ) async throws -> [Comparison] {
        while !Files.exists(folder.demoFile) {
            guard demo.isRunning else { throw Failure("the demonstration does not start: \(Files.tail(of: log))") }
            try await Task.sleep(for: .milliseconds(100))
        }
        let document = try DemoDocument(reading: folder)
        try await waitUntilConnected(document)
        // Start-up is over; what is kept from now on is what a server keeps.
        try await Task.sleep(for: .seconds(bench.isQuick ? 5 : 15))
        guard let hub = document.hub.process, let postgres = Self.postgres(of: folder) else {
            throw Failure("the hub or its PostgreSQL has ended.")
        }
        let nodes = try document.nodes.compactMap(\.process).map { try Memory(of: $0).resident / Self.mebibyte }
        let all = try Processes.descendants(of: [demo.processID, postgres])
        // Shared memory counts once; a process that ends in between counts for nothing.
        let whole = all.compactMap { try? Memory(of: $0).proportional / Self.mebibyte }.reduce(0, +)
        return [
            Comparison(
                "size of a node at rest", unit: "MiB", ours: nodes.median, goal: .atMost(40), floor: .atMost(60),
                details: [("largest", nodes.max() ?? 0), ("nodes", Double(nodes.count))]),
            Comparison(
                "size of the hub, \(provinces) links", unit: "MiB", ours: try Memory(of: hub).resident / Self.mebibyte,
                goal: .atMost(80)),
            Comparison(
                "size of the demo, \(provinces) provinces", unit: "MiB", ours: whole, goal: .atMost(3072),
                details: [("processes", Double(all.count))]),
        ]
    }

    private func waitUntilConnected(_ document: DemoDocument) async throws {
        let client = try document.client(document.hub)
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            let items = try await client.get("/api/v1/provinces").json["items"]?.array ?? []
            let connected = items.filter { $0["state"]?.string == "connected" }.count
            if connected >= document.nodes.count { break }
            guard ContinuousClock.now < deadline else {
                throw Failure("after two minutes \(connected) of \(document.nodes.count) provinces are connected.")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        await client.close()
    }

    /// The number of the demonstration's PostgreSQL: the first line of its file.
    private static func postgres(of folder: DemoFolder) -> Int32? {
        let text = try? Files.text(folder.postgres + "/data/postmaster.pid")
        return text?.split(separator: "\n").first.flatMap { Int32($0) }
    }
}

/// Bytes that a process holds, as the kernel counts them.
struct Memory: Sendable, Equatable {
    /// Pages in memory, whoever else has them too.
    var resident: Double
    /// Shared pages divided by those who share them.
    var proportional: Double

    init(of process: Int32) throws {
        try self.init(parsing: try Files.text("/proc/\(process)/smaps_rollup"))
    }

    /// - Parameter text: `smaps_rollup` of proc(5).
    init(parsing text: String) throws(Failure) {
        func bytes(_ name: String) throws(Failure) -> Double {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            let words = line?.split(separator: " ") ?? []
            guard words.count == 3, let kibibytes = Double(words[1]), words[2] == "kB" else {
                throw Failure("the kernel does not say \(name) of a process.")
            }
            return kibibytes * 1024
        }
        (resident, proportional) = (try bytes("Rss"), try bytes("Pss"))
    }
}

/// The kernel's list of processes.
enum Processes {
    /// These and all that they have started and those in turn.
    static func descendants(of roots: [Int32]) throws -> [Int32] {
        let parents = Files.names(in: "/proc").compactMap { Int32($0) }.compactMap { process -> (Int32, Int32)? in
            guard let text = try? Files.text("/proc/\(process)/stat"), let parent = parent(parsing: text) else {
                return nil
            }
            return (process, parent)
        }
        var found = roots
        var next = 0
        while next < found.count {
            let parent = found[next]
            found += parents.filter { $0.1 == parent && !found.contains($0.0) }.map(\.0)
            next += 1
        }
        return found
    }

    /// - Parameter stat: of proc(5): number, name in brackets, state, parent. The name may hold anything.
    static func parent(parsing stat: String) -> Int32? {
        guard let bracket = stat.lastIndex(of: ")") else { return nil }
        let words = stat[stat.index(after: bracket)...].split(separator: " ")
        return words.count > 1 ? Int32(words[1]) : nil
    }
}
