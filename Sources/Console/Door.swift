import Casework

/// A page of the console, or something to do on one, that people are offered by `/me`, in the order of the menu.
enum Door: String, Sendable, CaseIterable {
    case dashboard, inbox, register, cases, referrals, conflicts, proposals, provinces, alarms, report
    /// Ending a province's quarantine.
    case release

    func isOpen(to role: Role, at server: Origin) -> Bool {
        // Agencies and ministries look after no server.
        let isOffice = role != .agency && role != .ministry
        return switch self {
        case .report: true
        case .inbox: !server.isHub
        case .register: !server.isHub && Act.register.roles.contains(role)
        case .dashboard, .referrals: server.isHub
        case .cases, .provinces: server.isHub && isOffice
        case .conflicts, .proposals: !server.isHub || isOffice
        case .alarms: isOffice
        case .release: server.isHub && role == .hub
        }
    }

    /// Whoever comes to the hub for what was referred to his organisation finds that first.
    static func offered(to role: Role, at server: Origin) -> [Door] {
        let doors = allCases.filter { $0.isOpen(to: role, at: server) }
        guard server.isHub, !Door.cases.isOpen(to: role, at: server) else { return doors }
        return [.referrals] + doors.filter { $0 != .referrals }
    }
}
