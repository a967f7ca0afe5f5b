import Casework

// Events up and rows down are nearly all that a link carries.

extension NodeFrame {
    /// Reads a frame of events as our own writers give it; `nil` for every other, as `Envelope.init(canonical:)`.
    init?(canonical bytes: UnsafeRawBufferPointer) {
        var frame = WireReader(bytes)
        guard let body = frame.slice(2), frame.isDone else { return nil }
        var reader = WireReader(body)
        var events = [WireEvent]()
        while let slice = reader.slice(1) {
            guard let event = WireEvent(canonical: slice) else { return nil }
            events.append(event)
        }
        guard reader.isDone else { return nil }
        self = .events(events)
    }
}

extension HubFrame {
    /// Reads a frame of the feed as our own writers give it; `nil` for every other, as `Envelope.init(canonical:)`.
    init?(canonical bytes: UnsafeRawBufferPointer) {
        var frame = WireReader(bytes)
        guard let body = frame.slice(3), frame.isDone else { return nil }
        var reader = WireReader(body)
        var rows = [FeedRow]()
        while let slice = reader.slice(1) {
            guard let row = FeedRow(canonical: slice) else { return nil }
            rows.append(row)
        }
        guard reader.isDone else { return nil }
        self = .feed(rows)
    }
}

extension FeedRow {
    fileprivate init?(canonical bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        guard let cursor = reader.slice(1).flatMap({ FeedCursor(canonical: $0) }),
            let event = reader.slice(2).flatMap({ WireEvent(canonical: $0) }), reader.isDone
        else { return nil }
        self.init(cursor: cursor, event: event)
    }
}

extension FeedCursor {
    fileprivate init?(canonical bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        let (incarnation, seq) = (reader.fixed64(1), reader.uint64(2))
        guard let hash = reader.slice(3).flatMap({ EventHash($0) }), reader.isDone else { return nil }
        self.init(hubIncarnation: incarnation, seq: seq, hash: hash)
    }
}

extension WireEvent {
    fileprivate init?(canonical bytes: UnsafeRawBufferPointer) {
        var reader = WireReader(bytes)
        let (envelope, part) = (reader.slice(1), reader.slice(2))
        let state: Part
        switch reader.uint64(3) {
        case 0: state = .none
        case 1: state = .present(part.map { [UInt8]($0) } ?? [])
        case 2: state = .withheld
        case 3: state = .erased
        default: return nil
        }
        // A hash of another length says nothing.
        let hash = reader.slice(4).flatMap { EventHash($0) }
        guard reader.isDone else { return nil }
        self.init(bytes: envelope.map { [UInt8]($0) } ?? [], part: state, hash: hash)
    }
}

// MARK: Writing

extension [WireEvent] {
    /// The bytes of a NodeFrame of these events, those that SwiftProtobuf would give: an empty field is left out.
    var frame: [UInt8] {
        let body = reduce(0) { $0 + $1.messageSize.fieldSize }
        var bytes = [UInt8]()
        bytes.reserveCapacity(body.fieldSize)
        bytes.begin(0x12, body)
        for event in self {
            bytes.begin(0x0A, event.messageSize)
            event.write(to: &bytes)
        }
        return bytes
    }
}

extension WireEvent {
    /// Its number in `PartState`.
    private var state: UInt8 {
        switch part {
        case .none: 0
        case .present: 1
        case .withheld: 2
        case .erased: 3
        }
    }

    fileprivate var messageSize: Int {
        var size = 0
        if !bytes.isEmpty { size += bytes.count.fieldSize }
        if let part = part.bytes, !part.isEmpty { size += part.count.fieldSize }
        if state != 0 { size += 2 }
        if hash != nil { size += 32.fieldSize }
        return size
    }

    fileprivate func write(to frame: inout [UInt8]) {
        if !bytes.isEmpty {
            frame.begin(0x0A, bytes.count)
            frame.append(contentsOf: bytes)
        }
        if let part = part.bytes, !part.isEmpty {
            frame.begin(0x12, part.count)
            frame.append(contentsOf: part)
        }
        if state != 0 {
            frame.append(0x18)
            frame.append(state)
        }
        guard let hash else { return }
        frame.begin(0x22, 32)
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { buffer in
            hash.write(to: buffer)
            frame.append(contentsOf: UnsafeRawBufferPointer(buffer))
        }
    }
}

extension [UInt8] {
    /// The tag and the length of a length-delimited field.
    fileprivate mutating func begin(_ tag: UInt8, _ count: Int) {
        append(tag)
        var rest = count
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }
}

extension Int {
    /// Bytes of a field that holds so many: a tag of one byte, the length as a varint, and they.
    fileprivate var fieldSize: Int { 1 + (self < 0x80 ? 1 : (63 - leadingZeroBitCount) / 7 + 1) + self }
}
