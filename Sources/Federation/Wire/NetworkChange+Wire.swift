import Casework
import SwiftProtobuf

extension Envelope.Content {
    /// What the bytes say, of an event that concerns a case or none; `.unreadable` where this reader cannot tell.
    init(wire bytes: [UInt8], type: String, concernsCase: Bool) {
        self =
            concernsCase
            ? CaseChange(wire: bytes, type: type).map { .change($0) } ?? .unreadable
            : NetworkChange(wire: bytes, type: type).map { .rule($0) } ?? .unreadable
    }
}

extension NetworkChange {
    /// The content of its event.
    var wire: [UInt8] {
        var content = Peyvand_V1_NetworkContent()
        switch self {
        case .countrySet(let country): content.country = country.message
        case .regionSet(let region): content.region = region.message
        case .organizationSet(let organization): content.organization = organization.message
        case .categorySet(let category): content.category = category.message
        case .policySet(let policy): content.policy = policy.message
        case .holidaySet(let holiday): content.holiday = holiday.message
        case .closureProclaimed(let closure): content.closure = closure.message
        }
        return content.wire
    }

    /// `nil` when this reader does not understand the bytes, or the envelope's type names another change.
    init?(wire bytes: [UInt8], type: String) {
        guard let content = try? Peyvand_V1_NetworkContent(serializedBytes: bytes), let message = content.change else {
            return nil
        }
        let read: NetworkChange? =
            switch message {
            case .country(let message): Country(message).map { .countrySet($0) }
            case .region(let message): Region(message).map { .regionSet($0) }
            case .organization(let message): Organization(message).map { .organizationSet($0) }
            case .category(let message): Category(message).map { .categorySet($0) }
            case .policy(let message): Policy(message).map { .policySet($0) }
            case .holiday(let message): Holiday(message).map { .holidaySet($0) }
            case .closure(let message): Closure(message).map { .closureProclaimed($0) }
            }
        guard let read, read.type == type else { return nil }
        self = read
    }
}

extension Country {
    fileprivate var message: Peyvand_V1_CountrySet {
        .with {
            ($0.code, $0.nameFa, $0.nameEn) = (code, nameFA, nameEN)
            ($0.calendar, $0.zone, $0.language) = (calendar.rawValue, zone.code, language.rawValue)
        }
    }

    fileprivate init?(_ message: Peyvand_V1_CountrySet) {
        guard let calendar = CivilCalendar(rawValue: message.calendar), let zone = Zone(code: message.zone),
            let language = Language(rawValue: message.language)
        else { return nil }
        self.init(
            code: message.code, nameFA: message.nameFa, nameEN: message.nameEn, calendar: calendar, zone: zone,
            language: language)
    }
}

extension Region {
    fileprivate var message: Peyvand_V1_RegionSet {
        .with {
            ($0.code, $0.slug, $0.nameFa, $0.nameEn) = (code, slug, nameFA, nameEN)
            ($0.shortFa, $0.shortEn, $0.capitalFa, $0.capitalEn) = (shortFA, shortEN, capitalFA, capitalEN)
            $0.population = UInt64(clamping: population)
            ($0.column, $0.row) = (UInt32(clamping: tile.column), UInt32(clamping: tile.row))
        }
    }

    fileprivate init?(_ message: Peyvand_V1_RegionSet) {
        guard let origin = Origin(message.code), !origin.isHub else { return nil }
        self.init(
            origin: origin, slug: message.slug, nameFA: message.nameFa, nameEN: message.nameEn,
            shortFA: message.shortFa, shortEN: message.shortEn, capitalFA: message.capitalFa,
            capitalEN: message.capitalEn, population: Int(clamping: message.population),
            tile: Tile(column: Int(message.column), row: Int(message.row)))
    }
}

extension Organization {
    fileprivate var message: Peyvand_V1_OrganizationSet {
        .with {
            ($0.code, $0.kind, $0.nameFa, $0.nameEn) = (code.rawValue, kind.rawValue, nameFA, nameEN)
            ($0.parent, $0.seat, $0.area) = (parent?.rawValue ?? "", seat.code, area)
            $0.areaIsPartial = areaIsPartial
        }
    }

    fileprivate init?(_ message: Peyvand_V1_OrganizationSet) {
        let parent = OrganizationCode(rawValue: message.parent)
        guard let code = OrganizationCode(rawValue: message.code), let kind = Kind(rawValue: message.kind),
            parent != nil || message.parent.isEmpty, let seat = Origin(message.seat)
        else { return nil }
        self.init(
            code: code, kind: kind, nameFA: message.nameFa, nameEN: message.nameEn, parent: parent, seat: seat,
            area: message.area, areaIsPartial: message.areaIsPartial)
    }
}

extension Category {
    fileprivate var message: Peyvand_V1_CategorySet {
        .with {
            ($0.code, $0.nameFa, $0.nameEn) = (code, nameFA, nameEN)
            ($0.localAgency, $0.ministry) = (localAgency ?? "", ministry?.rawValue ?? "")
            $0.order = UInt32(clamping: order)
        }
    }

    fileprivate init?(_ message: Peyvand_V1_CategorySet) {
        let ministry = OrganizationCode(rawValue: message.ministry)
        guard ministry != nil || message.ministry.isEmpty else { return nil }
        self.init(
            code: message.code, nameFA: message.nameFa, nameEN: message.nameEn,
            localAgency: message.localAgency.isEmpty ? nil : message.localAgency, ministry: ministry,
            order: Int(message.order))
    }
}

extension Policy {
    /// Kinds and weekdays in their order, so that one policy has one form.
    fileprivate var message: Peyvand_V1_PolicySet {
        .with {
            $0.from = Int64(from)
            ($0.caseDays, $0.complaintDays) = (UInt32(clamping: caseDays), UInt32(clamping: complaintDays))
            $0.acceptDays = UInt32(clamping: acceptDays)
            $0.rest = rest.sorted().map { UInt32(clamping: $0) }
            $0.kinds = kindDays.sorted { $0.key.rawValue < $1.key.rawValue }.map { kind, days in
                .with { ($0.kind, $0.days) = (kind.rawValue, UInt32(clamping: days)) }
            }
        }
    }

    fileprivate init?(_ message: Peyvand_V1_PolicySet) {
        var kinds: [Kind: Int] = [:]
        for entry in message.kinds {
            guard let kind = Kind(rawValue: entry.kind) else { return nil }
            kinds[kind] = Int(entry.days)
        }
        guard let from = Int(exactly: message.from), message.rest.allSatisfy({ $0 < 7 }) else { return nil }
        self.init(
            from: from, caseDays: Int(message.caseDays), kindDays: kinds, complaintDays: Int(message.complaintDays),
            acceptDays: Int(message.acceptDays), rest: Set(message.rest.map { Int($0) }))
    }
}

extension Holiday {
    fileprivate var message: Peyvand_V1_HolidaySet {
        .with {
            switch day {
            case .yearly(let date):
                ($0.month, $0.dayOfMonth) = (UInt32(clamping: date.month), UInt32(clamping: date.day))
            case .single(let day): $0.day = Int64(day)
            }
            ($0.source, $0.nameFa, $0.nameEn) = (source.rawValue, nameFA, nameEN)
        }
    }

    fileprivate init?(_ message: Peyvand_V1_HolidaySet) {
        guard let source = Source(rawValue: message.source), let single = Int(exactly: message.day) else { return nil }
        let date = WorkCalendar.MonthDay(month: Int(message.month), day: Int(message.dayOfMonth))
        self.init(
            day: message.month == 0 ? .single(single) : .yearly(date), source: source, nameFA: message.nameFa,
            nameEN: message.nameEn)
    }
}

extension Closure {
    fileprivate var message: Peyvand_V1_ClosureProclaimed {
        .with {
            ($0.region, $0.day) = (region?.code ?? "", Int64(day))
            ($0.authority, $0.reference) = (authority, reference)
        }
    }

    fileprivate init?(_ message: Peyvand_V1_ClosureProclaimed) {
        let region = Origin(message.region)
        guard region != nil || message.region.isEmpty, region != .hub, let day = Int(exactly: message.day) else {
            return nil
        }
        self.init(region: region, day: day, authority: message.authority, reference: message.reference)
    }
}
