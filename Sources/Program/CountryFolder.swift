public import Casework
import Contract
import HTTPTypes
import JSON
import POSIX

/// A country's CSV files on this machine, as `deploy/countries/README.md` describes them.
public struct CountryFolder: Sendable {
    /// The name of the country that is meant where none is named.
    public static let standard = "iran"
    /// Where an installation keeps them.
    private static let installed = "/usr/share/peyvand/countries"

    /// Absolute.
    public let path: String

    /// A folder that is known already.
    public init(path: String) { self.path = path }

    /// - Parameter name: a folder, or the name of one below `deploy/countries` of the program's own checkout or below
    ///   `/usr/share/peyvand/countries`.
    /// - Throws: `Failure` when there is none.
    public init(named name: String) throws(Failure) {
        if name.contains("/") {
            path = Files.absolute(name)
        } else {
            guard let found = Self.candidates(name).first(where: { Files.exists($0 + "/country.csv") }) else {
                throw .usedWrongly("no country '\(name)' is here; give the folder that holds its country.csv.")
            }
            path = found
        }
    }

    /// Upwards from the program and from where it was called, then where an installation keeps them.
    private static func candidates(_ name: String) -> [String] {
        var candidates: [String] = []
        for start in [try? OwnProgram.path(), Files.absolute(".")].compactMap({ $0 }) {
            var folder = start[...]
            while let slash = folder.lastIndex(of: "/") {
                candidates.append(String(folder) + "/deploy/countries/" + name)
                folder = folder[..<slash]
            }
        }
        return candidates + [installed + "/" + name]
    }

    /// The contents of those files that are there, by name.
    /// - Throws: `Failure` when none is there, or one cannot be read.
    public func files() throws(Failure) -> [String: String] {
        var files: [String: String] = [:]
        for name in NetworkFiles.names where Files.exists(path + "/" + name) {
            do throws(SystemError) {
                files[name] = try Files.text(path + "/" + name)
            } catch {
                throw Failure("\(error)")
            }
        }
        guard !files.isEmpty else { throw .usedWrongly("\(path) holds no file of a country, such as country.csv.") }
        return files
    }

    /// The rules that the files hold, judged as the hub judges them.
    /// - Throws: `Failure` with file and line.
    public func network() throws(Failure) -> Network {
        let files = try files()
        let changes: [NetworkChange]
        do throws(NetworkFiles.Fault) {
            changes = try NetworkFiles.changes(in: files)
        } catch {
            throw Failure("\(path): \(error).")
        }
        do throws(NetworkRefusal) {
            return Network(try Network.empty.decide(changes).map { NetworkFact($0, version: 1) })
        } catch {
            throw Failure("\(path) holds rules that do not fit: \(error).")
        }
    }

    /// Has the hub take the files.
    /// - Returns: how many rules it has written; 0 when it had all of them.
    /// - Throws: `Failure` with what the hub says.
    public func send(to hub: APIClient) async throws -> Int {
        let files = try files().sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }
        let answer: APIClient.Answer
        do {
            answer = try await hub.call(.post, "/api/v1/network/import", body: ["files": .object(files)])
        } catch let unreachable as APIClient.Unreachable {
            throw Failure("the hub cannot be reached: \(unreachable).")
        }
        guard answer.isSuccess else { throw Failure("\(hub.endpoint.authority) says: \(answer.problem)") }
        return answer.json["written"]?.int.map { Int($0) } ?? 0
    }
}
