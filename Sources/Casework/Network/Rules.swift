/// The days within which offices must act, from one day on until the next policy begins.
public struct Policy: Sendable, Hashable {
    /// The first day on which it holds, as days since 1970-01-01.
    public let from: Int
    /// Calendar days from registration to the case's deadline.
    public let caseDays: Int
    /// The same for kinds that differ.
    public let kindDays: [Kind: Int]
    /// Calendar days from registration to the deadline of the complaint track: lawful, within its means, not done.
    public let complaintDays: Int
    /// Working days from a grant until it must be accepted or refused.
    public let acceptDays: Int
    /// Days of rest, 0 = Saturday … 6 = Friday.
    public let rest: Set<Int>

    public init(from: Int, caseDays: Int, kindDays: [Kind: Int], complaintDays: Int, acceptDays: Int, rest: Set<Int>) {
        (self.from, self.caseDays, self.kindDays) = (from, caseDays, kindDays)
        (self.complaintDays, self.acceptDays, self.rest) = (complaintDays, acceptDays, rest)
    }

    /// Calendar days from registration to the deadline of a case of that kind.
    public func days(_ kind: Kind) -> Int { kindDays[kind] ?? caseDays }
}

/// A day on which no office of the country works.
public struct Holiday: Sendable, Hashable {
    /// Which day it is: one of every year, or a single one.
    public enum Day: Sendable, Hashable, Comparable {
        /// Of every year of the country's calendar.
        case yearly(WorkCalendar.MonthDay)
        /// Days since 1970-01-01.
        case single(Int)

        public static func < (left: Day, right: Day) -> Bool {
            switch (left, right) {
            case (.yearly(let left), .yearly(let right)): left < right
            case (.single(let left), .single(let right)): left < right
            case (.yearly, .single): true
            case (.single, .yearly): false
            }
        }
    }

    /// Where the day is known from.
    public enum Source: String, Sendable, Hashable, CaseIterable {
        /// By law, in every year.
        case fixed
        /// By the lunar calendar, as officially announced.
        case lunar
        /// Declared for once.
        case adHoc = "ad_hoc"
        /// Calculated; the official announcement may move it.
        case estimated
        /// No holiday after all: an estimate that the announcement has moved.
        case void
    }

    public let day: Day
    public let source: Source
    public let nameFA: String
    public let nameEN: String

    public init(day: Day, source: Source, nameFA: String, nameEN: String) {
        (self.day, self.source, self.nameFA, self.nameEN) = (day, source, nameFA, nameEN)
    }
}

/// A day on which the offices of a region, or all, stay closed: heat, cold, air pollution, mourning.
public struct Closure: Sendable, Hashable {
    /// Nil for the whole country.
    public let region: Origin?
    /// Days since 1970-01-01.
    public let day: Int
    /// Who proclaimed it.
    public let authority: String
    /// The number or date of the decree.
    public let reference: String

    public init(region: Origin?, day: Int, authority: String, reference: String) {
        (self.region, self.day, self.authority, self.reference) = (region, day, authority, reference)
    }

    /// Where and when, which is all that two proclamations of one closure share.
    public struct Key: Sendable, Hashable, Comparable {
        public let day: Int
        public let region: Origin?

        public static func < (left: Key, right: Key) -> Bool {
            (left.day, left.region ?? .hub) < (right.day, right.region ?? .hub)
        }
    }

    public var key: Key { Key(day: day, region: region) }
}
