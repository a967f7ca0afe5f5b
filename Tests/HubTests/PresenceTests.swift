import Casework
import Federation
import Store
import Testing

@testable import Hub

@Suite(.timeLimit(.minutes(1))) struct PresenceTests {
    private let tabriz = Origin.provinces[3]
    private let noon = Instant(milliseconds: 1_794_818_000_000)

    /// A node that calls anew before its old call has ended stays connected.
    @Test func aNodeIsHereUntilItsLastCallEnds() async {
        let presence = Presence()
        #expect(await !presence.isConnected(tabriz))
        await presence.connected(tabriz)
        await presence.connected(tabriz)
        await presence.disconnected(tabriz)
        #expect(await presence.isConnected(tabriz))
        await presence.disconnected(tabriz)
        #expect(await !presence.isConnected(tabriz))
    }

    @Test func whoWatchesHearsOfEachChange() async {
        let presence = Presence()
        let changes = await presence.changes.listen(buffering: 8)
        await presence.connected(tabriz)
        await presence.disconnected(tabriz)
        var heard: [Origin] = []
        for await origin in changes {
            heard.append(origin)
            if heard.count == 2 { break }
        }
        #expect(heard == [tabriz, tabriz])
    }

    @Test func theLastReportOfASeatCounts() async {
        let presence = Presence()
        await presence.reported(tabriz, at: noon, backlog: 7)
        await presence.reported(tabriz, at: noon + 5, backlog: 0)
        #expect(await presence.reports == [tabriz: HubCore.SeatReport(heardAt: noon + 5, backlog: 0)])
    }

    @Test func feedsEndWhereTheirLastRowStands() {
        let ends = FeedEnds()
        #expect(ends.end(of: tabriz) == 0)
        func row(_ seq: UInt64) -> Effects.Routed {
            Effects.Routed(
                destination: tabriz, seq: seq, event: .zero, origin: .hub, place: ChainPlace(incarnation: 1, seq: seq),
                withPart: true, hubIncarnation: 1)
        }
        ends.note([row(1), row(2)])
        ends.note([])
        #expect(ends.end(of: tabriz) == 2 && ends.end(of: .hub) == 0)
    }

    @Test func whatTheCommitterHasIsCounted() {
        let load = LinkLoad()
        load.add(5)
        load.add(3)
        load.remove(5)
        #expect(load.bytes == 3)
    }

    /// A case is reported once, and again only when it was mended meanwhile.
    @Test func damageIsToldOnceUntilItIsMended() async {
        let damage = Damage()
        let found = damage.found.listen(buffering: 8)
        let id = CaseID(home: tabriz, at: noon, random: (1, 2))
        let other = CaseID(home: tabriz, at: noon, random: (1, 3))
        for reported in [id, id, other] { damage.report(reported) }
        #expect(damage.outstanding == [id, other].sorted())
        damage.mend([id])
        #expect(damage.outstanding == [other])
        damage.report(id)
        var heard: [CaseID] = []
        for await id in found {
            heard.append(id)
            if heard.count == 3 { break }
        }
        #expect(heard == [id, other, id])
    }
}
