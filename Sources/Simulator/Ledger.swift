import Casework
import Federation

/// Everything that was ever durable anywhere, and what may be gone: only what a restore or a stopped copy took away
/// before anybody else had it.
struct Ledger {
    private(set) var written: [EventHash: Event] = [:]
    /// In the order of their first commit.
    private(set) var order: [EventHash] = []
    private(set) var mayBeLost: Set<EventHash> = []
    /// Every epoch that the hub ever gave, with the grant.
    private(set) var epochs: [CaseID: [Epoch: EventHash]] = [:]
    private(set) var epochsTwice: [CaseID] = []
    private(set) var acknowledged: Set<EventHash> = []
    /// What a row of its feed brought to an origin, and it was committed there.
    private(set) var fed: [Origin: Set<EventHash>] = [:]

    /// What was answered under each key, and what was saved under it.
    var answers: [IdempotencyKey: [EventHash]] = [:]
    var effects: [IdempotencyKey: [EventHash]] = [:]

    mutating func committed(_ effects: Effects, at origin: Origin) {
        for numbered in effects.numbered where numbered.event.origin == origin && written[numbered.event.hash] == nil {
            let event = numbered.event
            written[event.hash] = event
            order.append(event.hash)
            guard origin == .hub, let id = event.caseID, case .granted(let grant) = event.envelope.change else {
                continue
            }
            if epochs[id]?[grant.epoch] != nil { epochsTwice.append(id) }
            epochs[id, default: [:]][grant.epoch] = event.hash
        }
    }

    mutating func acknowledged(_ ack: Ack, by node: NodeProcess) { acknowledged.formUnion(ack.heads.map(\.hash)) }

    mutating func feed(_ events: [Event], to origin: Origin) { fed[origin, default: []].formUnion(events.map(\.hash)) }

    /// Gone from one disk, and nobody else had it.
    mutating func lose(_ hash: EventHash) { mayBeLost.insert(hash) }
}
