import Casework
import Cryptography
import HTTPTypes
import NIOCore
import Service

/// Pages, styles and scripts, embedded in the program and kept ready to send.
struct Assets: Sendable {
    struct Item: Sendable {
        var body: ByteBuffer
        var type: String
        var tag: String

        init(_ bytes: [UInt8], name: String) {
            body = ByteBuffer(bytes: bytes)
            type = Assets.type(of: name)
            tag = "\"" + Hex.encode(Digest.sha256(bytes).prefix(12)) + "\""
        }
    }

    /// By the last part of `/assets/NAME`.
    let items: [String: Item]

    init() {
        items = Dictionary(Assets.files.map { ($0.0, Item($0.1, name: $0.0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// The pages by their path; each loads its data by script, and sends strangers to `/login`.
    static func pages(of service: ConsoleService) -> [String: String] {
        switch service {
        case .node: ["/": "node.html", "/login": "login.html"]
        case .hub: ["/": "hub.html", "/login": "login.html"]
        }
    }

    /// `nil` when nothing here has that path.
    func answer(to path: String, ifNoneMatch: String?, of service: ConsoleService) -> (HTTPResponse, ByteBuffer)? {
        let path = path.prefix { $0 != "?" }
        if path == "/livez" {
            let body = ByteBuffer(string: "ok\n")
            return (response(.ok, type: "text/plain; charset=utf-8", length: body.readableBytes, [:]), body)
        }
        let name = path.hasPrefix("/assets/") ? String(path.dropFirst(8)) : Assets.pages(of: service)[String(path)]
        guard let name, let item = items[name] else { return nil }
        // Names carry no version: a browser asks each time, and mostly hears that nothing has changed.
        let headers: HTTPFields = [.eTag: item.tag, .cacheControl: "no-cache"]
        if let ifNoneMatch, Assets.matches(ifNoneMatch, item.tag) {
            return (HTTPResponse(status: .notModified, headerFields: headers), ByteBuffer())
        }
        return (response(.ok, type: item.type, length: item.body.readableBytes, headers), item.body)
    }

    private func response(
        _ status: HTTPResponse.Status, type: String, length: Int, _ headers: HTTPFields
    ) -> HTTPResponse {
        var headers = headers
        headers[.contentType] = type
        headers[.contentLength] = String(length)
        return HTTPResponse(status: status, headerFields: headers)
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
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "woff2": "font/woff2"
        default: "application/octet-stream"
        }
    }
}
