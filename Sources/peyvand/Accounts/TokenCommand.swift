import ArgumentParser
import Casework
import Contract
import Cryptography
import Program
import Store

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Bearer tokens for programs.", subcommands: [Add.self, Revoke.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Draw a token and show it, once.")
        @Argument(help: "Whose it is: the name that stands in histories.") var name: String
        @OptionGroup var principal: PrincipalOptions
        @Option(help: "Days until it ends; without it, never.") var days: Int?
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let (role, organization) = try principal.read()
            if let days, !(1...36_500).contains(days) {
                throw Failure.usedWrongly("--days is a number from 1 to 36500.")
            }
            let token = hex(SecureRandom.bytes(32))
            let principal = Principal(name: name, role: role, organization: organization)
            let expires = days.map { Instant.now + Int64($0) * Instant.day }
            try await store.withDatabase { try await Accounts($0).addToken(token, for: principal, expires: expires) }
            Terminal.line(token)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a token.")
        @Argument(help: "The token itself.") var token: String
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let wasThere = try await store.withDatabase { try await Accounts($0).revokeToken(token) }
            guard wasThere else { throw Failure("the database knows no such token; is it this server's?") }
            Terminal.line("revoked")
        }
    }
}
