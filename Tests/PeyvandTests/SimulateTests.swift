import Simulator
import Testing

@testable import Program
@testable import peyvand

@Suite struct SimulateTests {
    @Test func rangesOfSeeds() {
        #expect(SimulateCommand.range("1..10000") == 1...10_000)
        #expect(SimulateCommand.range("7..7") == 7...7)
        for text in ["", "7", "9..7", "1...3", "a..b", "1..", "-1..3", "0..18446744073709551615"] {
            #expect(SimulateCommand.range(text) == nil, "\(text)")
        }
    }

    @Test func exitCodesTellWhatHappened() {
        #expect(([.clean, .crashed(""), .stuck(""), .wrong("")] as [Outcome]).map(\.code) == [0, 10, 11, 12])
    }
}
