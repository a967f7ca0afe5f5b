import Casework
import Testing

import struct Simulator.Generator

@testable import Federation

/// Sender and receiver of a file, joined by a wire that breaks.
@Suite struct TransferTests {
    /// The receiver's disk.
    private struct Disk {
        var partial: [UInt8] = []
        var synced = 0
        var published: [UInt8]?
        var alarms: [String] = []
        var reports: [FileProgress] = []
    }

    private struct Broken: Error {}

    /// One call: runs until it ends, or until `budget` chunks have crossed. Returns how it ended.
    private static func call(
        _ source: [UInt8], claimed: [UInt8]? = nil, to disk: inout Disk, chunks budget: Int,
        twice: (Int) -> Bool = { _ in false }
    ) -> String {
        let file = sha256(claimed ?? source)
        var sender = FileSender(file: file, size: UInt64(source.count))
        var receiver = FileReceiver(
            file: file, size: UInt64((claimed ?? source).count), present: UInt64(disk.partial.count))
        var (toReceiver, toSender) = ([FileChunk](), [FileProgress]())
        var (crossed, end) = (0, "")
        var sending = sender.opened()
        var receiving = receiver.opened()
        while true {
            while !sending.isEmpty {
                switch sending.removeFirst() {
                case .send(let chunk) where chunk.file != nil: break
                case .send(let chunk):
                    crossed += 1
                    if crossed > budget {
                        _ = carryOut(receiver.ended(), &receiver, &disk)
                        return "broken"
                    }
                    toReceiver.append(chunk)
                    if twice(crossed) { toReceiver.append(chunk) }
                case .read(let offset, let count):
                    sending += sender.read(Array(source.dropFirst(Int(offset)).prefix(count)))
                    // The wire is short: what was sent arrives before the next piece is read.
                    if case .read = sending.last, !toReceiver.isEmpty {
                        let next = sending.removeLast()
                        while !toReceiver.isEmpty {
                            receiving += receiver.received(toReceiver.removeFirst())
                            let (said, how) = carryOut(receiving, &receiver, &disk)
                            (receiving, toSender, end) = ([], toSender + said, how)
                            if !end.isEmpty { return end }
                        }
                        sending.append(next)
                    }
                case .check: sending += sender.checked(isWhole: sha256(source) == file)
                case .setAside: disk.alarms.append("set aside")
                case .raise(let alarm): disk.alarms.append(alarm.code)
                case .close(let reason): return reason
                case .settle: return "settled"
                case .finish: break
                }
            }
            while !toReceiver.isEmpty { receiving += receiver.received(toReceiver.removeFirst()) }
            let (said, how) = carryOut(receiving, &receiver, &disk)
            (receiving, toSender, end) = ([], toSender + said, how)
            guard !toSender.isEmpty else { return end.isEmpty ? "stuck" : end }
            while !toSender.isEmpty { sending += sender.received(toSender.removeFirst()) }
        }
    }

    private static func carryOut(
        _ first: [FileReceiver.Action], _ machine: inout FileReceiver, _ disk: inout Disk
    ) -> (said: [FileProgress], end: String) {
        var (actions, said) = (first, [FileProgress]())
        while !actions.isEmpty {
            switch actions.removeFirst() {
            case .write(let bytes, let offset):
                #expect(Int(offset) == disk.partial.count)
                disk.partial += bytes
            case .sync: disk.synced = disk.partial.count
            case .verify: actions += machine.verified(isWhole: sha256(disk.partial) == machine.file)
            case .publish:
                disk.published = disk.partial
                disk.synced = disk.partial.count
            case .discard: (disk.partial, disk.synced) = ([], 0)
            case .report(let progress):
                // A report never runs ahead of the disk.
                #expect(progress.durable <= UInt64(disk.synced))
                disk.reports.append(progress)
                said.append(progress)
            case .raise(let alarm): disk.alarms.append(alarm.code)
            case .finish: break
            case .close(let reason): return (said, said.isEmpty ? reason : "")
            }
        }
        return (said, "")
    }

    private static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = Generator(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    @Test func aFileCrossesAtOnce() {
        let source = Self.bytes(3 << 20)
        var disk = Disk()
        #expect(Self.call(source, to: &disk, chunks: .max) == "settled")
        #expect(disk.published == source && disk.alarms == [])
        let told = disk.reports.map(\.durable)
        #expect(told == [0, 1 << 20, 2 << 20, 3 << 20])
        #expect(disk.reports.last?.state == .verified)
    }

    @Test(arguments: 1...6) func fiftyBreaksCostNoByteAndNoHash(seed: UInt64) {
        var random = Generator(seed: seed)
        let source = Self.bytes(3 << 20 - Int(seed) * 1_001, seed: seed)
        var disk = Disk()
        var (breaks, sent) = (0, 0)
        while disk.published == nil {
            let budget = 1 + Int(random.next() % 2)
            let before = disk.partial.count
            let doubled = random.next()
            let end = Self.call(source, to: &disk, chunks: budget) { doubled >> UInt64($0 % 60) & 1 == 1 }
            sent += disk.partial.count - before
            guard end == "broken" else {
                #expect(end == "settled")
                continue
            }
            breaks += 1
            // A crash may take what was not synced.
            if random.next() % 3 == 0 { disk.partial.removeLast(disk.partial.count - disk.synced) }
        }
        #expect(breaks >= 50 && disk.published == source && disk.alarms == [])
        #expect(sent == source.count, "bytes crossed twice")
    }

    @Test func whatIsThereAlreadyIsNotSentAgain() {
        let source = Self.bytes(100_000)
        var disk = Disk(partial: source)
        #expect(Self.call(source, to: &disk, chunks: 0) == "settled")
        #expect(disk.published == source)
    }

    @Test func aWrongHashThrowsTheBytesAwayAndTheNextCallBeginsAnew() {
        let source = Self.bytes(300_000)
        var spoilt = source
        spoilt[70_000] ^= 1
        // The receiver's disk lost a bit between two calls.
        var disk = Disk(partial: Array(spoilt.prefix(100_000)), synced: 100_000)
        #expect(Self.call(source, to: &disk, chunks: .max).contains("begins anew"))
        #expect(disk.published == nil && disk.partial == [] && disk.alarms == ["attachment_wrong"])
        #expect(disk.reports.last == FileProgress(durable: 0, .wrong))
        #expect(Self.call(source, to: &disk, chunks: .max) == "settled")
        #expect(disk.published == source)
    }

    @Test func aSenderWhoseOwnBytesChangedSetsThemAside() {
        let source = Self.bytes(50_000)
        var spoilt = source
        spoilt[9] ^= 1
        var disk = Disk()
        _ = Self.call(spoilt, claimed: source, to: &disk, chunks: .max)
        #expect(disk.published == nil && disk.alarms == ["attachment_wrong", "set aside", "attachment_damaged"])
    }

    @Test func aShortFileIsFoundByItsSender() {
        var sender = FileSender(file: sha256([1]), size: 100_000)
        #expect(sender.received(FileProgress(durable: 99_000)) == [.read(at: 99_000, count: 1_000)])
        #expect(sender.read([1, 2, 3]) == [.check])
        #expect(
            sender.checked(isWhole: false).prefix(1) == [.setAside])
        #expect(sender.state == .done)
    }

    // MARK: What a peer may get wrong

    private func receiver(present: UInt64 = 10) -> FileReceiver {
        var receiver = FileReceiver(file: sha256([1]), size: 100, present: present)
        _ = receiver.opened()
        return receiver
    }

    @Test func chunksAreHeldToTheirBounds() {
        let one = [UInt8](repeating: 1, count: 20)
        for chunk in [
            FileChunk(offset: 11, bytes: one), FileChunk(offset: 90, bytes: one),
            FileChunk(offset: 10, bytes: [UInt8](repeating: 1, count: 91)),
            FileChunk(offset: 10, bytes: [UInt8](repeating: 1, count: FileChunk.maximumSize + 1)),
            FileChunk(file: sha256([2]), offset: 10, bytes: one), FileChunk(offset: .max, bytes: one),
        ] {
            var machine = receiver()
            guard case .close = machine.received(chunk).last else {
                Issue.record("taken: \(chunk.offset) + \(chunk.bytes.count)")
                continue
            }
            #expect(machine.state == .done)
            #expect(machine.received(FileChunk(offset: 10, bytes: one)) == [], "a call that was closed went on")
        }
    }

    @Test func whatCameTwiceIsWrittenOnce() {
        var machine = receiver()
        let bytes = (10..<40).map { UInt8($0) }
        #expect(machine.received(FileChunk(offset: 10, bytes: bytes)) == [.write(bytes, at: 10)])
        #expect(machine.received(FileChunk(offset: 10, bytes: bytes)) == [])
        #expect(machine.received(FileChunk(offset: 0, bytes: [])) == [])
        #expect(machine.received(FileChunk(offset: 30, bytes: Array(30..<50))) == [.write(Array(40..<50), at: 40)])
        #expect(machine.ended() == [.sync])
        #expect(machine.ended() == [])
    }

    @Test func aPartialFileThatIsTooLongIsThrownAway() {
        var machine = FileReceiver(file: sha256([1]), size: 100, present: 101)
        #expect(machine.opened().first == .discard)
        #expect(machine.state == .done)
    }

    @Test func aSenderIsHeldToTheFile() {
        var sender = FileSender(file: sha256([1]), size: 100)
        guard case .close = sender.received(FileProgress(durable: 101)).last else {
            Issue.record("a receiver has more than there is")
            return
        }
        var other = FileSender(file: sha256([1]), size: 100)
        guard case .close = other.asked(from: 101).last else {
            Issue.record("bytes behind the end were asked for")
            return
        }
        var whole = FileSender(file: sha256([1]), size: 100)
        #expect(whole.asked(from: 100) == [.finish])
        #expect(whole.received(FileProgress(durable: 100, .verified)) == [.settle])
        // It is over: nothing that still comes moves it.
        #expect(whole.received(FileProgress(durable: 0, .wrong)) == [])
        #expect(whole.read([1]) == [])
    }

    // MARK: Turns

    @Test func smallFilesDoNotWaitForLargeOnes() {
        let (large, small, late) = (sha256([1]), sha256([2]), sha256([3]))
        var turns = TransferTurns()
        #expect(turns.next([]) == nil)
        for _ in 0..<5 { #expect(turns.next([(large, 1 << 31)]) == large) }
        #expect(turns.next([(large, 1 << 31), (small, 10)]) == small)
        // The large one gets its turns too, however many small ones come.
        var given: [EventHash] = []
        for _ in 0..<4 { given.append(turns.next([(large, 1 << 31), (late, 5)]) ?? .zero) }
        #expect(given.filter { $0 == large }.count == 2)
    }

    // MARK: The wire

    @Test func messagesRoundTrip() throws {
        let chunk = FileChunk(file: sha256([1]), offset: .max, bytes: [1, 2, 3])
        #expect(try FileChunk(wire: chunk.wire) == chunk)
        let bare = FileChunk(offset: 7, bytes: [])
        #expect(try FileChunk(wire: bare.wire) == bare)
        for state in [FileProgress.State.goingOn, .verified, .wrong] {
            let progress = FileProgress(durable: 1 << 40, state)
            #expect(try FileProgress(wire: progress.wire) == progress)
        }
        let range = FileRange(file: sha256([2]), offset: 9)
        #expect(try FileRange(wire: range.wire) == range)
        let notice = FileNotice(wanted: [sha256([1]), sha256([2])], available: [sha256([3])])
        #expect(try FileNotice(wire: notice.wire) == notice)
        #expect(throws: FrameFault.self) { try FileRange(wire: []) }
        #expect(throws: FrameFault.self) { try FileChunk(wire: [0x0A, 1, 7]) }
        #expect(throws: FrameFault.self) { try FileNotice(wire: [0x0A, 1, 7]) }
        #expect(throws: FrameFault.self) { try FileProgress(wire: [0x10, 9]) }
    }
}
