import Testing

@testable import Postgres

/// Every type there and back: by parameters and results, and by COPY both ways.
@Suite struct ValueTests {
    private static let uuid: [UInt8] = Array(0..<16)
    /// 2026-03-21 00:00:00.123456 UTC
    private static let instant: Int64 = 1_774_051_200_123_456

    @Test func scalarsThereAndBack() async throws {
        let connection = try await TestServer.connect()
        try await connection.run { connection in
            let rows = try connection.query(
                "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text, $11",
                [
                    .int64(.min), .int32(-7), .bool(true), .double(2.5), "سلام", .bytea([0, 255, 1]),
                    .uuid(Self.uuid), .timestamp(Self.instant), .jsonb(#"{"a": 1}"#), nil, .int16(-2),
                ])
            let row = try #require(rows.first)
            #expect(rows.count == 1 && row.count == 11)
            #expect(try row.get(0, as: Int64.self) == .min)
            #expect(try row.get(1, as: Int.self) == -7)
            #expect(try row.get(2, as: Bool.self))
            #expect(try row.get(3, as: Double.self) == 2.5)
            #expect(try row.get(4, as: String.self) == "سلام")
            #expect(try row.get(5, as: [UInt8].self) == [0, 255, 1])
            #expect(try row.get(6, as: [UInt8].self) == Self.uuid)
            #expect(try row.get(6, as: String.self) == "00010203-0405-0607-0809-0a0b0c0d0e0f")
            #expect(try row.timestamp(7) == Self.instant)
            #expect(try row.get(8, as: String.self) == #"{"a": 1}"#)
            #expect(try row.get(9, as: String?.self) == nil)
            #expect(try row.get(10, as: Int16.self) == -2)
        }
    }

    @Test func timesAgreeWithTheServers() async throws {
        let connection = try await TestServer.connect()
        try await connection.run { connection in
            let row = try #require(
                try connection.query(
                    """
                    SELECT (extract(epoch FROM $1) * 1000000)::int8, '2026-03-21 00:00:00.123456+00'::timestamptz,
                           $2 = 'infinity'::timestamptz, '-infinity'::timestamptz, '1970-01-02'::date,
                           '1970-01-01 00:00:01'::timestamp
                    """, [.timestamp(Self.instant), .timestamp(.max)]
                ).first)
            #expect(try row.get(0, as: Int64.self) == Self.instant)
            #expect(try row.timestamp(1) == Self.instant)
            #expect(try row.get(2, as: Bool.self))
            #expect(try row.timestamp(3) == .min)
            #expect(try row.timestamp(4) == 86_400_000_000)
            #expect(try row.timestamp(5) == 1_000_000)
        }
    }

    @Test func arraysThereAndBack() async throws {
        let connection = try await TestServer.connect()
        try await connection.run { connection in
            let row = try #require(
                try connection.query(
                    "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13",
                    [
                        .textArray(["a", "", "ب"]), .int64Array([]), .byteaArray([[1], [], [2, 3]]),
                        .uuidArray([Self.uuid]), .boolArray([true, false]), .timestampArray([0, Self.instant]),
                        .textArrayOptional(["x", nil]), .int64ArrayOptional([nil, 5]),
                        .byteaArrayOptional([nil, [9]]), .timestampArrayOptional([nil, 1]),
                        .int32Array([1, -1]), .doubleArray([0.5]), .jsonbArray(["[1]"]),
                    ]
                ).first)
            #expect(try row.get(0, as: [String].self) == ["a", "", "ب"])
            #expect(try row.get(1, as: [Int64].self) == [])
            #expect(try row.get(2, as: [[UInt8]].self) == [[1], [], [2, 3]])
            #expect(try row.get(3, as: [[UInt8]].self) == [Self.uuid])
            #expect(try row.get(4, as: [Bool].self) == [true, false])
            #expect(try row.timestamps(5) == [0, Self.instant])
            #expect(try row.get(6, as: [String?].self) == ["x", nil])
            #expect(try row.get(7, as: [Int64?].self) == [nil, 5])
            #expect(try row.get(8, as: [[UInt8]?].self) == [nil, [9]])
            #expect(try row.get(9, as: [Int64?].self) == [nil, 1])
            #expect(try row.get(10, as: [Int32].self) == [1, -1])
            #expect(try row.get(11, as: [Double].self) == [0.5])
            #expect(try row.get(12, as: [String].self) == ["[1]"])
        }
    }

    @Test func numericsAreExact() async throws {
        let connection = try await TestServer.connect()
        let texts = [
            "0", "1", "-12.50", "10000", "99999999.0001", "0.00000001", "-0.10", "NaN",
            "123456789012345678901234567890",
            "1.00", "100000000", "Infinity",
        ]
        try await connection.run { connection in
            for text in texts {
                let row = try #require(try connection.query("SELECT $1::text::numeric", [.text(text)]).first)
                #expect(try row.get(0, as: String.self) == text)
            }
            let sum = try #require(
                try connection.query("SELECT sum(x) FROM unnest($1) x", [.int64Array([5, 6])]).first)
            #expect(try sum.get(0, as: Int.self) == 11)
        }
    }

    @Test func copyInAndOut() async throws {
        let connection = try await TestServer.connect()
        try await connection.run { connection in
            try connection.execute(
                """
                CREATE TEMP TABLE copied (a int8, b int4, c int2, d bool, e float8, f text, g bytea, h uuid,
                    i timestamptz, j text[], k int8[], l bytea[], m jsonb, n text)
                """)
            let columns = "a, b, c, d, e, f, g, h, i, j, k, l, m, n"
            // Enough to cross several pieces of the stream.
            let count = 5000
            let copied = try connection.copyIn("COPY copied (\(columns)) FROM STDIN (FORMAT binary)") { writer in
                for index in 0..<count {
                    try writer.row { row in
                        row.append(Int64(index))
                        row.append(Int32(index))
                        row.append(Int16(index % 100))
                        row.append(index % 2 == 0)
                        row.append(Double(index) / 2)
                        row.append("متن \(index)")
                        row.append([UInt8](repeating: 7, count: index % 50))
                        row.append(uuid: Self.uuid)
                        row.append(timestamp: Self.instant + Int64(index))
                        row.append(["a", "b"])
                        row.append([Int64(index)])
                        row.append([[UInt8(1)], []])
                        row.append(jsonb: "{\"n\": \(index)}")
                        row.appendNull()
                    }
                }
            }
            #expect(copied == count)
            let asked = try #require(try connection.query("SELECT * FROM copied WHERE a = $1", [4321]).first)
            try Self.check(asked, 4321)
            #expect(try asked.get("m", as: String.self) == #"{"n": 4321}"#)
            var seen = 0
            try connection.copyOut("COPY (SELECT * FROM copied ORDER BY a) TO STDOUT (FORMAT binary)") { row in
                try Self.check(row, seen)
                seen += 1
            }
            #expect(seen == count)
            // Still in step.
            #expect(try connection.query("SELECT count(*) FROM copied").first?.get(0, as: Int.self) == count)
        }
    }

    private static func check(_ row: Row, _ index: Int) throws {
        #expect(try row.get(0, as: Int.self) == index)
        #expect(try row.get(1, as: Int32.self) == Int32(index))
        #expect(try row.get(2, as: Int16.self) == Int16(index % 100))
        #expect(try row.get(3, as: Bool.self) == (index % 2 == 0))
        #expect(try row.get(4, as: Double.self) == Double(index) / 2)
        #expect(try row.get(5, as: String.self) == "متن \(index)")
        #expect(try row.get(6, as: [UInt8].self) == [UInt8](repeating: 7, count: index % 50))
        #expect(try row.get(7, as: [UInt8].self) == uuid)
        #expect(try row.timestamp(8) == instant + Int64(index))
        #expect(try row.get(9, as: [String].self) == ["a", "b"])
        #expect(try row.get(10, as: [Int64].self) == [Int64(index)])
        #expect(try row.get(11, as: [[UInt8]].self) == [[1], []])
        #expect(try row.get(13, as: String?.self) == nil)
    }

    @Test func wrongReadsAreErrorsNotTraps() async throws {
        let connection = try await TestServer.connect()
        try await connection.run { connection in
            let row = try #require(
                try connection.query("SELECT NULL::int4, 'x'::text, 3000000000::int8, '{{1},{2}}'::int4[]").first)
            #expect(throws: PostgresError.self) { try row.get(0, as: Int.self) }
            #expect(throws: PostgresError.self) { try row.get(1, as: Int.self) }
            #expect(throws: PostgresError.self) { try row.get(2, as: Int32.self) }
            #expect(throws: PostgresError.self) { try row.get(2, as: String.self) }
            #expect(throws: PostgresError.self) { try row.get(3, as: [Int].self) }
            #expect(throws: PostgresError.self) { try row.get(4, as: Int.self) }
            #expect(throws: PostgresError.self) { try row.get("nowhere", as: Int.self) }
        }
    }

    /// Bytes that no honest server sends: read as errors or nothing, never out of bounds.
    @Test func oddBytesAreRefused() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<40)).map { _ in
                Bool.random(using: &generator) ? UInt8.random(in: 0...255) : UInt8.random(in: 0...1)
            }
            bytes.withUnsafeBytes { buffer in
                let types = [TypeID.numeric, TypeID.int8Array, TypeID.textArray, TypeID.timestamptz, TypeID.uuid, 0]
                for type in types {
                    let cell = Cell(type: type, isText: false, bytes: buffer)
                    _ = try? [Int64].decode(cell)
                    _ = try? [String].decode(cell)
                    _ = try? String.decode(cell)
                    _ = try? Double.decode(cell)
                    _ = try? Timestamp.decode(cell)
                    _ = try? Int64.decode(cell)
                }
                var parser = CopyParser()
                parser.append(UnsafeRawBufferPointer(start: buffer.baseAddress, count: buffer.count))
                _ = try? parser.next()
            }
        }
    }

    /// The stream may be cut anywhere.
    @Test func copyParserTakesAnyPieces() throws {
        var stream: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0] + [UInt8](repeating: 0, count: 8)
        for index in 0..<5 {
            stream.put(Int16(2))
            stream.put(Int32(4))
            stream.put(Int32(index))
            stream.put(Int32(-1))
        }
        stream.put(Int16(-1))
        for size in 1...stream.count {
            var parser = CopyParser()
            var values: [Int] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                stream[start..<min(start + size, stream.count)].withUnsafeBytes { parser.append($0) }
                while let tuple = try parser.next() {
                    let row = Row(.copy(tuple))
                    values.append(try row.get(0))
                    #expect(try row.get(1, as: Int?.self) == nil)
                }
            }
            #expect(values == [0, 1, 2, 3, 4] && parser.isFinished)
        }
    }
}
