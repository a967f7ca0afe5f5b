import Casework
import Contract
import Cryptography
import HTTPTypes
import NIOCore

/// Pages, styles and scripts, embedded in the program, each with its answers ready to send.
struct Assets: Sendable {
    private struct Item: Sendable {
        var body: ByteBuffer
        var tag: String
        /// By whether the connection is TLS: false, true.
        var found: (HTTPResponse, HTTPResponse)
        var unchanged: (HTTPResponse, HTTPResponse)

        init(_ bytes: [UInt8], type: String, caching: String) {
            body = ByteBuffer(bytes: bytes)
            let tag = "\"" + Hex.encode(Digest.sha256(bytes).prefix(12)) + "\""
            self.tag = tag
            let answer = { (status: HTTPResponse.Status, isTLS: Bool) in
                var headers: HTTPFields = [.eTag: tag, .cacheControl: caching]
                if status == .ok {
                    headers[.contentType] = type
                    headers[.contentLength] = String(bytes.count)
                }
                SecurityHeaders.add(to: &headers, isTLS: isTLS)
                return HTTPResponse(status: status, headerFields: headers)
            }
            found = (answer(.ok, false), answer(.ok, true))
            unchanged = (answer(.notModified, false), answer(.notModified, true))
        }
    }

    private let items: [Substring: Item]

    init(of service: ConsoleService) {
        let files = Dictionary(Assets.files, uniquingKeysWith: { first, _ in first })
        // Names carry no version: a browser asks each time, and mostly hears that nothing has changed.
        var items = [Substring: Item]()
        for (name, bytes) in files {
            items["/assets/" + name] = Item(bytes, type: Assets.type(of: name), caching: "no-cache")
        }
        for (path, name) in Assets.pages(of: service) { items[path[...]] = items["/assets/" + name] }
        items["/livez"] = Item(Array("ok\n".utf8), type: "text/plain; charset=utf-8", caching: "no-store")
        self.items = items
    }

    /// The pages by their path; each loads its data by script, and sends strangers to `/login`.
    static func pages(of service: ConsoleService) -> [String: String] {
        switch service {
        case .node: ["/": "node.html", "/login": "login.html"]
        case .hub: ["/": "hub.html", "/login": "login.html"]
        }
    }

    /// `nil` when nothing here has that path. Looks up and copies, nothing else: this is the fast path.
    func answer(to head: HTTPRequest, isTLS: Bool) -> (HTTPResponse, ByteBuffer)? {
        guard head.method == .get || head.method == .head, let path = head.path else { return nil }
        let end = path.utf8.firstIndex(of: UInt8(ascii: "?")) ?? path.endIndex
        guard let item = items[path[..<end]] else { return nil }
        if let known = head.headerFields[.ifNoneMatch], Assets.matches(known, item.tag) {
            return (isTLS ? item.unchanged.1 : item.unchanged.0, ByteBuffer())
        }
        return (isTLS ? item.found.1 : item.found.0, head.method == .head ? ByteBuffer() : item.body)
    }

    private static func matches(_ header: String, _ tag: String) -> Bool {
        let tags = header.split(separator: ",").map { entry -> String in entry.filter { $0 != " " } }
        return tags.contains("*") || tags.contains(tag) || tags.contains("W/" + tag)
    }

    private static func type(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "json": "application/json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "woff2": "font/woff2"
        default: "application/octet-stream"
        }
    }
}
