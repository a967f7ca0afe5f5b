import Casework
import Demo
import POSIX
import Program

/// HTTP/2 over TLS: a real server of this program beside nginx with one worker, which answers a body of the same size
/// from its configuration; a static file is slower for it. One thread serves on either side, one asks.
///
/// Our answers carry the headers that a browser's safety needs, nginx's do not.
struct HTTPBenchmark: Benchmark {
    /// One route of the hub's console.
    private struct Subject {
        var name, path: String
        var goal, floor: Double
    }

    private static let subjects = [
        // From memory, ahead of the router.
        Subject(name: "http, from memory", path: "/assets/icon.svg", goal: 1.5, floor: 1),
        // Middleware, the router, the gate, an async handler.
        Subject(name: "http, through the router", path: "/track", goal: 1, floor: 0.7),
    ]

    /// What the usual Swift stack reached of nginx's rate: Hummingbird 2.28 on its own HTTP/2 and TLS.
    private static let usualStack = 0.15

    func run(_ bench: BenchRun) async throws -> [Comparison] {
        // The province is never started: nginx takes its port.
        let network = try BenchNetwork(folder: bench.folder + "/http", provinces: 1, logger: bench.logger)
        let ports = await network.state.ports
        guard let ours = ports[DemoCast.hub]?.console, let other = network.cast.provinces.first?.code,
            let theirs = ports[other]?.console
        else { throw Failure("no ports were chosen.") }
        let load = try Load(log: network.folder.logs + "/h2load.log")
        let server = try await network.start(DemoCast.hub)
        var results = [Comparison]()
        for subject in Self.subjects {
            let size = try await load.run("https://127.0.0.1:\(ours)\(subject.path)", requests: 1).bytesPerAnswer
            let nginx = try Nginx(network, port: theirs, size: size)
            try await nginx.waitUntilReady()
            results.append(try await compare(subject, size: size, ours: ours, theirs: theirs, load, bench))
            await nginx.stop()
            guard server.isRunning else { throw Failure("the hub ended while it was asked.") }
        }
        await network.closeAll()
        return results
    }

    private func compare(
        _ subject: Subject, size: Int, ours: Int, theirs: Int, _ load: Load, _ bench: BenchRun
    ) async throws -> Comparison {
        let requests = bench.isQuick ? 40_000 : 200_000
        var rates = (ours: [Double](), theirs: [Double]())
        for round in 1...bench.rounds(9, quick: 3) {
            let one = try await load.run("https://127.0.0.1:\(ours)\(subject.path)", requests: requests)
            let other = try await load.run("https://127.0.0.1:\(theirs)/", requests: requests)
            guard one.bytesPerAnswer == size, other.bytesPerAnswer == size else {
                throw Failure("the two sides answered \(one.bytesPerAnswer) and \(other.bytesPerAnswer) bytes.")
            }
            rates.ours.append(one.rate)
            rates.theirs.append(other.rate)
            bench.say("  \(subject.path), round \(round): ours \(Int(one.rate)), nginx \(Int(other.rate)) requests/s")
        }
        return .rates(
            subject.name, unit: "requests/s", ours: rates.ours, peer: ("nginx", rates.theirs),
            goal: .ratio(subject.goal), floor: .ratio(subject.floor),
            details: [("bytes", Double(size)), ("usual Swift stack, of nginx", Self.usualStack)])
    }
}

/// `h2load` with 8 connections of 32 streams each.
struct Load: Sendable {
    /// What one call of it measured.
    struct Measurement: Sendable, Equatable {
        /// Requests a second.
        var rate: Double
        /// Of bodies.
        var bytesPerAnswer: Int

        /// - Parameter text: what h2load wrote.
        /// - Throws: `Failure` unless each of `requests` was answered with success.
        init(parsing text: String, requests: Int) throws(Failure) {
            // finished in 2.34s, 85411.11 req/s, 52.10MB/s
            // status codes: 200000 2xx, 0 3xx, 0 4xx, 0 5xx
            // traffic: 125.8MB (131903208) total, 7.63MB (8000000) headers (space savings 69.70%), 114.4MB (120000000) data
            func line(_ beginning: String) -> Substring? {
                text.split(separator: "\n").first { $0.hasPrefix(beginning) }?.dropFirst(beginning.count)
            }
            let words = line("finished in ")?.split(separator: " ") ?? []
            guard let unit = words.firstIndex(of: "req/s,"), unit > 0, let rate = Double(words[unit - 1]),
                let succeeded = line("status codes: ")?.split(separator: " ").first.flatMap({ Int($0) }),
                let bytes = line("traffic: ")?.split(separator: "(").last?.prefix(while: { $0.isNumber }),
                let data = Int(bytes)
            else { throw Failure("h2load's answer cannot be read: \(text.suffix(300))") }
            guard succeeded == requests else { throw Failure("\(succeeded) of \(requests) requests were answered.") }
            (self.rate, bytesPerAnswer) = (rate, data / max(1, requests))
        }
    }

    private let program: String
    private let log: String

    init(log: String) throws(Failure) {
        program = try Tool.path(of: "h2load", package: "nghttp2-client")
        self.log = log
    }

    func run(_ url: String, requests: Int) async throws -> Measurement {
        let connections = min(8, requests)
        let text = try await Tool.run(
            [program, "-t1", "-c\(connections)", "-m32", "-n\(requests)", url], log: log)
        return try Measurement(parsing: text, requests: requests)
    }
}

/// nginx with one worker, on the hub's own certificate, saying the same bytes to everybody.
private struct Nginx: Sendable {
    private let program: ChildProgram
    private let client: APIClient
    private let log: String

    init(_ network: BenchNetwork, port: Int, size: Int) throws {
        let place = network.folder.path + "/nginx"
        try Files.makeFolder(place)
        let certificates = network.cast.certificates
        let file = { (name: String) in certificates.file(name, of: .hub) }
        // One process without a master: nothing is left behind when it is killed.
        try Files.replace(
            place + "/nginx.conf",
            with: """
                daemon off;
                master_process off;
                worker_processes 1;
                pid \(place)/nginx.pid;
                error_log stderr warn;
                events { worker_connections 256; }
                http {
                    access_log off;
                    keepalive_requests 1000000000;
                    client_body_temp_path \(place)/body;
                    proxy_temp_path \(place)/proxy;
                    fastcgi_temp_path \(place)/fastcgi;
                    uwsgi_temp_path \(place)/uwsgi;
                    scgi_temp_path \(place)/scgi;
                    ssl_certificate \(file("chain.pem"));
                    ssl_certificate_key \(file("key.pem"));
                    ssl_protocols TLSv1.2 TLSv1.3;
                    server {
                        listen 127.0.0.1:\(port) ssl http2;
                        location / { return 200 "\(String(repeating: "x", count: size))"; }
                    }
                }

                """)
        log = network.folder.logs + "/nginx.log"
        program = try ChildProgram(
            [try Tool.path(of: "nginx", package: "nginx-light"), "-p", place, "-c", place + "/nginx.conf"],
            log: try BoundedLog(log), readyWord: "\u{0}")
        client = APIClient(
            try Endpoint(url: "https://127.0.0.1:\(port)"), token: nil, trustRoots: certificates.authorityCertificate)
    }

    func waitUntilReady() async throws {
        while true {
            do {
                _ = try await client.get("/")
                return await client.close()
            } catch is APIClient.Unreachable where program.isRunning {
                try await Task.sleep(for: .milliseconds(20))
            } catch is APIClient.Unreachable {
                throw Failure("nginx does not start; its log \(log) ends: \(Files.tail(of: log))")
            }
        }
    }

    func stop() async {
        program.stop(grace: 5)
        _ = await program.exited(grace: 5)
    }
}
