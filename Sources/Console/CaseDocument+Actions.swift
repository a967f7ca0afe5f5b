import Casework
import Contract
import JSON

extension CaseDocument {
    /// The document of one case with what its reader may do with it at this server.
    func json(at server: Origin) -> JSON { .object(members(at: server)) }

    func members(at server: Origin) -> [JSON.Member] {
        let actions = (acts ?? []).filter { $0.isServed(at: server) }.map { ActRoute($0).json(for: id) }
        return members + [.init("actions", .array(actions))]
    }
}

extension Act {
    /// Cases begin at nodes; custody is moved by hand at the hub.
    func isServed(at server: Origin) -> Bool {
        switch self {
        case .register, .open, .importCase: !server.isHub
        case .moveCustody: server.isHub
        default: true
        }
    }
}
