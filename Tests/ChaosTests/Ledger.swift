import Foundation
import Synchronization
import TestDoors

/// What the servers have promised to those who called: every answer that acknowledged something.
final class Ledger: Sendable {
    struct Receipt: Sendable, Hashable {
        var id, origin, incarnation, hash: String
        var seq: Int
    }

    private struct State {
        var receipts: [Receipt] = []
        /// By case: how many events its home wrote on it.
        var writes: [String: Int] = [:]
        /// By case: other seats that it was given to.
        var seats: [String: [String]] = [:]
    }
    private let state = Mutex(State())

    var receipts: [Receipt] { state.withLock { $0.receipts } }
    var writes: [String: Int] { state.withLock { $0.writes } }
    var seats: [String: [String]] { state.withLock { $0.seats } }

    func registered(of code: String) -> Int { state.withLock { $0.receipts.count { $0.origin == code } } }

    /// A case was answered with its receipt.
    @discardableResult
    func registered(_ document: JSON) throws -> Receipt {
        guard let paper = document["receipt"] else { throw Fault("a case without a receipt: \(document)") }
        let receipt = Receipt(
            id: try document.text("id"), origin: try paper.text("origin"), incarnation: try paper.text("incarnation"),
            hash: try paper.text("hash"), seq: try paper.number("seq"))
        state.withLock { state in
            state.receipts.append(receipt)
            state.writes[receipt.id, default: 0] += 1
        }
        return receipt
    }

    /// Its home wrote one more event on the case.
    func wrote(_ id: String) { state.withLock { $0.writes[id, default: 0] += 1 } }

    func referred(_ id: String, to seat: String) {
        state.withLock { state in
            state.writes[id, default: 0] += 1
            state.seats[id, default: []].append(seat)
        }
    }

    /// A case that nobody has referred yet, to be noted on.
    func someCase(of code: String, _ dice: inout Dice) -> String? {
        let ids = state.withLock { state in
            state.receipts.filter { $0.origin == code && state.seats[$0.id] == nil }.map(\.id)
        }
        return ids.randomElement(using: &dice)
    }
}
