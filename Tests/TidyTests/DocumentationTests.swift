import Testing

/// What another room uses says what it means: shapes, units, errors.
struct DocumentationTests {
    @Test func whatOthersUseIsExplained() throws {
        let files = try Repository.sources.get().filter { !$0.isGenerated }
        let required = Documentation.requirements(files)
        expectNone(files.flatMap { Documentation.findings($0, explainedElsewhere: required) })
    }
}

enum Documentation {
    /// What the standard library or a package requires is explained there.
    private static let foreign: Set<String> = [
        "run", "hash", "encode", "==", "<", "next", "makeAsyncIterator", "makeIterator", "log", "index", "subscript",
        "Element", "AsyncIterator", "makeCounter", "makeRecorder", "makeTimer", "destroyCounter", "destroyRecorder",
        "destroyTimer",
    ]

    /// Names of the requirements of our protocols: who fulfils one need not repeat its comment.
    static func requirements(_ files: [SourceFile]) -> Set<String> {
        Set(files.flatMap(\.declarations).filter { $0.isRequirement && $0.isDocumented }.map(\.name))
    }

    /// Public types and functions, and requirements of public protocols, without a doc comment.
    static func findings(_ file: SourceFile, explainedElsewhere: Set<String> = []) -> [Finding] {
        let kinds = ["struct", "class", "enum", "actor", "protocol", "func", "typealias"]
        // One comment explains all overloads of a function in a file.
        let explained = Set(file.declarations.filter { $0.isDocumented && $0.keyword == "func" }.map(\.name))
            .union(explainedElsewhere)
        return file.declarations.filter { declaration in
            guard declaration.isPublic, !declaration.isDocumented, !foreign.contains(declaration.name) else {
                return false
            }
            if declaration.isRequirement, declaration.keyword == "var" { return true }
            return kinds.contains(declaration.keyword) && !explained.contains(declaration.name)
        }.map { Finding(path: file.path, line: $0.line, what: "\($0.keyword) \($0.name) has no doc comment") }
    }
}
