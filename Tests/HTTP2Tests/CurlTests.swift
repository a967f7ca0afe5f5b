import Foundation
import HTTP2
import HTTPTypes
import NIOCore
import Testing

/// The console's door as `curl` meets it: both versions on one port.
@Suite struct CurlTests {
    private let versionAndBody: RequestHandler = { request, writer in
        do {
            let body = try await request.body.collect(upTo: 32 << 20)
            let text = "\(request.httpVersion.rawValue) \(request.peer?.uri ?? "-") \(body.readableBytes)"
            try await writer.respond(HTTPResponse(status: .ok), body: ByteBuffer(string: text))
        } catch {
            return
        }
    }

    private let console = serverTLS(.optional, alpn: [.h2, .http1])

    private func curl(_ port: Int, _ arguments: [String]) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
            process.arguments =
                ["-sS", "-m", "10", "--cacert", TestAuthority.shared.roots] + arguments + ["https://localhost:\(port)/"]
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            process.terminationHandler = { _ in
                let bytes = output.fileHandleForReading.readDataToEndOfFile()
                continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }

    @Test(arguments: [
        (["--http2"], "HTTP/2 - 0"), (["--http1.1"], "HTTP/1.1 - 0"), (["--no-alpn"], "HTTP/1.1 - 0"),
    ])
    func speaksWhatTheClientChooses(arguments: [String], answer: String) async throws {
        try await withServer(tls: console, handler: versionAndBody) { _, port, records in
            let got = try await curl(port, arguments)
            #expect(got == answer)
            #expect(records.all.isEmpty)
        }
    }

    @Test(arguments: ["--http2", "--http1.1"])
    func showsClientCertificateAndTakesLargeBody(version: String) async throws {
        let authority = TestAuthority.shared
        let upload = authority.directory.appendingPathComponent("upload\(version)")
        try Data(count: 10 << 20).write(to: upload)
        try await withServer(tls: console, handler: versionAndBody) { _, port, _ in
            let answer = try await curl(
                port,
                [
                    version, "--cert", authority.certificate("node03"), "--key", authority.key("node03"),
                    "--data-binary", "@\(upload.path)",
                ])
            #expect(answer.hasSuffix("spiffe://peyvand/node/IR-03 \(10 << 20)"))
        }
    }

    @Test func revokedCertificateEndsHTTP1Handshake() async throws {
        let authority = TestAuthority.shared
        try await withServer(tls: console, authorize: { _ in "revoked" }, handler: versionAndBody) { _, port, records in
            let certificate = ["--cert", authority.certificate("node03"), "--key", authority.key("node03")]
            let revoked = try await curl(port, ["--http1.1"] + certificate)
            #expect(revoked == "")
            #expect(await eventually { records.all.map(\.reason) == ["revoked"] })
            let nobody = try await curl(port, ["--http1.1"])
            #expect(nobody == "HTTP/1.1 - 0")
        }
    }
}
