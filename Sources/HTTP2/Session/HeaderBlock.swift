import CNGHTTP2
import HTTPTypes

/// A header block as it arrives, field by field, within the caps of `Limits`.
struct HeaderBlock {
    var method: String?
    var scheme: String?
    var authority: String?
    var path: String?
    var status: String?
    var fields = HTTPFields()
    private(set) var bytes = 0
    private(set) var count = 0
    /// Set once a cap is passed; from then on fields are counted and dropped, so that an HPACK bomb takes no memory.
    private(set) var isTooLarge = false

    mutating func add(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>, limits: Limits) {
        // RFC 9113 §6.5.2 counts 32 bytes of overhead for each field.
        bytes += name.count + value.count + 32
        count += 1
        if bytes > limits.maxHeaderBytes || count > limits.maxHeaderFields {
            isTooLarge = true
            fields = HTTPFields()
        }
        guard !isTooLarge, let initial = name.first else { return }
        let text = String(decoding: value, as: UTF8.self)
        guard initial == UInt8(ascii: ":") else {
            // nghttp2 has checked the name; one that HTTPTypes still refuses is not worth a request's failure.
            guard let name = HeaderNames.name(of: name) else { return }
            fields.append(HTTPField(name: name, value: text))
            return
        }
        switch String(decoding: name, as: UTF8.self) {
        case ":method": method = text
        case ":scheme": scheme = text
        case ":authority": authority = text
        case ":path": path = text
        case ":status": status = text
        default: break
        }
    }

    /// The block as a request; nil when its method is no token or is missing.
    func request() -> HTTPRequest? {
        guard let method, let method = Self.method(method) else { return nil }
        return HTTPRequest(method: method, scheme: scheme, authority: authority, path: path, headerFields: fields)
    }

    private static func method(_ text: String) -> HTTPRequest.Method? {
        switch text {
        case "GET": .get
        case "POST": .post
        default: HTTPRequest.Method(text)
        }
    }

    /// The block as a response; nil without a status of three digits.
    func response() -> HTTPResponse? {
        guard let status, status.utf8.count == 3, let code = Int(status), (100...999).contains(code) else { return nil }
        return HTTPResponse(status: .init(code: code), headerFields: fields)
    }

    /// Empties the block for the trailers; what was counted goes on counting.
    mutating func reset() {
        fields = HTTPFields()
        status = nil
    }
}

/// The names that most requests bring, made once.
enum HeaderNames {
    private static let known: [[(bytes: [UInt8], name: HTTPField.Name)]] = {
        let names: [HTTPField.Name] = [
            .accept, .acceptEncoding, .acceptLanguage, .authorization, .cacheControl, .contentLength, .contentType,
            .cookie, .ifNoneMatch, .origin, .priority, .referer, .te, .userAgent,
        ]
        let others = [
            "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site",
            "grpc-timeout", "idempotency-key", "x-csrf-token", "upgrade-insecure-requests",
        ].compactMap { HTTPField.Name($0) }
        var table = [[(bytes: [UInt8], name: HTTPField.Name)]](repeating: [], count: 32)
        for name in names + others {
            table[name.canonicalName.utf8.count].append((Array(name.canonicalName.utf8), name))
        }
        return table
    }()

    /// Nil for what is no name; HTTP/2 has them in small letters.
    static func name(of bytes: UnsafeBufferPointer<UInt8>) -> HTTPField.Name? {
        if bytes.count < known.count {
            for (text, name) in known[bytes.count] where text.elementsEqual(bytes) { return name }
        }
        return HTTPField.Name(String(decoding: bytes, as: UTF8.self))
    }
}

/// Header fields laid out as nghttp2 wants them: one array of bytes, and pointers into it. Reused by its session.
struct HeaderEncoder {
    private var bytes: [UInt8] = []
    private var spans: [(name: Int, value: Int, end: Int, secret: Bool)] = []

    mutating func begin() {
        bytes.removeAll(keepingCapacity: true)
        spans.removeAll(keepingCapacity: true)
    }

    mutating func add(_ name: String, _ value: String, secret: Bool = false) {
        let start = bytes.count
        bytes.append(contentsOf: name.utf8)
        let middle = bytes.count
        bytes.append(contentsOf: value.utf8)
        spans.append((start, middle, bytes.count, secret))
    }

    mutating func add(_ fields: HTTPFields) {
        for field in fields where Self.isAllowed(field.name) {
            add(field.name.canonicalName, field.value, secret: field.indexingStrategy == .disallow)
        }
    }

    /// RFC 9113 §8.2.2 forbids the fields that are about one HTTP/1.1 connection.
    private static func isAllowed(_ name: HTTPField.Name) -> Bool {
        let name = name.canonicalName
        return switch name.utf8.count {
        case 7: name != "upgrade"
        case 10: name != "connection" && name != "keep-alive"
        case 16: name != "proxy-connection"
        case 17: name != "transfer-encoding"
        default: true
        }
    }

    /// Lends the fields; nghttp2 copies them before its `submit_…` returns.
    mutating func withFields<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        bytes.withUnsafeMutableBufferPointer { bytes in
            withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: max(1, spans.count)) { fields in
                guard let base = bytes.baseAddress else { return body(nil, 0) }
                for (index, span) in spans.enumerated() {
                    fields[index] = nghttp2_nv(
                        name: base + span.name, value: base + span.value, namelen: span.value - span.name,
                        valuelen: span.end - span.value,
                        flags: span.secret ? peyvand_nv_flag_no_index() : peyvand_nv_flag_none())
                }
                return body(fields.baseAddress, spans.count)
            }
        }
    }
}
