import Foundation
import TestDoors

/// A network namespace for each office, joined by a bridge. Any direction between two of them can be cut without
/// either being told: the sender's frames go to a station that does not exist.
struct Network: Sendable {
    let codes: [String]

    private static let number = getpid() % 200
    private static let bridge = "pvb\(number)"
    private static let nowhere = "02:00:00:00:00:fe"

    static func address(of code: String) -> String {
        let place = code == "hub" ? 1 : 10 + (Int(code.dropFirst(3)) ?? 0)
        return "10.99.\(number).\(place)"
    }

    func address(of code: String) -> String { Self.address(of: code) }

    /// What runs a program in an office's namespace.
    func entrance(of code: String) -> [String] { ["/usr/sbin/ip", "netns", "exec", Self.space(code)] }

    private static func space(_ code: String) -> String { "pv\(number)-\(code.lowercased())" }

    private static func ip(_ words: String) async throws {
        try await Program.succeed("/usr/sbin/ip", words.split(separator: " ").map { String($0) })
    }

    // MARK: Life

    static func make(_ codes: [String]) async throws -> Network {
        let network = Network(codes: codes)
        await network.remove()
        do {
            try await ip("link add \(bridge) type bridge")
            try await ip("addr add 10.99.\(number).254/24 dev \(bridge)")
            try await ip("link set \(bridge) up")
            for (index, code) in codes.enumerated() {
                let (space, end) = (space(code), "pv\(number)e\(index)")
                try await ip("netns add \(space)")
                try await ip("link add \(end) type veth peer name eth0 netns \(space)")
                try await ip("link set \(end) master \(bridge) up")
                try await ip("-n \(space) addr add \(address(of: code))/24 dev eth0")
                try await ip("-n \(space) link set lo up")
                try await ip("-n \(space) link set eth0 up")
            }
        } catch {
            await network.remove()
            throw error
        }
        return network
    }

    /// What is not there need not be removed.
    func remove() async {
        for code in codes { _ = try? await Program.run("/usr/sbin/ip", ["netns", "del", Self.space(code)]) }
        _ = try? await Program.run("/usr/sbin/ip", ["link", "del", Self.bridge])
    }

    // MARK: Cuts

    /// What `sender` sends to `receiver` is lost from now on; the other way is not touched.
    func cut(from sender: String, to receiver: String) async throws {
        let station = "\(address(of: receiver)) lladdr \(Self.nowhere) dev eth0 nud permanent"
        try await Self.ip("-n \(Self.space(sender)) neigh replace \(station)")
    }

    func heal(from sender: String, to receiver: String) async throws {
        try await Self.ip("-n \(Self.space(sender)) neigh del \(address(of: receiver)) dev eth0")
    }
}
