import Testing

@testable import Casework

@Suite struct TrackingCodeTests {
    /// A fixed generator, so that a failure repeats.
    private struct SplitMix {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test func dammsOwnExample() {
        #expect(Damm.checkDigit(of: [5, 7, 2]) == 4)
        #expect(Damm.isValid([5, 7, 2, 4]))
    }

    @Test func hasItsParts() throws {
        let code = try #require(TrackingCode(province: "IR-03", random: 1_234_567_890))
        #expect(code.digits.prefix(12) == "031234567890")
        #expect(code.digits.utf8.count == 13)
        #expect(code.grouped.hasPrefix("03-12345-67890-"))
        #expect(code.province == "IR-03")
        #expect(TrackingCode(province: 3, random: 1_234_567_890) == code)
        #expect(TrackingCode(province: 0, random: 0)?.digits == "0000000000000")
        #expect(TrackingCode(province: 30, random: .max)?.digits.prefix(12) == "303709551615")
        #expect(TrackingCode(province: 31, random: 0) == nil)
        #expect(TrackingCode(province: -1, random: 0) == nil)
        #expect(TrackingCode(province: "hub", random: 0) == nil)
        #expect(TrackingCode(province: "IR-31", random: 0) == nil)
    }

    @Test func findsEveryWrongDigitAndEverySwap() throws {
        var random = SplitMix(state: 111)
        for _ in 0..<300 {
            let code = try #require(TrackingCode(province: Int(random.next() % 31), random: random.next()))
            let digits = code.digits.utf8.map { $0 - 0x30 }
            #expect(TrackingCode(parsing: code.digits) == code)
            for place in digits.indices {
                for wrong in UInt8(0)...9 where wrong != digits[place] {
                    var broken = digits
                    broken[place] = wrong
                    #expect(!Damm.isValid(broken))
                }
                guard place > 0, digits[place] != digits[place - 1] else { continue }
                var swapped = digits
                swapped.swapAt(place, place - 1)
                #expect(!Damm.isValid(swapped))
            }
        }
    }

    @Test func readsWhatPeopleWrite() throws {
        let code = try #require(TrackingCode(province: 3, random: 1_234_567_890))
        let persian = PersianText.persianDigits(code.digits)
        let arabic = String(
            String.UnicodeScalarView(
                code.digits.unicodeScalars.map {
                    Unicode.Scalar($0.value + 0x630) ?? $0
                }))
        let spellings = [
            code.grouped, code.groupedPersian, persian, arabic, " \(code.digits)\n",
            "\u{200F}\u{202B}\(persian)\u{202C}",
            persian.map(String.init).joined(separator: "\u{200C}"), code.grouped.replacing("-", with: "–"),
            code.digits.prefix(6) + PersianText.persianDigits(String(code.digits.dropFirst(6))),
            code.digits.map(String.init).joined(separator: "\u{00A0}"),
        ]
        for spelling in spellings {
            #expect(TrackingCode(parsing: spelling) == code, "\(spelling)")
        }
    }

    @Test func saysWhatIsWrong() throws {
        let code = try #require(TrackingCode(province: 3, random: 1_234_567_890)).digits
        #expect(throws: TrackingCode.ParsingError.empty) { try TrackingCode.parse(" - ") }
        #expect(throws: TrackingCode.ParsingError.empty) { try TrackingCode.parse("") }
        #expect(throws: TrackingCode.ParsingError.wrongLength(12)) { try TrackingCode.parse(String(code.dropLast())) }
        #expect(throws: TrackingCode.ParsingError.wrongLength(14)) {
            try TrackingCode.parse(code + String(repeating: "0", count: 1_000))
        }
        #expect(throws: TrackingCode.ParsingError.unexpectedCharacter("x")) { try TrackingCode.parse("x" + code) }
        #expect(throws: TrackingCode.ParsingError.unexpectedCharacter("１")) { try TrackingCode.parse("１" + code) }
        let wrong = String(code.dropLast()) + (code.last == "0" ? "1" : "0")
        #expect(throws: TrackingCode.ParsingError.wrongCheckDigit) { try TrackingCode.parse(wrong) }
        let foreign: [UInt8] = [3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let text = (foreign + [Damm.checkDigit(of: foreign)]).map(String.init).joined()
        #expect(throws: TrackingCode.ParsingError.unknownProvince(31)) { try TrackingCode.parse(text) }
    }

    /// Programs write the digits and nothing else.
    @Test func bytesAreReadAsTheirText() throws {
        func read(_ text: String) -> TrackingCode? { Array(text.utf8).withUnsafeBytes { TrackingCode(utf8: $0) } }
        var random = SplitMix(state: 7)
        for province in 0...30 {
            let code = try #require(TrackingCode(province: province, random: random.next()))
            #expect(read(code.digits) == code)
            let short = String(code.digits.dropLast())
            for other in [code.grouped, short, code.digits + "0", " " + short] { #expect(read(other) == nil) }
            // A wrong digit, in every place.
            var digits = Array(code.digits.utf8)
            let index = Int(random.next() % 13)
            digits[index] = 0x30 + (digits[index] - 0x30 + 1) % 10
            #expect(digits.withUnsafeBytes { TrackingCode(utf8: $0) } == nil)
        }
        let foreign: [UInt8] = [3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(read((foreign + [Damm.checkDigit(of: foreign)]).map(String.init).joined()) == nil)
        #expect(read("") == nil)
    }
}
