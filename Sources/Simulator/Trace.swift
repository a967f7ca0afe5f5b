import Casework
import Cryptography

let sha256: @Sendable ([UInt8]) -> EventHash = { EventHash(Digest.sha256($0)) ?? .zero }

/// The history of a run, line by line, and its hash: the same seed gives the same, byte for byte.
final class Trace {
  private let hash = SHA256()
  private let write: ((String) -> Void)?

  /// - Parameter write: receives each line, for a person to read.
  init(write: ((String) -> Void)? = nil) {
    self.write = write
    hash.begin()
  }

  func note(_ line: String) {
    var line = line
    line.withUTF8 { hash.update(UnsafeRawBufferPointer($0)) }
    write?(line)
  }

  func note(_ bytes: [UInt8]) { bytes.withUnsafeBytes { hash.update($0) } }

  /// Ends the history.
  func finish() -> EventHash { EventHash(hash.finish()) ?? .zero }
}
