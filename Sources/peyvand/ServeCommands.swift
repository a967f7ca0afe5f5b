import ArgumentParser
import Casework
import Console
import Contract
import HTTP2
import Hub
import Logging
import Node
import Program
import Store

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "A province's node.", subcommands: [Serve.self])

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Serves a province's cases and its link to the hub.")
        @Option(help: "The province, such as IR-03.") var code: String?
        @Option(help: "Host of the hub's link.") var linkHost: String?
        @Option(help: "Port of the hub's link.") var linkPort: Int?
        @Option(help: "Host that files go to and come from; without it, the link's.") var attachmentsHost: String?
        @Option(help: "Port that files go to and come from; without it, the link's.") var attachmentsPort: Int?
        @Option(help: "PEM: the hub's receipt certificate.") var hubReceiptCertificate: String?
        @OptionGroup var options: ServeOptions

        func run() async throws {
            let settings = try await options.settings([
                "code": code, "link.host": linkHost, "link.port": linkPort.map(String.init),
                "attachments.host": attachmentsHost, "attachments.port": attachmentsPort.map(String.init),
                "hub.receipt.certificate": hubReceiptCertificate,
            ])
            let code = try settings.required("code")
            guard let origin = Origin(code), !origin.isHub else {
                throw Failure.usedWrongly("\(code) is no province; give a code from IR-00 to IR-30.")
            }
            let logger = try settings.logger("peyvand.\(origin.code)")
            let database = try await ServeDatabase.open(settings, logger: logger)
            var configuration = NodeConfiguration(
                origin: origin, database: database.url, linkHost: try settings.required("link.host"),
                linkPort: try settings.port("link.port", default: 7443),
                certificate: try settings.required("certificate"),
                privateKey: try settings.required("private.key"),
                trustRoots: try settings.required("trust.roots"),
                receiptKey: try settings.required("receipt.key"),
                hubReceiptCertificate: try settings.required("hub.receipt.certificate"))
            configuration.attachments = settings.attachments
            configuration.attachmentsHost = settings.optional("attachments.host")
            configuration.attachmentsPort = try settings.optionalPort("attachments.port")
            let clock = try ServeClock.open(settings, doors: [ServeConsole.address(settings)], logger: logger)
            let node = try await Node.open(configuration, now: clock.now, tick: clock.tick, logger: logger)
            let console = try await ServeConsole.open(
                Console(service: node, logger: logger), settings: settings, authorize: { _ in nil },
                audit: { refusal in
                    node.office.auditRefusal(
                        door: "console", identity: refusal.identity?.uri, fingerprint: refusal.identity?.fingerprint,
                        remote: refusal.remoteAddress, reason: "\(refusal.code.rawValue): \(refusal.reason)")
                }, logger: logger)
            Terminal.line("ready \(origin.code) \(console.summary)")
            try await ServerRun(
                database: database, console: console, exitWithParent: options.exitWithParent, logger: logger
            ).run { try await node.run() }
        }
    }
}

struct HubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hub", abstract: "The hub.", subcommands: [Serve.self])

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Serves the link of all nodes, the ministries and the national dashboard.")
        @Option(help: "Numeric address of the link's door.") var linkAddress: String?
        @Option(help: "Port of the link's door.") var linkPort: Int?
        @OptionGroup var options: ServeOptions

        func run() async throws {
            let settings = try await options.settings([
                "link.address": linkAddress, "link.port": linkPort.map(String.init),
            ])
            let logger = try settings.logger("peyvand.hub")
            let database = try await ServeDatabase.open(settings, logger: logger)
            var configuration = HubConfiguration(
                database: database.url,
                linkAddress: settings.optional("link.address") ?? settings.optional("link.host") ?? "0.0.0.0",
                linkPort: try settings.port("link.port", default: 7443),
                certificate: try settings.required("certificate"),
                privateKey: try settings.required("private.key"),
                trustRoots: try settings.required("trust.roots"),
                receiptKey: try settings.required("receipt.key"))
            configuration.attachments = settings.attachments
            let clock = try ServeClock.open(
                settings, doors: [configuration.linkAddress, ServeConsole.address(settings)], logger: logger)
            let hub = try await Hub.open(configuration, now: clock.now, tick: clock.tick, logger: logger)
            let link = try await hub.openLink()
            let console = try await ServeConsole.open(
                Console(service: hub, logger: logger), settings: settings,
                authorize: { hub.authority.refusal($0) }, audit: { hub.authority.audit($0, door: "console") },
                logger: logger)
            Terminal.line("ready hub link=\(link) \(console.summary)")
            try await ServerRun(
                database: database, console: console, exitWithParent: options.exitWithParent, logger: logger
            ).run { try await hub.run() }
        }
    }
}

struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "The database of a server.", subcommands: [Migrate.self])

    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Brings the tables to this version; serving does it too.")
        @OptionGroup var options: ServeOptions

        func run() async throws {
            let settings = try await options.settings()
            let logger = try settings.logger("peyvand.db")
            let database = try await Database.open(
                url: try settings.required("database"), connections: 1, logger: logger)
            try await database.migrate()
            await database.close()
            Terminal.line("the database is at this version.")
        }
    }
}
