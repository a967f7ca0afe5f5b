public import Casework

/// A piece of a file as it crosses the wire.
public struct FileChunk: Sendable, Equatable {
    /// Bytes that this code sends in one chunk, and the most that it takes.
    public static let size = 32 << 10
    public static let maximumSize = 64 << 10

    /// In the first chunk of a call.
    public var file: EventHash?
    public var offset: UInt64
    public var bytes: [UInt8]

    public init(file: EventHash? = nil, offset: UInt64, bytes: [UInt8]) {
        (self.file, self.offset, self.bytes) = (file, offset, bytes)
    }
}

/// What a receiver says.
public struct FileProgress: Sendable, Equatable {
    public enum State: Sendable { case goingOn, verified, wrong }

    /// Bytes from the file's beginning that are on its disk.
    public var durable: UInt64
    public var state: State

    public init(durable: UInt64, _ state: State = .goingOn) { (self.durable, self.state) = (durable, state) }
}

/// What a node asks for.
public struct FileRange: Sendable, Equatable {
    public var file: EventHash
    public var offset: UInt64

    public init(file: EventHash, offset: UInt64) { (self.file, self.offset) = (file, offset) }
}

/// What the hub lacks of a node's files, and which have come that it may have.
public struct FileNotice: Sendable, Equatable {
    public var wanted: [EventHash]
    public var available: [EventHash]

    public init(wanted: [EventHash] = [], available: [EventHash] = []) {
        (self.wanted, self.available) = (wanted, available)
    }
}

/// The sending half of one call, as inputs and actions. Its driver reads the file and writes to the wire.
public struct FileSender: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        /// The file is named; the receiver says how much it has. Can go to: sending, checking, done.
        case asking
        /// Bytes up to `next` are sent. Can go to: checking, done.
        case sending(next: UInt64)
        /// The receiver found another hash: the own bytes are looked at. Can go to: done.
        case checking
        case done
    }

    public enum Action: Sendable, Equatable {
        case send(FileChunk)
        /// Read so many bytes and give them to `read`.
        case read(at: UInt64, count: Int)
        /// Nothing more will be sent: end this direction.
        case finish
        /// The receiver has it, whole and checked.
        case settle
        /// Hash the own file, then say `checked`.
        case check
        /// The own file is damaged: it is not given any more.
        case setAside
        case raise(Alarm)
        /// End the call; the next one goes on, or begins anew.
        case close(reason: String)
    }

    public let file: EventHash
    /// Bytes.
    public let size: UInt64
    public private(set) var state: State = .asking

    public init(file: EventHash, size: UInt64) { (self.file, self.size) = (file, size) }

    /// A call for sending is open.
    public func opened() -> [Action] { [.send(FileChunk(file: file, offset: 0, bytes: []))] }

    /// A receiver asks for the file from here to its end, and will report nothing.
    public mutating func asked(from offset: UInt64) -> [Action] {
        guard state == .asking, offset <= size else { return close("an offset behind the file's end") }
        return next(offset)
    }

    public mutating func received(_ progress: FileProgress) -> [Action] {
        switch (progress.state, state) {
        case (.verified, .asking):
            state = .done
            return [.settle, .finish]
        case (.verified, .sending(let next)):
            state = .done
            return next == size ? [.settle] : [.settle, .finish]
        case (.wrong, .asking), (.wrong, .sending):
            state = .checking
            return [.check]
        case (.goingOn, .asking):
            guard progress.durable <= size else { return close("the receiver has more than the file") }
            return next(progress.durable)
        case (.goingOn, .sending): return []
        // The call is over; what was under way tells nothing new.
        case (_, .checking), (_, .done): return []
        }
    }

    /// The bytes that were asked for; fewer than asked when the file is shorter than its event says.
    public mutating func read(_ bytes: [UInt8]) -> [Action] {
        // The receiver spoke meanwhile.
        guard case .sending(let offset) = state else { return [] }
        guard bytes.count == count(at: offset) else {
            state = .checking
            return [.check]
        }
        return [.send(FileChunk(offset: offset, bytes: bytes))] + next(offset + UInt64(bytes.count))
    }

    /// Whether the own bytes have their hash.
    public mutating func checked(isWhole: Bool) -> [Action] {
        guard state == .checking else { return [] }
        if isWhole { return close("the bytes changed on their way: the file begins anew") }
        let alarm = Alarm(code: .attachmentDamaged, detail: "the bytes of file \(file) have changed on this disk")
        return [.setAside, .raise(alarm)] + close("the file is damaged here")
    }

    private func count(at offset: UInt64) -> Int { Int(min(UInt64(FileChunk.size), size - offset)) }

    private mutating func next(_ offset: UInt64) -> [Action] {
        state = .sending(next: offset)
        return offset == size ? [.finish] : [.read(at: offset, count: count(at: offset))]
    }

    private mutating func close(_ reason: String) -> [Action] {
        state = .done
        return [.close(reason: reason)]
    }
}

/// The receiving half of one call, as inputs and actions.
///
/// Order of durability: actions are carried out in their order, each before the next; a report stands behind the sync
/// that it tells of. Nobody sees the file before `publish`.
public struct FileReceiver: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        /// Bytes up to `next` are written, up to `synced` they are on disk. Can go to: verifying, done.
        case receiving(next: UInt64, synced: UInt64)
        /// All bytes are written and hashed. Can go to: done.
        case verifying
        case done
    }

    public enum Action: Sendable, Equatable {
        case write([UInt8], at: UInt64)
        case sync
        /// Sync and hash all of it, then say `verified`.
        case verify
        /// Put it in its place: from now it is seen.
        case publish
        /// Throw the bytes away.
        case discard
        case report(FileProgress)
        case raise(Alarm)
        /// The call has done all that it can.
        case finish
        /// End the call: the sender's fault.
        case close(reason: String)
    }

    /// Bytes between two syncs.
    public static let stretch: UInt64 = 1 << 20

    public let file: EventHash
    /// Bytes, as the file's event says.
    public let size: UInt64
    public private(set) var state: State

    /// - Parameter present: bytes that earlier calls brought.
    public init(file: EventHash, size: UInt64, present: UInt64) {
        (self.file, self.size) = (file, size)
        state = .receiving(next: present, synced: present)
    }

    /// The call is open.
    public mutating func opened() -> [Action] {
        guard case .receiving(let present, _) = state else { return [] }
        if present == size { return verify() }
        guard present > size else { return [.sync, .report(FileProgress(durable: present))] }
        state = .receiving(next: 0, synced: 0)
        return [.discard] + close("more bytes than the file has: it begins anew")
    }

    public mutating func received(_ chunk: FileChunk) -> [Action] {
        // All is here, or the call is over: what still comes was sent twice.
        guard case .receiving(let next, let synced) = state else { return [] }
        guard chunk.file == nil || chunk.file == file else { return close("a chunk of another file") }
        guard chunk.bytes.count <= FileChunk.maximumSize else { return close("a chunk of more than 64 KiB") }
        guard chunk.offset <= next else { return close("a gap before byte \(chunk.offset)") }
        let known = next - chunk.offset
        // Sent twice: the bytes are here.
        guard known < chunk.bytes.count else { return [] }
        let fresh = Array(chunk.bytes.dropFirst(Int(known)))
        let end = next + UInt64(fresh.count)
        guard end <= size else { return close("more bytes than the file has") }
        if end == size { return [.write(fresh, at: next)] + verify() }
        guard end - synced >= Self.stretch else {
            state = .receiving(next: end, synced: synced)
            return [.write(fresh, at: next)]
        }
        state = .receiving(next: end, synced: end)
        return [.write(fresh, at: next), .sync, .report(FileProgress(durable: end))]
    }

    public mutating func verified(isWhole: Bool) -> [Action] {
        guard state == .verifying else { return [] }
        state = .done
        if isWhole { return [.publish, .report(FileProgress(durable: size, .verified)), .finish] }
        let alarm = Alarm(code: .attachmentWrong, detail: "the bytes that came for file \(file) have another hash")
        return [.discard, .raise(alarm), .report(FileProgress(durable: 0, .wrong))]
            + close("the bytes have another hash: the file begins anew")
    }

    /// The sender has ended, or the connection broke: what came is kept for the next call.
    public mutating func ended() -> [Action] {
        guard case .receiving = state else { return [] }
        state = .done
        return [.sync]
    }

    private mutating func verify() -> [Action] {
        state = .verifying
        return [.verify]
    }

    private mutating func close(_ reason: String) -> [Action] {
        let isUnsaved = if case .receiving(let next, let synced) = state { next > synced } else { false }
        state = .done
        return (isUnsaved ? [.sync] : []) + [.close(reason: reason)]
    }
}

/// Whose turn it is when several files wait: each gets a turn, small ones first, so that a recording of hours does not
/// keep a photograph waiting.
public struct TransferTurns: Sendable {
    /// Milliseconds of one turn while others wait.
    public static let length: UInt64 = 30_000

    private var turns: [EventHash: Int] = [:]

    public init() {}

    /// The next of those that wait; `nil` when none does.
    public mutating func next(_ waiting: [(file: EventHash, size: UInt64)]) -> EventHash? {
        turns = turns.filter { turn in waiting.contains { $0.file == turn.key } }
        let next = waiting.min { left, right in
            let turns = (turns[left.file, default: 0], turns[right.file, default: 0])
            return (turns.0, left.size, left.file) < (turns.1, right.size, right.file)
        }
        guard let next else { return nil }
        // Who comes later begins where the others are, else it would have all turns until it has caught up.
        let least = waiting.compactMap { turns[$0.file] }.min() ?? 0
        turns[next.file] = max(turns[next.file] ?? 0, least) + 1
        return next.file
    }
}
