/// Of which cases an actor may read personal data and free texts, at one server. One rule for single cases, lists and search.
public enum Readership: Sendable, Hashable {
    /// The hub's own staff, at the hub.
    case everything
    case nothing
    /// Operators and supervisors: cases whose home or present seat is this server.
    case homeOrSeat(Origin)
    /// Agencies and ministries: what their organisation, or one below it, holds at this seat. Sorted by code.
    case held(by: [OrganizationCode], seat: Origin)

    /// - Parameters:
    ///   - origin: the server that is asked.
    ///   - tree: as that server knows it.
    public init(of actor: Actor, at origin: Origin, in tree: OrganizationTree) {
        switch actor.role {
        case .hub: self = origin.isHub ? .everything : .nothing
        case .auditor, .system: self = .nothing
        case .operator, .supervisor:
            self = tree.seat(of: actor.organization) == origin ? .homeOrSeat(origin) : .nothing
        case .agency, .ministry:
            let below = tree.descendants(of: actor.organization).map(\.code)
            self =
                tree.seat(of: actor.organization) == origin
                ? .held(by: ([actor.organization] + below).sorted(), seat: origin) : .nothing
        }
    }

    public func includes(home: Origin, seat: Origin, holder: OrganizationCode) -> Bool {
        switch self {
        case .everything: true
        case .nothing: false
        case .homeOrSeat(let origin): home == origin || seat == origin
        case .held(let organizations, let origin): seat == origin && organizations.contains(holder)
        }
    }

    public func includes(_ state: Case) -> Bool { includes(home: state.home, seat: state.seat, holder: state.holder) }
}
