/// Why a command did not do its work: one line that says what is wrong and what to do.
struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    var message: String
    /// 1: could not be done. 2: used wrongly.
    var code: Int32

    init(_ message: String, code: Int32 = 1) { (self.message, self.code) = (message, code) }

    static func usedWrongly(_ message: String) -> Failure { Failure(message, code: 2) }

    var description: String { message }
}
