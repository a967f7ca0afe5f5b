import CNGHTTP2
import HTTPTypes
import NIOCore

/// HTTP/2 without a socket, on nghttp2: bytes in, bytes and events out. Confined to one event loop.
///
/// No callback calls `mem_send` or `mem_recv`; what happened is kept as events until `processEvents`.
final class H2Session {
    enum Role { case server, client }

    let role: Role
    let limits: Limits
    private var session: OpaquePointer?
    private(set) var streams: [Int32: H2Stream] = [:]
    private var events: [H2Event] = []
    /// The empty array that takes the place of `events` while those are processed: none is made for each read.
    private var spare: [H2Event] = []
    /// Whose header block is arriving: the frames of a block come one after the other.
    private var arriving: H2Stream?
    private var encoder = HeaderEncoder()
    private var bucket: FrameBucket
    private var scanner: FrameScanner
    /// The instant of the call that is going on; time is an argument here.
    private var now: NIODeadline
    private(set) var isFlooded = false
    private(set) var settingsReceived = false
    /// The code of the last GOAWAY that left; above 0, nghttp2 or we found the peer at fault.
    private(set) var goawaySent: UInt32?

    init(role: Role, limits: Limits, now: NIODeadline) throws(HTTP2Error) {
        self.role = role
        self.limits = limits
        self.now = now
        bucket = FrameBucket(burst: limits.frameBurst, perSecond: limits.framesPerSecond, now: now)
        scanner = FrameScanner(afterPreface: role == .client)
        session = try Self.make(role, owner: Unmanaged.passUnretained(self).toOpaque())
        try submitSettings()
    }

    deinit {
        // Calls no stream-close callback; the layer above has failed its exchanges by then.
        nghttp2_session_del(session)
    }

    private static func make(_ role: Role, owner: UnsafeMutableRawPointer) throws(HTTP2Error) -> OpaquePointer? {
        var callbacks: OpaquePointer?
        var option: OpaquePointer?
        try HTTP2Error.check(nghttp2: nghttp2_session_callbacks_new(&callbacks), "no memory for a session")
        defer { nghttp2_session_callbacks_del(callbacks) }
        try HTTP2Error.check(nghttp2: nghttp2_option_new(&option), "no memory for a session")
        defer { nghttp2_option_del(option) }
        installCallbacks(callbacks)
        // Windows open as a handler takes the body, by `consume`.
        nghttp2_option_set_no_auto_window_update(option, 1)
        nghttp2_option_set_no_closed_streams(option, 1)
        var session: OpaquePointer?
        let result =
            role == .server
            ? nghttp2_session_server_new2(&session, callbacks, owner, option)
            : nghttp2_session_client_new2(&session, callbacks, owner, option)
        try HTTP2Error.check(nghttp2: result, "no memory for a session")
        return session
    }

    private func submitSettings() throws(HTTP2Error) {
        var settings = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: UInt32(limits.streamWindow)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(limits.maxHeaderBytes)),
        ]
        switch role {
        case .server:
            settings.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                    value: UInt32(limits.maxConcurrentStreams)))
        case .client:
            settings.append(
                nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
        }
        try HTTP2Error.check(
            nghttp2: nghttp2_submit_settings(session, 0, settings, settings.count), "cannot send SETTINGS")
        try HTTP2Error.check(
            nghttp2: nghttp2_session_set_local_window_size(session, 0, 0, Int32(limits.connectionWindow)),
            "cannot open the connection's window")
    }

    // MARK: Bytes and events

    /// Takes bytes from the peer.
    ///
    /// - Throws: `flood`, `protocolViolation`: send what `send` still gives, then close.
    func receive(_ bytes: UnsafeRawBufferPointer, now: NIODeadline) throws(HTTP2Error) {
        self.now = now
        scanner.scan(bytes) { header in
            isFlooded = isFlooded || !bucket.allows(header, now: now)
            return !isFlooded
        }
        var result = 0
        if !isFlooded {
            // May itself find the peer to be flooding, by header blocks above the caps.
            result = nghttp2_session_mem_recv(session, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        }
        if isFlooded {
            nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
            throw HTTP2Error(.flood, "too many control frames")
        }
        try HTTP2Error.check(nghttp2: result, "the peer broke HTTP/2")
    }

    /// Appends bytes for the peer to `buffer` until it holds `limit` or there are none; true if it added any.
    func send(into buffer: inout ByteBuffer, limit: Int, now: NIODeadline) throws(HTTP2Error) -> Bool {
        self.now = now
        let before = buffer.writerIndex
        while buffer.readableBytes < limit {
            var pointer: UnsafePointer<UInt8>?
            let count = try HTTP2Error.check(
                nghttp2: nghttp2_session_mem_send(session, &pointer), "cannot make frames")
            guard count > 0, let pointer else { break }
            buffer.writeBytes(UnsafeRawBufferPointer(start: pointer, count: Int(count)))
        }
        return buffer.writerIndex > before
    }

    /// Tells what happened since the last call, in order, and what happens meanwhile.
    func processEvents(_ process: (H2Event) throws -> Void) rethrows {
        while !events.isEmpty {
            var taken = spare
            spare = []
            swap(&taken, &events)
            for event in taken { try process(event) }
            taken.removeAll(keepingCapacity: true)
            spare = taken
        }
    }

    var isFinished: Bool {
        nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    // MARK: Requests and responses

    /// Opens a stream with `request` as its head.
    func open(_ request: HTTPRequest, endStream: Bool) throws(HTTP2Error) -> H2Stream {
        encoder.begin()
        encoder.add(":method", request.method.rawValue)
        if let scheme = request.scheme { encoder.add(":scheme", scheme) }
        if let authority = request.authority { encoder.add(":authority", authority) }
        if let path = request.path { encoder.add(":path", path) }
        encoder.add(request.headerFields)
        let next = nghttp2_session_get_next_stream_id(session)
        guard next <= UInt32(Int32.max) else {
            throw HTTP2Error(.streamsExhausted, "no stream number is left on this connection")
        }
        let stream = H2Stream(id: Int32(next))
        stream.progress = now
        stream.outboundEnded = endStream
        var provider = Self.provider(for: stream)
        let session = session
        let result = encoder.withFields { fields, count in
            withUnsafePointer(to: &provider) { provider in
                nghttp2_submit_request(session, nil, fields, count, endStream ? nil : provider, nil)
            }
        }
        try HTTP2Error.check(nghttp2: result, "cannot open a stream")
        streams[stream.id] = stream
        return stream
    }

    /// Sends the response's head. Unless `endStream`, the body is what `enqueue` brings.
    func respond(_ response: HTTPResponse, on stream: H2Stream, endStream: Bool) throws(HTTP2Error) {
        encoder.begin()
        encoder.add(":status", String(response.status.code))
        encoder.add(response.headerFields)
        let informational = response.status.kind == .informational
        var provider = Self.provider(for: stream)
        let session = session
        if endStream { stream.outboundEnded = true }
        let result = encoder.withFields { fields, count in
            guard !informational else { return nghttp2_submit_headers(session, 0, stream.id, nil, fields, count, nil) }
            return withUnsafePointer(to: &provider) { provider in
                nghttp2_submit_response(session, stream.id, fields, count, endStream ? nil : provider)
            }
        }
        try HTTP2Error.check(nghttp2: result, "cannot send a response")
    }

    /// Adds body bytes; they leave as the peer's windows and the connection allow.
    func enqueue(_ buffer: ByteBuffer, on stream: H2Stream) {
        if stream.outbound.isEmpty { stream.progress = now }
        stream.outbound.append(buffer)
        resume(stream)
    }

    /// Ends our side after what is queued, with trailers or without.
    func end(_ stream: H2Stream, trailers: HTTPFields?) {
        stream.outboundEnded = true
        stream.trailers = trailers
        resume(stream)
    }

    private func resume(_ stream: H2Stream) {
        guard stream.deferred else { return }
        stream.deferred = false
        // INVALID_ARGUMENT: the stream is already gone, which its `closed` event tells.
        nghttp2_session_resume_data(session, stream.id)
    }

    func reset(_ stream: H2Stream, _ code: nghttp2_error_code) {
        // Fails only without memory, or for a stream that is gone.
        nghttp2_submit_rst_stream(session, 0, stream.id, code.rawValue)
    }

    /// Opens the peer's windows by `count` bytes that were taken from `stream`.
    func consume(_ count: Int, of stream: H2Stream) {
        guard count > 0 else { return }
        stream.unconsumed -= count
        // For a stream that is gone only the connection's window opens.
        nghttp2_session_consume(session, stream.id, count)
    }

    // MARK: The connection

    func ping() {
        nghttp2_submit_ping(session, 0, nil)
    }

    /// First step of an orderly end: says GOAWAY without yet refusing the streams that are on their way.
    func noticeShutdown() {
        nghttp2_submit_shutdown_notice(session)
    }

    /// Second step: new streams are refused, open ones go on.
    func goaway(_ code: nghttp2_error_code = NGHTTP2_NO_ERROR) {
        let last = nghttp2_session_get_last_proc_stream_id(session)
        nghttp2_submit_goaway(session, 0, last, code.rawValue, nil, 0)
    }

    /// Ends everything once the queued GOAWAY is sent.
    func terminate(_ code: nghttp2_error_code) {
        nghttp2_session_terminate_session(session, code.rawValue)
    }

    /// Forgets all streams, when the connection is gone; answers them for their exchanges to be failed.
    func abandonStreams() -> [H2Stream] {
        defer { streams.removeAll() }
        return Array(streams.values)
    }
}

// MARK: - Called by nghttp2

extension H2Session {
    private static func provider(for stream: H2Stream) -> nghttp2_data_provider {
        nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()),
            read_callback: { _, _, space, length, flags, source, owner in
                guard let source, let pointer = source.pointee.ptr, let space, let flags, let owner else {
                    return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
                }
                // The session keeps a stream until nghttp2 has closed it.
                let stream = Unmanaged<H2Stream>.fromOpaque(pointer).takeUnretainedValue()
                let room = UnsafeMutableRawBufferPointer(start: space, count: length)
                return H2Session.of(owner).fill(room, stream, flags)
            })
    }

    fileprivate static func of(_ owner: UnsafeMutableRawPointer?) -> H2Session {
        // The pointer was given at creation; nghttp2 lives no longer than its owner.
        Unmanaged<H2Session>.fromOpaque(owner!).takeUnretainedValue()
    }

    private func fill(
        _ space: UnsafeMutableRawBufferPointer, _ stream: H2Stream, _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let count = stream.outbound.move(into: space)
        if count > 0 { stream.progress = now }
        if stream.wantsDrained, stream.outbound.count <= limits.outboundHighWater / 2 {
            stream.wantsDrained = false
            events.append(.drained(stream))
        }
        guard stream.outbound.isEmpty else { return count }
        guard stream.outboundEnded else {
            if count > 0 { return count }
            stream.deferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        flags.pointee |= peyvand_data_flag_eof()
        if let trailers = stream.trailers {
            flags.pointee |= peyvand_data_flag_no_end_stream()
            submitTrailers(trailers, stream)
        }
        return count
    }

    private func submitTrailers(_ trailers: HTTPFields, _ stream: H2Stream) {
        encoder.begin()
        encoder.add(trailers)
        let session = session
        let result = encoder.withFields { fields, count in
            nghttp2_submit_trailer(session, stream.id, fields, count)
        }
        // Without trailers the peer would wait for ever.
        if result != 0 { reset(stream, NGHTTP2_INTERNAL_ERROR) }
    }

    private static func installCallbacks(_ callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, owner in
            guard let frame else { return 0 }
            H2Session.of(owner).beganHeaders(frame.pointee)
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameLength, value, length, _, owner in
            guard let frame else { return 0 }
            H2Session.of(owner).received(
                UnsafeBufferPointer(start: name, count: nameLength), UnsafeBufferPointer(start: value, count: length),
                stream: frame.pointee.hd.stream_id)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, owner in
            guard let frame else { return 0 }
            H2Session.of(owner).received(frame.pointee)
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, data, length, owner in
            H2Session.of(owner).received(UnsafeRawBufferPointer(start: data, count: length), stream: stream)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, owner in
            guard let frame else { return 0 }
            return H2Session.of(owner).sent(frame.pointee)
        }
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, owner in
            guard let frame, UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue else { return 0 }
            // A request that could not start: nghttp2 calls no stream-close callback for a stream it never opened.
            let session = H2Session.of(owner)
            if session.role == .client { session.closed(frame.pointee.hd.stream_id, NGHTTP2_REFUSED_STREAM.rawValue) }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, owner in
            H2Session.of(owner).closed(stream, code)
            // Anything else would be fatal for the connection.
            return 0
        }
    }

    private func beganHeaders(_ frame: nghttp2_frame) {
        guard UInt32(frame.hd.type) == NGHTTP2_HEADERS.rawValue else { return }
        let id = frame.hd.stream_id
        let stream = streams[id] ?? H2Stream(id: id)
        streams[id] = stream
        arriving = stream
        stream.headersSince = now
        stream.block.reset()
    }

    private func received(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, stream id: Int32) {
        guard let stream = arriving, stream.id == id else { return }
        stream.block.add(name: name, value: value, limits: limits)
    }

    private func received(_ frame: nghttp2_frame) {
        switch UInt32(frame.hd.type) {
        case NGHTTP2_HEADERS.rawValue:
            receivedHeaders(frame)
        case NGHTTP2_DATA.rawValue:
            guard Self.endsStream(frame.hd), let stream = streams[frame.hd.stream_id] else { return }
            stream.remoteEnded = true
            events.append(.end(stream, nil))
        case NGHTTP2_SETTINGS.rawValue:
            guard !settingsReceived, UInt32(frame.hd.flags) & NGHTTP2_FLAG_ACK.rawValue == 0 else { return }
            settingsReceived = true
            events.append(.settings)
        case NGHTTP2_GOAWAY.rawValue:
            events.append(.goaway(lastStream: frame.goaway.last_stream_id, errorCode: frame.goaway.error_code))
        default:
            return
        }
    }

    private func receivedHeaders(_ frame: nghttp2_frame) {
        guard let stream = streams[frame.hd.stream_id] else { return }
        arriving = nil
        stream.headersSince = nil
        let ends = Self.endsStream(frame.hd)
        if stream.block.isTooLarge {
            // Cheap for the peer and dear for us: worth several frames.
            if !bucket.take(20, now: now) { isFlooded = true }
            stream.remoteEnded = stream.remoteEnded || ends
            events.append(.headTooLarge(stream))
        } else if stream.headReceived {
            stream.remoteEnded = true
            events.append(.end(stream, stream.block.fields))
        } else if role == .client, stream.block.status?.utf8.first == UInt8(ascii: "1") {
            // An interim response: the final one follows.
            return
        } else {
            stream.headReceived = true
            stream.remoteEnded = ends
            stream.isBodiless = ends
            events.append(.head(stream, endStream: ends))
            if ends { events.append(.end(stream, nil)) }
        }
    }

    private func received(_ bytes: UnsafeRawBufferPointer, stream id: Int32) {
        guard let stream = streams[id] else {
            nghttp2_session_consume_connection(session, bytes.count)
            return
        }
        stream.unconsumed += bytes.count
        events.append(.data(stream, ByteBuffer(bytes: bytes)))
    }

    private func sent(_ frame: nghttp2_frame) -> Int32 {
        let header = frame.hd
        switch UInt32(header.type) {
        case NGHTTP2_GOAWAY.rawValue:
            goawaySent = frame.goaway.error_code
        case NGHTTP2_DATA.rawValue:
            bucket.sentData()
        case NGHTTP2_RST_STREAM.rawValue:
            // Resets that the peer provokes cost it as much as frames that it sends.
            guard role == .client || bucket.take(now: now) else {
                isFlooded = true
                nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
                return 0
            }
        default:
            break
        }
        guard Self.endsStream(header), let stream = streams[header.stream_id] else { return 0 }
        stream.localEnded = true
        // RFC 9113 §8.1 lets a server that has answered end the stream, but curl 7.88 then loses the answer while it is
        // still sending. Where an exchange watches the body's deadline, the rest is read and thrown away instead.
        if role == .server, !stream.remoteEnded, stream.exchange?.bodyDeadline == nil {
            reset(stream, NGHTTP2_NO_ERROR)
        }
        return 0
    }

    private func closed(_ id: Int32, _ code: UInt32) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        if arriving === stream { arriving = nil }
        if stream.unconsumed > 0 {
            nghttp2_session_consume_connection(session, stream.unconsumed)
            stream.unconsumed = 0
        }
        events.append(.closed(stream, code))
    }

    private static func endsStream(_ header: nghttp2_frame_hd) -> Bool {
        let type = UInt32(header.type)
        guard type == NGHTTP2_DATA.rawValue || type == NGHTTP2_HEADERS.rawValue else { return false }
        return UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
    }
}
