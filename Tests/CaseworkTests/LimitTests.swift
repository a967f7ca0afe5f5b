import Testing

@testable import Casework

@Suite struct LimitTests {
    private static let long = String(repeating: "آ", count: Limits.text + 1)

    private func field(_ command: Command) throws -> String? {
        let scene = try Scene.registered()
        return refusedField(of: command, in: scene)
    }

    private func refusedField(of command: Command, in scene: Scene) -> String? {
        do {
            _ = try scene.decide(command)
            return nil
        } catch Refusal.invalid(let field, _, _) {
            return field
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: ["", " ", "\n\t", "\u{200C}", "\u{200F} \u{FEFF}"])
    func emptyTextsAreRefused(_ blank: String) throws {
        #expect(try field(.note(text: blank)) == "text")
        #expect(try field(.act(text: blank)) == "text")
        #expect(try field(.answer(text: blank)) == "text")
        #expect(try field(.dispute(text: blank)) == "text")
        #expect(try field(.refer(to: Scene.code("IR-23"), reason: blank)) == "reason")
        #expect(try field(.refuse(reason: blank)) == "reason")
        #expect(try field(.amend(Edit(texts: Texts(subject: blank)))) == "subject")
        #expect(refusedField(of: .register(Scene.intake(subject: blank)), in: Scene()) == "subject")
    }

    @Test func longTextsAreRefused() throws {
        #expect(try field(.note(text: Self.long)) == "text")
        #expect(try field(.note(text: String(Self.long.dropLast()))) == nil)
        #expect(try field(.close(.advised, text: Self.long)) == "text")
        #expect(try field(.withdraw(text: Self.long)) == "text")
        #expect(try field(.review(dispute: .zero, upheld: true, text: Self.long)) == "text")
        #expect(try field(.refer(to: Scene.code("IR-23"), reason: Self.long)) == "reason")
    }

    private func attach(_ name: String = "scan.pdf", size: UInt64 = 1, type: String = "application/pdf") -> Command {
        .attach(Attachment(sha256: .zero, size: size, mediaType: type), name: name)
    }

    @Test func aFileHasANameASizeAndAType() throws {
        #expect(try field(attach()) == nil)
        for name in ["", "  ", "a/b", "a\\b", "a\nb", "a\u{7F}", String(repeating: "آ", count: 201)] {
            #expect(try field(attach(name)) == "name", "\(name)")
        }
        #expect(try field(attach(String(repeating: "آ", count: 200))) == nil)
        #expect(try field(attach(size: 0)) == "file")
        #expect(try field(attach(size: 4 << 30)) == nil)
        #expect(try field(attach(size: 4 << 30 + 1)) == "file")
        for type in ["image/jpeg", "application/vnd.ms-excel", "text/plain; charset=utf-8", "a/b;c=\"d e\"; f=g"] {
            #expect(try field(attach(type: type)) == nil, "\(type)")
        }
        let long = "a/" + String(repeating: "b", count: 200)
        let broken = [
            "", "image", "image/", "/jpeg", "a/b/c", "a b/c", "a/b;", "a/b; c", "a/b; c=", "a/b;c=\"d", "آ/b",
        ]
        for type in broken + ["a/b\r\nX: y", long] {
            #expect(try field(attach(type: type)) == "media_type", "\(type)")
        }
    }

    @Test func everyFieldHasItsBound() throws {
        func text(_ count: Int) -> String { String(repeating: "x", count: count) }
        let bounds: [(String, Int, (String) -> Texts)] = [
            ("subject", 500, { Texts(subject: $0) }), ("description", 60_000, { Texts(description: $0) }),
            ("citizen.name", 200, { Texts(citizenName: $0) }),
            ("citizen.address", 1_000, { Texts(citizenAddress: $0) }),
        ]
        for (name, limit, texts) in bounds {
            #expect(try field(.amend(Edit(texts: texts(text(limit))))) == nil)
            #expect(try field(.amend(Edit(texts: texts(text(limit + 1))))) == name)
            var intake = Scene.intake()
            intake.texts = texts(text(limit + 1))
            if name != "subject" { intake.texts.subject = "x" }
            #expect(refusedField(of: .register(intake), in: Scene()) == name)
        }
    }

    @Test func tagsAreFewAndShort() throws {
        #expect(try field(.amend(Edit(tags: Array(repeating: "x", count: 20)))) == nil)
        #expect(try field(.amend(Edit(tags: Array(repeating: "x", count: 21)))) == "tags")
        #expect(try field(.amend(Edit(tags: [String(repeating: "x", count: 51)]))) == "tags")
        var intake = Scene.intake()
        intake.tags = Array(repeating: "x", count: 21)
        #expect(refusedField(of: .register(intake), in: Scene()) == "tags")
    }

    @Test(arguments: [Int.min, -1, 0, 6, Int.max]) func scoresAreOneToFive(_ score: Int) throws {
        #expect(try field(.rate(score: score)) == "score")
    }

    @Test func importedTextsAreBoundedToo() {
        let steps: [ImportedCase.Step] = [
            .acted(Self.long), .answered(Self.long), .noted(Self.long), .closed(.resolved, Self.long),
        ]
        for step in steps {
            let history = [ImportedCase.Event(at: Scene.start, step: step)]
            let imported = ImportedCase(intake: Scene.intake(), registeredAt: Scene.start, history: history)
            #expect(refusedField(of: .importCase(imported), in: Scene()) == "history[0].text")
        }
        let imported = ImportedCase(
            intake: Scene.intake(category: String(repeating: "x", count: 201)), registeredAt: Scene.start, history: [])
        #expect(refusedField(of: .importCase(imported), in: Scene()) == "category")
    }
}
