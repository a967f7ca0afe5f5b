import ArgumentParser
import Program

struct NetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "The nation's rules: regions, organisations, categories, days and holidays.",
        subcommands: [Import.self])

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring a country's CSV files to the hub. What holds already is left alone.",
            discussion: "deploy/countries/README.md says what each file and column means.")

        @Argument(help: "The folder, or the name of one in deploy/countries.") var folder: String
        @OptionGroup var remote: RemoteOptions
        @Option(help: "A running demonstration's folder.") var directory: String?

        func run() async throws {
            let country = try CountryFolder(named: folder)
            // A fault of the files is told here, before anything is sent.
            _ = try country.network()
            let client = try client()
            let written = try await country.send(to: client)
            await client.close()
            Terminal.line(
                written == 0
                    ? "the hub has these rules already; nothing was written." : "\(written) rules were written.")
        }

        private func client() throws -> APIClient {
            guard let directory else { return try remote.client() }
            let document = try DemoDocument(reading: DemoFolder(directory))
            return try document.client(document.hub)
        }
    }
}
