/// The values of a case's shared fields. They are few and each fold makes them anew: a short list, without hashing.
public struct SharedValues: Sendable, Equatable, Sequence {
    private var entries: [(key: Field, value: SharedValue)] = []

    public init() {}

    public subscript(field: Field) -> SharedValue? {
        get { entries.first { $0.key == field }?.value }
        set {
            let index = entries.firstIndex { $0.key == field }
            switch (index, newValue) {
            case (let index?, let value?): entries[index].value = value
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append((field, value))
            case (nil, nil): break
            }
        }
    }

    /// The event whose value of a field is shown.
    public func shown(of field: Field) -> EventHash? {
        for index in entries.indices where entries[index].key == field { return entries[index].value.shown }
        return nil
    }

    /// The values that one event gives to some fields, each field once.
    public init(_ fields: [Field], by event: EventHash, _ change: CaseChange) {
        entries.reserveCapacity(fields.count)
        for field in fields {
            let value = SharedValue(shown: event, conflicts: [], value: EnvelopeValue(field, of: change))
            entries.append((field, value))
        }
    }

    public func makeIterator() -> some IteratorProtocol<(key: Field, value: SharedValue)> { entries.makeIterator() }

    public static func == (left: SharedValues, right: SharedValues) -> Bool {
        left.entries.count == right.entries.count && left.entries.allSatisfy { right[$0.key] == $0.value }
    }
}
