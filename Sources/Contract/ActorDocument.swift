public import Casework
public import JSON

/// Who wrote an event.
public struct ActorDocument: Sendable, Equatable, JSONDocument {
    public var name: String
    /// The raw value of a `Role`.
    public var role: String
    /// An organisation's code.
    public var organization: String

    public init(_ actor: Actor) {
        (name, role, organization) = (actor.name, actor.role.rawValue, actor.organization.rawValue)
    }

    public var json: JSON {
        ["name": .string(name), "role": .string(role), "organization": .string(organization)]
    }
}

/// What an event changed.
public struct EffectDocument: Sendable, Equatable, JSONDocument {
    /// How an event may count; each code has a word in the vocabulary.
    public enum Code: String, Sendable, CaseIterable {
        case applied, proposal
        case without = "without_effect"
        /// Of a kind that this server does not know, which changes nothing that it shows.
        case newer
        /// Newer than this server, or unreadable: an upgrade frees it.
        case parked
    }

    public var code: Code
    /// Why it did not count: the raw value of an `EffectReason`; `nil` for the other codes.
    public var reason: String?

    public init(_ effect: Effect) {
        switch effect {
        case .applied: (code, reason) = (.applied, nil)
        case .proposal(let why): (code, reason) = (.proposal, why.rawValue)
        case .withoutEffect(let why): (code, reason) = (.without, why.rawValue)
        case .newer: (code, reason) = (.newer, nil)
        case .parked: (code, reason) = (.parked, nil)
        }
    }

    public var json: JSON { ["code": .string(code.rawValue), "reason": JSON(reason)] }
}

extension Actor {
    /// As audit lines name a person: `name (role) @ORGANISATION`.
    public var line: String { "\(name) (\(role.rawValue)) @\(organization.rawValue)" }
}
