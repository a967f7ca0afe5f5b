import Foundation
import POSIX
import Testing

@testable import Program

struct ProgramTests {
    private func withFolder(_ body: (DemoFolder) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("peyvand-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(DemoFolder(url.path))
    }

    @Test func theStateIsReadBackAndKeepsItsPorts() throws {
        try withFolder { folder in
            var state = DemoState()
            try state.choosePorts(for: ["hub", "IR-03"], in: folder)
            let token = state.token(of: "IR-03")
            #expect(token.count == 64 && state.token(of: "IR-03") == token && state.token(of: "hub") != token)
            try state.write(to: folder)
            var again = try DemoState(reading: folder)
            #expect(again == state)
            try again.choosePorts(for: ["hub", "IR-03", "IR-23"], in: folder)
            #expect(again.ports["hub"] == state.ports["hub"] && again.ports["IR-03"] == state.ports["IR-03"])
            let all = again.ports.values.flatMap { [$0.console, $0.plain] + ($0.link.map { [$0] } ?? []) }
            #expect(Set(all).count == 7)
        }
    }

    @Test func aFolderIsInUseWhileItsLockIsHeld() throws {
        try withFolder { folder in
            #expect(!folder.isInUse)
            let lock = try FileLock(folder.lockFile)
            #expect(folder.isInUse)
            withExtendedLifetime(lock) {}
        }
    }

    @Test(arguments: [
        ("https://127.0.0.1:8443", "127.0.0.1", 8443), ("https://hub.example/", "hub.example", 443),
        ("https://[::1]:9", "::1", 9),
    ])
    func addressesAreRead(url: String, host: String, port: Int) throws {
        let endpoint = try Endpoint(url: url)
        #expect(endpoint.host == host && endpoint.port == port)
    }

    @Test(arguments: ["http://a:1", "https://", "https://a:0", "https://a:b", "https://a/b", "a:1"])
    func otherAddressesAreRefused(url: String) {
        #expect(throws: Failure.self) { try Endpoint(url: url) }
    }

    @Test func aLogStaysWithinItsBound() throws {
        try withFolder { folder in
            let path = folder.path + "/x.log"
            let log = try BoundedLog(path, limit: 1000)
            for _ in 0..<100 { log.append(ArraySlice(repeating: 0x61, count: 100)) }
            #expect((Files.size(path) ?? .max) <= 1000)
            #expect((Files.size(path + ".1") ?? .max) <= 1000)
        }
    }
}
