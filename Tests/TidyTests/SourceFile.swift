import Foundation

/// A file of the repository, with its text as written and with comments and texts blanked out.
struct SourceFile: Sendable {
    /// From the root of the repository: `Sources/Store/README.md`.
    let path: String
    let text: String
    /// The same lines, in which every comment and every byte of a text literal is a space.
    let code: [UInt8]
    /// Types, functions and requirements; of Swift alone.
    let declarations: [Declaration]

    init(path: String, text: String) {
        (self.path, self.text) = (path, text)
        let isSwift = path.hasSuffix(".swift")
        code = isSwift ? Blanking.swift(text) : Blanking.javaScript(text)
        declarations = isSwift ? Declaration.all(code: code, text: text) : []
    }

    var isGenerated: Bool { path.hasSuffix(".pb.swift") }
    /// The target: `Store` for what lies in `Sources/Store` and below.
    var room: String { String(path.split(separator: "/")[1]) }

    /// The modules that it imports.
    var imports: Set<String> {
        Set(
            String(decoding: code, as: UTF8.self).split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard let place = words.firstIndex(of: "import"), let module = words.last,
                    words[..<place].allSatisfy({ $0.hasPrefix("@") || SourceFile.access.contains($0) })
                else { return nil }
                return String(module)
            })
    }

    private static let access: Set<Substring> = ["public", "package", "internal", "private", "fileprivate"]
}

/// A place where a rule is broken.
struct Finding: CustomStringConvertible, Equatable {
    var path: String
    var line: Int
    var what: String

    var description: String { "\(path):\(line): \(what)" }
}

/// What is tested.
enum Repository {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Every file below `Sources` and `Tests`, from the root, sorted.
    static let paths = ["Sources", "Tests"].flatMap { folder in
        let found = FileManager.default.enumerator(atPath: root + "/" + folder)?.compactMap { $0 as? String } ?? []
        return found.map { folder + "/" + $0 }
    }.sorted()

    /// Every Swift file.
    static let swift = Result { try files(".swift") }
    /// Those of them that are no tests.
    static let sources = swift.map { $0.filter { $0.path.hasPrefix("Sources/") } }
    /// Every module of the pages.
    static let javaScript = Result { try files(".js") }

    private static func files(_ ending: String) throws -> [SourceFile] {
        try paths.filter { $0.hasSuffix(ending) }.map { path in
            SourceFile(path: path, text: try String(contentsOfFile: root + "/" + path, encoding: .utf8))
        }
    }

    /// All that people wrote.
    static func written() throws -> [SourceFile] {
        (try swift.get() + javaScript.get()).filter { !$0.isGenerated }
    }
}
