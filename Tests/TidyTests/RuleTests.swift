import Testing

/// A rule that finds nothing anywhere proves nothing: each is shown a text that breaks it.
struct RuleTests {
    private func file(_ text: String, _ path: String = "Sources/Casework/A.swift") -> SourceFile {
        SourceFile(path: path, text: text)
    }

    private func whats(_ findings: [Finding]) -> [String] { findings.map { "\($0.line): \($0.what)" } }

    @Test func textsAndCommentsAreNoCode() {
        let text = #"let a = "{ \(b("}")) }" // { import NIOCore"# + "\n/* { */ let c = \"\"\"\n  {\"\n  \"\"\"; d()"
        let code = String(decoding: Blanking.swift(text), as: UTF8.self)
        #expect(!code.contains("NIOCore") && code.filter { $0 == "{" }.isEmpty)
        #expect(code.contains("d()") && code.contains("b(") && code.split(separator: "\n").count == 4)
        let script = String(
            decoding: Blanking.javaScript("const r = /[/\"{]/; const t = `a${ f({}) }'`; g(4 / 2) // }"), as: UTF8.self)
        #expect(
            script.contains("g(4 / 2)") && script.contains("f({})") && !script.contains("}'") && !script.contains("//"))
    }

    @Test func aWrongImportIsFound() {
        let found = ImportTable.findings(file("public import Casework\nimport NIOCore\n", "Sources/Federation/A.swift"))
        #expect(whats(found) == ["1: Federation may not import NIOCore"])
        #expect(ImportTable.findings(file("import Store\n", "Sources/Console/A.swift")).count == 1)
        #expect(ImportTable.findings(file("@preconcurrency import Casework\n", "Sources/Postgres/A.swift")).count == 1)
        #expect(ImportTable.findings(file("// import Store\n", "Sources/Console/A.swift")).isEmpty)
    }

    @Test func aCircleOfModulesIsFound() {
        let a = file("import { b } from './b.js';\n", "Sources/Console/Assets/a.js")
        let b = file("import {\n  c,\n} from './c.js';\n", "Sources/Console/Assets/b.js")
        let c = file("import { a } from './a.js';\n", "Sources/Console/Assets/c.js")
        #expect(ModuleGraph.circles([a, b, c]).map(\.path) == ["a.js", "b.js", "c.js"])
        #expect(ModuleGraph.circles([a, b]).isEmpty)
    }

    @Test func longLinesAndFilesAreFound() {
        let wide = String(repeating: "ی", count: 121)
        #expect(whats(Rules.longLines(file("a\n\(wide)\n"))) == ["2: 121 columns of 120"])
        #expect(Rules.longLines(file(String(wide.dropLast()))).isEmpty)
        #expect(Rules.longFiles(file(String(repeating: "a\n", count: 501))).count == 1)
        #expect(Rules.longFiles(file(String(repeating: "a\n", count: 500))).isEmpty)
    }

    @Test func aPlainLogKeyIsFound() {
        let text = """
            logger.error("x", metadata: [LogKey.error: "y"])
            logger.error("x", metadata: ["error": "y"])
            """
        #expect(Rules.plainLogKeys(file(text)).map(\.line) == [2])
    }

    @Test func longFunctionsAreFound() {
        let body = String(repeating: "    a()\n", count: 69)
        let long =
            "struct S {\n  func f(x: Int = 1,\n    y: () -> Int = { 1 }\n  ) {\n\(body)  }\n  func g() {\n  }\n}\n"
        #expect(whats(FunctionLengths.findings(file(long))) == ["2: the function has 73 lines of 70"])
        let short = "struct S {\n\(body)    func f() {\n\(body)  }\n}\n"
        #expect(whats(FunctionLengths.findings(file(short))) == ["71: the function has 71 lines of 70"])
        #expect(FunctionLengths.findings(file("let x: [Int] = [\n\(body)\n].map {\n\(body)\(body)}\n")).isEmpty)
        let property = "extension S {\n  var p: Int {\n\(body)\n  }\n}\n"
        #expect(FunctionLengths.findings(file(property)).count == 1)
    }

    @Test func longFunctionsOfJavaScriptAreFound() {
        let body = String(repeating: "  a();\n", count: 70)
        let path = "Sources/Console/Assets/a.js"
        #expect(FunctionLengths.findings(file("export function f(a = (1)) {\n\(body)}\n", path)).count == 1)
        #expect(FunctionLengths.findings(file("const f = async (a) => {\n\(body)};\n", path)).count == 1)
        #expect(FunctionLengths.findings(file("const o = {\n  f(a) {\n\(body)},\n};\n", path)).count == 1)
        #expect(FunctionLengths.findings(file("if (a(b)) {\n\(body)}\n", path)).isEmpty)
    }

    @Test func aFolderWithoutREADMEIsFound() {
        let paths = ["Sources/A/README.md", "Sources/A/a.swift", "Sources/A/B/b.swift"]
        #expect(Rules.foldersWithoutREADME(paths).map(\.path) == ["Sources/A/B"])
    }

    @Test func whatIsNotExplainedIsFound() {
        let text = """
            public struct A {
                /// Explained.
                public var b = 1
                public func c() {
                    func inner() {}
                }
                func own() {}
            }

            /// Explained.
            @available(*, deprecated)
            public protocol P {
                func d()
                /// Explained.
                var e: Int { get }
            }
            """
        let found = Documentation.findings(file(text))
        #expect(
            whats(found) == [
                "1: struct A has no doc comment", "4: func c has no doc comment", "13: func d has no doc comment",
            ])
        #expect(Documentation.findings(file(text), explainedElsewhere: ["c"]).count == 2)
    }

    @Test func twoTypesOfOneNameAreFound() {
        let a = file("public struct T {}\nstruct U {}\n", "Sources/A/a.swift")
        let b = file("struct T {}\nprivate struct U {}\n", "Sources/B/b.swift")
        #expect(TypeNames.findings([a, b]).isEmpty, "nobody sees both")
        let seeing = file("import A\n", "Sources/B/c.swift")
        #expect(whats(TypeNames.findings([a, b, seeing])) == ["1: T is a type at Sources/A/a.swift:1 too"])
        #expect(TypeNames.findings([a, file("struct U {}\n", "Sources/A/d.swift")]).count == 1)
    }
}
