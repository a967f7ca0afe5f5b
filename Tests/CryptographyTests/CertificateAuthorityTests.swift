import Cryptography
import Foundation
import Testing

/// What the authority signs, judged by the `openssl` command and by our own reader.
struct CertificateAuthorityTests {
    private let now = Int64(Date().timeIntervalSince1970)

    @Test func opensslVerifiesEachProfile() throws {
        let folder = try Folder()
        let authority = try CertificateAuthority.create(now: now)
        try folder.write("ca.pem", authority.certificate)
        let server = try authority.issue(
            .server(hosts: ["10.3.0.1", "tabriz.example"]), uri: "spiffe://peyvand/node/IR-03",
            commonName: "node IR-03", now: now)
        let client = try authority.issue(
            .client, uri: "spiffe://peyvand/ministry/SAMT", commonName: "ministry SAMT", now: now)
        let receipt = try authority.issue(
            .receipt, uri: "spiffe://peyvand/node/IR-03", commonName: "node IR-03", now: now)
        for (name, issued, purpose, others) in [
            ("server", server, "sslserver", [String]()), ("server", server, "sslclient", []),
            ("client", client, "sslclient", ["sslserver"]), ("receipt", receipt, "any", ["sslserver", "sslclient"]),
        ] {
            try folder.write("\(name).pem", issued.certificate)
            let verify = { (purpose: String) in
                try folder.openssl(
                    "verify", "-x509_strict", "-CAfile", "ca.pem", "-purpose", purpose, "\(name).pem")
            }
            #expect(try verify(purpose).status == 0, "\(name) as \(purpose)")
            for other in others { #expect(try verify(other).status != 0, "\(name) as \(other)") }
        }
        let text = try folder.openssl("x509", "-in", "server.pem", "-noout", "-text").output
        for part in [
            "URI:spiffe://peyvand/node/IR-03, DNS:localhost, IP Address:127.0.0.1", "IP Address:10.3.0.1",
            "DNS:tabriz.example", "ASN1 OID: prime256v1", "Issuer: O = Peyvand, CN = Peyvand authority",
            "Subject: O = Peyvand, CN = node IR-03", "CA:FALSE",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test func certificatesAreReadBack() throws {
        let authority = try CertificateAuthority.create(now: now)
        let again = try CertificateAuthority(certificate: authority.certificate, privateKey: authority.privateKey)
        let issued = try again.issue(.receipt, uri: "spiffe://peyvand/hub", commonName: "hub", days: 10, now: now)
        let certificate = try Certificate(pem: issued.certificate)
        #expect(certificate.uriNames == ["spiffe://peyvand/hub"])
        #expect(certificate.commonName == "hub")
        #expect(certificate.notBefore == now)
        #expect(certificate.notAfter == now + 10 * 86_400)
        let key = try SigningKey(pem: issued.privateKey)
        let signature = try key.sign([1, 2, 3])
        #expect(try VerifyingKey(certificatePEM: issued.certificate).verify(signature, [1, 2, 3]))
    }

    @Test func foreignKeysAndNamesWithCommasAreRefused() throws {
        let authority = try CertificateAuthority.create(now: now)
        let other = try CertificateAuthority.create(now: now)
        #expect(throws: CryptoError.self) {
            try CertificateAuthority(certificate: authority.certificate, privateKey: other.privateKey)
        }
        #expect(throws: CryptoError.self) {
            try authority.issue(
                .server(hosts: ["a,URI:spiffe://peyvand/hub"]), uri: "spiffe://peyvand/node/IR-03", commonName: "x",
                now: now)
        }
        #expect(throws: CryptoError.self) {
            try authority.issue(.client, uri: "a,URI:b", commonName: "x", now: now)
        }
    }

    /// A demonstration makes as many at its first start.
    @Test func thirtyThreeIdentitiesTakeLessThanTwoSeconds() throws {
        let clock = ContinuousClock()
        let took = try clock.measure {
            let authority = try CertificateAuthority.create(now: now)
            var serials: Set<String> = []
            for number in 0..<33 {
                let uri = "spiffe://peyvand/node/\(number)"
                let tls = try authority.issue(.server(hosts: []), uri: uri, commonName: "node", now: now)
                _ = try authority.issue(.receipt, uri: uri, commonName: "node", now: now)
                serials.insert(try Certificate(pem: tls.certificate).serial)
            }
            #expect(serials.count == 33)
        }
        #expect(took < .seconds(2))
    }
}

private final class Folder {
    private let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("authority-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: url.appendingPathComponent(name))
    }

    func openssl(_ arguments: String...) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = url
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
