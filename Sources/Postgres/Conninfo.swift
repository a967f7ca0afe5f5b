import CLibPQ
import Glibc
import POSIX

/// What a libpq URL or conninfo string says, as libpq itself reads it.
public struct Conninfo: Sendable {
    private let url: String
    private let given: [(key: String, value: String)]
    /// What comes from libpq's environment variables and service file.
    private let defaults: [(key: String, value: String)]

    /// - Throws: `PostgresError` (`misuse`) for a text that libpq cannot read.
    public init(url: String) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        // On failure NULL; the message is malloc'ed and ours to free by PQfreemem.
        guard let parsed = PQconninfoParse(url, &message) else {
            defer { PQfreemem(message) }
            throw PostgresError(.misuse, message.map { String(cString: $0) } ?? "no memory")
        }
        self.url = url
        given = Self.values(parsed)
        defaults = PQconndefaults().map { Self.values($0) } ?? []
    }

    /// Whether it names several hosts: then one of them is to take writes, and the others stand by.
    public var hasSeveralHosts: Bool {
        ["hostaddr", "host"].contains { key in (given.value(key) ?? defaults.value(key))?.contains(",") == true }
    }

    /// The URL, asking for the host that takes writes if there are several and it does not say which it wants.
    public var writableURL: String {
        guard hasSeveralHosts, given.value("target_session_attrs") == nil else { return url }
        let setting = "target_session_attrs=read-write"
        guard url.hasPrefix("postgresql://") || url.hasPrefix("postgres://") else { return url + " " + setting }
        return url + (url.contains("?") ? "&" : "?") + setting
    }

    /// A conninfo string for a program that is given neither URL nor environment; the password, where there is one, is
    /// written to that file, for our eyes only.
    func text(passwordFile: String) throws(SystemError) -> String {
        var values = given + defaults.filter { given.value($0.key) == nil }
        let password = values.value("password")
        values.removeAll { $0.key == "password" }
        if let password {
            unlink(passwordFile)
            let descriptor = open(passwordFile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw SystemError("write", passwordFile) }
            defer { close(descriptor) }
            let line = "*:*:*:*:\(Self.escaped(password, ":"))\n"
            try Files.write(Array(line.utf8), to: descriptor, path: passwordFile)
            values.removeAll { $0.key == "passfile" }
            values.append(("passfile", passwordFile))
        }
        return values.map { key, value in "\(key)='\(Self.escaped(value, "'"))'" }.joined(separator: " ")
    }

    private static func escaped(_ text: String, _ special: Character) -> String {
        String(text.flatMap { $0 == special || $0 == "\\" ? ["\\", $0] : [$0] })
    }

    /// Those that are set and not empty. Takes ownership of the options.
    private static func values(_ options: UnsafeMutablePointer<PQconninfoOption>) -> [(key: String, value: String)] {
        defer { PQconninfoFree(options) }
        var values: [(key: String, value: String)] = []
        var option = options
        // The array ends with a null keyword.
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val, value.pointee != 0 {
                values.append((String(cString: keyword), String(cString: value)))
            }
            option += 1
        }
        return values
    }
}

extension [(key: String, value: String)] {
    fileprivate func value(_ key: String) -> String? { first { $0.key == key }?.value }
}
