import Casework
import Federation
import POSIX
import Testing

@testable import Postgres
@testable import Store

@Suite struct ProjectionTests {
    private func positions(_ office: ReadsOffice) async throws -> [String: UInt64] {
        try await office.database.readers.run { connection in
            try connection.query("SELECT name, position FROM projections").reduce(into: [:]) {
                $0[try $1.get(0)] = try $1.number(1)
            }
        }
    }

    /// Every SQL file beside a projection is that of one in the list, and creates the table of its name.
    @Test func `every folder is in the list`() throws {
        let here = #filePath
        let sources = try #require(here.split(separator: "/Tests/StoreTests/").first) + "/Sources/Store/Projections"
        let files = Files.names(in: String(sources)).flatMap { Files.names(in: "\(sources)/\($0)") }
        let names = files.filter { $0.hasSuffix(".sql") }.map { String($0.dropLast(4)) }
        #expect(names.sorted() == Projections.all.map(\.name).sorted() && !names.isEmpty)
        for projection in Projections.all {
            let text = String(decoding: projection.definition, as: UTF8.self)
            #expect(text.contains("CREATE TABLE \(projection.name) ("))
        }
    }

    @Test func `projections that came equally far go together, and one that was dropped joins them`() async throws {
        let office = try await ReadsOffice()
        for _ in 0..<6 { try office.register() }
        try await office.save()
        let frame = office.frame()
        while try await frame.advance(limit: 4) > 0 {}
        #expect(try await positions(office) == ["search": 6, "clocks": 6, "outbox": 6])
        try office.register()
        try await office.save()
        try await office.database.readers.run { try Projections.drop(ClockProjection(), $0) }
        // One step of each: what is new waits for no other.
        _ = try await frame.advance(limit: 4)
        #expect(try await positions(office) == ["search": 7, "clocks": 4, "outbox": 7])
        _ = try await frame.advance(limit: 4)
        #expect(try await positions(office) == ["search": 7, "clocks": 7, "outbox": 7])
        #expect(try await frame.advance(limit: 4) == 0)
        await office.close()
    }

    @Test func `a table whose file has changed is made anew`() async throws {
        let office = try await ReadsOffice()
        try office.register()
        try await office.save()
        try await office.project()
        try await office.database.migrate()
        #expect(try await positions(office) == ["search": 1, "clocks": 1, "outbox": 1])
        try await office.execute("UPDATE projections SET definition = '' WHERE name = 'clocks'")
        try await office.database.migrate()
        #expect(try await positions(office) == ["search": 1, "clocks": 0, "outbox": 1])
        try await office.project()
        let clocks = Clocks(office.database)
        #expect(
            try await clocks.due(before: office.now + 99 * Instant.day, seats: [office.origin], limit: 9).count == 1)
        await office.close()
    }

    @Test func `one that fails stays behind alone`() async throws {
        let office = try await ReadsOffice()
        try office.register()
        try await office.save()
        try await office.execute("ALTER TABLE clocks ADD CHECK (level > 5)")
        let frame = office.frame()
        await #expect(throws: PostgresError.self) { try await frame.advance(limit: 4) }
        #expect(try await positions(office) == ["search": 1, "clocks": 0, "outbox": 1])
        try await office.execute("ALTER TABLE clocks DROP CONSTRAINT clocks_level_check")
        _ = try await frame.advance(limit: 4)
        #expect(try await positions(office) == ["search": 1, "clocks": 1, "outbox": 1])
        await office.close()
    }

    @Test func `another process that advances them is left alone`() async throws {
        let office = try await ReadsOffice()
        try office.register()
        try await office.save()
        let (one, two) = (office.frame(), office.frame())
        async let first = one.advance(limit: 1)
        async let second = two.advance(limit: 1)
        let moved = try await first + second
        #expect(moved >= 1)
        #expect(try await positions(office) == ["search": 1, "clocks": 1, "outbox": 1])
        await office.close()
    }

    /// A part that arrives late changes a row without moving it, and the same process has looked at it before.
    @Test func `a row that changes at the position reached is looked at once more`() async throws {
        let office = try await ReadsOffice()
        try office.register()
        try await office.save()
        let frame = office.frame()
        while try await frame.advance(limit: 4) > 0 {}
        try await office.execute("UPDATE search SET document = 'x'")
        #expect(try await frame.advance(limit: 4) == 0)
        func document() async throws -> String {
            try await office.database.readers.run { try $0.query("SELECT document FROM search")[0].get(0) }
        }
        #expect(try await document() == "x")
        try await office.execute("UPDATE cases SET subject = subject")
        #expect(try await frame.advance(limit: 4) == 0)
        #expect(try await document() != "x")
        await office.close()
    }

    @Test func `clocks come earliest first, by level and by seat, and stop`() async throws {
        let office = try await ReadsOffice()
        let ids = try (0..<3).map { _ in
            office.now = office.now + Instant.day
            return try office.register()
        }
        try await office.save()
        try await office.project()
        let clocks = Clocks(office.database)
        let end = office.now + 40 * Instant.day
        func due(_ level: Int, seats: [Origin]? = nil, limit: Int = 10) async throws -> [CaseID] {
            try await clocks.due(before: end, below: level, seats: seats ?? [office.origin], limit: limit).cases
        }
        #expect(try await due(1) == ids)
        #expect(try await due(1, limit: 2) == Array(ids.prefix(2)))
        #expect(try await due(1, seats: [.hub]).isEmpty)
        #expect(try await due(1, seats: []).isEmpty)
        #expect(try await due(0).isEmpty)
        #expect(try await clocks.due(before: office.now, seats: [office.origin], limit: 9).isEmpty)
        let clock = try #require(office.records[ids[1]]?.state.registeredBy)
        let system = Actor(name: "peyvand", role: .system, organization: OrganizationCode(office.origin))
        try office.write(
            NewEvent(.escalated(clock: clock, level: 1), actor: system, occurredAt: office.now), on: ids[1], epoch: 0)
        try office.run(.answer(text: "شد"), on: ids[2])
        try await office.save()
        try await office.project()
        #expect(try await due(1) == [ids[0]])
        #expect(try await due(2) == Array(ids.prefix(2)))
        let found = try await clocks.due(before: end, seats: [office.origin], limit: 9)
        #expect(found.map(\.level) == [0, 1] && found.map(\.kind) == [.case, .case])
        #expect(found[1].startedBy == clock && found[0].holder == OrganizationCode(office.origin))
        await office.close()
    }
}
