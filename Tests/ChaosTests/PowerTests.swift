import Foundation
import TestDoors
import Testing

extension Chaos {
    /// A lost power itself is not made here: what the kernel's page cache holds survives a kill. That an
    /// acknowledgement waits for the disk is shown apart, at PostgreSQL's system calls.
    @Suite struct Power {
        @Test func `row03 the hub's machine dies just after an acknowledgement: the acknowledged event is there`()
            async throws
        {
            try await Country.run("row03", provinces: ["IR-03"]) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger)
                for round in 0..<Run.size(short: 4, long: 40) {
                    try await node.settled()
                    try await workload.register(3, "پیش از قطع برق \(round)")
                    let receipt = try #require(ledger.receipts.last)
                    _ = try await eventually("the hub acknowledges", within: .seconds(20), every: .milliseconds(5)) {
                        try await node.server.status().number("acknowledged") >= receipt.seq ? true : nil
                    }
                    let starts = country.hub.starts
                    country.hub.losePower()
                    _ = try await eventually("the hub is started again", within: .seconds(10)) {
                        country.hub.starts > starts ? true : nil
                    }
                    try await country.hub.ready()
                    let found = try await country.hub.database.count(
                        "SELECT count(*) FROM journal WHERE origin = 'IR-03' AND seq <= \(receipt.seq)")
                    #expect(found == receipt.seq, "acknowledged up to \(receipt.seq), and \(found) are there")
                }
                try await Checker(country: country, ledger: ledger).check()
            }
        }

        @Test(.withStrace)
        func `row03 nothing is acknowledged, at node or hub, before fdatasync of PostgreSQL's log has returned`()
            async throws
        {
            try await Country.run("row03-sync", provinces: ["IR-03"]) { country in
                let (ledger, node) = (Ledger(), try country.node("IR-03"))
                let workload = Workload(office: node, ledger: ledger)
                try await workload.register(3, "گرم کردن")
                try await node.settled()
                for office in [node, country.hub] {
                    let tracer = try await Tracer(
                        office.database.processes, calls: "pwrite64,fdatasync,fsync,sendto")
                    try await workload.register(10, "دیده‌شده در \(office.code)")
                    try await node.settled()
                    try await tracer.stop()
                    let count = try Self.expectFlushed(try tracer.calls(), at: office.code)
                    #expect(count >= (office.code == "hub" ? 1 : 10), "\(count) flushed answers at \(office.code)")
                }
                try await expectWaiting(for: country.hub, node, workload)
                try await Checker(country: country, ledger: ledger).check()
            }
        }

        /// In each process: what it has written to the log is on the disk before it answers anybody.
        /// - Returns: how many answers followed a flush.
        static func expectFlushed(_ processes: [[Substring]], at code: String) throws -> Int {
            var answers = 0
            for calls in processes {
                var (isDirty, isFlushed) = (false, false)
                for call in calls {
                    if call.contains("pwrite64("), call.contains("/pg_wal/") { isDirty = true }
                    if call.contains("sync("), call.contains("/pg_wal/"), call.hasSuffix("= 0") {
                        if isDirty { isFlushed = true }
                        isDirty = false
                    }
                    if call.contains("sendto(") {
                        #expect(!isDirty, "\(code) answered before the flush: \(call)")
                        if isFlushed { answers += 1 }
                        isFlushed = false
                    }
                }
            }
            return answers
        }

        /// While the hub's disk takes a second for each flush, no acknowledgement comes sooner.
        private func expectWaiting(for hub: Office, _ node: Office, _ workload: Workload) async throws {
            let tracer = try await Tracer(
                hub.database.processes, calls: "fdatasync", injection: "fdatasync:delay_enter=1500000")
            let begun = ContinuousClock.now
            let receipt = try #require(try await workload.register(1, "دیسک کند").last)
            _ = try await eventually("the hub acknowledges", within: .seconds(30), every: .milliseconds(10)) {
                try await node.server.status().number("acknowledged") >= receipt.seq ? true : nil
            }
            let took = ContinuousClock.now - begun
            try await tracer.stop()
            #expect(took > .milliseconds(1500), "acknowledged after \(took), and the flush takes 1.5 s")
        }
    }
}
