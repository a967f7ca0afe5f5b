/// Rows of words in columns, for people; the last column is as wide as it likes.
public struct TextTable: Sendable {
    private let lines: [[String]]

    /// Rows may be shorter than the heading.
    public init(_ heading: [String], _ rows: [[String]]) { lines = [heading] + rows }

    /// Writes it to the terminal.
    public func show() {
        let columns = lines.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in lines.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        for line in lines {
            let cells = line.enumerated().map { index, cell in
                index == line.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }
            Terminal.line(cells.joined(separator: "  "))
        }
    }
}
