import Casework
import Contract
import Federation
import Testing

@testable import Console

/// Every code that people see has a word in both languages.
@Suite struct VocabularyTests {
    private let vocabulary = Vocabulary.standard

    private func codes<Code: CaseIterable & RawRepresentable<String>>(_: Code.Type) -> [String] {
        Code.allCases.map(\.rawValue)
    }

    private var codes: [(Vocabulary.Family, [String])] {
        [
            (.kind, codes(Kind.self)), (.channel, codes(Casework.Channel.self)), (.priority, codes(Priority.self)),
            (.status, codes(Status.self)), (.outcome, codes(Outcome.self)), (.role, codes(Role.self)),
            (.field, codes(Field.self)), (.effect, codes(EffectDocument.Code.self)),
            (.reason, codes(EffectReason.self)), (.event, codes(EventKind.self)), (.alarm, codes(AlarmCode.self)),
            (.problem, codes(Problem.Name.self)),
            (.fault, codes(FaultCode.self)), (.act, Act.allCases.map { ActRoute($0).name }),
            (.score, (1...5).map { String($0) }), (.notice, codes(NoticeOutcome.self)),
            (.recipient, codes(NoticeRecipient.self)),
        ]
    }

    @Test func everyCodeHasAWord() {
        for (family, codes) in codes {
            for code in codes {
                for language in Vocabulary.Language.allCases {
                    #expect(vocabulary.known(family, code, in: language)?.isEmpty == false, "\(family) \(code)")
                }
            }
        }
    }

    /// A word of a code that no longer exists misleads whoever reads the file.
    @Test func everyWordHasACode() {
        // What only the pages meet: requests that reached no server.
        let ofPages: Set<String> = ["network", "timeout", "other"]
        for (family, codes) in codes where family != .field {
            let strangers = vocabulary.codes(family).subtracting(codes)
            #expect(strangers == (family == .problem ? ofPages : []), "\(family)")
        }
    }

    @Test func aLimitStandsInItsWord() {
        #expect(vocabulary.word(.fault, "too_long", in: .en, limit: 500) == "is longer than 500 characters")
        #expect(vocabulary.word(.fault, "too_long", in: .fa, limit: 500) == "بلندتر از ۵۰۰ نویسه است.")
    }

    @Test func anUnknownCodeStandsForItself() {
        #expect(vocabulary.word(.alarm, "of_tomorrow", in: .fa) == "of_tomorrow")
    }
}
