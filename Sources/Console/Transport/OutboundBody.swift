import HTTPTypes
import Hummingbird
import NIOCore

/// Sends what a route writes: a body that comes in one piece of the announced length leaves together with its head.
struct OutboundBody<Writer: ConsoleResponseWriter>: ResponseBodyWriter {
    private let writer: Writer
    private let head: HTTPResponse
    private let announced: Int?
    private var held: ByteBuffer?
    private var isStarted = false

    init(_ writer: Writer, head: HTTPResponse, announced: Int?) {
        (self.writer, self.head, self.announced) = (writer, head, announced)
    }

    mutating func write(_ buffer: ByteBuffer) async throws {
        if !isStarted, held == nil, buffer.readableBytes == announced {
            held = buffer
            return
        }
        try await start()
        try await writer.write(buffer)
    }

    consuming func finish(_ trailers: HTTPFields?) async throws {
        if !isStarted, trailers == nil, held != nil || announced == 0 {
            try await writer.respond(head, body: held ?? ByteBuffer())
            return
        }
        try await start()
        try await writer.finish(trailers)
    }

    private mutating func start() async throws {
        guard !isStarted else { return }
        isStarted = true
        try await writer.head(head)
        if let held { try await writer.write(held) }
        held = nil
    }
}
