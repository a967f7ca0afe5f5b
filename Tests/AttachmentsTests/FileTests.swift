import Casework
import Cryptography
import Foundation
import Glibc
import Testing

@testable import Attachments

/// A folder that goes with its test.
final class Folder: Sendable {
    let path: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "peyvand-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        path = folder.path
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record("\(path) stays: \(error)") }
    }

    /// Names below a folder, with the folders' own.
    func names(_ folder: String) -> [String] {
        guard let handle = opendir(path + "/files/" + folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func files() throws -> AttachmentFiles { try AttachmentFiles(directory: path + "/files") }
}

@Suite struct FileTests {
    private let folder: Folder
    private let files: AttachmentFiles
    private let peer = Origin("IR-03")!

    init() throws {
        folder = try Folder()
        files = try folder.files()
    }

    private func hash(_ bytes: [UInt8]) throws -> EventHash { try #require(EventHash(Digest.sha256(bytes))) }

    @Test func anUploadIsSeenWhenItIsWholeAndNotBefore() async throws {
        let bytes = [UInt8](repeating: 7, count: 3_000_000)
        let sha256 = try hash(bytes)
        do {
            let file = try await files.newFile(announced: 3_000_000)
            #expect(try await file.append(Array(bytes.prefix(1_000_000))) == 1_000_000)
            try await file.append(Array(bytes.dropFirst(1_000_000)))
            #expect(files.size(of: sha256) == nil)
            let kept = try await file.keep()
            #expect(kept.sha256 == sha256 && kept.size == 3_000_000)
        }
        #expect(files.size(of: sha256) == 3_000_000)
        #expect(folder.names("incoming") == [])
        #expect(try await files.isWhole(sha256))
        let stored = try await files.open(sha256)
        #expect(try await stored.read(at: 2_999_990, count: 100) == [UInt8](repeating: 7, count: 10))
        #expect(try await stored.read(at: 3_000_000, count: 100) == [])
        // The same bytes again: one file.
        let again = try await files.newFile(announced: nil)
        try await again.append(bytes)
        #expect(try await again.keep().sha256 == sha256)
        #expect(folder.names(String(sha256.description.prefix(2))) == [String(sha256.description.dropFirst(2))])
    }

    @Test func anUploadThatBreaksOffLeavesNothing() async throws {
        do {
            let file = try await files.newFile(announced: nil)
            try await file.append([1, 2, 3])
            #expect(folder.names("incoming").count == 1)
        }
        // The thread that wrote may hold the file a moment longer than this test.
        for _ in 0..<400 where !folder.names("incoming").isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(folder.names("incoming") == [])
    }

    @Test func whatACrashLeftIsRemovedAtTheNextStartButPartialFilesStay() async throws {
        let descriptor = try Descriptor(folder.path + "/files/incoming/dead", O_RDWR | O_CREAT)
        try descriptor.write([1], at: 0)
        let sha256 = try hash([1, 2])
        try await files.partial(sha256, from: peer).write([1], at: 0)
        let again = try folder.files()
        #expect(folder.names("incoming") == [])
        #expect(again.partialSize(of: sha256, from: peer) == 1)
        #expect(again.partialSize(of: sha256, from: .hub) == 0)
    }

    /// The thread that wrote may hold the file a moment longer than this test.
    private func again(_ file: EventHash) async throws -> PartialFile {
        for _ in 0..<400 {
            do { return try await files.partial(file, from: peer) } catch let fault as FileFault
                where fault.code == .busy
            {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        return try await files.partial(file, from: peer)
    }

    @Test func aPartialFileGoesOnWhereItBrokeOffAndIsCheckedBeforeItIsSeen() async throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 * 31) }
        let sha256 = try hash(bytes)
        do {
            let partial = try await files.partial(sha256, from: peer)
            try await partial.write(Array(bytes.prefix(70_000)), at: 0)
            try await partial.sync()
        }
        let partial = try await again(sha256)
        #expect(try partial.size == 70_000)
        #expect(try await !partial.isWhole())
        try await partial.write(Array(bytes.dropFirst(70_000)), at: 70_000)
        #expect(try await partial.isWhole())
        #expect(files.size(of: sha256) == nil)
        try await partial.publish()
        #expect(files.size(of: sha256) == 200_000)
        #expect(folder.names("partial") == [])
    }

    @Test func oneTransferAtATimeHoldsAPartialFile() async throws {
        let sha256 = try hash([9])
        let first = try await files.partial(sha256, from: peer)
        do {
            _ = try await files.partial(sha256, from: peer)
            Issue.record("two transfers hold one file")
        } catch let fault as FileFault {
            #expect(fault.code == .busy)
        }
        // Another server's transfer of it is another file.
        let other = try await files.partial(sha256, from: .hub)
        try await first.discard()
        // What was thrown away is begun anew, also while its last holder is still about.
        let anew = try await files.partial(sha256, from: peer)
        #expect(try anew.size == 0 && other.size == 0)
    }

    @Test func aDamagedFileIsFoundAndSetAside() async throws {
        let file = try await files.newFile(announced: nil)
        try await file.append(Array("سلام".utf8))
        let sha256 = try await file.keep().sha256
        let name = sha256.description
        let path = folder.path + "/files/" + name.prefix(2) + "/" + name.dropFirst(2)
        try Descriptor(path, O_RDWR).write([0], at: 3)
        #expect(try await !files.isWhole(sha256))
        try await files.setAside(sha256)
        #expect(files.size(of: sha256) == nil)
        #expect(folder.names("damaged") == [name])
    }

    @Test func whatHasNoRoomIsRefusedBeforeItIsTaken() async throws {
        do {
            _ = try await files.newFile(announced: 1 << 60)
            Issue.record("there is no such disk")
        } catch let fault as FileFault {
            #expect(fault.code == .full)
        }
        #expect(folder.names("incoming") == [])
    }

    @Test func aFullDiskIsATypedRefusal() async throws {
        let descriptor = try Descriptor("/dev/full", O_RDWR)
        do {
            try descriptor.write([1], at: 0)
            Issue.record("/dev/full took a byte")
        } catch {
            #expect(error.code == .full)
        }
    }

    @Test func aMissingFileIsMissing() async throws {
        do {
            _ = try await files.open(.zero)
            Issue.record("there is no such file")
        } catch let fault as FileFault {
            #expect(fault.code == .missing)
        }
    }
}
