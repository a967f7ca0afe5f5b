import Foundation

/// Certificates for these tests, made once by the `openssl` command.
struct TestAuthority: Sendable {
    static let shared: TestAuthority = {
        do {
            return try TestAuthority()
        } catch {
            fatalError("cannot make certificates: \(error)")
        }
    }()

    let directory: URL

    var roots: String { path("authority.crt") }
    func certificate(_ name: String) -> String { path("\(name).crt") }
    func key(_ name: String) -> String { path("\(name).key") }
    private func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    private init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("http2-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for authority in ["authority", "foreign"] {
            try run(
                "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", key(authority), "-out",
                certificate(authority), "-subj", "/CN=\(authority)", "-days", "30")
        }
        try issue("hub", names: "URI:spiffe://peyvand/hub,DNS:localhost,IP:127.0.0.1")
        try issue("node03", names: "URI:spiffe://peyvand/node/IR-03")
        try issue("node05", names: "URI:spiffe://peyvand/node/IR-05")
        try issue("foreign03", names: "URI:spiffe://peyvand/node/IR-03", by: "foreign")
        try issue("twice", names: "URI:spiffe://peyvand/node/IR-03,URI:spiffe://peyvand/node/IR-05")
        try issue("nameless", names: "DNS:node")
        try issue("serveronly", names: "URI:spiffe://peyvand/node/IR-03", usage: "serverAuth")
        try issue("expired", names: "URI:spiffe://peyvand/node/IR-03", days: "-1")
    }

    private func issue(
        _ name: String, names: String, by authority: String = "authority", usage: String = "serverAuth,clientAuth",
        days: String = "30"
    ) throws {
        let extensions = directory.appendingPathComponent("\(name).ext")
        try "subjectAltName=\(names)\nextendedKeyUsage=\(usage)\n".write(
            to: extensions, atomically: true, encoding: .utf8)
        try run(
            "req", "-newkey", "ed25519", "-nodes", "-keyout", key(name), "-out", path("\(name).csr"), "-subj",
            "/CN=\(name)")
        try run(
            "x509", "-req", "-in", path("\(name).csr"), "-CA", roots(of: authority), "-CAkey", key(authority),
            "-CAcreateserial", "-days", days, "-extfile", extensions.path, "-out", certificate(name))
    }

    private func roots(of authority: String) -> String { certificate(authority) }

    private func run(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(arguments: arguments) }
    }

    struct Failed: Error { let arguments: [String] }
}
