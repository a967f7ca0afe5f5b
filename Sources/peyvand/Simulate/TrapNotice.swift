import Glibc
import Synchronization

/// A run that traps ends the process: then it says which seeds were running, and the exit code is that of a crash.
enum TrapNotice {
  /// Seeds under way, each in the slot of its last digits; 0 where there is none.
  private static let slots = Slots()

  private final class Slots: Sendable {
    let a = Atomic<UInt64>(0), b = Atomic<UInt64>(0), c = Atomic<UInt64>(0), d = Atomic<UInt64>(0)

    func slot(_ seed: UInt64, _ change: (borrowing Atomic<UInt64>) -> Void) {
      switch seed % 4 {
      case 0: change(a)
      case 1: change(b)
      case 2: change(c)
      default: change(d)
      }
    }
  }

  static func begins(_ seed: UInt64) { slots.slot(seed) { $0.store(seed, ordering: .relaxed) } }
  static func ends(_ seed: UInt64) { slots.slot(seed) { $0.store(0, ordering: .relaxed) } }

  static func install() {
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGABRT, SIGBUS] {
      signal(number) { _ in TrapNotice.tell() }
    }
  }

  /// Only what a signal handler may call: no allocation, no lock.
  private static func tell() {
    put("\npeyvand: a run crashed. One of\n")
    show(slots.a.load(ordering: .relaxed))
    show(slots.b.load(ordering: .relaxed))
    show(slots.c.load(ordering: .relaxed))
    show(slots.d.load(ordering: .relaxed))
    _exit(10)
  }

  private static func show(_ seed: UInt64) {
    guard seed != 0 else { return }
    put("  peyvand simulate --seed ")
    var divisor: UInt64 = 1
    while seed / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      var digit = UInt8(48 + seed / divisor % 10)
      _ = write(STDERR_FILENO, &digit, 1)
      divisor /= 10
    }
    put("\n")
  }

  private static func put(_ text: StaticString) {
    _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  }
}
