public import Glibc
import Synchronization

/// Starting a program, and what its end says.
public enum Spawn {
    /// Where both outputs of a program go.
    public enum Output: Sendable {
        /// The end of this file, which is made if it is not there.
        case file(String)
        /// An open descriptor, such as the sending end of a pipe.
        case descriptor(Int32)
    }

    /// Starts a program with nothing to read, no signal blocked or ignored, and a process group of its own, which keeps
    /// the terminal's Ctrl-C away from it: whoever started it decides when and how it stops.
    /// - Parameters:
    ///   - arguments: the first is the path of the program.
    ///   - environment: `NAME=value`; nil: that of this process.
    /// - Returns: its process ID. The caller waits for its end.
    public static func start(
        _ arguments: [String], environment: [String]? = nil, output: Output
    ) throws(SystemError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        switch output {
        case .file(let path): posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_APPEND, 0o640)
        case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, 1)
        }
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = (environment ?? []).map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var process = pid_t()
        let code = spawning.withLock { _ in
            environment == nil
                ? posix_spawn(&process, arguments[0], &actions, &attributes, &argv, environ)
                : posix_spawn(&process, arguments[0], &actions, &attributes, &argv, &envp)
        }
        guard code == 0 else { throw SystemError("start", arguments[0], code: code) }
        return process
    }

    /// A pipe whose ends no program inherits unless it is given one.
    public static func pipe() throws(SystemError) -> (receiver: Int32, sender: Int32) {
        try spawning.withLock { _ throws(SystemError) in
            var ends: [Int32] = [-1, -1]
            guard Glibc.pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
                throw SystemError("make", "a pipe")
            }
            return (ends[0], ends[1])
        }
    }

    /// No program starts between the making of a pipe and its marking: it would inherit the ends.
    private static let spawning = Mutex(())

    /// What `waitpid` said, for people: `exit code 1`, `signal 9`.
    public static func describe(_ status: Int32) -> String {
        status & 0x7F == 0 ? "exit code \(status >> 8 & 0xFF)" : "signal \(status & 0x7F)"
    }
}
