import POSIX

/// The program that runs now.
public enum OwnProgram {
    /// Its file, so that a child is of the same build.
    /// - Throws: `Failure` on a system that does not tell.
    public static func path() throws(Failure) -> String {
        guard let path = Files.link(of: "/proc/self/exe") else { throw Failure("/proc/self/exe cannot be read.") }
        return path
    }
}
