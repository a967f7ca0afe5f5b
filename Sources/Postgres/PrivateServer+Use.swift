import Glibc

extension PrivateServer {
    /// Whether somebody owns the server in this directory now, or one that a killed owner left still works on its data.
    public static func isInUse(_ directory: String) -> Bool {
        if !ServerDirectory.serverProcesses(on: directory + "/data").isEmpty { return true }
        let descriptor = open(directory + "/lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        // Closing gives the lock up.
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}
