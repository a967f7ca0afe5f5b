/// What must never be, and was.
struct Violation: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// The network does not come to rest.
struct Stuck: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
