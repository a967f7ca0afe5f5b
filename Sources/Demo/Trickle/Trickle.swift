import Casework
import Contract
import Cryptography
import Glibc
import HTTPTypes
import JSON
import Program

/// Registers made-up cases through the REST interface and leads each one on, as people in offices would.
struct Trickle: Sendable {
    private let rate: Double
    private let storyteller: Storyteller
    private let desks: Desks
    private let surprises = Surprises()
    /// So that no two runs use the same idempotency keys.
    private let run = hex(SecureRandom.bytes(8))

    /// Cases under way at the same time; while there are more, no new ones are made up.
    private static let mostStories = 3000
    /// How long a step that cannot be done is tried: a plug may be pulled for a while.
    private static let patience = Duration.seconds(900)

    /// - Parameter rate: new cases a second.
    init(document: DemoDocument, rate: Double) throws {
        self.rate = rate
        desks = try Desks(document)
        storyteller = Storyteller(
            provinces: document.nodes.compactMap { Province[$0.code] }, ministries: Array(document.ministries.keys))
    }

    /// Throws `CancellationError` once cancelled.
    func run() async throws {
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await tellStories())
        } catch {
            outcome = .failure(error)
        }
        // A server that is stopping waits for its connections.
        await desks.close()
        try outcome.get()
    }

    private func tellStories() async throws {
        var random = SystemRandomNumberGenerator()
        try await withThrowingTaskGroup(of: Void.self) { group in
            var running = 0
            var number = 0
            while !Task.isCancelled {
                // Arrivals of a crowd: the pauses between them are exponential.
                let pause = -(1 - Double.random(in: 0..<1, using: &random)).logarithm / rate
                try await Task.sleep(for: .seconds(min(pause, 3600)))
                while running >= Self.mostStories {
                    try await group.next()
                    running -= 1
                }
                let story = storyteller.story(using: &random)
                let key = "\(run)-\(number)"
                number += 1
                running += 1
                group.addTask { try await tell(story, key: key) }
            }
        }
    }

    private func tell(_ story: Story, key: String) async throws {
        guard let home = desks.client(.operator, home: story.province) else { return }
        guard let registered = try await persist(home, "/api/v1/cases", story.intake, key: key),
            let id = registered["id"]?.string
        else { return }
        for (index, step) in story.steps.enumerated() {
            try await Task.sleep(for: .seconds(step.delay))
            guard let client = desks.client(step.desk, home: story.province) else { return }
            let body: JSON
            if case .review(let upheld, let text) = step.act {
                guard let dispute = try await openDispute(of: id, at: client) else { return }
                body = ["dispute": .string(dispute), "upheld": .bool(upheld), "text": .string(text)]
            } else {
                body = step.act.body
            }
            let path = "/api/v1/cases/\(id)/\(step.act.route)"
            guard try await persist(client, path, body, key: "\(key)-\(index)") != nil else { return }
        }
    }

    /// Tries until it is done, or can never be: a server that is down comes back, and a referral takes a while to
    /// arrive at another office.
    /// - Returns: the answer; nil when the story ends here.
    private func persist(_ client: APIClient, _ path: String, _ body: JSON, key: String) async throws -> JSON? {
        let deadline = ContinuousClock.now + Self.patience
        var pause = 1.0
        while ContinuousClock.now < deadline {
            do {
                let answer = try await client.call(.post, path, body: body, key: key)
                if answer.isSuccess { return answer.json }
                // 404: not there yet. 409: its custody has not arrived yet, or somebody else did something.
                guard answer.isTransient || answer.status == 404 || answer.status == 409 else {
                    await surprises.note("\(path.split(separator: "/").last ?? "") was refused: \(answer.problem)")
                    return nil
                }
            } catch is APIClient.Unreachable {
                pause = max(pause, 4)
            }
            try await Task.sleep(for: .seconds(pause * Double.random(in: 0.7...1.3)))
            pause = min(pause * 1.6, 30)
        }
        return nil
    }

    private func openDispute(of id: String, at client: APIClient) async throws -> String? {
        do {
            return try await client.get("/api/v1/cases/\(id)").json["disputes"]?.array?.first?.string
        } catch is APIClient.Unreachable {
            return nil
        }
    }
}

/// What ought not to happen, said once.
private actor Surprises {
    private var said: Set<String> = []

    func note(_ text: String) {
        guard said.count < 50, said.insert(text).inserted else { return }
        Terminal.line("a made-up case ends early: \(text)")
    }
}

/// A connection for each role at each server.
private struct Desks: Sendable {
    private let clients: [String: APIClient]

    init(_ document: DemoDocument) throws {
        var clients: [String: APIClient] = [:]
        for node in document.nodes {
            clients[node.code] = try document.client(node)
            for role in ["operator", "reviewer"] {
                clients["\(node.code) \(role)"] = try document.client(node, token: node.otherTokens[role])
            }
        }
        for (code, token) in document.ministries {
            clients["ministry \(code)"] = try document.client(document.hub, token: token)
        }
        self.clients = clients
    }

    func close() async { for client in clients.values { await client.close() } }

    func client(_ desk: Story.Desk, home: String) -> APIClient? {
        switch desk {
        case .home: clients[home]
        case .operator: clients["\(home) operator"]
        case .reviewer: clients["\(home) reviewer"]
        case .province(let code): clients[code]
        case .ministry(let code): clients["ministry \(code)"]
        }
    }
}

extension Story.Act {
    /// The last part of the route that does it.
    var route: String {
        switch self {
        case .assess: "assessment"
        case .refer: "referral"
        case .accept: "acceptance"
        case .refuse: "refusal"
        case .act: "actions"
        case .answer: "answer"
        case .close: "closure"
        case .dispute: "dispute"
        case .review: "review"
        case .rate: "rating"
        }
    }

    /// Empty for a review, whose dispute is known only when it comes to it.
    var body: JSON {
        switch self {
        case .assess(let lawful, let withinMeans, let done):
            ["lawful": .bool(lawful), "within_means": .bool(withinMeans), "done": .bool(done)]
        case .refer(let to, let reason): ["to": .string(to), "reason": .string(reason)]
        case .accept, .review: [:]
        case .refuse(let reason): ["reason": .string(reason)]
        case .act(let text), .answer(let text), .dispute(let text): ["text": .string(text)]
        case .close(let outcome, let text): ["outcome": .string(outcome), "text": .string(text)]
        case .rate(let score): ["score": JSON(score)]
        }
    }
}

extension Double {
    fileprivate var logarithm: Double { log(self) }
}
