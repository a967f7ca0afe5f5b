import Contract

/// What stands behind the console: a province's node, or the hub.
enum ConsoleService: Sendable {
    case node(any NodeService)
    case hub(any HubService)

    /// What both can do.
    var cases: any CaseService {
        switch self {
        case .node(let node): node
        case .hub(let hub): hub
        }
    }
}
