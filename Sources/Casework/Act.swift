/// What people do with a case, each under one name: a command without its values. Documents offer acts by these names, and
/// what they are permitted to whom comes from the table of kinds.
public enum Act: String, Sendable, Hashable, CaseIterable {
    case register, open
    case importCase = "import"
    case note, attach, assess, refer, accept, refuse, act, answer, close, dispute, review, rate, withdraw, hide, amend,
        restore, apply
    case moveCustody = "custody"
    case markDuplicate = "duplicate"

    /// The kind of event that it writes; `nil` where it may write several: `apply` writes what was proposed.
    public var kind: EventKind? {
        switch self {
        case .register, .importCase: .registered
        case .open: .opened
        case .note: .noted
        case .attach: .attached
        case .assess: .assessed
        case .refer: .referred
        case .accept: .accepted
        case .refuse: .refused
        case .act: .acted
        case .answer: .answered
        case .close: .closed
        case .dispute: .disputed
        case .review: .reviewed
        case .rate: .rated
        case .withdraw: .withdrawn
        case .hide: .hidden
        case .amend, .restore: .amended
        case .apply: nil
        case .moveCustody: .granted
        case .markDuplicate: .duplicateMarked
        }
    }

    /// Who may do it: who may write its kind, and for what settles a dispute between offices, those who lead them.
    public var roles: Set<Role> {
        switch self {
        case .importCase: [.supervisor]
        case .restore, .apply: .leads
        default: kind?.rule.writers ?? []
        }
    }

    /// Whether it begins a case.
    public var beginsCase: Bool { kind?.rule.beginsCase ?? false }
}

extension Command {
    /// `nil` for what only servers do.
    public var act: Act? {
        switch self {
        case .register: .register
        case .open: .open
        case .note: .note
        case .attach: .attach
        case .assess: .assess
        case .refer: .refer
        case .accept: .accept
        case .refuse: .refuse
        case .act: .act
        case .answer: .answer
        case .close: .close
        case .dispute: .dispute
        case .review: .review
        case .rate: .rate
        case .withdraw: .withdraw
        case .hide: .hide
        case .amend: .amend
        case .restore: .restore
        case .apply: .apply
        case .moveCustody: .moveCustody
        case .markDuplicate: .markDuplicate
        case .notify: nil
        case .importCase: .importCase
        }
    }

    /// The free text that comes with it, under the name that its kind gives it.
    var text: String? {
        switch self {
        case .note(let text), .act(let text), .answer(let text), .dispute(let text), .refer(_, let text),
            .refuse(let text), .close(_, let text), .review(_, _, let text), .withdraw(let text),
            .moveCustody(_, let text):
            text
        case .register, .open, .attach, .assess, .accept, .rate, .hide, .amend, .restore, .apply, .markDuplicate,
            .notify, .importCase:
            nil
        }
    }
}
