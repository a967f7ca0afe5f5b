import Testing

@testable import Casework

@Suite struct NumberTests {
    @Test(arguments: [
        "09141234567", "۰۹۱۴۱۲۳۴۵۶۷", "٠٩١٤١٢٣٤٥٦٧", "9141234567", "+989141234567", "00989141234567", "989141234567",
        " 0914 123-4567 ", "+98 (914) 123 45 67", "\u{202A}+98 914 123 4567\u{202C}", "۰۹۱۴\u{200C}۱۲۳۴۵۶۷",
    ])
    func readsMobiles(text: String) {
        #expect(MobileNumber(parsing: text)?.national == "09141234567")
        #expect(MobileNumber(parsing: text)?.international == "+989141234567")
    }

    @Test(arguments: [
        "", "0914123456", "091412345678", "04133334444", "+19141234567", "98+9141234567", "0914123456a", "+", "++98",
        "0098", "1234567890123456789012345", "0989141234567", "+09141234567", "+9141234567",
    ])
    func refusesWhatIsNoMobile(text: String) { #expect(MobileNumber(parsing: text) == nil) }

    @Test(arguments: [
        ("0076229645", "0076229645"), ("76229645", "0076229645"), ("076229645", "0076229645"),
        ("1583250689", "1583250689"), ("11537027", "0011537027"), (" ۰۴۹-۹۳۷۰۸۹-۹ ", "0499370899"),
        ("٠٧٩٠٤١٩٩٠٤", "0790419904"), ("499370899", "0499370899"), ("1234567891", "1234567891"),
    ])
    func readsNationalIDs(text: String, digits: String) { #expect(NationalID(parsing: text)?.digits == digits) }

    @Test(arguments: [
        "", "6229645", "04993708999", "1111111111", "0000000000", "00000000", "049937089x", "0499370898",
    ])
    func refusesWhatIsNoNationalID(text: String) { #expect(NationalID(parsing: text) == nil) }

    @Test func oneWrongDigitIsSeen() {
        for place in 0..<10 {
            var digits = Array("0499370899".utf8)
            digits[place] = digits[place] == 0x35 ? 0x36 : 0x35
            #expect(NationalID(parsing: String(decoding: digits, as: UTF8.self)) == nil)
        }
    }

    @Test func aCaseKeepsBothInTheirOneForm() throws {
        let typed = Texts(subject: "x", citizenNationalID: "76229645", citizenMobile: "+98 ۹۱۴ ۱۲۳ ۴۵۶۷")
        var intake = Scene.intake()
        intake.texts = typed
        let registered = try Scene().decide(.register(intake))[0].texts
        #expect(registered.citizenMobile == "09141234567" && registered.citizenNationalID == "0076229645")
        let amended = try Scene.registered().decide(.amend(Edit(texts: typed)))[0].texts
        #expect(amended == registered)
        let cleared = Texts(citizenNationalID: "", citizenMobile: "")
        #expect(try Scene.registered().decide(.amend(Edit(texts: cleared)))[0].texts == cleared)
    }

    @Test func whatIsNoNumberIsRefused() throws {
        let mobile = Edit(texts: Texts(citizenMobile: "04133334444"))
        #expect(throws: Refusal.invalid(field: "citizen.mobile", .notAMobileNumber)) {
            try Scene.registered().decide(.amend(mobile))
        }
        var intake = Scene.intake()
        intake.texts.citizenNationalID = "1111111111"
        let command = Command.register(intake)
        #expect(throws: Refusal.invalid(field: "citizen.national_id", .notANationalID)) { try Scene().decide(command) }
    }

    @Test func anImportKeepsWhatItCannotRead() throws {
        var intake = Scene.intake()
        (intake.texts.citizenMobile, intake.texts.citizenNationalID) = ("0413 333", "76229645")
        let imported = ImportedCase(intake: intake, registeredAt: Scene.start, history: [])
        let texts = try Scene().decide(.importCase(imported))[0].texts
        #expect(texts.citizenMobile == "0413 333" && texts.citizenNationalID == "0076229645")
    }
}
