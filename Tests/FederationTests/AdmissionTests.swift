import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

@Suite struct AdmissionTests {
    /// Every link may have a little with the committer; one alone fills the room, thirty share it.
    @Test func linksShareTheRoom() {
        let full = 16 * Batch.maximumBytes
        #expect(!Admission.isFull(batches: 2, bytes: full) && Admission.isFull(batches: 3, bytes: full))
        #expect(!Admission.isFull(batches: 63, bytes: full - 1) && Admission.isFull(batches: 64, bytes: 0))
    }

    private func choose(_ items: [Admission.Item], limit: Int = 256, isLive: Bool = false) -> [Int] {
        Admission.choose(items, limit: limit, isLive: isLive)
    }

    private func batches(_ count: Int, of lane: Origin? = nil) -> [Admission.Item] {
        Array(repeating: Admission.Item(size: Batch.maximumEvents, lane: lane), count: count)
    }

    @Test func onePersonsCommandsGoTogetherUpToTheLimit() {
        #expect(choose(Array(repeating: .init(size: 1), count: 300)) == Array(0..<256))
        #expect(choose([]) == [])
    }

    @Test func aLongJournalGoesInBoundedPieces() {
        #expect(choose(batches(100, of: Place.home)).count == Admission.bound / Batch.maximumEvents)
        #expect(
            choose(batches(100, of: Place.home), isLive: true).count == Admission.boundBesideLive / Batch.maximumEvents)
    }

    @Test func whatIsLargerThanATransactionStillGoesAlone() {
        let huge = Admission.Item(size: 3 * Admission.bound)
        #expect(choose([huge, huge]) == [0])
        #expect(choose([.init(size: 1), huge, .init(size: 1), huge], isLive: true) == [0, 1, 2])
    }

    @Test func commandsOvertakeOthersJournals() {
        let (here, there) = (Place.home, Origin.provinces[30])
        let items =
            batches(4, of: here) + batches(4, of: there) + [.init(size: 1), .init(size: 1, lane: Origin.provinces[29])]
        #expect(choose(items, isLive: true) == [0, 1, 8, 9])
    }

    /// An event cannot overtake its own chain.
    @Test func nothingOvertakesItsOwnLane() {
        let items = batches(5, of: Place.home) + [.init(size: 1, lane: Place.home), .init(size: 1)]
        #expect(choose(items, isLive: true) == [0, 1, 6])
        #expect(choose(items) == [0, 1, 2, 3, 4, 5, 6])
    }

    /// What waits is less each time, in its order, and all of it goes in the end.
    @Test func allGoInTheOrderOfTheirLanes() {
        var random = Generator(seed: 7)
        for round in 0..<200 {
            var waiting = (0..<Int.random(in: 1...120, using: &random)).map { number in
                (
                    number: number,
                    item: Admission.Item(
                        size: Bool.random(using: &random) ? 1 : Int.random(in: 1...5000, using: &random),
                        lane: [nil, Place.home, Origin.provinces[30]].randomElement(using: &random) ?? nil)
                )
            }
            var gone: [Origin: [Int]] = [:]
            while !waiting.isEmpty {
                let chosen = choose(waiting.map(\.item), limit: 16, isLive: round % 2 == 0)
                #expect(!chosen.isEmpty && chosen == chosen.sorted() && chosen.count <= 16)
                for index in chosen {
                    if let lane = waiting[index].item.lane { gone[lane, default: []].append(waiting[index].number) }
                }
                waiting = waiting.indices.filter { !chosen.contains($0) }.map { waiting[$0] }
            }
            for numbers in gone.values { #expect(numbers == numbers.sorted()) }
        }
    }
}
