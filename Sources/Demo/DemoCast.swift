public import Casework
public import Contract
public import Program
public import Store

/// Who takes part in a demonstration, and under which certificates and tokens.
public struct DemoCast: Sendable {
    /// The hub's code.
    public static let hub = Origin.hub.code

    /// Where it works.
    public let folder: DemoFolder
    /// By their codes.
    public let provinces: [Province]
    /// All of the tree.
    public let ministries: [OrganizationCode]
    /// The authority that they share.
    public let certificates: CertificateFolder

    /// - Parameter count: how many provinces: East Azerbaijan and Tehran first, then the most populous.
    public init(folder: DemoFolder, provinces count: Int) {
        self.folder = folder
        let leading = ["IR-03", "IR-23"]
        let order = Province.all.sorted { left, right in
            let places = [left, right].map { leading.firstIndex(of: $0.code) ?? leading.count }
            return places[0] != places[1] ? places[0] < places[1] : left.population > right.population
        }
        provinces = order.prefix(count).sorted { $0.code < $1.code }
        ministries = OrganizationTree.standard.all.filter { $0.kind == .ministry }.map(\.code)
        certificates = CertificateFolder(path: folder.certificates)
    }

    /// The hub first: nodes look for it when they start.
    public var codes: [String] { [Self.hub] + provinces.map(\.code) }

    /// Who a process is by its code.
    public static func identity(of code: String) throws(Failure) -> Identity {
        code == hub ? .hub : try Identity(.node, code)
    }

    /// The authority and what it has to issue; nothing that is there is made anew.
    /// - Returns: how many identities were made.
    public func issueCertificates(now: Instant) throws -> Int {
        let authority = try certificates.makeAuthority(now: now)
        var identities = try codes.map { try Self.identity(of: $0) }
        identities += try ministries.map { try Identity(.ministry, $0.rawValue) }
        var made = 0
        for identity in identities where try certificates.issue(identity, by: authority, now: now) { made += 1 }
        return made
    }

    /// Every certificate with its text, for the hub's registry.
    public func registryEntries() throws -> [Registry.Entry] {
        try certificates.records().map { record in
            Registry.Entry(
                fingerprint: record.fingerprint, uri: record.uri, serial: record.serial, notAfter: record.notAfter,
                use: record.use, state: record.isRevoked ? "revoked" : "valid", pem: certificates.text(of: record))
        }
    }

    /// The tokens that a server must know, by their holders' names in the state file.
    public func principals(at code: String) -> [(holder: String, principal: Principal)] {
        guard let origin = Origin(code) else { return [] }
        let organization = OrganizationCode(origin)
        if origin.isHub {
            return [(code, Principal(name: "demo hub", role: .hub, organization: organization))]
                + ministries.map { ministry in
                    let name = "demo " + ministry.rawValue
                    return (ministry.rawValue, Principal(name: name, role: .ministry, organization: ministry))
                }
        }
        return [
            (code, "demo supervisor", Role.supervisor, organization),
            // A second supervisor: who reviews a dispute is never who decided first.
            (code + " reviewer", "demo reviewer", .supervisor, organization),
            (code + " operator", "demo operator", .operator, organization),
            (code + " agency", "demo agency", .agency, OrganizationCode(rawValue: code + "-MUN") ?? organization),
        ].map { holder, name, role, organization in
            (holder, Principal(name: "\(name) \(code)", role: role, organization: organization))
        }
    }

    /// How one process is started.
    public func arguments(of code: String, state: DemoState, program: String, database: String) throws -> [String] {
        guard let ports = state.ports[code] else { throw Failure("no ports were chosen for \(code).") }
        let identity = try Self.identity(of: code)
        let file = { (name: String) in certificates.file(name, of: identity) }
        var arguments = code == Self.hub ? ["hub", "serve"] : ["node", "serve", "--code", code]
        arguments += [
            "--directory", folder.home(of: code), "--database", database, "--console-address", "127.0.0.1",
            "--console-port", String(ports.console), "--plain-port", String(ports.plain), "--certificate",
            file("chain.pem"), "--private-key", file("key.pem"), "--trust-roots", certificates.authorityCertificate,
            "--receipt-key", file("receipt.key"), "--receipt-certificate", file("receipt.pem"), "--exit-with-parent",
        ]
        let link = String(state.ports[Self.hub]?.link ?? 0)
        if code == Self.hub {
            arguments += ["--link-address", "127.0.0.1", "--link-port", link]
        } else {
            arguments += [
                "--link-host", "127.0.0.1", "--link-port", link, "--hub-receipt-certificate",
                certificates.file("receipt.pem", of: .hub),
            ]
        }
        return [program] + arguments
    }
}
