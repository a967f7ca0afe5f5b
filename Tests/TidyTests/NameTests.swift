import Testing

/// One name for one type, wherever a file sees two.
struct NameTests {
    @Test func noTwoTypesOfOneNameInSight() throws {
        let files = try Repository.sources.get().filter { !$0.isGenerated }
        expectNone(TypeNames.findings(files))
    }
}

enum TypeNames {
    private static let kinds: Set<String> = ["struct", "class", "enum", "actor", "protocol", "typealias"]

    private struct Place {
        var path: String
        var room: String
        var line: Int
        var isPublic: Bool
    }

    /// Top-level types that share a name with one of another module that some file sees as well.
    static func findings(_ files: [SourceFile]) -> [Finding] {
        var places: [String: [Place]] = [:]
        for file in files {
            for type in file.declarations
            where type.isTopLevel && kinds.contains(type.keyword) && !type.isPrivate {
                places[type.name, default: []].append(
                    Place(path: file.path, room: file.room, line: type.line, isPublic: type.isPublic))
            }
        }
        let sights = files.map { (room: $0.room, imports: $0.imports) }
        return places.sorted { $0.key < $1.key }.flatMap { name, places in
            places.indices.dropFirst().flatMap { index in
                places[..<index].compactMap { other -> Finding? in
                    let place = places[index]
                    let isSeen =
                        place.room == other.room
                        || sights.contains { room, imports in
                            sees(place, from: room, imports) && sees(other, from: room, imports)
                        }
                    guard isSeen else { return nil }
                    return Finding(
                        path: place.path, line: place.line, what: "\(name) is a type at \(other.path):\(other.line) too"
                    )
                }
            }
        }
    }

    private static func sees(_ place: Place, from room: String, _ imports: Set<String>) -> Bool {
        place.room == room || (place.isPublic && imports.contains(place.room))
    }
}
