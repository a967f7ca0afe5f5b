import Casework
import Federation
import Program

/// The country that benches work in: Iran, from the files of this checkout.
enum BenchCountry {
    static let network: Network = {
        do throws(Failure) {
            return try CountryFolder(named: CountryFolder.standard).network()
        } catch {
            // A bench runs from a checkout, whose files the tests read.
            preconditionFailure("\(error.message)")
        }
    }()

    static var rules: RuleBook { RuleBook(after: network) }
    static var origins: [Origin] { network.regions.map(\.origin) }
}
