import Glibc

/// The environment of this process.
public enum Environment {
    /// Nil when the variable is not set, or empty.
    public static subscript(name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }
}
