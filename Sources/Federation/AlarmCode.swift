/// What an alarm is about. The raw values go over the wire, are stored, and have a word in the vocabulary.
public enum AlarmCode: String, Sendable, CaseIterable {
    /// An event does not fit the chain that is known here.
    case tampering
    /// Events between the last known one and those that came are missing.
    case gap
    /// An event's stamp is ahead of the hub's clock; it was bounded.
    case clockAhead = "clock_ahead"
    /// An origin wrote where it has no part.
    case foreignOrigin = "foreign_origin"
    /// An actor does not work at the origin that wrote for him.
    case foreignActor = "foreign_actor"
    /// An event concerns nothing that this version knows.
    case undecodable
    /// The bytes of an event are damaged.
    case unreadable
    /// Two processes write as one origin.
    case twoCopies = "two_copies"
    /// The journal goes on from one place twice.
    case branch
    /// A copy that was shut out still runs.
    case fenced
    /// The hub was brought back from an older state.
    case hubRestored = "hub_restored"
    /// The certificate is of another origin than the greeting.
    case identity
    /// A decision that follows of itself could not be made.
    case notSettled = "not_settled"
    /// An event that follows of itself could not be written.
    case notWritten = "not_written"
    /// A case's records cannot be read here.
    case damaged
    /// Damaged records were replaced by a peer's.
    case mended
    /// The events that a restore had lost came back from the hub.
    case recovered
    /// The hub no longer has the last events that it acknowledged.
    case tailMissing = "tail_missing"
    /// The writer was started more often than a journal may be.
    case tooManyStarts = "too_many_starts"
    /// The bytes of a file have changed on this disk.
    case attachmentDamaged = "attachment_damaged"
    /// The bytes that came for a file have another hash.
    case attachmentWrong = "attachment_wrong"
}
