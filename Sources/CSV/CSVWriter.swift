/// Tables for spreadsheets after RFC 4180, with every cell that a spreadsheet would take for a formula defused.
public enum CSVWriter {
    /// One record, with its line break.
    public static func line(_ cells: [String]) -> String { cells.map(cell).joined(separator: ",") + "\r\n" }

    /// An apostrophe makes spreadsheets read the cell as text.
    public static func cell(_ text: String) -> String {
        var text = text
        let first = text.unicodeScalars.first { !$0.properties.isWhitespace || $0 == "\t" || $0 == "\r" || $0 == "\n" }
        if let first, "=+-@\t\r\n＝＋－＠".unicodeScalars.contains(first) { text = "'" + text }
        guard text.unicodeScalars.contains(where: { "\",\r\n;\t".unicodeScalars.contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
