import Casework
import Contract
import JSON
import POSIX
import Program

/// How far an import has come, in a file that is replaced after each window of rows.
struct ImportState: Sendable, Equatable {
    /// A case that the target has: while it does, the state may be trusted.
    struct Landmark: Sendable, Equatable {
        var node, id: String
    }

    /// Of input, mapping and target.
    var digest: String
    /// Bytes of the input that are done.
    var offset: Int
    var tally: ImportTally
    /// Bytes of the rejects' file that belong to what is done.
    var rejectsLength: Int
    var last: Landmark

    init(digest: String, offset: Int, tally: ImportTally, rejectsLength: Int, last: Landmark) {
        self.digest = digest
        self.offset = offset
        self.tally = tally
        self.rejectsLength = rejectsLength
        self.last = last
    }

    init(reading path: String) throws {
        let json = try JSON(parsing: try Files.read(path))
        let number = { (name: String) -> Int? in json[name]?.int.map { Int($0) } }
        guard let digest = json["digest"]?.string, let offset = number("offset"), let rows = number("rows"),
            let created = number("created"), let exists = number("exists"), let rejected = number("rejected"),
            let rejectsLength = number("rejects_length"), let node = json["last_node"]?.string,
            let id = json["last_id"]?.string
        else { throw Failure("\(path) is no state of an import; remove it.") }
        self.digest = digest
        self.offset = offset
        self.rejectsLength = rejectsLength
        last = Landmark(node: node, id: id)
        tally = ImportTally(rows: rows, created: created, exists: exists, rejected: rejected)
        for member in json["provinces"]?.members ?? [] {
            tally.provinces[member.name] = member.value.int.map { Int($0) }
        }
    }

    func write(_ path: String) throws {
        let provinces = tally.provinces.sorted { $0.key < $1.key }.map { JSON.Member($0.key, JSON($0.value)) }
        let json: JSON = [
            "digest": .string(digest), "offset": JSON(offset), "rows": JSON(tally.rows),
            "created": JSON(tally.created), "exists": JSON(tally.exists), "rejected": JSON(tally.rejected),
            "rejects_length": JSON(rejectsLength), "last_node": .string(last.node), "last_id": .string(last.id),
            "provinces": .object(provinces),
        ]
        try Files.replace(path, with: json.bytes)
    }
}

/// A bar on a terminal, a line now and then elsewhere.
struct ImportProgress: Sendable {
    private let total: Int
    private let begun = ContinuousClock.now

    init(total: Int) { self.total = max(1, total) }

    func show(offset: Int, _ tally: ImportTally) {
        let share = min(1, Double(offset) / Double(total))
        let percent = "\(Int(share * 100)) %"
        let words =
            "\(tally.rows) rows: \(tally.created) created, \(tally.exists) there before, "
            + "\(tally.rejected) rejected"
        guard Terminal.isInteractive else { return Terminal.line("\(percent)  \(words)") }
        let full = Int(share * 30)
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: 30 - full)
        let passed = Double((.now - begun).components.seconds)
        let left = share > 0.02 && share < 1 ? "  about \(Int(passed / share * (1 - share))) s left" : ""
        Terminal.progress("\(bar) \(percent)  \(words)\(left)")
    }
}
