public import Casework
import Federation
import Logging

extension StoredService {
    /// What every server does, beside what only this one does, until cancelled or until one of it ends: by being fenced, or
    /// by a failure that no later turn would mend.
    public func run(beside parts: [@Sendable () async throws -> Void]) async throws {
        let (office, writer, logger) = (office, writer, logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await writer.run() }
            for part in parts { group.addTask { try await part() } }
            group.addTask {
                await office.projections.run(
                    isBusy: { writer.isBusy }, damaged: { writer.report(damaged: $0) }, logger: logger)
            }
            group.addTask { await office.auditTrail.run() }
            group.addTask { try await watchFence() }
            group.addTask { await Upkeep.forget(office, logger: logger) }
            group.addTask { await Upkeep.findFiles(office, logger: logger) }
            group.addTask { await readAnew() }
            group.addTask { await Upkeep.readAll(office, logger: logger) { writer.report(damaged: $0) } }
            try await group.next()
            group.cancelAll()
        }
    }

    /// After an upgrade: cases that an earlier version could not read.
    private func readAnew() async {
        await Upkeep.periodically(every: .seconds(3600), logger: logger) {
            let count = try await Upkeep.refold(office.database) { cases in
                _ = try await writer.apply(.refold(cases), cases: cases, size: cases.count, isOwn: true)
            }
            if count > 0 { logger.notice("cases read anew", metadata: ["count": "\(count)"]) }
        }
    }

    /// Has cases escalated whose clocks have passed. A damaged case does not keep the others waiting.
    public func escalate(_ cases: [CaseID]) async throws {
        for id in cases {
            do { try await writer.escalate(id) } catch StoreError.corrupt { writer.report(damaged: id) }
        }
    }
}
