public import JSON

extension StatusDocument: JSONDocument {
    public var json: JSON {
        .object(
            [
                .init("code", .string(code)), .init("link", .string(link)), .init("head", head.json),
                .init("acknowledged", JSON(acknowledged)), .init("acknowledged_at", JSON(acknowledgedAt)),
                .init("backlog", JSON(backlog)), .init("feed", JSON(feed)), .init("incarnation", .string(incarnation)),
                .init("clock_offset_ms", JSON(clockOffsetMS)), .init("conflicts", JSON(conflicts)),
                .init("proposals", JSON(proposals)), .init("cases", JSON(cases)),
                .init("hub_seen_at", JSON(hubSeenAt)),
            ] + standing.members)
    }
}

extension StatusDocument.Place: JSONDocument {
    public var json: JSON {
        ["incarnation": .string(incarnation), "seq": JSON(seq), "hash": .string(hash)]
    }
}

extension Counts: JSONDocument {
    public var json: JSON { .object(members) }

    /// As members: they stand beside a province's code, and at the top of the overview.
    public var members: [JSON.Member] {
        [
            .init("registered", JSON(registered)), .init("open", JSON(open)), .init("overdue", JSON(overdue)),
            .init("answered", JSON(answered)), .init("closed", JSON(closed)), .init("disputed", JSON(disputed)),
            .init("conflicts", JSON(conflicts)), .init("new_today", JSON(newToday)),
        ]
    }
}

extension ProvinceDocument: JSONDocument {
    public var json: JSON {
        .object(
            [.init("code", .string(code))] + counts.members
                + [
                    .init("last_heard", JSON(lastHeard)), .init("backlog", JSON(backlog)),
                    .init("state", .string(state)),
                ])
    }
}

extension OverviewDocument: JSONDocument {
    public var json: JSON {
        .object(
            [.init("as_of", .string(asOf)), .init("position", JSON(position))] + counts.members
                + [.init("provinces", .array(provinces.map(\.json)))])
    }
}

extension TrendPoint: JSONDocument {
    public var json: JSON {
        ["day": .string(day), "registered": JSON(registered), "answered": JSON(answered)]
    }
}

extension ReportDocument: JSONDocument {
    public var json: JSON {
        [
            "period": .string(period), "from": .string(from), "to": .string(to), "as_of": .string(asOf),
            "position": JSON(position), "total": total.json, "by_organization": .array(byOrganization.map(\.json)),
            "by_category": .array(byCategory.map(\.json)),
        ]
    }
}

extension ReportDocument.Row: JSONDocument {
    public var json: JSON {
        [
            "key": .string(key), "registered": JSON(registered), "answered": JSON(answered), "closed": JSON(closed),
            "disputed": JSON(disputed), "overdue": JSON(overdue), "median_days": JSON(medianDays),
        ]
    }
}
