import Glibc
import Logging
import POSIX

/// Who the server runs as. PostgreSQL refuses to run as root, so root drops to an unprivileged user by `setpriv`
/// (util-linux, on every Debian): posix_spawn cannot change the user, and fork is not safe in a threaded process.
/// `setpriv` also asks the kernel to send SIGINT, a clean stop, to the server when we die.
struct ServerAccount: Sendable, Equatable {
    private static let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"]

    let user: uid_t
    let group: gid_t
    /// We are root, and the server is not.
    let isDropped: Bool

    /// Root runs the server as the owner of an existing data directory; else as the owner of a private directory on
    /// the way there (a home), which nobody else may enter; else as `postgres`; else as `nobody`.
    static func choose(directory: String, data: String) throws -> ServerAccount {
        guard geteuid() == 0 else { return ServerAccount(user: geteuid(), group: getegid(), isDropped: false) }
        if let status = Files.status(data), status.st_uid != 0 {
            return ServerAccount(user: status.st_uid, group: status.st_gid, isDropped: true)
        }
        let home = ancestors(of: directory).compactMap(Files.status).last { status in
            status.st_uid != 0 && status.st_mode & 0o001 == 0
        }
        if let home { return ServerAccount(user: home.st_uid, group: home.st_gid, isDropped: true) }
        for name in ["postgres", "nobody"] {
            if let (user, group) = lookUp(name) { return ServerAccount(user: user, group: group, isDropped: true) }
        }
        throw PostgresError(.serverUnavailable, "PostgreSQL does not run as root: add a user named postgres.")
    }

    /// The command line that runs `arguments` as this account.
    func command(_ arguments: [String]) throws -> [String] {
        guard let program = Self.setpriv.first(where: Files.isExecutable) else {
            if isDropped {
                throw PostgresError(
                    .serverUnavailable, "setpriv is missing, which drops root's rights: apt install util-linux.")
            }
            return arguments
        }
        let drop = isDropped ? ["--reuid=\(user)", "--regid=\(group)", "--clear-groups"] : []
        return [program, "--pdeathsig=INT"] + drop + ["--"] + arguments
    }

    /// Sees to it that the account may pass through every directory on the way to `directory`.
    ///
    /// A directory of root's that shuts everybody else out (`mktemp -d` makes such) is given to the account's group
    /// with the right to pass through, and nothing more: mode 0700 becomes 0710. Any other obstacle is reported.
    func openPassage(to directory: String, logger: Logger) throws {
        guard isDropped else { return }
        for path in Self.ancestors(of: directory) {
            guard let status = Files.status(path) else { throw SystemError("look at", path) }
            if mayPass(status) { continue }
            guard status.st_uid == 0, status.st_gid == 0, status.st_mode & 0o070 == 0 else {
                throw PostgresError(
                    .serverUnavailable,
                    "The database's user (uid \(user)) may not enter \(path). "
                        + "Choose another data directory, or run: chmod o+x \(path)")
            }
            let mode = status.st_mode & 0o7777 | 0o010
            guard chown(path, 0, group) == 0, chmod(path, mode) == 0 else { throw SystemError("open", path) }
            logger.notice(
                "the database's user was given passage through a directory",
                metadata: ["path": "\(path)", "gid": "\(group)"])
        }
    }

    /// Makes the directory belong to the account, with access for nobody else.
    func makePrivate(_ path: String) throws {
        try Files.makeFolder(path, mode: 0o700)
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw PostgresError(.serverUnavailable, "\(path) is in the way: it is no directory.")
        }
        if isDropped, status.st_uid != user {
            // Somebody else's directory in a place open to all could be a trap.
            guard status.st_uid == 0 else {
                throw PostgresError(.serverUnavailable, "\(path) belongs to another user (uid \(status.st_uid)).")
            }
            guard chown(path, user, group) == 0 else { throw SystemError("change the owner of", path) }
        } else if status.st_uid != user {
            throw PostgresError(.serverUnavailable, "\(path) belongs to another user (uid \(status.st_uid)).")
        }
        guard chmod(path, 0o700) == 0 else { throw SystemError("protect", path) }
    }

    private func mayPass(_ status: stat) -> Bool {
        if status.st_uid == user { return status.st_mode & 0o100 != 0 }
        if status.st_gid == group { return status.st_mode & 0o010 != 0 }
        return status.st_mode & 0o001 != 0
    }

    /// `/`, `/a`, `/a/b` for `/a/b`.
    private static func ancestors(of directory: String) -> [String] {
        var path = ""
        return ["/"]
            + directory.split(separator: "/").map { part in
                path += "/" + part
                return path
            }
    }

    private static func lookUp(_ name: String) -> (uid_t, gid_t)? {
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 1 << 14)
        var found: UnsafeMutablePointer<passwd>?
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil, entry.pw_uid != 0 else {
            return nil
        }
        return (entry.pw_uid, entry.pw_gid)
    }
}
