/// Persian as people type it: three sets of digits, Arabic letters for Persian ones, invisible marks.
public enum PersianText {
    /// Text as search compares it; the same function goes over what is stored and what is asked.
    ///
    /// ي ى ئ → ی, ك → ک, ة ۀ → ه, أ إ آ ٱ → ا, ؤ → و; harakat, hamza above, tatweel, joiners and direction marks are
    /// dropped; digits become Latin, Latin letters small. ZWNJ and whatever is neither a letter, a mark nor a number
    /// become a space, runs of spaces one, none at the ends: words are what remains. ZWNJ parts words because most
    /// people type a space in its place («خرم آباد») or search for the stem. Idempotent.
    public static func normalizeForSearch(_ text: String) -> String {
        var output = String.UnicodeScalarView()
        var spaceIsDue = false
        func append(_ scalar: Unicode.Scalar) {
            if spaceIsDue, !output.isEmpty { output.append(" ") }
            spaceIsDue = false
            output.append(scalar)
        }
        for original in text.unicodeScalars {
            if original.isASCII {
                let value = original.value
                switch value {
                case 0x30...0x39, 0x61...0x7A: append(original)
                case 0x41...0x5A: append(Unicode.Scalar(UInt8(value + 32)))
                default: spaceIsDue = true
                }
            } else if original == "\u{200C}" {
                spaceIsDue = true
            } else if isDroppedInSearch(original) {
                continue
            } else if let form = persianSearchForm(of: original) {
                append(form)
            } else {
                // One capital can become several scalars, some of them marks to drop.
                for scalar in original.properties.lowercaseMapping.unicodeScalars where !isDroppedInSearch(scalar) {
                    if isWordScalar(scalar) { append(scalar) } else { spaceIsDue = true }
                }
            }
        }
        return String(output)
    }

    /// `۱۴۰۵`.
    public static func persianDigits(_ number: Int) -> String { persianDigits(String(number)) }

    /// Latin and Arabic-Indic digits become Persian; everything else stays.
    public static func persianDigits(_ text: String) -> String {
        mapScalars(text) { scalar in
            digitValue(scalar).flatMap { Unicode.Scalar(0x06F0 + UInt32($0)) } ?? scalar
        }
    }

    /// Persian and Arabic-Indic digits become Latin; everything else stays.
    public static func latinDigits(_ text: String) -> String {
        mapScalars(text) { scalar in digitValue(scalar).map { Unicode.Scalar(0x30 + $0) } ?? scalar }
    }
}

// MARK: - Scalars

extension PersianText {
    /// 0–9 for a Latin, Persian or Arabic-Indic digit.
    static func digitValue(_ scalar: Unicode.Scalar) -> UInt8? {
        switch scalar.value {
        case 0x30...0x39: UInt8(scalar.value - 0x30)
        case 0x06F0...0x06F9: UInt8(scalar.value - 0x06F0)
        case 0x0660...0x0669: UInt8(scalar.value - 0x0660)
        default: nil
        }
    }

    /// What people put between digits, or get there by copying: spaces, hyphens, joiners, direction marks, tatweel.
    static func isFiller(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x2D, 0x2010...0x2015, 0x2212, 0x0640: true
        default: scalar.properties.isWhitespace || isInvisible(scalar)
        }
    }

    /// Joiners, direction marks, byte-order mark, soft hyphen.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00AD, 0x061C, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2069, 0xFEFF: true
        default: false
        }
    }

    private static func isDroppedInSearch(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0300...0x036F, 0x0610...0x061A, 0x0640, 0x064B...0x065F, 0x0670, 0x06D6...0x06DC, 0x06DF...0x06E4,
            0x06E7, 0x06E8, 0x06EA...0x06ED, 0xFE00...0xFE0F:
            true
        default: isInvisible(scalar)
        }
    }

    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber, .nonspacingMark, .spacingMark:
            true
        default: false
        }
    }

    /// What a letter or digit of the Arabic script becomes; nil for the rest, which takes the slower way.
    private static func persianSearchForm(of scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0x064A, 0x0649, 0x0626, 0x06D2, 0x06D3: "ی"
        case 0x0643, 0x06AA: "ک"
        case 0x0629, 0x06C0, 0x06C1, 0x06C2, 0x06C3, 0x06D5, 0x06BE: "ه"
        case 0x0622, 0x0623, 0x0625, 0x0671: "ا"
        case 0x0624: "و"
        // The remaining letters from hamza to yeh, and those that Persian adds, stay as they are.
        case 0x0621...0x064A, 0x067E, 0x0686, 0x0698, 0x06A9, 0x06AF, 0x06CC: scalar
        default: digitValue(scalar).map { Unicode.Scalar(0x30 + $0) }
        }
    }

    /// Without white space and invisible marks at both ends.
    static func trimmed(_ text: Substring) -> Substring {
        func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace || isInvisible(scalar) }
        var scalars = text.unicodeScalars.drop(while: isBlank)
        while let last = scalars.last, isBlank(last) { scalars.removeLast() }
        return Substring(scalars)
    }

    private static func mapScalars(_ text: String, _ map: (Unicode.Scalar) -> Unicode.Scalar) -> String {
        var output = String.UnicodeScalarView()
        output.append(contentsOf: text.unicodeScalars.lazy.map(map))
        return String(output)
    }
}
