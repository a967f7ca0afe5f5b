import Testing

/// The size of lines, functions and files, and what a folder holds.
struct ShapeTests {
    @Test func linesFitTheScreen() throws {
        expectNone(try Repository.written().flatMap(Rules.longLines))
    }

    @Test func functionsFitTheScreen() throws {
        expectNone(try Repository.written().flatMap(FunctionLengths.findings))
    }

    @Test func filesAreShort() throws {
        let found = try Repository.written().flatMap(Rules.longFiles)
        expectNone(found.filter { !Rules.longFilesKnown.contains($0.path) })
        #expect(Rules.longFilesKnown.isSubset(of: found.map(\.path)), "take out of the list what is short again")
    }

    @Test func logsUseTheKeysOfOneList() throws {
        expectNone(try Repository.sources.get().flatMap(Rules.plainLogKeys))
    }

    @Test func foldersSayWhatTheyAreFor() {
        expectNone(Rules.foldersWithoutREADME(Repository.paths))
    }
}

/// Records each finding as an issue of its own.
func expectNone(_ findings: [Finding], sourceLocation: SourceLocation = #_sourceLocation) {
    for finding in findings { Issue.record("\(finding)", sourceLocation: sourceLocation) }
}

/// Rules about one file or the tree's shape.
enum Rules {
    static let columns = 120
    static let lines = 500
    /// Longer than the rest, until somebody cuts them: each must still be too long.
    static let longFilesKnown: Set<String> = []

    static func longLines(_ file: SourceFile) -> [Finding] {
        let all = file.text.split(separator: "\n", omittingEmptySubsequences: false)
        return all.enumerated().filter { $0.element.utf8.count > columns && $0.element.count > columns }.map {
            index, line in
            Finding(path: file.path, line: index + 1, what: "\(line.count) columns of \(columns)")
        }
    }

    /// Metadata under a text instead of a `LogKey`.
    static func plainLogKeys(_ file: SourceFile) -> [Finding] {
        let all = file.text.split(separator: "\n", omittingEmptySubsequences: false)
        return all.enumerated().filter { $0.element.contains("metadata: [\"") }.map { index, _ in
            Finding(path: file.path, line: index + 1, what: "metadata under a key that is no LogKey")
        }
    }

    static func longFiles(_ file: SourceFile) -> [Finding] {
        let count = file.text.utf8.reduce(0) { $0 + ($1 == .newline ? 1 : 0) }
        return count > lines ? [Finding(path: file.path, line: 1, what: "the file has \(count) lines of \(lines)")] : []
    }

    /// Folders with sources of ours but no README.
    static func foldersWithoutREADME(_ paths: [String]) -> [Finding] {
        let endings = [".swift", ".js", ".sql", ".proto", ".py", ".css"]
        let folders = Set(paths.filter { path in endings.contains { path.hasSuffix($0) } }.map(folder))
        let explained = Set(paths.filter { $0.hasSuffix("/README.md") }.map(folder))
        return folders.subtracting(explained).filter { !$0.hasSuffix("/Generated") }.sorted().map { folder in
            Finding(path: folder, line: 0, what: "has no README.md")
        }
    }

    private static func folder(_ path: String) -> String {
        path.split(separator: "/").dropLast().joined(separator: "/")
    }
}
