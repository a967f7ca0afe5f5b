import POSIX
import Testing

@testable import Postgres
@testable import Store

@Suite struct MigrationTests {
    private func with(isMigrated: Bool = true, _ body: (Database) async throws -> Void) async throws {
        let database = try await ContractServer.open(ContractServer.newDatabase(isMigrated: isMigrated))
        try await body(database)
        await database.close()
    }

    @Test func migratingAgainChangesNothing() async throws {
        try await with(isMigrated: false) { database in
            async let one: Void = database.migrate()
            async let two: Void = database.migrate()
            _ = try await (one, two)
            try await database.migrate()
            let numbers = try await database.readers.run { connection in
                try connection.query("SELECT number FROM migrations ORDER BY number")
                    .map { try $0.get(0, as: Int.self) }
            }
            #expect(numbers == Migration.all.map(\.number))
        }
    }

    /// A file that nobody lists would never be applied.
    @Test func everyFileOfTheFolderIsApplied() throws {
        let here = #filePath
        let sources = try #require(here.split(separator: "/Tests/StoreTests/").first) + "/Sources/Store"
        let files = Files.names(in: sources + "/Database/Migrations").filter { $0.hasSuffix(".sql") }.sorted()
        let numbers = files.compactMap { Int($0.prefix { $0 != "-" }) }
        #expect(numbers == Array(1...files.count), "\(files)")
        #expect(Migration.all.map(\.number) == numbers)
        for (migration, file) in zip(Migration.all, files) {
            #expect(migration.sql == (try Files.text(sources + "/Database/Migrations/" + file)), "\(file)")
        }
    }

    @Test func aNewerDatabaseIsRefused() async throws {
        try await with { database in
            let known = try #require(Migration.all.last).number
            try await database.readers.run { connection in
                _ = try connection.query("INSERT INTO migrations (number) VALUES ($1)", [.int(known + 1)])
            }
            await #expect(throws: DatabaseError.newer(found: known + 1, known: known)) { try await database.migrate() }
        }
    }

    @Test func aFailedMigrationLeavesNothing() async throws {
        try await with { database in
            let known = try #require(Migration.all.last).number
            let bad = Migration(number: known + 1, sql: "CREATE TABLE half (a int); SELECT 1 / 0")
            await #expect(throws: PostgresError.self) { try await database.migrate(Migration.all + [bad]) }
            let found = try await database.readers.run { try $0.query("SELECT to_regclass('half') IS NULL") }
            #expect(try found[0].get(0, as: Bool.self))
            // The lock was given back.
            try await database.migrate()
        }
    }
}
