/// A mobile number of Iran.
public struct MobileNumber: Sendable, Hashable {
    /// Ten Latin digits, the first of them 9: the number without its prefix.
    private let subscriber: String

    /// `09141234567`: as it is stored, shown and dialled inside the country.
    public var national: String { "0" + subscriber }

    /// `+989141234567`
    public var international: String { "+98" + subscriber }

    /// Accepts `0914…`, `914…`, `98914…`, `+98914…` and `0098914…`, in Latin, Persian or Arabic digits, with spaces,
    /// hyphens, brackets and invisible marks; `nil` for everything else.
    public init?(parsing text: String) {
        var digits = ""
        for scalar in text.unicodeScalars {
            if let value = PersianText.digitValue(scalar) {
                digits.unicodeScalars.append(Unicode.Scalar(0x30 + value))
                if digits.utf8.count > 14 { return nil }
            } else if scalar == "+" {
                guard digits.isEmpty else { return nil }
                digits = "00"
            } else if !PersianText.isFiller(scalar), scalar != "(", scalar != ")" {
                return nil
            }
        }
        for prefix in ["0098", "98", "0", ""] where digits.hasPrefix(prefix) {
            let subscriber = digits.dropFirst(prefix.count)
            if subscriber.utf8.count == 10, subscriber.first == "9" {
                self.subscriber = String(subscriber)
                return
            }
        }
        return nil
    }
}
