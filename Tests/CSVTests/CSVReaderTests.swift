import Testing

@testable import CSV

struct CSVReaderTests {
    private func rows(_ text: String) -> [CSVReader.Row] { rows(Array(text.utf8)) }

    private func rows(_ bytes: [UInt8]) -> [CSVReader.Row] {
        var reader = CSVReader(bytes)
        var rows: [CSVReader.Row] = []
        while let row = reader.next() { rows.append(row) }
        return rows
    }

    @Test(arguments: [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a,b\r\n1,2", [["a", "b"], ["1", "2"]]),
        ("\u{FEFF}a\n", [["a"]]),
        ("\"x, y\",\"he said \"\"no\"\"\"\n", [["x, y", "he said \"no\""]]),
        ("\"two\r\nlines\",z\n", [["two\r\nlines", "z"]]),
        (",,\n", [["", "", ""]]),
        ("\n\na\n\n\nb\n\n", [["a"], ["b"]]),
        ("\"\"\n", [[""]]),
        ("مشهد,تهران\n", [["مشهد", "تهران"]]),
        ("", []),
    ])
    func readsWhatRFC4180Writes(text: String, expected: [[String]]) {
        let rows = rows(text)
        #expect(rows.map(\.fields) == expected)
        #expect(rows.allSatisfy { $0.fault == nil })
    }

    @Test func linesAreCountedThroughQuotedBreaks() {
        #expect(rows("h\n\"a\nb\"\nc\n").map(\.line) == [1, 2, 4])
    }

    /// One stray quote must cost one row, not the rest of the file.
    @Test func aFaultCostsOneRow() {
        let rows = rows("a,b\n1,\"open\n3,4\n5,x\"y\n6,\"z\"w\n7,8\n")
        #expect(rows.map(\.line) == [1, 2, 3, 4, 5, 6])
        #expect(rows.map { $0.fault != nil } == [false, true, false, true, true, false])
        #expect(rows[2].fields == ["3", "4"])
        #expect(self.rows("a\n\"open\nb\n").map(\.fault) == [nil, "a quote is not closed", nil])
        #expect(rows[5].fields == ["7", "8"])
    }

    @Test func bytesThatAreNotUTF8AreAFault() {
        let rows = rows([0x61, 0x2C, 0xFF, 0x0A, 0x62, 0x0A])
        #expect(rows.map { $0.fault } == ["a field is not UTF-8", nil])
    }

    @Test func theEndOfARowIsWhereTheNextBegins() {
        let rows = rows("ab,c\r\nd,e\n")
        #expect(rows.map(\.end) == [6, 10])
    }

    @Test func whatIsWrittenIsReadBack() {
        let fields = ["plain", "a,b", "say \"x\"", "two\nlines", ""]
        #expect(rows(CSVWriter.line(fields)).map(\.fields) == [fields])
    }
}
