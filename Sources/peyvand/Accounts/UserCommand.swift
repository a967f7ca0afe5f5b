import ArgumentParser
import Casework
import Contract
import Glibc
import Program
import Store

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "People who log in with name and password.",
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a user, or give one a new password, role and organisation.",
            discussion: "The password is read from the terminal, or from standard input.")

        @Argument(help: "The name to log in with.") var name: String
        @OptionGroup var principal: PrincipalOptions
        @OptionGroup var store: StoreOptions

        func run() async throws {
            guard !name.isEmpty, name.count <= 200 else { throw Failure.usedWrongly("a name has 1 to 200 characters.") }
            let (role, organization) = try principal.read()
            let password = try Password.read()
            guard password.count >= 10 else { throw Failure.usedWrongly("the password is shorter than 10 characters.") }
            try await store.withDatabase {
                try await Accounts($0).addUser(name: name, password: password, role: role, organization: organization)
            }
            Terminal.line("\(name) may log in as \(role.rawValue) of \(organization)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show all users.")
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let users = try await store.withDatabase { try await Accounts($0).users() }
            let rows = users.map { user in
                [
                    user.principal.name, user.principal.role.rawValue, user.principal.organization.rawValue,
                    user.blockedUntil.map { "blocked until " + $0.rfc3339 } ?? "",
                ]
            }
            TextTable(["name", "role", "organisation", ""], rows).show()
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a user; open sessions end.")
        @Argument var name: String
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let wasThere = try await store.withDatabase { try await Accounts($0).removeUser(name: name) }
            guard wasThere else { throw Failure("there is no user \(name); see peyvand user list.") }
            Terminal.line("\(name) is removed")
        }
    }
}

/// What somebody may do, and for whom.
struct PrincipalOptions: ParsableArguments {
    @Option(help: "operator, agency, supervisor, hub, ministry or auditor.") var role: String
    @Option(help: "The organisation's code, such as IR-03, IR-03-MUN, SAMT or PRES.") var organization: String

    func read() throws(Failure) -> (Role, OrganizationCode) {
        guard let role = Role(rawValue: role), role != .system else {
            throw .usedWrongly("'\(role)' is no role; use operator, agency, supervisor, hub, ministry or auditor.")
        }
        guard let organization = OrganizationCode(rawValue: organization) else {
            throw .usedWrongly("'\(organization)' is no organisation's code; write it as IR-03, IR-03-MUN or SAMT.")
        }
        return (role, organization)
    }
}

enum Password {
    /// One line: from the terminal without showing it, else from standard input.
    static func read() throws(Failure) -> String {
        guard isatty(STDIN_FILENO) == 1 else {
            guard let line = readLine() else { throw .usedWrongly("no password came; write it to standard input.") }
            return line
        }
        var settings = termios()
        tcgetattr(STDIN_FILENO, &settings)
        let before = settings
        settings.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        Terminal.prompt("Password: ")
        let line = readLine()
        var restored = before
        tcsetattr(STDIN_FILENO, TCSANOW, &restored)
        Terminal.flush()
        guard let line else { throw .usedWrongly("no password came.") }
        return line
    }
}
