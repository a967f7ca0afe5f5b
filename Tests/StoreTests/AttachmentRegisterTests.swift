import Casework
import Federation
import Postgres
import Testing

@testable import Store

/// Rows of files come with their events; whose bytes are here is noted beside them.
@Suite struct AttachmentRegisterTests {
    private static let home = Origin("IR-03")!
    private static let other = Origin("IR-23")!

    /// A case with one file, saved.
    private func office(_ file: EventHash = sha256([1])) async throws -> (ReadsOffice, CaseID, EventHash) {
        let office = try await ReadsOffice()
        let id = try office.register()
        let attachment = Attachment(sha256: file, size: 9, mediaType: "image/jpeg")
        let event = try office.run(.attach(attachment, name: "عکس.jpg"), on: id)[0]
        try await office.save()
        return (office, id, event.hash)
    }

    @Test func aFileIsMissingUntilItsBytesAreNoted() async throws {
        let (office, id, event) = try await office()
        let (register, file) = (AttachmentRegister(office.database), sha256([1]))
        let missing = [AttachmentRegister.Missing(file: file, size: 9)]
        #expect(try await register.missing(of: Self.home) == missing)
        #expect(try await register.missing(for: Self.home) == missing)
        #expect(try await register.missing(for: Self.other) == [])
        #expect(try await register.eventsHere(of: id) == [])
        #expect(try await register.named(file, by: Self.home).map { $0.size } == 9)
        #expect(try await register.named(file, by: Self.other) == nil)
        #expect(try await !register.mayHave(file, Self.home))
        #expect(try await register.isEntitled(Self.home, to: file))
        #expect(try await !register.isEntitled(Self.other, to: file))

        try await register.note(file, isHere: true, of: Self.home)
        #expect(try await register.missing(of: Self.home) == [])
        #expect(try await register.missing(for: Self.home) == [])
        #expect(try await register.eventsHere(of: id) == [event])
        #expect(try await register.mayHave(file, Self.home))
        #expect(try await !register.mayHave(file, Self.other))
        await office.close()
    }

    /// Who knows a file's hash, as a past seat does, gets nothing by naming it in a case of his own.
    @Test func aHashIsNoRightToAFile() async throws {
        let (office, _, _) = try await office()
        let (register, file) = (AttachmentRegister(office.database), sha256([1]))
        try await register.note(file, isHere: true, of: Self.home)
        let bait = CaseID(home: Self.other, at: office.now, random: (1, 1))
        try await office.execute(
            """
            INSERT INTO cases SELECT (jsonb_populate_record(c, '{"id": "\(bait)", "home": "IR-23", "seat": "IR-23"}')).*
                FROM cases c LIMIT 1;
            INSERT INTO attachments VALUES ('\\x77', 'IR-23', '\(bait)', '\\x\(file)', 9);
            """)
        #expect(try await register.isEntitled(Self.other, to: file))
        #expect(try await !register.mayHave(file, Self.other))
        #expect(try await register.missing(of: Self.other).map(\.file) == [file])
        // He has to show that he has it.
        try await register.note(file, isHere: true, of: Self.other)
        #expect(try await register.mayHave(file, Self.other))
        await office.close()
    }

    @Test func theDiskIsBelievedAndNotTheTable() async throws {
        let (office, id, event) = try await office()
        let (register, file) = (AttachmentRegister(office.database), sha256([1]))
        #expect(try await register.reconcile(author: .hub) { _ in true } == 0)
        #expect(try await register.reconcile(author: nil) { $0 == file } == 1)
        #expect(try await register.eventsHere(of: id) == [event])
        #expect(try await register.reconcile(author: nil) { $0 == file } == 0)
        #expect(try await register.reconcile(author: .hub) { _ in false } == 1)
        #expect(try await register.eventsHere(of: id) == [])
        await office.close()
    }

    @Test func theRowsFollowFromTheJournal() async throws {
        let (office, id, event) = try await office()
        try await office.project()
        let register = AttachmentRegister(office.database)
        try await register.note(sha256([1]), isHere: true)
        func verify() async throws -> [String] {
            try await Verification.run(
                database: office.database, store: office.store, origin: office.origin, receiptKeys: []
            ).faults
        }
        #expect(try await verify() == [])
        #expect(
            try await Rebuild.run(database: office.database, store: office.store, origin: office.origin).differences
                == [])
        #expect(try await register.eventsHere(of: id) == [event], "what is on the disk was forgotten")

        try await office.execute(
            """
            UPDATE attachments SET size = 8;
            INSERT INTO attachments SELECT '\\x77', origin, case_id, sha256, size FROM attachments
            """)
        #expect(
            Set(try await verify()) == [
                "attachments 77: has no event", "cases \(id): has a file that is not among the attachments",
            ])
        let rebuilt = try await Rebuild.run(database: office.database, store: office.store, origin: office.origin)
        #expect(
            Set(rebuilt.differences)
                == ["attachments 77: was not what its event says", "attachments \(event): was not what its event says"])
        #expect(try await verify() == [])
        await office.close()
    }
}
