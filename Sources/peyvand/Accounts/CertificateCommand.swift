import ArgumentParser
import Casework
import POSIX
import Program
import Store

struct CertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert", abstract: "The authority, its certificates, and the hub's registry of them.",
        subcommands: [Authority.self, Issue.self, Import.self, Revoke.self, List.self])

    struct Authority: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an authority in a folder, in the layout of certs/.")

        @Argument(help: "The authority's folder.") var folder: String

        func run() async throws {
            let folder = CertificateFolder(path: Files.absolute(folder))
            let wasThere = folder.isAuthority
            _ = try folder.makeAuthority(now: .now)
            let words = wasThere ? "the authority is there already" : "the authority is made"
            Terminal.line("\(words): \(folder.authorityCertificate)")
        }
    }

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make keys and certificates: node CODE, hub, ministry CODE, operator NAME.")

        @Argument(help: "The authority's folder.") var folder: String
        @Argument(help: "node, hub, ministry or operator.") var kind: String
        @Argument(help: "Its code or name; none for the hub.") var name: String?
        @Option(help: "Days that the TLS certificate lasts.") var days: Int?
        @Option(help: "A further DNS name or IP address of a node or the hub; may be repeated.") var host: [String] = []

        func run() async throws {
            guard let kind = Identity.Kind(rawValue: kind) else {
                throw Failure.usedWrongly("'\(kind)' is no kind; use node CODE, hub, ministry CODE or operator NAME.")
            }
            let identity = try Identity(kind, name ?? "")
            guard identity.signsReceipts || host.isEmpty else {
                throw Failure.usedWrongly("only a hub or a node answers under a --host; \(identity.label) does not.")
            }
            if let days, !(1...9999).contains(days) { throw Failure.usedWrongly("--days is a number from 1 to 9999.") }
            let folder = CertificateFolder(path: Files.absolute(folder))
            let authority = try folder.authority()
            guard let lock = try FileLock(folder.path + "/.lock") else {
                throw Failure("another program works in \(folder.path); try again when it is done.")
            }
            let made = try folder.issue(identity, by: authority, hosts: host, days: days, now: .now)
            withExtendedLifetime(lock) {}
            let place = folder.file("cert.pem", of: identity)
            Terminal.line("\(identity.label): \(made ? "made" : "is there already"), \(place)")
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring an authority's registry.tsv into the hub's registry, with revocations.")

        @Argument(help: "The authority's folder.") var folder: String
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let folder = CertificateFolder(path: Files.absolute(folder))
            let records = try folder.records()
            let entries = records.map { record in
                Registry.Entry(
                    fingerprint: record.fingerprint, uri: record.uri, serial: record.serial, notAfter: record.notAfter,
                    use: record.use, state: record.isRevoked ? "revoked" : "valid", pem: folder.text(of: record))
            }
            try await store.withDatabase(standard: Origin.hub.code) { try await Registry($0).add(entries) }
            let revoked = records.count { $0.isRevoked }
            Terminal.line("\(entries.count) certificates are in the registry, \(revoked) of them revoked")
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a certificate's authority to connect away; live links end within 5 seconds.")

        @Argument(help: "SHA-256 of the certificate, 64 hexadecimal digits, as `cert list` shows it.")
        var fingerprint: String
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let wanted = fingerprint.lowercased().filter { $0 != ":" }
            guard wanted.utf8.count == 64, wanted.allSatisfy(\.isHexDigit) else {
                throw Failure.usedWrongly(
                    "'\(fingerprint)' is no fingerprint; it has 64 hexadecimal digits, see peyvand cert list.")
            }
            let state = try await store.withDatabase(standard: Origin.hub.code) { database in
                let registry = Registry(database)
                let wasValid = try await registry.revoke(fingerprint: wanted)
                return (wasValid, try await registry.entries().contains { $0.fingerprint == wanted })
            }
            guard state.1 else { throw Failure("the registry has no certificate \(wanted); see peyvand cert list.") }
            Terminal.line(state.0 ? "revoked: \(wanted)" : "was revoked already: \(wanted)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the hub's registry.")

        @OptionGroup var store: StoreOptions

        func run() async throws {
            let entries = try await store.withDatabase(standard: Origin.hub.code) { try await Registry($0).entries() }
            let now = Instant.now
            let rows = entries.map { entry in
                let isExpired = entry.state == "valid" && entry.notAfter < now
                return [
                    entry.uri, entry.use, isExpired ? "expired" : entry.state, entry.notAfter.rfc3339,
                    entry.fingerprint,
                ]
            }
            TextTable(["URI", "use", "state", "until", "fingerprint"], rows).show()
        }
    }
}
