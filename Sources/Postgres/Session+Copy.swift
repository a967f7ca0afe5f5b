import CLibPQ
import Glibc
import Logging

extension Session {
    /// - Returns: the number of rows copied.
    func copyIn(_ sql: String, _ write: (inout CopyWriter) throws -> Void) throws -> Int {
        try startCopy(sql, expecting: PGRES_COPY_IN)
        do {
            var writer = CopyWriter(self)
            try write(&writer)
            try writer.finish()
        } catch {
            guard isUsable else { throw error }
            try abandonCopyIn(sql)
            throw error
        }
        guard PQputCopyEnd(handle, nil) == 1 else { throw failure(statement: sql) }
        try flush()
        return try takeRows(sql).affected
    }

    /// Ends a COPY whose writer threw.
    /// - Throws: the server's reason, when it had refused the rows already.
    private func abandonCopyIn(_ sql: String) throws {
        guard PQputCopyEnd(handle, "the writer gave up") == 1 else { throw failure(statement: sql) }
        try flush()
        do {
            _ = try takeRows(sql)
        } catch let refusal as PostgresError where refusal.sqlState == Self.canceledState {
            return
        }
    }

    /// `query_canceled`: how the server answers to a COPY that we end.
    private static let canceledState = "57014"

    func putCopyData(_ bytes: [UInt8]) throws {
        if Task.isCancelled { throw PostgresError(.queryCanceled, "The task was cancelled within a COPY.") }
        while true {
            let result = bytes.withUnsafeBytes { buffer in
                PQputCopyData(
                    handle, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: buffer.count))
            }
            // 1: taken; 0: libpq's buffer is full (non-blocking mode); -1: failure.
            guard result >= 0 else { throw failure() }
            try flush()
            if result == 1 { return }
        }
    }

    func copyOut(_ sql: String, _ row: (Row) throws -> Void) throws {
        try startCopy(sql, expecting: PGRES_COPY_OUT)
        var parser = CopyParser()
        do {
            while try receiveCopyData(into: &parser) {
                if Task.isCancelled { throw PostgresError(.queryCanceled, "The task was cancelled within a COPY.") }
                while let tuple = try parser.next() { try row(Row(.copy(tuple))) }
            }
        } catch {
            abandonCopyOut(sql)
            throw error
        }
        _ = try takeRows(sql)
        guard parser.isFinished else {
            throw PostgresError(.decoding, "The server's COPY ended early.", statement: sql)
        }
    }

    /// Stops the server and reads what is already on its way, so that the connection can go on.
    private func abandonCopyOut(_ sql: String) {
        guard isUsable else { return }
        cancel()
        do {
            var ignored = CopyParser()
            while try receiveCopyData(into: &ignored) { ignored = CopyParser() }
            _ = try takeRows(sql)
        } catch let end as PostgresError where end.sqlState == Self.canceledState {
            return
        } catch {
            markBroken()
            logger.warning("a COPY could not be ended; the connection is given up", metadata: ["error": "\(error)"])
        }
    }

    /// - Returns: false at the stream's end.
    private func receiveCopyData(into parser: inout CopyParser) throws -> Bool {
        while true {
            var buffer: UnsafeMutablePointer<CChar>?
            // n > 0: that many bytes, to be freed by PQfreemem; 0: none yet; -1: end; -2: failure.
            let length = PQgetCopyData(handle, &buffer, 1)
            if let buffer, length > 0 {
                defer { PQfreemem(buffer) }
                parser.append(UnsafeRawBufferPointer(start: buffer, count: Int(length)))
                return true
            }
            switch length {
            case 0:
                _ = try wait(for: Int16(POLLIN))
                if PQconsumeInput(handle) == 0 { throw failure() }
            case -1: return false
            default: throw failure()
            }
        }
    }

    private func startCopy(_ sql: String, expecting status: ExecStatusType) throws {
        try sendBegin()
        try begin()
        guard PQsendQuery(handle, sql) == 1 else { throw failure(statement: sql) }
        try flush()
        guard let result = try nextResult() else {
            throw PostgresError(.misuse, "The statement is no COPY.", statement: sql)
        }
        let owned = ResultHandle(result)
        guard PQresultStatus(owned.pointer) == status else {
            if PQresultStatus(owned.pointer) == PGRES_FATAL_ERROR {
                let error = failure(result: owned.pointer, statement: sql)
                _ = try takeRows(sql)
                throw error
            }
            markBroken()
            throw PostgresError(.misuse, "The statement is no COPY in this direction.", statement: sql)
        }
        guard PQbinaryTuples(owned.pointer) == 1 else {
            markBroken()
            throw PostgresError(.misuse, "COPY needs (FORMAT binary).", statement: sql)
        }
    }
}
