/// Why a command did not do its work: one line that says what is wrong and what to do.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// A sentence for people, without the program's name.
    public var message: String
    /// What the process ends with. 1: could not be done. 2: used wrongly.
    public var code: Int32

    /// The work could not be done, unless `code` says otherwise.
    public init(_ message: String, code: Int32 = 1) { (self.message, self.code) = (message, code) }

    /// The command was given something that it does not take.
    public static func usedWrongly(_ message: String) -> Failure { Failure(message, code: 2) }

    public var description: String { message }
}
