import Synchronization

/// How many requests an address may send: a bucket each, in bounded memory. When the table is full of addresses that
/// are all busy, the others share one bucket: an attacker with many addresses slows himself, and takes no memory.
final class TokenBuckets: Sendable {
    private struct Bucket {
        var tokens: Double
        var filledAt: Duration
    }

    private struct State {
        var buckets: [String: Bucket] = [:]
        var overflow: Bucket
    }

    private let capacity: Double
    private let perSecond: Double
    private let maximum: Int
    private let start = ContinuousClock.now
    private let state: Mutex<State>

    /// `capacity` at once, then `perMinute`; at most `maximum` addresses are remembered.
    init(capacity: Int, perMinute: Int, maximum: Int = 10_000) {
        self.capacity = Double(capacity)
        perSecond = Double(perMinute) / 60
        self.maximum = maximum
        state = Mutex(State(overflow: Bucket(tokens: Double(capacity), filledAt: .zero)))
    }

    /// Nil when the request may pass; else the seconds to wait.
    func take(_ address: String) -> Int? { take(address, at: ContinuousClock.now - start) }

    func take(_ address: String, at now: Duration) -> Int? {
        let key = TokenBuckets.network(of: address)
        return state.withLock { state in
            if state.buckets[key] == nil, state.buckets.count >= maximum {
                state.buckets = state.buckets.filter { refilled($0.value, at: now).tokens < capacity }
                if state.buckets.count >= maximum { return draw(&state.overflow, at: now) }
            }
            return draw(&state.buckets[key, default: Bucket(tokens: capacity, filledAt: now)], at: now)
        }
    }

    var count: Int { state.withLock { $0.buckets.count } }

    private func draw(_ bucket: inout Bucket, at now: Duration) -> Int? {
        bucket = refilled(bucket, at: now)
        guard bucket.tokens >= 1 else { return max(1, Int(((1 - bucket.tokens) / perSecond).rounded(.up))) }
        bucket.tokens -= 1
        return nil
    }

    private func refilled(_ bucket: Bucket, at now: Duration) -> Bucket {
        let seconds =
            Double((now - bucket.filledAt).components.seconds)
            + Double((now - bucket.filledAt).components.attoseconds) / 1e18
        return Bucket(tokens: min(capacity, bucket.tokens + seconds * perSecond), filledAt: now)
    }

    /// One household's IPv6 network is one address.
    private static func network(of address: String) -> String {
        guard address.contains(":"), !address.contains(".") else { return address }
        let head = address.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)[0]
        return head.split(separator: ":").prefix(4).joined(separator: ":") + "::"
    }
}
