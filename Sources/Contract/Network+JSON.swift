public import Casework
public import JSON

/// A case whose deadline lies on a day that a closure has closed, and where the rules would put it now.
public struct TouchedDue: Sendable, Equatable {
    public var id: String
    public var trackingCode: String
    public var home: String
    /// Where the case is held: the server at which the due can be moved.
    public var seat: String
    public var due: String
    public var proposed: String

    public init(id: String, trackingCode: String, home: String, seat: String, due: String, proposed: String) {
        (self.id, self.trackingCode, self.home, self.seat) = (id, trackingCode, home, seat)
        (self.due, self.proposed) = (due, proposed)
    }

    public var json: JSON {
        [
            "id": .string(id), "tracking_code": .string(trackingCode), "home": .string(home), "seat": .string(seat),
            "due": .string(due), "proposed": .string(proposed),
        ]
    }
}

extension Network {
    /// As `GET /network` gives it: each rule with its version.
    /// - Parameter now: for `today`, by the country's calendar.
    public func json(now: Instant) -> JSON {
        [
            "version": .string(Self.text(version)), "complete": .bool(isComplete),
            "today": .string(country.date(at: now).code), "country": country.json,
            "regions": .array(regions.map { versioned($0.json, .regionSet($0)) }),
            "policies": .array(policies.map { versioned($0.json(country), .policySet($0)) }),
            "holidays": .array(holidays.map { versioned($0.json(country), .holidaySet($0)) }),
            "closures": .array(closures.map { versioned($0.json(country), .closureProclaimed($0)) }),
            "organizations": .array(tree.all.map { versioned($0.json, .organizationSet($0)) }),
            "categories": .array(categories.map { versioned($0.json, .categorySet($0)) }),
        ]
    }

    /// A version as JSON writes it: 16 hexadecimal digits.
    public static func text(_ version: RulesVersion) -> String {
        Hex.encode(stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: version >> UInt64($0)) })
    }

    /// The closure that an event of that version proclaimed.
    public func closure(_ text: String) -> Closure? {
        closures.first { Self.text(version(of: .closureProclaimed($0))) == text }
    }

    private func versioned(_ json: JSON, _ change: NetworkChange) -> JSON {
        .object(json.members.map { $0 + [.init("version", .string(Self.text(version(of: change))))] } ?? [])
    }
}

extension Country {
    public var json: JSON {
        [
            "code": .string(code), "name_fa": .string(nameFA), "name_en": .string(nameEN),
            "calendar": .string(calendar.rawValue), "zone": .string(zone.code), "language": .string(language.rawValue),
        ]
    }
}

extension Region {
    public var json: JSON {
        [
            "code": .string(code), "slug": .string(slug), "name_fa": .string(nameFA), "name_en": .string(nameEN),
            "short_fa": .string(shortFA), "short_en": .string(shortEN), "capital_fa": .string(capitalFA),
            "capital_en": .string(capitalEN), "population": JSON(population), "column": JSON(tile.column),
            "row": JSON(tile.row),
        ]
    }
}

extension Organization {
    public var json: JSON {
        [
            "code": .string(code.rawValue), "kind": .string(kind.rawValue), "name_fa": .string(nameFA),
            "name_en": .string(nameEN), "parent": JSON(parent?.rawValue), "seat": .string(seat.code),
            "area": JSON(area), "area_is_partial": .bool(areaIsPartial),
        ]
    }
}

extension Category {
    public var json: JSON {
        [
            "code": .string(code), "name_fa": .string(nameFA), "name_en": .string(nameEN),
            "local_agency": JSON(localAgency), "ministry": JSON(ministry?.rawValue), "order": JSON(order),
        ]
    }
}

extension Policy {
    func json(_ country: Country) -> JSON {
        let kinds = kindDays.sorted { $0.key.rawValue < $1.key.rawValue }
        return [
            "from": .string(CivilDate(country.calendar, dayNumber: from).code), "case_days": JSON(caseDays),
            "kinds": .object(kinds.map { .init($0.key.rawValue, JSON($0.value)) }),
            "complaint_days": JSON(complaintDays), "accept_days": JSON(acceptDays),
            "rest": JSON(rest.sorted().map { WorkCalendar.weekdays[$0] }),
        ]
    }
}

extension Holiday {
    func json(_ country: Country) -> JSON {
        let date =
            switch day {
            case .yearly(let day): day.code
            case .single(let day): CivilDate(country.calendar, dayNumber: day).code
            }
        return [
            "date": .string(date), "source": .string(source.rawValue), "name_fa": .string(nameFA),
            "name_en": .string(nameEN),
        ]
    }
}

extension Closure {
    func json(_ country: Country) -> JSON {
        [
            "province": JSON(region?.code), "date": .string(CivilDate(country.calendar, dayNumber: day).code),
            "authority": .string(authority), "reference": .string(reference),
        ]
    }
}
