import CLibPQ

/// What a libpq URL or conninfo string says about hosts, as libpq itself reads it.
struct DatabaseHosts {
    let isSeveral: Bool
    /// The URL, asking for the host that takes writes if there are several and it does not say which it wants.
    let writableURL: String

    /// - Throws: `DatabaseError.badURL`.
    init(url: String) throws {
        var message: UnsafeMutablePointer<CChar>?
        // On failure NULL; the message is malloc'ed and ours to free by PQfreemem.
        guard let options = PQconninfoParse(url, &message) else {
            defer { PQfreemem(message) }
            throw DatabaseError.badURL(message.map { String(cString: $0) } ?? "no memory")
        }
        let given = Self.values(options)
        // What is not in the URL comes from libpq's environment variables.
        let defaults = PQconndefaults().map { Self.values($0) } ?? [:]
        let hosts = ["hostaddr", "host"].compactMap { given[$0] ?? defaults[$0] }
        isSeveral = hosts.contains { $0.contains(",") }
        if isSeveral, given["target_session_attrs"] == nil {
            writableURL = Self.adding("target_session_attrs=read-write", to: url)
        } else {
            writableURL = url
        }
    }

    /// Takes ownership of the options.
    private static func values(_ options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        // The array ends with a null keyword.
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return values
    }

    private static func adding(_ setting: String, to url: String) -> String {
        guard url.hasPrefix("postgresql://") || url.hasPrefix("postgres://") else { return url + " " + setting }
        return url + (url.contains("?") ? "&" : "?") + setting
    }
}
