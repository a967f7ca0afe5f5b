import Casework
import Cryptography

/// Who a certificate stands for.
struct Identity: Sendable, Hashable {
    enum Kind: String, Sendable, CaseIterable { case node, hub, ministry, `operator` }

    let kind: Kind
    /// Empty for the hub.
    let name: String

    static let hub = Identity(kind: .hub, name: "")

    private init(kind: Kind, name: String) { (self.kind, self.name) = (kind, name) }

    /// - Throws: `Failure` for a name that the kind does not have.
    init(_ kind: Kind, _ name: String) throws(Failure) {
        switch kind {
        case .hub:
            guard name.isEmpty else { throw .usedWrongly("the hub has no further name; leave '\(name)' out.") }
        case .node:
            guard Origin(name)?.province != nil else {
                throw .usedWrongly("'\(name)' is no province code; use IR-00 to IR-30.")
            }
        case .ministry:
            guard OrganizationCode(rawValue: name) != nil, name.first?.isLetter == true else {
                throw .usedWrongly("'\(name)' is no ministry code; use 2 to 32 of A-Z, 0-9 and -, such as SAMT.")
            }
        case .operator:
            let isPlain = name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
            let beginsWell = name.first?.isLetter == true || name.first?.isNumber == true
            guard isPlain, beginsWell, (1...64).contains(name.utf8.count) else {
                throw .usedWrongly("'\(name)' is no operator name; use at most 64 of A-Z, a-z, 0-9, '.', '_' and '-'.")
            }
        }
        self.init(kind: kind, name: name)
    }

    /// Its folder below the authority's, and the end of its URI.
    var place: String { name.isEmpty ? kind.rawValue : "\(kind.rawValue)/\(name)" }
    var uri: String { "spiffe://peyvand/" + place }
    var label: String { name.isEmpty ? kind.rawValue : "\(kind.rawValue) \(name)" }
    var signsReceipts: Bool { kind == .hub || kind == .node }
}

/// An authority and what it issued, on disk, in the layout of `certs/README.md`: the scripts there and this program
/// work on the same folder.
struct CertificateFolder: Sendable {
    /// A line of `registry.tsv`.
    struct Record: Sendable, Equatable {
        var fingerprint, uri, serial: String
        var notAfter: Instant
        var isRevoked: Bool
        var changedAt: Instant
        /// `tls` or `receipt`.
        var use: String

        var line: String {
            [
                fingerprint, uri, serial, notAfter.rfc3339, isRevoked ? "revoked" : "valid", changedAt.rfc3339, use,
            ].joined(separator: "\t")
        }
    }

    let path: String

    var authorityCertificate: String { path + "/ca.pem" }
    private var authorityKey: String { path + "/ca.key" }
    private var registry: String { path + "/registry.tsv" }

    var isAuthority: Bool { Disk.exists(authorityCertificate) && Disk.exists(authorityKey) && Disk.exists(registry) }

    func file(_ name: String, of identity: Identity) -> String { "\(path)/\(identity.place)/\(name)" }
    func isIssued(_ identity: Identity) -> Bool { Disk.exists(file("cert.pem", of: identity)) }

    /// Makes the authority unless it is there; the certificate comes last, so that a broken-off run goes on.
    func makeAuthority(now: Instant) throws -> CertificateAuthority {
        if isAuthority { return try authority() }
        guard !Disk.exists(authorityCertificate) else {
            throw Failure("\(path) has ca.pem but not ca.key and registry.tsv; bring them back from their backup.")
        }
        try Disk.makeFolder(path, mode: 0o755)
        let made = try CertificateAuthority.create(now: now.seconds)
        if !Disk.exists(registry) { try Disk.replace(registry, with: "") }
        try Disk.replace(authorityKey, with: made.privateKey, mode: 0o600)
        try Disk.replace(authorityCertificate, with: made.certificate)
        return made
    }

    func authority() throws -> CertificateAuthority {
        guard isAuthority else {
            throw Failure.usedWrongly("\(path) is no authority; make one first: peyvand cert authority \(path)")
        }
        return try CertificateAuthority(
            certificate: try Disk.text(authorityCertificate), privateKey: try Disk.text(authorityKey))
    }

    /// Makes keys and certificates of an identity, and adds them to the registry. One that is there stays.
    /// - Returns: whether something was made.
    @discardableResult
    func issue(
        _ identity: Identity, by authority: CertificateAuthority, hosts: [String] = [], days: Int? = nil, now: Instant
    ) throws -> Bool {
        if isIssued(identity) { return false }
        try Disk.makeFolder("\(path)/\(identity.place)", mode: 0o700)
        let tls = try authority.issue(
            identity.signsReceipts ? .server(hosts: hosts) : .client, uri: identity.uri, commonName: identity.label,
            days: days, now: now.seconds)
        if identity.signsReceipts {
            let receipt = try authority.issue(
                .receipt, uri: identity.uri, commonName: identity.label,
                days: max(days ?? 0, CertificateAuthority.receiptDays), now: now.seconds)
            try Disk.replace(file("receipt.key", of: identity), with: receipt.privateKey, mode: 0o600)
            try Disk.replace(file("receipt.pem", of: identity), with: receipt.certificate)
            try Disk.replace(file("chain.pem", of: identity), with: tls.certificate + authority.certificate)
            try register(receipt.certificate, use: "receipt", now: now)
        }
        try register(tls.certificate, use: "tls", now: now)
        try Disk.replace(file("key.pem", of: identity), with: tls.privateKey, mode: 0o600)
        try Disk.replace(file("cert.pem", of: identity), with: tls.certificate)
        return true
    }

    /// Everything ever issued, oldest first.
    func records() throws -> [Record] {
        try Disk.text(registry).split(separator: "\n").enumerated().map { index, line in
            guard let record = Self.record(line) else {
                throw Failure("\(registry), line \(index + 1): not a line of a registry; restore it from a backup.")
            }
            return record
        }
    }

    /// Marks one certificate as revoked in this registry.
    /// - Returns: nil when the registry does not know it.
    func revoke(_ fingerprint: String, now: Instant) throws -> Record? {
        var records = try records()
        guard let index = records.firstIndex(where: { $0.fingerprint == fingerprint }) else { return nil }
        if !records[index].isRevoked {
            records[index].isRevoked = true
            records[index].changedAt = now
            try write(records)
        }
        return records[index]
    }

    private func register(_ pem: String, use: String, now: Instant) throws {
        let certificate = try Certificate(pem: pem)
        guard let uri = certificate.uriNames.first else { throw Failure("a certificate without a name was made.") }
        let record = Record(
            fingerprint: certificate.fingerprint, uri: uri, serial: certificate.serial.lowercased(),
            notAfter: Instant(seconds: certificate.notAfter), isRevoked: false,
            changedAt: Instant(seconds: now.seconds), use: use)
        try write(try records() + [record])
    }

    private func write(_ records: [Record]) throws {
        try Disk.replace(registry, with: records.map { $0.line + "\n" }.joined())
    }

    static func fingerprint(of pem: String) throws -> String { try Certificate(pem: pem).fingerprint }

    static func record(_ line: some StringProtocol) -> Record? {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) }
        guard fields.count == 7, fields[0].utf8.count == 64, let notAfter = Instant(rfc3339: fields[3]),
            let changedAt = Instant(rfc3339: fields[5]), ["valid", "revoked"].contains(fields[4]),
            ["tls", "receipt"].contains(fields[6])
        else { return nil }
        return Record(
            fingerprint: fields[0], uri: fields[1], serial: fields[2], notAfter: notAfter,
            isRevoked: fields[4] == "revoked", changedAt: changedAt, use: fields[6])
    }
}
