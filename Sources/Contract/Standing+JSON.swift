public import JSON

extension AlarmDocument: JSONDocument {
    public var json: JSON {
        [
            "id": JSON(id), "at": .string(at), "origin": .string(origin), "code": .string(code),
            "detail": .string(detail), "event": JSON(event),
        ]
    }
}

extension ChainDocument: JSONDocument {
    public var json: JSON {
        [
            "incarnation": .string(incarnation), "parent": JSON(parent), "first": JSON(first), "last": JSON(last),
            "acknowledged": JSON(acknowledged), "branch": .bool(isBranch),
        ]
    }
}

extension QuarantineDocument: JSONDocument {
    public var json: JSON {
        [
            "since": JSON(reason?.at), "reason": reason?.json ?? .null, "held": JSON(held),
            "candidates": .array(candidates.map(\.json)),
        ]
    }
}

extension ProvinceStatusDocument: JSONDocument {
    public var json: JSON {
        .object(
            (province.json.members ?? []) + [
                .init("proposals", JSON(proposals)), .init("parked", JSON(parked)),
                .init("clock_offset_ms", JSON(clockOffsetMS)), .init("undelivered", JSON(undelivered)),
                .init("oldest_undelivered_at", JSON(oldestUndeliveredAt)), .init("chains", JSON(chains)),
                .init("branches", .array(branches.map(\.json))), .init("quarantine", quarantine?.json ?? .null),
                .init("awaited", .bool(awaited)), .init("newest_alarm", newestAlarm?.json ?? .null),
            ])
    }
}

extension NodeStanding {
    /// They stand beside the node's link and head.
    public var members: [JSON.Member] {
        [
            .init("oldest_unacknowledged_at", JSON(oldestUnacknowledgedAt)), .init("parked", JSON(parked)),
            .init("pending", JSON(pending)), .init("chains", JSON(chains)),
            .init("branches", .array(branches.map(\.json))), .init("restored_at", JSON(restoredAt)),
            .init("alarms", .array(alarms.map(\.json))),
        ]
    }
}
