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
}
