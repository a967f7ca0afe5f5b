import Casework
import CSV
import Contract
import HTTPTypes
import JSON
import POSIX
import Program

/// What came of the rows so far.
struct ImportTally: Sendable, Equatable {
    var rows = 0
    var created = 0
    /// Were there already, from an earlier run.
    var exists = 0
    var rejected = 0
    /// Cases, made now or before, by province.
    var provinces: [String: Int] = [:]

    mutating func add(_ other: ImportTally) {
        rows += other.rows
        created += other.created
        exists += other.exists
        rejected += other.rejected
        provinces.merge(other.provinces) { $0 + $1 }
    }
}

/// Where the rows go.
struct ImportTarget: Sendable {
    /// By province code.
    var clients: [String: APIClient]
    /// The one that takes every row, whatever the mapping says.
    var only: Origin?
    /// For messages and the state's name.
    var label: String
}

/// Reads a file, sends its cases in windows, and remembers after each window how far it has come.
struct ImportRun: Sendable {
    let bytes: [UInt8]
    let reader: RowReader
    /// Nil: a dry run.
    let target: ImportTarget?
    let only: Origin?
    let stateFile: String?
    let rejectsFile: String
    /// Names input, mapping and target together.
    let digest: String

    /// Rows between two notes in the state file.
    private static let window = 2000
    /// Cases in one call; the server takes 500.
    private static let batch = 250
    /// How often one call is made before the run is broken off.
    private static let attempts = 12

    /// - Throws: `Failure` when a server cannot be reached; the same command then goes on where this one ended.
    func run() async throws -> ImportTally {
        var csv = CSVReader(bytes)
        _ = csv.next()
        var tally = ImportTally()
        // A file that repeats a key in another province would make two cases of it: no server could notice.
        var keys: Set<String> = []
        let start = await resumed()
        if let start {
            tally = start.tally
            try Files.cut(rejectsFile, to: start.rejectsLength)
            Terminal.line("going on after row \(tally.rows), where an earlier run ended")
        } else if target != nil {
            try Files.remove(rejectsFile)
        }
        let progress = ImportProgress(total: bytes.count)
        var window = Window()
        while let row = csv.next() {
            let result = reader.read(row, into: only)
            if case .success(let imported) = result, !keys.insert(imported.key).inserted {
                if row.end <= start?.offset ?? 0 { continue }
                window.rejects.append(
                    Reject(line: row.line, key: imported.key, reason: "its key stands further up in this file already"))
            } else {
                if row.end <= start?.offset ?? 0 { continue }
                window.add(result)
            }
            window.end = row.end
            if window.count >= Self.window {
                try await send(&window, &tally)
                progress.show(offset: row.end, tally)
            }
        }
        if window.count > 0 {
            try await send(&window, &tally)
            progress.show(offset: bytes.count, tally)
        }
        Terminal.flush()
        if let stateFile, target != nil { try Files.remove(stateFile) }
        return tally
    }

    private struct Window {
        var rows: [ImportRow] = []
        var rejects: [Reject] = []
        var end = 0
        var count: Int { rows.count + rejects.count }

        mutating func add(_ result: Result<ImportRow, RowReader.RejectedRow>) {
            switch result {
            case .success(let row): rows.append(row)
            case .failure(let rejected): rejects.append(rejected.reject)
            }
        }
    }

    private func send(_ window: inout Window, _ tally: inout ImportTally) async throws {
        guard window.count > 0 else { return }
        let outcome = target == nil ? judge(window.rows) : try await deliver(window.rows)
        var done = outcome.tally
        let rejects = (window.rejects + outcome.rejects).sorted { $0.line < $1.line }
        done.rows = window.count
        done.rejected = rejects.count
        tally.add(done)
        try note(rejects)
        if let stateFile, target != nil, let last = outcome.last {
            let state = ImportState(
                digest: digest, offset: window.end, tally: tally, rejectsLength: Files.size(rejectsFile) ?? 0,
                last: last)
            try state.write(stateFile)
        }
        window = Window()
    }

    private func note(_ rejects: [Reject]) throws {
        guard !rejects.isEmpty else { return }
        let isNew = (Files.size(rejectsFile) ?? 0) == 0
        let heading = isNew ? CSVWriter.line(["line", "key", "reason"]) : ""
        let lines = rejects.map { CSVWriter.line([String($0.line), $0.key, $0.reason]) }.joined()
        try Files.append(rejectsFile, heading + lines)
    }

    fileprivate struct Results {
        var tally = ImportTally()
        var rejects: [Reject] = []
        /// A case that the target now has.
        var last: ImportState.Landmark?
    }

    // MARK: Dry

    /// What a node would say, by the same rules.
    private func judge(_ rows: [ImportRow]) -> Results {
        var outcome = Results()
        for row in rows {
            if let reason = row.objection(now: .now) {
                outcome.rejects.append(Reject(line: row.line, key: row.key, reason: reason))
            } else {
                outcome.tally.created += 1
                outcome.tally.provinces[row.province.code, default: 0] += 1
            }
        }
        return outcome
    }

    // MARK: In earnest

    private func deliver(_ rows: [ImportRow]) async throws -> Results {
        guard let target else { return Results() }
        var batches: [(client: APIClient, code: String, rows: [ImportRow])] = []
        var outcome = Results()
        for (code, rows) in Dictionary(grouping: rows, by: \.province.code).sorted(by: { $0.key < $1.key }) {
            guard let client = target.clients[code] else {
                outcome.rejects += rows.map {
                    Reject(line: $0.line, key: $0.key, reason: "there is no node \(code) in \(target.label)")
                }
                continue
            }
            for start in stride(from: 0, to: rows.count, by: Self.batch) {
                batches.append((client, code, Array(rows[start..<min(start + Self.batch, rows.count)])))
            }
        }
        return try await withThrowingTaskGroup(of: Results.self) { group in
            for (index, batch) in batches.enumerated() {
                // Enough for every node's writer to be busy, and few enough to leave the machine to them.
                if index >= 4, let part = try await group.next() { outcome.add(part) }
                group.addTask { try await post(batch.rows, to: batch.client, code: batch.code) }
            }
            for try await part in group { outcome.add(part) }
            return outcome
        }
    }

    private func post(_ rows: [ImportRow], to client: APIClient, code: String) async throws -> Results {
        let body: JSON = ["cases": .array(rows.map(\.json))]
        var failure = ""
        for attempt in 0..<Self.attempts {
            if attempt > 0 { try await Task.sleep(for: .seconds(min(10, 1 << min(attempt, 4)))) }
            do {
                let answer = try await client.call(.post, "/api/v1/import", body: body, timeout: .seconds(180))
                if answer.isSuccess { return try outcome(of: rows, answer.json["results"]?.array ?? [], code: code) }
                failure = answer.problem
                guard answer.isTransient else { break }
            } catch let unreachable as APIClient.Unreachable {
                failure = unreachable.description
            }
        }
        throw Failure("\(code) does not take the cases: \(failure). Give the same command again to go on.")
    }

    private func outcome(of rows: [ImportRow], _ results: [JSON], code: String) throws -> Results {
        guard results.count == rows.count else {
            throw Failure("\(code) answered for \(results.count) of \(rows.count) cases; is it of another version?")
        }
        var outcome = Results()
        for (row, result) in zip(rows, results) {
            switch result["status"]?.string {
            case "created": outcome.tally.created += 1
            case "exists": outcome.tally.exists += 1
            default:
                let reason = result["reason"]?.string ?? "the server gave no reason"
                outcome.rejects.append(Reject(line: row.line, key: row.key, reason: reason))
                continue
            }
            outcome.tally.provinces[code, default: 0] += 1
            if let id = result["id"]?.string { outcome.last = ImportState.Landmark(node: code, id: id) }
        }
        return outcome
    }

    // MARK: Resuming

    /// How far an earlier run came, unless its target has lost since what it then had. A state that cannot be read, or a
    /// target that does not answer now, means from the beginning: the keys of the rows make that safe.
    private func resumed() async -> ImportState? {
        guard let target, let stateFile, let state = try? ImportState(reading: stateFile), state.digest == digest,
            let client = target.clients[state.last.node],
            let answer = try? await client.get("/api/v1/cases/\(state.last.id)"), answer.isSuccess
        else { return nil }
        return state
    }
}

extension ImportRun.Results {
    fileprivate mutating func add(_ other: ImportRun.Results) {
        tally.add(other.tally)
        rejects += other.rejects
        last = other.last ?? last
    }
}

extension ImportRow {
    /// Why the casework would refuse it; nil when it would not.
    func objection(now: Instant) -> String? {
        let id = CaseID(home: province, at: imported.registeredAt, random: (0, 0))
        let organization = OrganizationCode(province)
        let context = DecisionContext(
            now: now, origin: province,
            actor: Actor(name: "import", role: .supervisor, organization: organization), tree: .standard,
            calendar: .standard)
        guard let code = TrackingCode(province: province.provinceNumber ?? 0, random: 0) else {
            return "\(province) gives no tracking codes"
        }
        do throws(Refusal) {
            _ = try Case(id: id).decide(.importCase(imported), in: context, trackingCode: code)
            return nil
        } catch {
            if case .invalid(let field, let code, let limit) = error {
                return "\(field): \(code.rawValue)" + (limit.map { " (\($0))" } ?? "")
            }
            return String(describing: error)
        }
    }
}
