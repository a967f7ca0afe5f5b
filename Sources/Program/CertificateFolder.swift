public import Casework
public import Cryptography
import POSIX

/// An authority and what it issued, on disk, in the layout of `certs/README.md`: the scripts there and this program
/// work on the same folder.
public struct CertificateFolder: Sendable {
    /// A line of `registry.tsv`.
    public struct Record: Sendable, Equatable {
        /// SHA-256 of the certificate, in hexadecimal digits; its one URI; its serial number.
        public var fingerprint, uri, serial: String
        /// When it ends.
        public var notAfter: Instant
        /// Whether it may not be used any more.
        public var isRevoked: Bool
        /// When it was issued or revoked.
        public var changedAt: Instant
        /// `tls` or `receipt`.
        public var use: String

        /// Without the line's end.
        public var line: String {
            [
                fingerprint, uri, serial, notAfter.rfc3339, isRevoked ? "revoked" : "valid", changedAt.rfc3339, use,
            ].joined(separator: "\t")
        }
    }

    /// The folder.
    public let path: String

    /// It may not be there yet.
    public init(path: String) { self.path = path }

    /// PEM: the certificate that all others are verified against.
    public var authorityCertificate: String { path + "/ca.pem" }
    private var authorityKey: String { path + "/ca.key" }
    private var registry: String { path + "/registry.tsv" }

    /// Whether an authority has been made here.
    public var isAuthority: Bool {
        Files.exists(authorityCertificate) && Files.exists(authorityKey) && Files.exists(registry)
    }

    /// A file of one identity: `chain.pem`, `key.pem`, `receipt.pem`.
    public func file(_ name: String, of identity: Identity) -> String { "\(path)/\(identity.place)/\(name)" }
    /// Whether the identity has its certificate.
    public func isIssued(_ identity: Identity) -> Bool { Files.exists(file("cert.pem", of: identity)) }

    /// Makes the authority unless it is there; the certificate comes last, so that a broken-off run goes on.
    public func makeAuthority(now: Instant) throws -> CertificateAuthority {
        if isAuthority { return try authority() }
        guard !Files.exists(authorityCertificate) else {
            throw Failure("\(path) has ca.pem but not ca.key and registry.tsv; bring them back from their backup.")
        }
        try Files.makeFolder(path, mode: 0o755)
        let made = try CertificateAuthority.create(now: now.seconds)
        if !Files.exists(registry) { try Files.replace(registry, with: "") }
        try Files.replace(authorityKey, with: made.privateKey, mode: 0o600)
        try Files.replace(authorityCertificate, with: made.certificate)
        return made
    }

    /// The authority that is here.
    /// - Throws: `Failure` when there is none.
    public func authority() throws -> CertificateAuthority {
        guard isAuthority else {
            throw Failure.usedWrongly("\(path) is no authority; make one first: peyvand cert authority \(path)")
        }
        return try CertificateAuthority(
            certificate: try Files.text(authorityCertificate), privateKey: try Files.text(authorityKey))
    }

    /// Makes keys and certificates of an identity, and adds them to the registry. One that is there stays.
    /// - Returns: whether something was made.
    @discardableResult
    public func issue(
        _ identity: Identity, by authority: CertificateAuthority, hosts: [String] = [], days: Int? = nil, now: Instant
    ) throws -> Bool {
        if isIssued(identity) { return false }
        try Files.makeFolder("\(path)/\(identity.place)", mode: 0o700)
        let tls = try authority.issue(
            identity.signsReceipts ? .server(hosts: hosts) : .client, uri: identity.uri, commonName: identity.label,
            days: days, now: now.seconds)
        if identity.signsReceipts {
            let receipt = try authority.issue(
                .receipt, uri: identity.uri, commonName: identity.label,
                days: max(days ?? 0, CertificateAuthority.receiptDays), now: now.seconds)
            try Files.replace(file("receipt.key", of: identity), with: receipt.privateKey, mode: 0o600)
            try Files.replace(file("receipt.pem", of: identity), with: receipt.certificate)
            try Files.replace(file("chain.pem", of: identity), with: tls.certificate + authority.certificate)
            try register(receipt.certificate, use: "receipt", now: now)
        }
        try register(tls.certificate, use: "tls", now: now)
        try Files.replace(file("key.pem", of: identity), with: tls.privateKey, mode: 0o600)
        try Files.replace(file("cert.pem", of: identity), with: tls.certificate)
        return true
    }

    /// Everything ever issued, oldest first.
    public func records() throws -> [Record] {
        try Files.text(registry).split(separator: "\n").enumerated().map { index, line in
            guard let record = Self.record(line) else {
                throw Failure("\(registry), line \(index + 1): not a line of a registry; restore it from a backup.")
            }
            return record
        }
    }

    /// Marks one certificate as revoked in this registry.
    /// - Returns: nil when the registry does not know it.
    public func revoke(_ fingerprint: String, now: Instant) throws -> Record? {
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
        try Files.replace(registry, with: records.map { $0.line + "\n" }.joined())
    }

    /// Of a certificate in PEM: SHA-256, in hexadecimal digits.
    public static func fingerprint(of pem: String) throws -> String { try Certificate(pem: pem).fingerprint }

    /// Reads a line of `registry.tsv`; nil when it is none.
    public static func record(_ line: some StringProtocol) -> Record? {
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

extension CertificateFolder {
    /// The text of a registered certificate, where this folder still has that very one.
    public func text(of record: Record) -> String? {
        let prefix = "spiffe://peyvand/"
        guard record.uri.hasPrefix(prefix) else { return nil }
        let name = record.use == "tls" ? "cert.pem" : "receipt.pem"
        guard let pem = try? Files.text("\(path)/\(record.uri.dropFirst(prefix.count))/\(name)"),
            (try? Self.fingerprint(of: pem)) == record.fingerprint
        else { return nil }
        return pem
    }
}
