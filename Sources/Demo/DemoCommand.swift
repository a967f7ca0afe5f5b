public import ArgumentParser
import Casework
import Glibc
import POSIX
import Program

/// `peyvand demo`: starts a demonstration, and pulls its plugs.
public struct DemoCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "The hub and the provinces on this machine, with made-up cases.",
        subcommands: [Run.self, Stop.self, Start.self], defaultSubcommand: Run.self)

    public init() {}

    struct Folder: ParsableArguments {
        @Option(name: .long, help: "Where certificates, databases and demo.json lie (environment: PEYVAND_DEMO_DIR).")
        var directory: String?

        var folder: DemoFolder {
            get throws(Failure) {
                guard let path = directory ?? Environment["PEYVAND_DEMO_DIR"], !path.isEmpty else {
                    throw .usedWrongly("no folder is named; give --directory DIR.")
                }
                return DemoFolder(path)
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Start everything; Ctrl-C stops it. A second start keeps the data.")

        @OptionGroup var place: Folder

        @Option(help: "How many provinces, 1 to 31: East Azerbaijan and Tehran first, then the most populous.")
        var provinces = Province.all.count

        @Flag(help: "No made-up cases.")
        var quiet = false

        @Option(help: "Made-up cases a second, over all provinces.")
        var rate = 1.0

        func run() async throws {
            guard (1...Province.all.count).contains(provinces) else {
                throw Failure.usedWrongly("--provinces is a number from 1 to \(Province.all.count).")
            }
            guard rate.isFinite, (0...1000).contains(rate) else {
                throw Failure.usedWrongly("--rate is a number from 0 to 1000.")
            }
            let folder = try place.folder
            try Files.makeFolder(folder.path)
            guard let lock = try FileLock(folder.lockFile) else {
                throw Failure(
                    "a demonstration works in \(folder.path) already; stop it first, or choose another folder.")
            }
            let demonstration = Demonstration(
                cast: DemoCast(folder: folder, provinces: provinces), rate: quiet ? 0 : rate)
            try await untilSignalled { try await demonstration.run() }
            withExtendedLifetime(lock) {}
        }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stop", abstract: "Pull one plug, as kill -9 does, or all of them.")

        @Argument(help: "hub, a province such as IR-03, or all.") var code: String
        @OptionGroup var place: Folder

        func run() async throws {
            let folder = try place.folder
            for server in try Plug.servers(code, in: folder) { try await Plug.pull(server, in: folder) }
        }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "start", abstract: "Put a pulled plug back, or all of them.")

        @Argument(help: "hub, a province such as IR-03, or all.") var code: String
        @OptionGroup var place: Folder

        func run() async throws {
            let folder = try place.folder
            let servers = try Plug.servers(code, in: folder)
            for server in servers { try Files.remove(folder.marker(of: server.code)) }
            for server in servers { try await Plug.waitUntilReady(server.code, in: folder) }
        }
    }
}

/// The plugs of a running demonstration, as another process pulls them.
private enum Plug {
    static func servers(_ code: String, in folder: DemoFolder) throws -> [DemoDocument.Server] {
        guard folder.isInUse else {
            throw Failure("no demonstration works in \(folder.path); start it: peyvand demo --directory \(folder.path)")
        }
        let document = try DemoDocument(reading: folder)
        if code == "all" { return [document.hub] + document.nodes }
        guard let server = document.server(code) else {
            throw Failure.usedWrongly(
                "'\(code)' takes no part in this demonstration; use hub, all, or a province such as IR-03.")
        }
        return [server]
    }

    /// The marker comes first, so that nobody starts the process again in between.
    static func pull(_ server: DemoDocument.Server, in folder: DemoFolder) async throws {
        try Files.replace(folder.marker(of: server.code), with: "")
        // Between the reading of demo.json and the marker the process may have been started anew.
        guard let process = try DemoDocument(reading: folder).server(server.code)?.process,
            isOurs(process, code: server.code, folder)
        else { return Terminal.line("\(server.code) is down already") }
        guard kill(process, SIGKILL) == 0 || errno == ESRCH else {
            throw Failure("cannot kill process \(process): \(String(cString: strerror(errno))).")
        }
        while isOurs(process, code: server.code, folder) { try await Task.sleep(for: .milliseconds(20)) }
        Terminal.line("\(server.code) is down (process \(process) was killed)")
    }

    static func waitUntilReady(_ code: String, in folder: DemoFolder) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            let document = try DemoDocument(reading: folder)
            if let server = document.server(code), let process = server.process {
                let client = try document.client(server)
                let answer = try? await client.get("/readyz")
                await client.close()
                if answer?.isSuccess == true { return Terminal.line("\(code) is ready, process \(process)") }
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        throw Failure("\(code) is not ready after two minutes; its log is \(folder.log(of: code)).")
    }

    /// A number alone proves nothing: it may have been given to another program since.
    private static func isOurs(_ process: Int32, code: String, _ folder: DemoFolder) -> Bool {
        guard let words = try? Files.read("/proc/\(process)/cmdline").split(separator: 0) else { return false }
        return words.contains { $0.elementsEqual(folder.home(of: code).utf8) }
    }
}
