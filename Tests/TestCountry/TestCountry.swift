public import Casework
import Contract
import Foundation

extension Network {
    /// Iran, as its files say.
    public static let iran = country("iran")
    /// The example of a second country.
    public static let example = country("example")

    /// The files of a country, by name.
    public static func files(of country: String) -> [String: String] {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        var files: [String: String] = [:]
        for name in NetworkFiles.names {
            files[name] = try? String(contentsOfFile: "/\(root)/deploy/countries/\(country)/\(name)", encoding: .utf8)
        }
        return files
    }

    private static func country(_ name: String) -> Network {
        do {
            let changes = try NetworkFiles.changes(in: files(of: name))
            return Network(try Network.empty.decide(changes).map { NetworkFact($0, version: 1) })
        } catch {
            preconditionFailure("deploy/countries/\(name): \(error)")
        }
    }
}

extension Origin {
    /// Iran's regions: `IR-nn` is element `nn`.
    public static let provinces = Network.iran.regions.map(\.origin)
}
