import Foundation
import Synchronization
import TestDoors
import Testing

/// People at an office's consoles who go on whatever happens, and repeat under the same key what nobody answered.
struct Workload: Sendable {
    let office: Office
    let ledger: Ledger
    /// Where cases are referred to.
    var destinations: [String] = []

    /// Ends the work of all who look at it.
    final class Bell: Sendable {
        private let state = Mutex(false)
        var hasRung: Bool { state.withLock { $0 } }
        func ring() { state.withLock { $0 = true } }
    }

    /// How often something was tried again.
    final class Tally: Sendable {
        private let state = Mutex((done: 0, repeated: 0, slowest: Duration.zero))
        var done: Int { state.withLock { $0.done } }
        var repeated: Int { state.withLock { $0.repeated } }
        var slowest: Duration { state.withLock { $0.slowest } }
        func count(tries: Int, took: Duration) {
            state.withLock { state in
                state.done += 1
                state.repeated += tries - 1
                state.slowest = max(state.slowest, took)
            }
        }
    }

    /// One person's work until the bell rings; what was begun is brought to its end first.
    func work(_ number: Int, until bell: Bell, _ tally: Tally) async throws {
        var dice = Dice(number)
        while !bell.hasRung {
            let key = "chaos-\(UUID().uuidString)"
            switch Int.random(in: 0..<10, using: &dice) {
            case 0..<4:
                if let id = ledger.someCase(of: office.code, &dice) {
                    _ = try await persist("/cases/\(id)/notes", ["text": .string("یادداشت \(key)")], key, tally)
                    ledger.wrote(id)
                }
            case 4 where !destinations.isEmpty:
                // A fresh case, so that nobody else refers it meanwhile.
                let receipt = try ledger.registered(
                    try await persist("/cases", Citizen.intake("ارجاعی \(key)"), key, tally))
                let seat = destinations.randomElement(using: &dice) ?? office.code
                _ = try await persist(
                    "/cases/\(receipt.id)/referral", ["to": .string(seat), "reason": "صلاحیت"], key + "-r", tally)
                ledger.referred(receipt.id, to: seat)
            default:
                try ledger.registered(try await persist("/cases", Citizen.intake("پرونده \(key)"), key, tally))
            }
        }
    }

    /// Statuses that mean "not now": no answer at all, unavailable, or too many.
    static let passing: Set<Int> = [0, 429, 503]

    /// Asks until it is acknowledged.
    func persist(
        _ path: String, _ body: JSON, _ key: String, _ tally: Tally, within limit: Duration = .seconds(120)
    ) async throws -> JSON {
        let begun = ContinuousClock.now
        var tries = 0
        while true {
            tries += 1
            let answer = try await office.server.call(
                "POST", "/api/v1" + path, body: body.data, headers: ["Idempotency-Key": key])
            if answer.isSuccess {
                tally.count(tries: tries, took: .now - begun)
                return try answer.json
            }
            guard Self.passing.contains(answer.status) else {
                throw Fault("\(office.code): POST \(path) got \(answer.summary)")
            }
            guard .now - begun < limit else {
                throw Fault("\(office.code): POST \(path) had no success in \(limit): \(answer.summary)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Registers some cases, one after the other.
    @discardableResult
    func register(_ count: Int, _ subject: String) async throws -> [Ledger.Receipt] {
        let tally = Tally()
        var receipts: [Ledger.Receipt] = []
        for index in 0..<count {
            let body = Citizen.intake("\(subject) \(index)")
            let document = try await persist("/cases", body, "chaos-\(UUID().uuidString)", tally)
            receipts.append(try ledger.registered(document))
        }
        return receipts
    }

    /// Many registrations at once.
    @discardableResult
    func flood(_ count: Int) async throws -> Duration {
        let begun = ContinuousClock.now
        let batch = try Batch(count, at: office.server)
        for document in try await batch.documents() { try ledger.registered(document) }
        return .now - begun
    }
}
