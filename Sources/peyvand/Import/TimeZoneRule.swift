import Casework
import POSIX
import Program

/// From a wall clock to an instant: a fixed offset, a rule as POSIX writes it, or a zone of the tz database.
///
/// A time that the wall clock showed twice (the hour when summer time ends) is read as the first of the two; one that
/// it never showed (the hour left out) as if the clock had not been put forward.
struct TimeZoneRule: Sendable, Equatable {
    /// A stretch of time with one offset; the first begins at the beginning of time.
    private struct Transition: Sendable, Equatable {
        var at: Int64
        var offset: Int
    }

    /// `PST8PDT,M3.2.0,M11.1.0`
    private struct Rule: Sendable, Equatable {
        /// Seconds east of UTC.
        var standard: Int
        var summer: Summer?
    }

    private struct Summer: Sendable, Equatable {
        var offset: Int
        var start, end: Change
    }

    /// Week 5 is the last; day 0 is Sunday; seconds after midnight of the wall clock.
    fileprivate struct Change: Sendable, Equatable {
        var month, week, day, time: Int
    }

    private var transitions: [Transition] = []
    private var rule: Rule

    /// Reads `UTC`, `+03:30`, `PST8PDT,M3.2.0,M11.1.0`, or `America/Los_Angeles`, which needs the system's tz database.
    /// - Throws: `Failure` for anything else.
    init(_ text: String) throws {
        let wrong = Failure.usedWrongly(
            "'\(text)' is no time zone; use UTC, +03:30, a rule such as PST8PDT,M3.2.0,M11.1.0, or a name such as "
                + "Asia/Tehran.")
        if text == "UTC" || text == "Z" {
            rule = Rule(standard: 0)
        } else if text.first == "+" || text.first == "-" {
            guard let seconds = Self.offset(Substring(text)) else { throw wrong }
            rule = Rule(standard: seconds)
        } else if let rule = Self.rule(text) {
            self.rule = rule
        } else {
            let isName =
                !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/_+-".contains($0)) }
            guard isName, !text.hasPrefix("/") else { throw wrong }
            let path = "/usr/share/zoneinfo/" + text
            guard Files.exists(path) else {
                throw Failure.usedWrongly("the zone '\(text)' is not known here; install tzdata, or write its rule.")
            }
            guard let read = Self.file(try Files.read(path)) else { throw wrong }
            (transitions, rule) = read
        }
    }

    func instant(of local: LocalTime) -> Instant {
        let seconds = local.secondsAsUTC
        // The true offset is one of those in force a day before and a day after.
        let candidates = [offset(at: seconds - 86_400), offset(at: seconds + 86_400)]
        for offset in candidates where self.offset(at: seconds - Int64(offset)) == offset {
            return Instant(seconds: seconds - Int64(offset))
        }
        return Instant(seconds: seconds - Int64(candidates[0]))
    }

    /// Seconds east of UTC at an instant, given in Unix seconds.
    private func offset(at seconds: Int64) -> Int {
        if let last = transitions.last, seconds < last.at {
            return (transitions.last { $0.at <= seconds } ?? transitions[0]).offset
        }
        guard let summer = rule.summer else { return rule.standard }
        let year = LocalTime.year(ofSeconds: seconds + Int64(rule.standard))
        let start = summer.start.seconds(in: year) - Int64(rule.standard)
        let end = summer.end.seconds(in: year) - Int64(summer.offset)
        // South of the equator summer runs over the turn of the year.
        let isSummer = start < end ? start <= seconds && seconds < end : !(end <= seconds && seconds < start)
        return isSummer ? summer.offset : rule.standard
    }
}

extension TimeZoneRule.Change {
    /// When it happens in a year, in seconds of the wall clock.
    fileprivate func seconds(in year: Int) -> Int64 {
        let first = LocalTime.days(year: year, month: month, day: 1)
        // 1970-01-01 was a Thursday.
        let weekday = ((first + 4) % 7 + 7) % 7
        var date = (day - weekday + 7) % 7 + 1 + (week - 1) * 7
        if date > LocalTime.daysIn(month: month, year: year) { date -= 7 }
        return Int64(first + date - 1) * 86_400 + Int64(time)
    }
}

// MARK: - POSIX rules

extension TimeZoneRule {
    /// `+03:30`, `-8`, `+0330`; also hours beyond a day, as rules have them.
    private static func offset(_ text: Substring) -> Int? {
        var digits = text
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits = digits.dropFirst() }
        var parts = digits.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 1, digits.count == 4 { parts = [digits.prefix(2), digits.suffix(2)] }
        guard (1...3).contains(parts.count) else { return nil }
        var seconds = 0
        for (part, unit) in zip(parts, [3600, 60, 1]) {
            guard part.count <= 3, let number = Int(part), number >= 0, unit == 3600 || number < 60 else { return nil }
            seconds += number * unit
        }
        return isNegative ? -seconds : seconds
    }

    private static func rule(_ text: String) -> Rule? {
        let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        var rest = fields[0]
        // POSIX counts offsets to the west.
        guard name(&rest) != nil, let west = leadingOffset(&rest) else { return nil }
        if rest.isEmpty { return fields.count == 1 ? Rule(standard: -west) : nil }
        guard name(&rest) != nil, fields.count == 3 else { return nil }
        var summerOffset = -west + 3600
        if !rest.isEmpty {
            guard let west = leadingOffset(&rest), rest.isEmpty else { return nil }
            summerOffset = -west
        }
        guard let start = change(fields[1]), let end = change(fields[2]) else { return nil }
        return Rule(standard: -west, summer: Summer(offset: summerOffset, start: start, end: end))
    }

    /// `PST`, or `<+0330>`.
    private static func name(_ rest: inout Substring) -> Substring? {
        if rest.first == "<" {
            guard let end = rest.firstIndex(of: ">") else { return nil }
            let name = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
            return name
        }
        let name = rest.prefix { $0.isLetter && $0.isASCII }
        rest = rest.dropFirst(name.count)
        return name.count >= 3 ? name : nil
    }

    private static func leadingOffset(_ rest: inout Substring) -> Int? {
        let text = rest.prefix { $0.isNumber || $0 == ":" || $0 == "+" || $0 == "-" }
        rest = rest.dropFirst(text.count)
        return text.isEmpty ? nil : offset(text)
    }

    /// `M3.2.0`, `M11.1.0/2`
    private static func change(_ text: Substring) -> Change? {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2, halves[0].first == "M" else { return nil }
        let numbers = halves[0].dropFirst().split(separator: ".").compactMap { Int($0) }
        guard numbers.count == 3, (1...12).contains(numbers[0]), (1...5).contains(numbers[1]),
            (0...6).contains(numbers[2])
        else { return nil }
        var time = 7200
        if halves.count == 2 {
            guard let given = offset(halves[1]) else { return nil }
            time = given
        }
        return Change(month: numbers[0], week: numbers[1], day: numbers[2], time: time)
    }
}

// MARK: - The tz database

extension TimeZoneRule {
    /// Reads a compiled zone file of version 2 or later, RFC 8536.
    private static func file(_ bytes: [UInt8]) -> (transitions: [Transition], rule: Rule)? {
        guard let first = Header(bytes, at: 0), first.version >= 2 else { return nil }
        // The second block repeats the first with 64-bit times.
        let start = 44 + first.length(timeSize: 4)
        guard let header = Header(bytes, at: start), bytes.count >= start + 44 + header.length(timeSize: 8) else {
            return nil
        }
        let times = start + 44
        let kinds = times + header.transitions * 8
        let types = kinds + header.transitions
        func offset(ofType type: Int) -> Int? {
            guard type < header.types else { return nil }
            return Int(Int32(truncatingIfNeeded: Self.number(bytes, at: types + type * 6, size: 4)))
        }
        guard let before = offset(ofType: 0) else { return nil }
        var transitions = [Transition(at: .min, offset: before)]
        for index in 0..<header.transitions {
            guard let offset = offset(ofType: Int(bytes[kinds + index])) else { return nil }
            transitions.append(Transition(at: Self.number(bytes, at: times + index * 8, size: 8), offset: offset))
        }
        let footer = bytes[(start + 44 + header.length(timeSize: 8))...].split(separator: UInt8(ascii: "\n"))
        guard let text = footer.first, let rule = Self.rule(String(decoding: text, as: UTF8.self)) else { return nil }
        return (transitions, rule)
    }

    private struct Header {
        let version, utcFlags, standardFlags, leaps, transitions, types, characters: Int

        init?(_ bytes: [UInt8], at start: Int) {
            guard bytes.count >= start + 44, bytes[start...].starts(with: "TZif".utf8) else { return nil }
            version = Int(bytes[start + 4]) - 0x30
            let counts = (0..<6).map { Int(TimeZoneRule.number(bytes, at: start + 20 + $0 * 4, size: 4)) }
            (utcFlags, standardFlags, leaps) = (counts[0], counts[1], counts[2])
            (transitions, types, characters) = (counts[3], counts[4], counts[5])
        }

        func length(timeSize: Int) -> Int {
            transitions * (timeSize + 1) + types * 6 + characters + leaps * (timeSize + 4) + standardFlags + utcFlags
        }
    }

    private static func number(_ bytes: [UInt8], at start: Int, size: Int) -> Int64 {
        Int64(bitPattern: bytes[start..<start + size].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
