import Casework
import Cryptography
import Postgres

/// The projections of a server. What only one kind of server has is empty at the others.
enum Projections {
    static let all: [any Projection] = [SearchProjection(), ClockProjection(), OutboxProjection()]

    /// Creates the tables that are missing, and anew those whose definition has changed; these begin at the first case.
    static func prepare(_ connection: isolated Connection) throws {
        let rows = try connection.query("SELECT name, definition FROM projections")
        var known: [String: [UInt8]] = [:]
        for row in rows { known[try row.get(0)] = try row.get(1, as: [UInt8].self) }
        for projection in all {
            let hash = Digest.hashing(projection.definition).bytes
            guard known[projection.name] != hash else { continue }
            try connection.transaction { connection in try drop(projection, connection) }
        }
    }

    /// Empties a projection: it begins again at the first case.
    static func drop(_ projection: any Projection, _ connection: isolated Connection) throws {
        try connection.execute("DROP TABLE IF EXISTS \(projection.name)")
        try connection.execute(String(decoding: projection.definition, as: UTF8.self))
        try connection.query(
            """
            INSERT INTO projections (name, position, definition) VALUES ($1, 0, $2)
            ON CONFLICT (name) DO UPDATE SET position = 0, definition = excluded.definition
            """, [.text(projection.name), .bytea(Digest.hashing(projection.definition).bytes)])
    }
}
