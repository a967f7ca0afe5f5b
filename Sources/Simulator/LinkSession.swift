import Casework
import Federation

/// One call between a node and the hub; either side may think it open when the other does not.
final class LinkSession {
    let id: Int
    /// From the certificate.
    let peer: Origin
    /// `nil` for a stranger who speaks the protocol by hand.
    let node: NodeProcess?
    var machine: HubLink
    var up: [NodeFrame] = []
    var down: [HubFrame] = []
    var isOpenAtNode = true
    var isOpenAtHub = true
    /// Work of this call that waits for the committer: the next frame is read afterwards.
    var waiting = 0
    /// Batches of events with the committer, and those of them that are saved and not told: several go at a time.
    var submitted = 0
    var saved = 0
    /// What the hub's half asked the store for.
    var reads: [HubLink.Action] = []
    /// Nothing moves in this direction until then.
    var upStalledUntil: Instant
    var downStalledUntil: Instant

    init(id: Int, peer: Origin, node: NodeProcess?, now: Instant) {
        self.id = id
        self.peer = peer
        self.node = node
        machine = HubLink(peer: peer)
        upStalledUntil = now
        downStalledUntil = now
    }

    var isOver: Bool { !isOpenAtHub && !isOpenAtNode && up.isEmpty }
}
