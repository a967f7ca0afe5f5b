import CLibPQ

extension Session {
    private enum Answer {
        case prepared(Int, name: String)
        case rows(Int)
    }

    /// Sends all statements, then reads all answers: one round trip.
    /// - Throws: the first error; the server has then skipped what stood behind it.
    func pipeline(_ list: [(sql: String, parameters: [Parameter])]) throws -> [Rows] {
        guard !list.isEmpty else { return [] }
        try begin()
        if let statement = awaitedBegin {
            awaitedBegin = nil
            return Array(try pipeline([(statement, [])] + list).dropFirst())
        }
        try forgetStatementsIfMany()
        guard PQenterPipelineMode(handle) == 1 else { throw failure() }
        let answers: [Answer]
        do {
            answers = try sendAll(list)
            guard PQpipelineSync(handle) == 1 else { throw failure() }
            try flush()
        } catch {
            // Half a pipeline was sent: nothing tells where the server stands.
            markBroken()
            throw error
        }
        return try receive(answers, of: list)
    }

    private func sendAll(_ list: [(sql: String, parameters: [Parameter])]) throws -> [Answer] {
        var answers: [Answer] = []
        answers.reserveCapacity(list.count + 4)
        for (index, item) in list.enumerated() {
            var statement = statements.find(item.sql, item.parameters)
            if statement == nil {
                let added = statements.add(item.sql, item.parameters)
                answers.append(.prepared(index, name: added.name))
                try sendPrepare(item.sql, added)
                statement = added
            }
            if let statement {
                answers.append(.rows(index))
                try sendExecute(item.sql, statement, item.parameters)
            }
        }
        return answers
    }

    private func receive(
        _ answers: [Answer], of list: [(sql: String, parameters: [Parameter])]
    ) throws -> [Rows] {
        var results: [Rows] = []
        results.reserveCapacity(list.count)
        var first: PostgresError?
        for answer in answers {
            switch answer {
            case .prepared(let index, let name):
                let error = try takePipelined(list[index].sql).error
                // Refused, or skipped because of an earlier error: the server does not know this name.
                if first != nil || error != nil { statements.remove(list[index].sql, name: name) }
                first = first ?? error
            case .rows(let index):
                let (rows, error) = try takePipelined(list[index].sql)
                if let error, error.code == .invalidStatementName || error.code == .featureNotSupported {
                    statements.removeAll()
                }
                first = first ?? error
                results.append(rows)
            }
            guard isUsable else {
                throw first ?? PostgresError(.connectionLost, "The connection broke within a pipeline.")
            }
        }
        try leavePipeline(&first)
        if let first { throw first }
        return results
    }

    /// One statement's results up to the nil that ends them.
    private func takePipelined(_ sql: String) throws -> (rows: Rows, error: PostgresError?) {
        var rows = Rows.empty
        var error: PostgresError?
        while let result = try nextResult() {
            let owned = ResultHandle(result)
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: rows = Rows(owned)
            case PGRES_PIPELINE_ABORTED: break
            case PGRES_FATAL_ERROR, PGRES_NONFATAL_ERROR, PGRES_BAD_RESPONSE:
                error = error ?? failure(result: result, statement: sql)
            default:
                markBroken()
                throw PostgresError(.misuse, "This statement cannot run in a pipeline.", statement: sql)
            }
            if PQstatus(handle) == CONNECTION_BAD { break }
        }
        return (rows, error)
    }

    /// Reads the answer to Sync. An implicit transaction commits there, so a deferred constraint may fail here.
    private func leavePipeline(_ first: inout PostgresError?) throws {
        while let result = try nextResult() {
            let owned = ResultHandle(result)
            if PQresultStatus(owned.pointer) == PGRES_PIPELINE_SYNC { break }
            let error = failure(result: owned.pointer, statement: nil)
            first = first ?? error
            if !isUsable { throw error }
        }
        guard PQexitPipelineMode(handle) == 1 else {
            markBroken()
            throw first ?? failure()
        }
    }
}
