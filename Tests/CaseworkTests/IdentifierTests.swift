import Testing

@testable import Casework

@Suite struct IdentifierTests {
    @Test func aCaseNamesItsHome() throws {
        for origin in Origin.provinces + [.hub] {
            let id = CaseID(home: origin, at: Scene.start, random: (.max, .max))
            #expect(id.home == origin)
            #expect(id.bytes.count == 16)
            #expect(id.bytes[9] == origin.number)
            #expect(id.bytes[6] >> 4 == 7 && id.bytes[8] >> 6 == 2)
            #expect(CaseID(id.bytes) == id)
            #expect(CaseID(id.description) == id)
            #expect(CaseID(id.description.uppercased()) == id)
        }
    }

    @Test func laterCasesSortAfterEarlierOnes() {
        let home = Origin.provinces[3]
        let ids = (0..<100).map { CaseID(home: home, at: Scene.start + Int64($0), random: (UInt64($0) &* 77_777, 1)) }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == 100)
        // Two of one millisecond differ by their random bits.
        #expect(
            CaseID(home: home, at: Scene.start, random: (0, 1)) != CaseID(home: home, at: Scene.start, random: (0, 2)))
    }

    @Test func textAndBytesOfACaseAreInTheUsualForm() {
        let id = CaseID(home: Origin.provinces[3], at: Instant(milliseconds: 0x0123_4567_89AB), random: (0xFFF, 0xABC))
        #expect(id.description == "01234567-89ab-7fff-8003-000000000abc")
    }

    @Test(arguments: [
        "", "-", "01234567-89ab-7fff-8003-000000000ab", "01234567-89ab-7fff-8003-000000000abcd",
        "0123456789ab7fff8003000000000abc", "01234567-89ab-4fff-8003-000000000abc",
        "01234567-89ab-7fff-c003-000000000abc", "01234567-89ab-7fff-801f-000000000abc",
        "01234567-89ab-7fff-8003-000000000abg", "۰۱۲۳۴۵۶۷-89ab-7fff-8003-000000000abc",
        "01234567-89ab-7fff-8003-00000000\u{0301}abc", " 1234567-89ab-7fff-8003-000000000abc",
        "{01234567-89ab-7fff-8003-000000000abc}", "+1234567-89ab-7fff-8003-000000000abc",
        "01234567-89ab-7fff-8003-000000000abc-", String(repeating: "-", count: 10_000),
    ])
    func hostileCaseTextsAreRefused(_ text: String) {
        #expect(CaseID(text) == nil)
    }

    @Test func hostileCaseBytesAreRefused() {
        let good = CaseID(home: Origin.provinces[30], at: Scene.start, random: (9, 9)).bytes
        #expect(CaseID(good) != nil)
        #expect(CaseID(good.dropLast()) == nil)
        #expect(CaseID(good + [0]) == nil)
        for home in UInt8(31)...254 {
            var bytes = good
            bytes[9] = home
            #expect(CaseID(bytes) == nil)
        }
    }

    @Test func hashesRoundTripAndSortAsNumbers() throws {
        let bytes = (0..<32).map { UInt8($0 * 8) }
        let hash = try #require(EventHash(bytes))
        #expect(hash.bytes == bytes)
        #expect(EventHash(hex: hash.description) == hash)
        #expect(EventHash(hex: hash.description.uppercased()) == hash)
        for index in 0..<32 {
            var larger = [UInt8](repeating: 0, count: 32)
            larger[index] = 1
            let other = try #require(EventHash(larger))
            #expect(EventHash.zero < other)
            if index > 0 {
                larger = [UInt8](repeating: 0, count: 32)
                larger[index - 1] = 1
                #expect(other < (try #require(EventHash(larger))))
            }
        }
    }

    @Test(arguments: [
        "", "00", String(repeating: "g", count: 64), String(repeating: "0", count: 63),
        String(repeating: "0", count: 65), String(repeating: "۰", count: 64), String(repeating: "۰", count: 32),
    ])
    func hostileHashTextsAreRefused(_ text: String) {
        #expect(EventHash(hex: text) == nil)
    }

    @Test func hashesHave32Bytes() {
        #expect(EventHash([UInt8]()) == nil)
        #expect(EventHash([UInt8](repeating: 1, count: 31)) == nil)
        #expect(EventHash([UInt8](repeating: 1, count: 33)) == nil)
    }

    @Test func hexRefusesWhatItCannotRead() {
        #expect(Hex.decode("0aFf") == [0x0A, 0xFF])
        #expect(Hex.encode([0x0A, 0xFF]) == "0aff")
        #expect(Hex.decode("abc") == nil)
        #expect(Hex.decode("0x") == nil)
        #expect(Hex.decode("") == [])
    }

    @Test func originNumbersRoundTrip() {
        for number in UInt8.min...UInt8.max {
            let origin = Origin(number: number)
            #expect((origin != nil) == (number <= 30 || number == 255))
            if let origin { #expect(origin.number == number) }
        }
    }
}
