import Testing

@testable import Console

@Suite struct TemplateTests {
    private func text(_ template: String, _ values: [String: Template.Value]) throws -> String {
        try Template(template).render(values)
    }

    @Test func valuesAreEscaped() throws {
        let text = try text("<p title=\"{{a}}\">{{a}}{{none}}</p>", ["a": "<b>&\"'"])
        #expect(text == "<p title=\"&lt;b&gt;&amp;&quot;&#39;\">&lt;b&gt;&amp;&quot;&#39;</p>")
        // No second round: what a person typed is no template.
        #expect(try self.text("{{a}}", ["a": "{{b}}", "b": "secret"]) == "{{b}}")
    }

    @Test func sectionsStandForWhatIsThere() throws {
        let template = "{{! for\npeople }}\n{{#a}}[{{a}}]{{/a}}{{^a}}none{{/a}}"
        #expect(try text(template, ["a": "x"]) == "[x]")
        for nothing: [String: Template.Value] in [[:], ["a": ""], ["a": false], ["a": .list([])]] {
            #expect(try text(template, nothing) == "none")
        }
        #expect(try text("{{#late}}\nlate\n{{/late}}\nend", ["late": true]) == "late\nend")
    }

    @Test func innerNamesHideOuterOnes() throws {
        let values: [String: Template.Value] = [
            "code": "7", "at": "outer", "case": .group(["stages": .list([["at": "1"], ["at": "2"], [:]])]),
        ]
        #expect(try text("{{#case}}{{#stages}}{{at}}/{{code}} {{/stages}}{{/case}}", values) == "1/7 2/7 outer/7 ")
    }

    @Test(arguments: ["{{a", "{{#a}}x", "{{/a}}", "{{#a}}{{#b}}{{/a}}{{/b}}"])
    func brokenTemplatesAreRefused(template: String) {
        #expect(throws: Template.SyntaxError.self) { try Template(template) }
    }
}
