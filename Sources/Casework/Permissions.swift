/// Who may do what: least privilege by role and by organisation.
enum Permissions {
    static func check(_ command: Command, on subject: Case, in context: DecisionContext) throws(Refusal) {
        let (role, act) = (context.actor.role, command.act)
        guard act?.roles.contains(role) ?? false || role == .system else {
            throw .forbidden(reason: "role \(role.rawValue) may not do this")
        }
        if context.tree.seat(of: context.actor.organization) != context.origin, role != .system, role != .hub {
            throw .forbidden(reason: "\(context.actor.organization.rawValue) does not work at \(context.origin.code)")
        }
        if act?.kind?.rule.needsHolder ?? false {
            try checkHolder(subject, in: context)
        } else if role == .agency || role == .ministry {
            try checkHolds(subject, in: context)
        }
    }

    /// A person acts for his own organisation and those below it. A supervisor, and the hub's own staff, act for every
    /// organisation seated at their server.
    private static func checkHolder(_ subject: Case, in context: DecisionContext) throws(Refusal) {
        guard subject.seat == context.origin else { throw .notTheSeat(subject.seat) }
        switch context.actor.role {
        case .supervisor, .hub, .system: return
        default: try checkHolds(subject, in: context)
        }
    }

    /// An agency and a ministry write only in the cases that they, or an organisation below them, hold now.
    private static func checkHolds(_ subject: Case, in context: DecisionContext) throws(Refusal) {
        let organization = context.actor.organization
        guard subject.holder == organization || context.tree.isWithin(subject.holder, organization) else {
            throw .forbidden(
                reason: "the case is held by \(subject.holder.rawValue), not by \(organization.rawValue)")
        }
    }
}

/// Bounds of what people write, in characters; an event as a whole is bounded by the writer.
public enum Limits {
    public static let subject = 500
    public static let text = 60_000
    public static let name = 200
    public static let address = 1_000
    public static let tags = 20
    /// Bytes of one file.
    public static let attachment: UInt64 = 4 << 30

    static func check(_ command: Command) throws(Refusal) {
        if let text = command.text, let rule = command.act?.kind?.rule.text { try check(text, rule) }
        switch command {
        case .register(let intake): try check(intake)
        case .importCase(let imported):
            try check(imported.intake)
            try bounded(imported.intake.category, field: "category", limit: name)
            for (index, event) in imported.history.enumerated() {
                try bounded(event.step.text, field: "history[\(index)].text", limit: Self.text)
            }
        case .amend(let edit):
            try check(edit.texts)
            try check(tags: edit.tags ?? [])
            if let subject = edit.texts.subject, isBlank(subject) {
                throw .invalid(field: "subject", .empty)
            }
        case .attach(let attachment, let fileName): try check(attachment, name: fileName)
        case .rate(let score):
            guard score >= 1 else { throw .invalid(field: "score", .tooSmall, limit: 1) }
            guard score <= 5 else { throw .invalid(field: "score", .tooGreat, limit: 5) }
        case .open, .note, .assess, .refer, .accept, .refuse, .act, .answer, .close, .dispute, .review, .withdraw,
            .hide, .restore, .apply, .moveCustody, .markDuplicate, .notify:
            break
        }
    }

    /// Checked before the bytes of a file are taken, when its size and hash are not known yet, and again by `decide`.
    public static func check(fileName: String, mediaType: String) throws(Refusal) {
        guard !isBlank(fileName) else { throw .invalid(field: "name", .empty) }
        try bounded(fileName, field: "name", limit: name)
        let isPlain = fileName.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && $0.value != 0x7F && $0 != "/" && $0 != "\\"
        }
        guard isPlain else { throw .invalid(field: "name", .notAFileName) }
        guard MediaType.isValid(mediaType) else { throw .invalid(field: "media_type", .notAMediaType) }
    }

    private static func check(_ attachment: Attachment, name: String) throws(Refusal) {
        try check(fileName: name, mediaType: attachment.mediaType)
        guard attachment.size > 0 else { throw .invalid(field: "file", .emptyFile) }
        guard attachment.size <= Self.attachment else {
            throw .invalid(field: "file", .fileTooLarge, limit: Int64(Self.attachment))
        }
    }

    private static func check(_ intake: Intake) throws(Refusal) {
        guard let subject = intake.texts.subject, !isBlank(subject) else {
            throw .invalid(field: "subject", .empty)
        }
        try check(tags: intake.tags)
        try check(intake.texts)
    }

    private static func check(tags: [String]) throws(Refusal) {
        guard tags.count <= Self.tags else { throw .invalid(field: "tags", .tooMany, limit: Int64(Self.tags)) }
        for tag in tags { try bounded(tag, field: "tags", limit: 50) }
    }

    private static func check(_ texts: Texts) throws(Refusal) {
        try bounded(texts.subject, field: "subject", limit: subject)
        try bounded(texts.description, field: "description", limit: text)
        try bounded(texts.citizenName, field: "citizen.name", limit: name)
        try bounded(texts.citizenMobile, field: "citizen.mobile", limit: 32)
        try bounded(texts.citizenNationalID, field: "citizen.national_id", limit: 32)
        try bounded(texts.citizenAddress, field: "citizen.address", limit: address)
    }

    private static func check(_ text: String, _ rule: KindRule.Text) throws(Refusal) {
        if rule.isRequired, isBlank(text) { throw .invalid(field: rule.name, .empty) }
        try bounded(text, field: rule.name, limit: rule.limit)
    }

    private static func bounded(_ text: String?, field: String, limit: Int) throws(Refusal) {
        guard let text, text.unicodeScalars.count > limit else { return }
        throw .invalid(field: field, .tooLong, limit: Int64(limit))
    }

    private static func isBlank(_ text: String) -> Bool {
        PersianText.trimmed(text[...]).isEmpty
    }
}
