/// Which statements this connection has prepared. One SQL text may have several variants that differ in the types of
/// their parameters; NULL fits each of them.
struct StatementCache {
    struct Statement {
        let name: String
        /// The parameters' OIDs; 0 where only NULL was given so far.
        let types: [UInt32]
    }

    /// At this many the session forgets all of them, so that generated SQL cannot fill the server's memory.
    static let limit = 1000

    private var variants: [String: [Statement]] = [:]
    private(set) var count = 0
    private var serial = 0

    func find(_ sql: String, _ parameters: [Parameter]) -> Statement? {
        guard let statements = variants[sql] else { return nil }
        return statements.last { statement in
            guard statement.types.count == parameters.count else { return false }
            for index in parameters.indices {
                let type = parameters[index].type
                if type != 0 && type != statement.types[index] { return false }
            }
            return true
        }
    }

    /// Names a new variant. A NULL's type is taken from the newest variant, so their number stays small.
    mutating func add(_ sql: String, _ parameters: [Parameter]) -> Statement {
        serial += 1
        let known = variants[sql]?.last?.types ?? []
        let types = parameters.indices.map { index in
            let type = parameters[index].type
            return type == 0 && known.count == parameters.count ? known[index] : type
        }
        let statement = Statement(name: "s\(serial)", types: types)
        variants[sql, default: []].append(statement)
        count += 1
        return statement
    }

    mutating func remove(_ sql: String, name: String) {
        guard let index = variants[sql]?.firstIndex(where: { $0.name == name }) else { return }
        variants[sql]?.remove(at: index)
        count -= 1
    }

    mutating func removeAll() {
        variants.removeAll()
        count = 0
    }
}
