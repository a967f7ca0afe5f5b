public import Casework
import Federation
import Postgres

/// Which files the cases here have, and which of them have come. The rows are written with the events that name them.
public struct AttachmentRegister: Sendable {
    private let database: Database

    public init(_ database: Database) { self.database = database }

    public struct Missing: Sendable, Equatable {
        public var file: EventHash
        /// Bytes.
        public var size: UInt64
    }

    /// The `attached` events of a case whose bytes are here.
    public func eventsHere(of id: CaseID) async throws -> Set<EventHash> {
        let rows = try await query("SELECT event FROM attachments WHERE case_id = $1 AND here", [.uuid(id.bytes)])
        return Set(try rows.map { try $0.hash(0) })
    }

    /// Whether a case on this server has an event of `origin` that names a file, how long it is said to be, and whether
    /// that origin has brought it. `nil` when no such event was accepted.
    public func named(_ file: EventHash, by origin: Origin) async throws -> (size: UInt64, isHere: Bool)? {
        let rows = try await query(
            "SELECT max(size), bool_or(here) FROM attachments WHERE sha256 = $1 AND origin = $2 HAVING count(*) > 0",
            [.bytea(file.bytes), .text(origin.code)])
        return try rows.first.map { (try $0.number(0), try $0.get(1)) }
    }

    /// The bytes of `origin`'s events that have not come, at most 1,000, those of the earliest first.
    public func missing(of origin: Origin) async throws -> [Missing] {
        try await missing(
            """
            SELECT sha256, max(size) FROM attachments WHERE origin = $1 AND NOT here
            GROUP BY sha256 ORDER BY min(case_id::text) LIMIT 1000
            """, origin)
    }

    /// The files that are not here, of cases whose home or present seat `origin` is.
    public func missing(for origin: Origin) async throws -> [Missing] {
        try await missing(
            """
            SELECT a.sha256, max(a.size) FROM attachments a JOIN cases c ON c.id = a.case_id
            WHERE NOT a.here AND (c.home = $1 OR c.seat = $1)
            GROUP BY a.sha256 ORDER BY min(a.case_id::text) LIMIT 1000
            """, origin)
    }

    /// Whether `origin` may have a file: as home or present seat of a case that an event names it in, and whose author
    /// has brought it.
    public func mayHave(_ file: EventHash, _ origin: Origin) async throws -> Bool {
        try await !query(
            """
            SELECT 1 FROM attachments a JOIN cases c ON c.id = a.case_id
            WHERE a.sha256 = $1 AND a.here AND (c.home = $2 OR c.seat = $2) LIMIT 1
            """, [.bytea(file.bytes), .text(origin.code)]
        ).isEmpty
    }

    /// Whether a case of `origin` names a file, wherever its bytes are.
    public func isEntitled(_ origin: Origin, to file: EventHash) async throws -> Bool {
        try await !query(
            """
            SELECT 1 FROM attachments a JOIN cases c ON c.id = a.case_id
            WHERE a.sha256 = $1 AND (c.home = $2 OR c.seat = $2) LIMIT 1
            """, [.bytea(file.bytes), .text(origin.code)]
        ).isEmpty
    }

    /// Notes that a file's bytes are here, or are not any more.
    /// - Parameter origin: only for the events of this origin; `nil`: for all.
    public func note(_ file: EventHash, isHere: Bool, of origin: Origin? = nil) async throws {
        _ = try await query(
            """
            UPDATE attachments SET here = $2
            WHERE sha256 = $1 AND here <> $2 AND ($3::text IS NULL OR origin = $3)
            """, [.bytea(file.bytes), .bool(isHere), Parameter(origin?.code)])
    }

    /// Compares the rows with the disk, page by page: a restored database, or a restored disk, may know other files.
    /// - Parameters:
    ///   - author: rows whose file was found count as here for events of this origin only; `nil`: for all.
    ///   - isOnDisk: whether the bytes of a file are on the disk.
    /// - Returns: how many files were not as noted.
    public func reconcile(author: Origin?, isOnDisk: (EventHash) -> Bool) async throws -> Int {
        var (last, changed) = ([UInt8](), 0)
        while true {
            let rows = try await query(
                """
                SELECT sha256, bool_or(here), bool_or(NOT here AND ($2::text IS NULL OR origin = $2))
                FROM attachments WHERE sha256 > $1 GROUP BY sha256 ORDER BY sha256 LIMIT 1000
                """, [.bytea(last), Parameter(author?.code)])
            for row in rows {
                let file = try row.hash(0)
                let isThere = isOnDisk(file)
                if try isThere ? row.get(2) : row.get(1) {
                    try await note(file, isHere: isThere, of: isThere ? author : nil)
                    changed += 1
                }
                last = file.bytes
            }
            guard rows.count == 1000 else { return changed }
        }
    }

    private func missing(_ sql: String, _ origin: Origin) async throws -> [Missing] {
        try await query(sql, [.text(origin.code)]).map { Missing(file: try $0.hash(0), size: try $0.number(1)) }
    }

    private func query(_ sql: String, _ parameters: [Parameter]) async throws -> Rows {
        try await database.readers.run { connection in try connection.query(sql, parameters) }
    }
}

extension Commit {
    /// The files that the batch's events name; `nil` when there are none.
    var files: (sql: String, parameters: [Parameter])? {
        let named = effects.numbered.compactMap { NamedFile($0.event) }
        return named.isEmpty ? nil : NamedFile.insert(named)
    }
}

/// The row that an event makes.
struct NamedFile: Sendable {
    let event: Event
    let id: CaseID
    let attachment: Attachment

    /// `nil` for an event that names no file.
    init?(_ event: Event) {
        guard event.mergeClass == .appendOnly, case .attached(let attachment) = event.envelope.change,
            let id = event.caseID
        else { return nil }
        (self.event, self.id, self.attachment) = (event, id, attachment)
    }

    static func insert(_ named: [NamedFile]) -> (sql: String, parameters: [Parameter]) {
        (
            """
            INSERT INTO attachments (event, origin, case_id, sha256, size)
                SELECT * FROM unnest($1::bytea[], $2::text[], $3::uuid[], $4::bytea[], $5::bigint[])
            ON CONFLICT (event) DO NOTHING
            """,
            [
                .byteaArray(named.map(\.event.hash.bytes)), .textArray(named.map(\.event.origin.code)),
                .uuidArray(named.map(\.id.bytes)), .byteaArray(named.map(\.attachment.sha256.bytes)),
                .int64Array(named.map { Int64(clamping: $0.attachment.size) }),
            ]
        )
    }
}
