import Testing

/// Who imports whom: the rings of the house, and the modules of the pages.
struct ImportTests {
    @Test func roomsImportWhatTheirRingAllows() throws {
        let files = try Repository.sources.get()
        expectNone(files.flatMap(ImportTable.findings))
    }

    @Test func everyRoomStandsInTheTable() throws {
        let rooms = Set(try Repository.sources.get().map(\.room))
        #expect(rooms == Set(ImportTable.allowed.keys))
    }

    @Test func modulesOfThePagesFormNoCircle() throws {
        expectNone(ModuleGraph.circles(try Repository.javaScript.get().filter { $0.path.contains("/Assets/") }))
    }
}

/// What each room may import: the rings of the house, from the inside out.
enum ImportTable {
    private static let system: Set<String> = ["Glibc", "Synchronization", "Dispatch"]
    private static let network: Set<String> = [
        "NIOCore", "NIOPosix", "NIOHTTP1", "NIOHTTPTypes", "NIOHTTPTypesHTTP1", "HTTPTypes",
    ]
    private static let observing: Set<String> = ["Logging", "Metrics", "CoreMetrics", "Telemetry"]
    private static let core: Set<String> = ["Casework", "Federation"]
    private static let engines: Set<String> = ["POSIX", "Postgres", "HTTP2", "Cryptography", "Attachments"]
    /// Values without a case and without a system call, for any room.
    private static let formats: Set<String> = ["JSON", "CSV"]
    private static let servers: Set<String> = system.union(network).union(observing).union(core).union(engines)
        .union(formats).union(["Contract", "Store"])
    private static let programs: Set<String> = servers.union([
        "Program", "Demo", "Bench", "Node", "Hub", "Console", "Simulator", "ArgumentParser", "Configuration",
        "SystemPackage", "ServiceLifecycle", "UnixSignals",
    ])

    static let allowed: [String: Set<String>] = [
        "JSON": [], "CSV": [],
        // The pure core: no clock, no randomness, no I/O.
        "Casework": [],
        "Federation": ["Casework", "SwiftProtobuf", "FoundationEssentials"],
        "Simulator": ["Casework", "Federation", "Cryptography"],
        // Engines know no case; files of cases bear the hash that the core gives them.
        "POSIX": system,
        "Telemetry": ["CoreMetrics", "Synchronization"],
        "Cryptography": ["COpenSSL", "Glibc"],
        "Postgres": system.union(observing).union(["CLibPQ", "POSIX"]),
        "HTTP2": system.union(network).union(observing).union(["CNGHTTP2", "COpenSSL"]),
        "Attachments": system.union(["Casework", "Cryptography", "NIOPosix"]),
        // Services; doors see servers by the contract alone.
        "Contract": ["Casework", "CSV", "JSON"],
        "Store": servers.subtracting(network).subtracting(["HTTP2", "Store"]),
        "Node": servers, "Hub": servers,
        "Console": system.union(observing).union([
            "Casework", "Contract", "JSON", "CSV", "Cryptography", "Hummingbird", "HTTPTypes", "NIOCore",
        ]),
        // Programs.
        "Program": servers.union(programs).subtracting(["Program", "Demo", "Bench", "Node", "Hub", "Console", "Store"]),
        "Demo": programs.subtracting(["Demo", "Bench", "Node", "Hub", "Console"]),
        "Bench": programs.subtracting(["Bench", "Console"]),
        "peyvand": programs,
    ]

    static func findings(_ file: SourceFile) -> [Finding] {
        // Bytes of the wire are SwiftProtobuf's, and those are Foundation's.
        let generated: Set<String> = file.isGenerated ? ["Foundation"] : []
        return file.imports.subtracting((allowed[file.room] ?? []).union(generated)).sorted().map { module in
            Finding(path: file.path, line: 1, what: "\(file.room) may not import \(module)")
        }
    }
}

/// The modules of the pages and what they import of each other.
enum ModuleGraph {
    static func circles(_ files: [SourceFile]) -> [Finding] {
        var arrows: [String: Set<String>] = [:]
        for file in files {
            let pattern = #/(?:^|\n)\s*(?:import|export)\b[^;]*?["'](?:[^"']*\/)?([^"'\/]+\.js)["']/#
            let name = file.path.split(separator: "/").last.map { String($0) } ?? ""
            arrows[name] = Set(file.text.matches(of: pattern).map { String($0.output.1) })
        }
        // A module that reaches itself lies on a circle.
        return arrows.keys.sorted().filter { reach(from: $0, arrows).contains($0) }.map { name in
            Finding(path: name, line: 1, what: "imports itself by way of \(reach(from: name, arrows).sorted())")
        }
    }

    private static func reach(from start: String, _ arrows: [String: Set<String>]) -> Set<String> {
        var (reached, waiting) = (Set<String>(), Array(arrows[start] ?? []))
        while let next = waiting.popLast() {
            guard reached.insert(next).inserted else { continue }
            waiting += arrows[next] ?? []
        }
        return reached
    }
}
