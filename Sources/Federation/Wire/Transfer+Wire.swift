import Casework
// For `Data` alone, the type of SwiftProtobuf's `bytes` fields.
import FoundationEssentials
import SwiftProtobuf

// Messages without gRPC's five-byte prefix, in both directions.

extension FileChunk {
    public var wire: [UInt8] {
        var message = Peyvand_V1_FileChunk()
        if let file { message.sha256 = Data(file) }
        message.offset = offset
        message.data = Data(bytes)
        return message.wire
    }

    public init(wire bytes: [UInt8]) throws(FrameFault) {
        guard let message = try? Peyvand_V1_FileChunk(serializedBytes: bytes) else {
            throw FrameFault("not a FileChunk")
        }
        let file = EventHash(message.sha256)
        guard file != nil || message.sha256.isEmpty else { throw FrameFault("a hash that is not 32 bytes long") }
        self.init(file: file, offset: message.offset, bytes: Array(message.data))
    }
}

extension FileProgress {
    public var wire: [UInt8] {
        var message = Peyvand_V1_FileProgress()
        message.durable = durable
        message.state =
            switch state {
            case .goingOn: .fileGoingOn
            case .verified: .fileVerified
            case .wrong: .fileWrong
            }
        return message.wire
    }

    public init(wire bytes: [UInt8]) throws(FrameFault) {
        guard let message = try? Peyvand_V1_FileProgress(serializedBytes: bytes) else {
            throw FrameFault("not a FileProgress")
        }
        let state: State =
            switch message.state {
            case .fileGoingOn: .goingOn
            case .fileVerified: .verified
            case .fileWrong: .wrong
            case .UNRECOGNIZED: throw FrameFault("an unknown state of a file")
            }
        self.init(durable: message.durable, state)
    }
}

extension FileRange {
    public var wire: [UInt8] {
        var message = Peyvand_V1_FileRange()
        (message.sha256, message.offset) = (Data(file), offset)
        return message.wire
    }

    public init(wire bytes: [UInt8]) throws(FrameFault) {
        guard let message = try? Peyvand_V1_FileRange(serializedBytes: bytes), let file = EventHash(message.sha256)
        else {
            throw FrameFault("not a FileRange")
        }
        self.init(file: file, offset: message.offset)
    }
}

extension FileNotice {
    public var wire: [UInt8] {
        var message = Peyvand_V1_FileNotice()
        message.wanted = wanted.map { Data($0) }
        message.available = available.map { Data($0) }
        return message.wire
    }

    public init(wire bytes: [UInt8]) throws(FrameFault) {
        guard let message = try? Peyvand_V1_FileNotice(serializedBytes: bytes) else {
            throw FrameFault("not a FileNotice")
        }
        let wanted = message.wanted.compactMap { EventHash($0) }
        let available = message.available.compactMap { EventHash($0) }
        guard wanted.count == message.wanted.count, available.count == message.available.count else {
            throw FrameFault("a hash that is not 32 bytes long")
        }
        self.init(wanted: wanted, available: available)
    }
}
