import Casework
import Contract
import JSON
import POSIX
import Program

/// What a backup says of itself: `backup.json`, written last.
struct BackupRecord: Sendable, Equatable {
    /// Whose database this is.
    enum Source: String, Sendable {
        /// A server's private PostgreSQL.
        case `private`
        /// One that was named by `--database`.
        case url
    }

    static let format = 1
    static let fileName = "backup.json"

    var code: String
    /// RFC 3339. The copy is of this moment or a little later.
    var madeAt: String
    var source: Source
    /// PostgreSQL's major version; a restore needs the same.
    var postgresql: Int
    var database: String
    /// The role that made the cluster.
    var superuser: String
    /// The number of the last migration.
    var migration: Int
    /// The journal's head before copying began: the copy holds at least this.
    var incarnation: String
    var seq: UInt64
    var position: UInt64
    /// Of the files beside the database.
    var files: Int
    /// SHA-256 of `files.sha256`.
    var filesHash: String
    var withKeys: Bool

    var json: JSON {
        [
            "format": JSON(Self.format), "code": .string(code), "made_at": .string(madeAt),
            "source": .string(source.rawValue), "postgresql": JSON(postgresql), "database": .string(database),
            "superuser": .string(superuser), "migration": JSON(migration),
            "head": ["incarnation": .string(incarnation), "seq": JSON(seq)], "position": JSON(position),
            "files": JSON(files), "files_sha256": .string(filesHash), "with_keys": .bool(withKeys),
        ]
    }

    func write(to folder: String) throws {
        try Files.replace(folder + "/" + Self.fileName, with: json.bytes + [UInt8(ascii: "\n")], mode: 0o600)
    }

    /// - Throws: `Failure` when the folder is no backup, or one of a newer program.
    init(reading folder: String) throws {
        let path = folder + "/" + Self.fileName
        guard Files.exists(path) else {
            throw Failure("\(folder) is no backup: no \(Self.fileName) is in it; name the folder that backup made.")
        }
        let damaged = Failure("\(path) is damaged; take another backup.")
        let bytes = try Files.read(path)
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw damaged }
        guard let format = json["format"]?.int else { throw damaged }
        guard format == Self.format else {
            throw Failure("\(path) has format \(format), this program knows \(Self.format); use the newer program.")
        }
        guard let code = json["code"]?.string, Origin(code) != nil, let madeAt = json["made_at"]?.string,
            Instant(rfc3339: madeAt) != nil, let source = json["source"]?.string.flatMap({ Source(rawValue: $0) }),
            let postgresql = json["postgresql"]?.int, let database = json["database"]?.string,
            let superuser = json["superuser"]?.string, let migration = json["migration"]?.int,
            let incarnation = json["head"]?["incarnation"]?.string,
            let seq = json["head"]?["seq"]?.int.flatMap({ UInt64(exactly: $0) }),
            let position = json["position"]?.int.flatMap({ UInt64(exactly: $0) }), let files = json["files"]?.int,
            let filesHash = json["files_sha256"]?.string, let withKeys = json["with_keys"]?.bool
        else { throw damaged }
        self.init(
            code: code, madeAt: madeAt, source: source, postgresql: Int(postgresql), database: database,
            superuser: superuser, migration: Int(migration), incarnation: incarnation, seq: seq, position: position,
            files: Int(files), filesHash: filesHash, withKeys: withKeys)
    }

    init(
        code: String, madeAt: String, source: Source, postgresql: Int, database: String, superuser: String,
        migration: Int, incarnation: String, seq: UInt64, position: UInt64, files: Int, filesHash: String,
        withKeys: Bool
    ) {
        self.code = code
        self.madeAt = madeAt
        self.source = source
        self.postgresql = postgresql
        self.database = database
        self.superuser = superuser
        self.migration = migration
        self.incarnation = incarnation
        self.seq = seq
        self.position = position
        self.files = files
        self.filesHash = filesHash
        self.withKeys = withKeys
    }
}
