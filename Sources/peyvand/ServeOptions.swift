import ArgumentParser
import Configuration
import Logging
import Program
import SystemPackage

/// What every server needs; each value from a flag, else `PEYVAND_…` in the environment, else the file of `--config`.
struct ServeOptions: ParsableArguments {
    @Option(help: "A file of PEYVAND_… lines.") var config: String?
    @Option(help: "Where a private PostgreSQL keeps its data when no database is given.") var directory: String?
    @Option(help: "Where the cases' files lie; without it, `attachments` in the directory.") var attachments: String?
    @Option(help: "A libpq URL; several hosts mean a synchronous standby.") var database: String?
    @Option(help: "Numeric address of the console's doors.") var consoleAddress: String?
    @Option(help: "Port of the console over TLS.") var consolePort: Int?
    @Option(help: "Port of the console as plain HTTP, for a proxy or a first look; none when it is not given.")
    var plainPort: Int?
    @Option(help: "PEM: this server's certificate and its issuers.") var certificate: String?
    @Option(help: "PEM: its private key.") var privateKey: String?
    @Option(help: "PEM: the network's authority.") var trustRoots: String?
    @Option(help: "PEM: the Ed25519 key that signs receipts.") var receiptKey: String?
    @Option(help: "PEM: the certificate of that key.") var receiptCertificate: String?
    @Option(
        help: """
            For tests and demonstrations, never for an office: a file with the milliseconds by which this server's clock is \
            ahead of the system's. It may change while the server runs. All doors must be on loopback.
            """)
    var clockOffsetFile: String?
    @Option(help: "trace, debug, info, notice, warning, error.") var logLevel: String?
    @Flag(help: "Stop when the process that started this one is gone.") var exitWithParent = false

    func settings(_ more: [String: String?] = [:]) async throws -> Settings {
        let flags: [String: String?] = [
            "directory": directory, "database": database, "attachments": attachments, "console.address": consoleAddress,
            "console.port": consolePort.map(String.init), "plain.port": plainPort.map(String.init),
            "certificate": certificate, "private.key": privateKey, "trust.roots": trustRoots,
            "receipt.key": receiptKey, "receipt.certificate": receiptCertificate, "log.level": logLevel,
            "clock.offset.file": clockOffsetFile,
        ].merging(more) { _, flag in flag }
        return try await Settings(flags: flags.compactMapValues { $0 }, file: config)
    }
}

/// Configuration by key: `link.port` is `--link-port`, or `PEYVAND_LINK_PORT` in environment or file.
struct Settings: Sendable {
    private let reader: ConfigReader

    init(flags: [String: String], file: String?) async throws {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, value) in flags {
            let path = ["peyvand"] + key.split(separator: ".").map(String.init)
            values[AbsoluteConfigKey(path)] = ConfigValue(.string(value), isSecret: false)
        }
        var providers: [any ConfigProvider] = [InMemoryProvider(values: values), EnvironmentVariablesProvider()]
        if let file {
            do {
                providers.append(try await EnvironmentVariablesProvider(environmentFilePath: FilePath(file)))
            } catch {
                throw Failure.usedWrongly("the file \(file) of --config cannot be read: \(error)")
            }
        }
        reader = ConfigReader(providers: providers).scoped(to: "peyvand")
    }

    /// - Throws: `Failure` that names the flag and the variable.
    func required(_ key: String) throws(Failure) -> String {
        guard let value = optional(key) else {
            let flag = key.split(separator: ".").joined(separator: "-")
            let variable = key.uppercased().split(separator: ".").joined(separator: "_")
            throw .usedWrongly("\(key) is not set; give --\(flag), or set PEYVAND_\(variable).")
        }
        return value
    }

    func optional(_ key: String) -> String? {
        guard let value = reader.string(forKey: ConfigKey(key)), !value.isEmpty else { return nil }
        return value
    }

    /// The directory of the cases' files: as configured, else in the data directory; none without either.
    var attachments: String? {
        optional("attachments") ?? optional("directory").map { $0 + "/attachments" }
    }

    func port(_ key: String, default standard: Int?) throws(Failure) -> Int {
        guard let text = optional(key) else {
            guard let standard else { return try port(text: try required(key), key) }
            return standard
        }
        return try port(text: text, key)
    }

    func optionalPort(_ key: String) throws(Failure) -> Int? {
        guard let text = optional(key) else { return nil }
        return try port(text: text, key)
    }

    private func port(text: String, _ key: String) throws(Failure) -> Int {
        guard let port = Int(text), (0...65_535).contains(port) else {
            throw .usedWrongly("\(key) is \(text); a port is a number from 0 to 65535.")
        }
        return port
    }

    func logger(_ label: String) throws(Failure) -> Logger {
        let text = optional("log.level") ?? "info"
        guard let level = Logger.Level(rawValue: text) else {
            throw .usedWrongly("log level \(text) is not known; give trace, debug, info, notice, warning or error.")
        }
        var logger = Logger(label: label)
        logger.logLevel = level
        return logger
    }
}
