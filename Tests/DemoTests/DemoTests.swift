import Casework
import Foundation
import POSIX
import Store
import Testing

@testable import Demo
@testable import Program

struct DemoTests {
    private func withFolder(_ body: (DemoFolder) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("peyvand-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(DemoFolder(url.path))
    }

    @Test func twoLeadAndTheRestFollowByPopulation() {
        let codes = { (count: Int) in DemoCast(folder: DemoFolder("/x"), provinces: count).provinces.map(\.code) }
        #expect(codes(1) == ["IR-03"])
        #expect(codes(2) == ["IR-03", "IR-23"])
        #expect(codes(3) == ["IR-03", "IR-09", "IR-23"])
        #expect(codes(31) == Origin.provinces.map(\.code))
    }

    @Test func certificatesAreMadeOnceInTheAgreedLayout() throws {
        try withFolder { folder in
            let cast = DemoCast(folder: folder, provinces: 2)
            let made = try cast.issueCertificates(now: .now)
            #expect(made == 3 + cast.ministries.count)
            #expect(try cast.issueCertificates(now: .now) == 0)
            for file in ["ca.pem", "registry.tsv", "hub/chain.pem", "node/IR-03/receipt.key", "ministry/SAMT/key.pem"] {
                #expect(Files.exists(folder.certificates + "/" + file), "\(file)")
            }
            let entries = try cast.registryEntries()
            #expect(entries.count == made + 3)
            #expect(entries.allSatisfy { $0.pem != nil && $0.state == "valid" })
            #expect(entries.contains { $0.uri == "spiffe://peyvand/node/IR-23" && $0.use == "receipt" })
            let revoked = try cast.certificates.revoke(entries[0].fingerprint, now: .now)
            #expect(revoked?.isRevoked == true)
            #expect(try cast.registryEntries()[0].state == "revoked")
        }
    }

    @Test func demoJSONIsWhatWasPromised() async throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("peyvand-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        let folder = DemoFolder(url.path)
        let cast = DemoCast(folder: folder, provinces: 2)
        var state = DemoState()
        try state.choosePorts(for: cast.codes, in: folder)
        for code in cast.codes { for (holder, _) in cast.principals(at: code) { _ = state.token(of: holder) } }
        let record = DemoRecord(cast: cast, state: state)
        try await record.set(41, for: "hub")
        #expect(!Files.exists(folder.demoFile))
        try await record.publish()
        try await record.set(42, for: "IR-03")
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.demoFile))
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let hub = try #require(json["hub"] as? [String: Any])
        #expect(hub["pid"] as? Int == 41)
        #expect((hub["console"] as? String)?.hasPrefix("https://127.0.0.1:") == true)
        #expect((hub["link"] as? String)?.hasPrefix("127.0.0.1:") == true)
        let nodes = try #require(json["nodes"] as? [[String: Any]])
        #expect(nodes.map { $0["code"] as? String } == ["IR-03", "IR-23"])
        #expect(nodes[0]["pid"] as? Int == 42 && nodes[1]["pid"] is NSNull)
        #expect((nodes[0]["token"] as? String)?.count == 64)
        let ministries = try #require(json["ministries"] as? [[String: Any]])
        let samt = try #require(ministries.first { $0["code"] as? String == "SAMT" })
        #expect((samt["key"] as? String)?.hasSuffix("/certs/ministry/SAMT/key.pem") == true)
        #expect((json["ca"] as? String) == folder.certificates + "/ca.pem")
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.demoFile)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let document = try DemoDocument(reading: folder)
        #expect(document.nodes.count == 2 && document.nodes[0].otherTokens.count == 3)
    }
}
