public import Casework
public import Cryptography
import Federation
import Postgres

/// What a verification found.
public struct VerificationReport: Sendable, Equatable {
    /// Of the journal, and those held apart.
    public internal(set) var events = 0
    /// Parts that are present here and have the hash that their event names.
    public internal(set) var parts = 0
    public internal(set) var cases = 0
    /// Heads of the hub's receipts whose signature was checked.
    public internal(set) var receipts = 0
    /// Heads of receipts that no given key could check, because none was given.
    public internal(set) var uncheckedReceipts = 0
    /// One line for each fault, naming the row; at most ``maximumFaults`` of them.
    public internal(set) var faults: [String] = []
    public internal(set) var faultCount = 0
    /// What a person should know and is no fault: that a hub which was brought back from an older state has not got
    /// all of its own events back.
    public internal(set) var notes: [String] = []

    public static let maximumFaults = 1000

    public var isClean: Bool { faultCount == 0 }

    mutating func add(fault: String) {
        faultCount += 1
        if faults.count < Self.maximumFaults { faults.append(fault) }
    }
}

/// Proves that what is stored is what was written: every event has its hash, every chain holds, every part belongs to
/// its event, every receipt is signed, and all that is derived follows from the journal.
public enum Verification {
    public struct Progress: Sendable, Equatable {
        /// `journal`, `cases`, `receipts`, `figures`, `feeds`
        public var stage: String
        public var done: Int
        /// As far as it is known.
        public var total: Int?
    }

    /// Reads everything; memory stays bounded. The server may go on meanwhile.
    /// - Parameters:
    ///   - origin: this server. The hub holds every origin's whole journal, a node its own.
    ///   - receiptKeys: those of the hub's receipt certificates, present and past.
    /// - Throws: `PostgresError` when the database cannot be read; a fault of the data is no error but a line of the
    ///   report.
    public static func run(
        database: Database, store: any CaseStore, origin: Origin, receiptKeys: [VerifyingKey],
        progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws -> VerificationReport {
        // Whole tables are read, which may take longer than a reader's statement is allowed to.
        let configuration = ConnectionConfiguration(
            url: database.url, applicationName: "peyvand verify", statementTimeout: nil)
        let connection = try await Connection.connect(configuration, logger: database.logger)
        let run = VerificationRun(
            connection: connection, store: store, origin: origin, receiptKeys: receiptKeys, progress: progress)
        do {
            let report = try await run.report()
            await connection.close()
            return report
        } catch {
            await connection.close()
            throw error
        }
    }
}

/// One verification under way: the stages in their order.
struct VerificationRun: Sendable {
    let connection: Connection
    let store: any CaseStore
    let origin: Origin
    let receiptKeys: [VerifyingKey]
    let progress: @Sendable (Verification.Progress) -> Void

    func report() async throws -> VerificationReport {
        var report = VerificationReport()
        try await checkJournal(&report)
        try await checkHeads(&report)
        try await checkReceipts(&report)
        try await checkCases(&report)
        try await checkFigures(&report)
        try await checkFeeds(&report)
        return report
    }

    func query(_ sql: String, _ parameters: [Parameter] = []) async throws -> Rows {
        try await connection.run { connection in try connection.query(sql, parameters) }
    }

    func tell(_ stage: String, _ done: Int, of total: Int? = nil) {
        progress(Verification.Progress(stage: stage, done: done, total: total))
    }
}
