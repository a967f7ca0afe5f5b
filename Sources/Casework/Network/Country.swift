/// What a country has one of: its name, calendar, time zone and first language.
public struct Country: Sendable, Hashable {
    /// Two letters, the beginning of every region's code.
    public let code: String
    public let nameFA: String
    public let nameEN: String
    public let calendar: CivilCalendar
    public let zone: Zone
    /// The language in which pages begin.
    public let language: Language

    public init(
        code: String, nameFA: String, nameEN: String, calendar: CivilCalendar, zone: Zone, language: Language
    ) {
        (self.code, self.nameFA, self.nameEN) = (code, nameFA, nameEN)
        (self.calendar, self.zone, self.language) = (calendar, zone, language)
    }

    /// Before any rules have come. No case can be registered under it.
    public static let unknown = Country(
        code: "", nameFA: "", nameEN: "", calendar: .jalali, zone: .asiaTehran, language: .persian)

    /// The date on the wall clock.
    public func date(at instant: Instant) -> CivilDate {
        CivilDate(calendar, dayNumber: zone.dayNumber(at: instant))
    }

    /// The first instant of a date.
    public func start(of date: CivilDate) -> Instant { zone.startOfDay(date.dayNumber) }

    /// For people: `۱۴۰۵/۰۸/۳۰ ۱۰:۰۵`, `30 November 2026 10:05`.
    public func timestamp(of instant: Instant, _ language: Language) -> String {
        let time = zone.timeOfDay(at: instant)
        return date(at: instant).text(language) + " "
            + language.number(padded(time.hour, 2) + ":" + padded(time.minute, 2))
    }
}
