public import JSON

// The member names of the REST interface are promises: DESIGN calls them by name.

extension CaseDocument: JSONDocument {
    public var json: JSON { .object(members) }

    /// As members, so that `POST /cases` can put its receipt beside them.
    public var members: [JSON.Member] {
        [
            .init("id", .string(id)), .init("tracking_code", .string(trackingCode)), .init("kind", .string(kind)),
            .init("channel", .string(channel)), .init("category", .string(category)),
            .init("subject", JSON(subject)), .init("description", JSON(description)), .init("about", JSON(about)),
            .init("priority", .string(priority)), .init("tags", JSON(tags)), .init("citizen", citizen.json),
            .init("status", .string(status)), .init("held_status", .string(heldStatus)),
            .init("outcome", JSON(outcome)), .init("home", .string(home)),
            .init("holder", .string(holder)), .init("seat", .string(seat)), .init("epoch", JSON(epoch)),
            .init("revision", JSON(revision)), .init("registered_at", JSON(registeredAt)),
            .init("deadline", JSON(deadline)), .init("overdue", .bool(overdue)), .init("clock_runs", .bool(clockRuns)),
            .init("conflicts", JSON(conflicts)),
            .init("proposals", JSON(proposals)), .init("disputes", JSON(disputes)),
            .init("pending_transfer", JSON(pendingTransfer)), .init("holder_deadline", JSON(holderDeadline)),
            .init("imported", .bool(imported)), .init("parked", .bool(parked)),
            .init("heads", .object(heads.sorted { $0.key < $1.key }.map { JSON.Member($0.key, JSON($0.value)) })),
        ]
    }
}

extension CaseDocument.Citizen: JSONDocument {
    public var json: JSON {
        [
            "name": JSON(name), "national_id": JSON(nationalID), "mobile": JSON(mobile), "address": JSON(address),
        ]
    }
}

extension ReceiptDocument: JSONDocument {
    public var json: JSON {
        [
            "origin": .string(origin), "incarnation": .string(incarnation), "seq": JSON(seq), "hash": .string(hash),
            "tracking_code": .string(trackingCode), "time": .string(time), "signature": .string(signature),
            "hub": hub?.json ?? .null,
        ]
    }
}

extension ReceiptDocument.Countersignature: JSONDocument {
    public var json: JSON {
        [
            "origin": .string(origin), "heads": JSON(heads), "committed_at": .string(committedAt),
            "position": JSON(position), "signature": .string(signature),
        ]
    }
}

extension EventDocument: JSONDocument {
    public var json: JSON {
        [
            "id": .string(id), "origin": .string(origin), "incarnation": .string(incarnation), "seq": JSON(seq),
            "hash": .string(hash), "epoch": JSON(epoch), "type": .string(type), "actor": actor.json,
            "occurred_at": .string(occurredAt), "effect": effect.json, "hideable": .bool(hideable),
            "content": content.json,
        ]
    }
}

extension ContentValue: JSONDocument {
    public var json: JSON {
        switch self {
        case .string(let value): .string(value)
        case .int(let value): .int(value)
        case .bool(let value): .bool(value)
        case .list(let value): JSON(value)
        case .null: .null
        }
    }
}

extension [String: ContentValue] {
    /// Sorted by name, so that equal contents are equal texts at every server.
    var json: JSON { .object(sorted { $0.key < $1.key }.map { JSON.Member($0.key, $0.value.json) }) }
}

extension ConflictDocument: JSONDocument {
    public var json: JSON {
        [
            "id": .string(id), "case_id": .string(caseID), "tracking_code": .string(trackingCode),
            "field": .string(field), "shown": shown.json, "other": other.json,
        ]
    }
}

extension ConflictDocument.Side: JSONDocument {
    public var json: JSON {
        [
            "event": .string(event), "value": JSON(value), "actor": actor.json, "origin": .string(origin),
            "occurred_at": .string(occurredAt),
        ]
    }
}

extension ProposalDocument: JSONDocument {
    public var json: JSON {
        [
            "id": .string(id), "case_id": .string(caseID), "tracking_code": .string(trackingCode),
            "type": .string(type), "reason": .string(reason), "actor": actor.json, "origin": .string(origin),
            "occurred_at": .string(occurredAt), "content": content.json,
        ]
    }
}

extension TrackDocument: JSONDocument {
    public var json: JSON {
        [
            "tracking_code": .string(trackingCode), "status": .string(status), "outcome": JSON(outcome),
            "registered_at": JSON(registeredAt), "deadline": JSON(deadline), "holder": .string(holder),
            "overdue": .bool(overdue), "stages": .array(stages.map(\.json)), "ambiguous": .bool(ambiguous),
        ]
    }
}

extension TrackDocument.Stage: JSONDocument {
    public var json: JSON { ["type": .string(type), "at": .string(at), "office": .string(office)] }
}

extension Page: JSONDocument {
    public var json: JSON { ["items": .array(items.map(\.json)), "next": JSON(next)] }
}
