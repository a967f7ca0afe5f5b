import Testing

@testable import Casework

@Suite struct PersianTextTests {
    @Test(arguments: [
        ("علي", "علی"), ("كرج", "کرج"), ("فاطمة", "فاطمه"), ("خانۀ", "خانه"), ("أحمد إيمان آب ٱ", "احمد ایمان اب ا"),
        ("مسئول مؤثر", "مسیول موثر"), ("مُحَمَّد", "محمد"), ("کـــرج", "کرج"), ("خرم\u{200C}آباد", "خرم اباد"),
        ("خرم آباد", "خرم اباد"), ("۱۲۳ ٤٥٦ 789", "123 456 789"), ("Tabriz MUN", "tabriz mun"),
        ("  وام،\n\t مسکن؟! ", "وام مسکن"), ("«درمان»", "درمان"), ("\u{200F}تهران\u{202C}", "تهران"),
        ("آ", "ا"), ("ا\u{0653}ب", "اب"), ("", ""), ("،؟", ""), ("IR-03", "ir 03"), ("100%_done", "100 done"),
        ("İSTANBUL", "istanbul"), ("😀کار😀", "کار"), ("\u{0}a\u{0}b", "a b"), ("ھە", "هه"),
    ])
    func normalizes(text: String, expected: String) {
        #expect(PersianText.normalizeForSearch(text) == expected)
        #expect(PersianText.normalizeForSearch(expected) == expected)
    }

    @Test func isIdempotentOnEveryScalar() {
        for value in UInt32(0)...0x2_FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let once = PersianText.normalizeForSearch("ب" + String(Character(scalar)) + "ب")
            if PersianText.normalizeForSearch(once) != once { Issue.record("U+\(String(value, radix: 16))") }
        }
    }

    @Test func digits() {
        #expect(PersianText.persianDigits(1_405) == "۱۴۰۵")
        #expect(PersianText.persianDigits(-7) == "-۷")
        #expect(PersianText.persianDigits(Int.min) == "-۹۲۲۳۳۷۲۰۳۶۸۵۴۷۷۵۸۰۸")
        #expect(PersianText.persianDigits("a1٢۳") == "a۱۲۳")
        #expect(PersianText.latinDigits("۰۱۲۳۴۵۶۷۸۹ ٠١٢٣٤٥٦٧٨٩ x") == "0123456789 0123456789 x")
    }

    @Test(arguments: [
        "09141234567", "۰۹۱۴۱۲۳۴۵۶۷", "٠٩١٤١٢٣٤٥٦٧", "9141234567", "+989141234567", "00989141234567", "989141234567",
        " 0914 123-4567 ", "+98 (914) 123 45 67", "\u{202A}+98 914 123 4567\u{202C}", "۰۹۱۴\u{200C}۱۲۳۴۵۶۷",
    ])
    func readsMobiles(text: String) {
        #expect(PersianText.normalizeMobile(text) == "+989141234567")
    }

    @Test(arguments: [
        "", "0914123456", "091412345678", "04133334444", "+19141234567", "98+9141234567", "0914123456a", "+", "++98",
        "0098", "1234567890123456789012345", "0989141234567", "+09141234567", "+9141234567",
    ])
    func refusesWhatIsNoMobile(text: String) {
        #expect(PersianText.normalizeMobile(text) == nil)
    }

    @Test func nationalIDs() {
        #expect(PersianText.isValidNationalID("0123456789"))
        #expect(PersianText.isValidNationalID("0499370899"))
        #expect(PersianText.isValidNationalID("0790419904"))
        #expect(PersianText.normalizeNationalID(" ۰۴۹-۹۳۷۰۸۹-۹ ") == "0499370899")
        for wrong in ["", "049937089", "04993708999", "1111111111", "0000000000", "049937089x", "0499370898"] {
            #expect(!PersianText.isValidNationalID(wrong), "\(wrong)")
        }
        for place in 0..<10 {
            var digits = Array("0499370899".utf8)
            digits[place] = digits[place] == 0x35 ? 0x36 : 0x35
            #expect(!PersianText.isValidNationalID(String(decoding: digits, as: UTF8.self)))
        }
    }
}
