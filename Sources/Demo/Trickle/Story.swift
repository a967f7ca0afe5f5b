import Casework
import Contract
import JSON

/// One made-up case: what is said, and the way that it will take.
struct Story: Sendable, Equatable {
    /// Who carries a step out.
    enum Desk: Sendable, Equatable {
        /// The home's operator, and its supervisor.
        case `operator`, home
        /// A supervisor at the home who has decided nothing yet.
        case reviewer
        case province(String)
        case ministry(String)
    }

    enum Act: Sendable, Equatable {
        case assess(lawful: Bool, withinMeans: Bool, done: Bool)
        case refer(String, reason: String)
        case accept
        case refuse(String)
        case act(String)
        case answer(String)
        case close(String, text: String)
        case dispute(String)
        /// Of the case's open dispute.
        case review(upheld: Bool, text: String)
        case rate(Int)
    }

    struct Step: Sendable, Equatable {
        /// Seconds after the step before.
        var delay: Double
        var desk: Desk
        var act: Act
    }

    var province: String
    var intake: JSON
    var steps: [Step]
}

/// Makes up stories; the same random numbers give the same ones.
struct Storyteller: Sendable {
    private let provinces: [Province]
    private let tree = OrganizationTree.standard
    private let ministries: Set<String>
    private let people: Int
    private let weights = Phrase.all.reduce(0) { $0 + $1.weight }

    /// - Parameters:
    ///   - provinces: where cases come from, by population.
    ///   - ministries: those that take part.
    init(provinces: [Province], ministries: [String]) {
        self.provinces = provinces
        self.ministries = Set(ministries)
        people = provinces.reduce(0) { $0 + $1.population }
    }

    func story(using random: inout some RandomNumberGenerator) -> Story {
        let province = pickProvince(&random)
        let phrase = pickPhrase(&random)
        return Story(
            province: province.code, intake: intake(phrase, province, &random),
            steps: steps(of: phrase, at: province, &random))
    }

    // MARK: What is said

    private func pickProvince(_ random: inout some RandomNumberGenerator) -> Province {
        var number = Int.random(in: 0..<max(1, people), using: &random)
        for province in provinces {
            number -= province.population
            if number < 0 { return province }
        }
        return provinces[provinces.count - 1]
    }

    private func pickPhrase(_ random: inout some RandomNumberGenerator) -> Phrase {
        var number = Int.random(in: 0..<weights, using: &random)
        for phrase in Phrase.all {
            number -= phrase.weight
            if number < 0 { return phrase }
        }
        return Phrase.all[0]
    }

    private func intake(_ phrase: Phrase, _ province: Province, _ random: inout some RandomNumberGenerator) -> JSON {
        let street = one(of: Phrase.streets, &random)
        let place = one(of: Phrase.places, &random)
        let number = PersianText.persianDigits(Int.random(in: 2...9, using: &random))
        let fill = { (text: String) in
            text.replacing("{street}", with: street).replacing("{place}", with: place)
                .replacing("{number}", with: number)
        }
        let name = one(of: Phrase.givenNames, &random) + " " + one(of: Phrase.familyNames, &random)
        let house = PersianText.persianDigits(Int.random(in: 1...180, using: &random))
        // No operator has numbers that begin so: nobody's telephone rings.
        let mobile = "0999" + String(Int.random(in: 1_000_000...9_999_999, using: &random))
        let channels = ["phone", "phone", "phone", "phone", "phone", "web", "web", "letter", "visit", "in_person"]
        let priorities = ["normal", "normal", "normal", "normal", "normal", "low", "high", "urgent"]
        return [
            "kind": .string(phrase.kind), "channel": .string(one(of: channels, &random)),
            "category": .string(phrase.category), "subject": .string(fill(phrase.subject)),
            "description": .string(fill(phrase.description)), "priority": .string(one(of: priorities, &random)),
            "citizen": [
                "name": .string(name), "mobile": .string(mobile),
                "address": .string("\(province.capitalFA)، \(street)، پلاک \(house)"),
            ],
        ]
    }

    // MARK: What becomes of it

    private func steps(
        of phrase: Phrase, at province: Province, _ random: inout some RandomNumberGenerator
    ) -> [Story.Step] {
        let category = Category[phrase.category] ?? .other
        let local = category.localAgency.map { "\(province.code)-\($0)" }
        let ministry = category.ministry?.rawValue.member(of: ministries)
        let others = provinces.filter { $0.code != province.code }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<8: return []
        case 8..<34: return advised(&random)
        case 34..<50 where !others.isEmpty:
            let other = others[Int.random(in: 0..<others.count, using: &random)]
            return referred(to: other.code, desk: .province(other.code), &random)
        case 50..<68:
            guard let ministry else { fallthrough }
            return referred(to: ministry, desk: .ministry(ministry), &random)
        default:
            guard let local else { return advised(&random) }
            return referred(to: local, desk: .home, &random)
        }
    }

    private func advised(_ random: inout some RandomNumberGenerator) -> [Story.Step] {
        [
            step(3...20, .operator, .assess(lawful: true, withinMeans: false, done: false), &random),
            step(5...30, .operator, .answer(one(of: Phrase.advice, &random)), &random),
            step(10...60, .operator, .close("advised", text: one(of: Phrase.closing, &random)), &random),
        ] + rating(&random)
    }

    private func referred(
        to organization: String, desk: Story.Desk, _ random: inout some RandomNumberGenerator
    ) -> [Story.Step] {
        var steps = [Story.Step]()
        if Int.random(in: 0..<4, using: &random) == 0 {
            steps.append(step(2...10, .operator, .assess(lawful: true, withinMeans: true, done: false), &random))
        }
        let reason = one(of: Phrase.referral, &random)
        steps.append(step(3...20, .operator, .refer(organization, reason: reason), &random))
        if Int.random(in: 0..<100, using: &random) < 9 {
            steps.append(step(10...60, desk, .refuse(one(of: Phrase.refusal, &random)), &random))
            return steps + [
                step(10...60, .home, .answer(one(of: Phrase.advice, &random)), &random),
                step(20...90, .home, .close("advised", text: one(of: Phrase.closing, &random)), &random),
            ]
        }
        steps.append(step(5...50, desk, .accept, &random))
        // Some are still being worked on when we look.
        if Int.random(in: 0..<100, using: &random) < 14 { return steps }
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            steps.append(step(10...70, desk, .act(one(of: Phrase.action, &random)), &random))
        }
        steps.append(step(15...120, desk, .answer(one(of: Phrase.answer, &random)), &random))
        return steps + ending(at: desk, &random)
    }

    private func ending(at desk: Story.Desk, _ random: inout some RandomNumberGenerator) -> [Story.Step] {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<7:
            let dispute = step(20...90, .operator, .dispute(one(of: Phrase.dispute, &random)), &random)
            // A review belongs to the seat; here only the home has a second supervisor to hand.
            guard desk == .home, Bool.random(using: &random) else { return [dispute] }
            let upheld = Bool.random(using: &random)
            let words = Phrase.review[upheld ? 0 : 1]
            return [dispute, step(30...120, .reviewer, .review(upheld: upheld, text: words), &random)]
        case 7..<25: return []
        default:
            let outcomes = ["resolved", "resolved", "resolved", "resolved", "beyond_means", "unconfirmed"]
            let outcome = one(of: outcomes, &random)
            return [step(20...120, desk, .close(outcome, text: one(of: Phrase.closing, &random)), &random)]
                + rating(&random)
        }
    }

    private func rating(_ random: inout some RandomNumberGenerator) -> [Story.Step] {
        guard Int.random(in: 0..<5, using: &random) == 0 else { return [] }
        return [step(20...90, .operator, .rate(Int.random(in: 1...5, using: &random)), &random)]
    }

    private func step(
        _ seconds: ClosedRange<Double>, _ desk: Story.Desk, _ act: Story.Act,
        _ random: inout some RandomNumberGenerator
    ) -> Story.Step {
        Story.Step(delay: Double.random(in: seconds, using: &random), desk: desk, act: act)
    }

    private func one<Choice>(of choices: [Choice], _ random: inout some RandomNumberGenerator) -> Choice {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }
}

extension String {
    /// Nil unless the set has it.
    fileprivate func member(of set: Set<String>) -> String? { set.contains(self) ? self : nil }
}
