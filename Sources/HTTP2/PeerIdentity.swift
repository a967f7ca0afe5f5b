import COpenSSL

/// Who is at the other end, read from a certificate that passed.
public struct PeerIdentity: Sendable, Hashable {
    /// The certificate's one URI name, such as `spiffe://peyvand/node/IR-03`.
    public let uri: String
    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    public let fingerprint: String
    /// Upper-case hexadecimal.
    public let serial: String
    public let commonName: String
    /// Last instant of validity, Unix seconds.
    public let notAfter: Int64

    public init(uri: String, fingerprint: String, serial: String, commonName: String, notAfter: Int64) {
        self.uri = uri
        self.fingerprint = fingerprint
        self.serial = serial
        self.commonName = commonName
        self.notAfter = notAfter
    }
}

/// A connection that was turned away, or ended for what its peer did: one record for each.
public struct RefusalRecord: Sendable {
    /// Address and port of the peer.
    public let remoteAddress: String
    public let code: HTTP2Error.Code
    /// One line, in English.
    public let reason: String
    /// What the peer's certificate says, whether or not it passed; nil without a readable one.
    public let identity: PeerIdentity?
}

extension PeerIdentity {
    /// Reads `x509`; nil when a field cannot be read. `uri` is empty unless there is exactly one URI name.
    init?(reading x509: OpaquePointer) {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard X509_digest(x509, EVP_sha256(), &digest, &length) == 1 else { return nil }
        let digits = Array("0123456789abcdef".utf8)
        let hex = digest[..<Int(length)].flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        guard let serial = Self.serial(of: x509), let notAfter = Self.notAfter(of: x509) else { return nil }
        let uris = Self.uris(of: x509)
        self.init(
            uri: uris.count == 1 ? uris[0] : "", fingerprint: String(decoding: hex, as: UTF8.self), serial: serial,
            commonName: Self.commonName(of: x509), notAfter: notAfter)
    }

    private static func serial(of x509: OpaquePointer) -> String? {
        let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), nil)
        defer { BN_free(number) }
        guard let number, let text = BN_bn2hex(number) else { return nil }
        defer { CRYPTO_free(text, #fileID, #line) }
        return String(cString: text)
    }

    private static func commonName(of x509: OpaquePointer) -> String {
        let subject = X509_get_subject_name(x509)
        let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard index >= 0, let entry = X509_NAME_get_entry(subject, index) else { return "" }
        var utf8: UnsafeMutablePointer<UInt8>?
        let length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry))
        guard length >= 0, let utf8 else { return "" }
        defer { CRYPTO_free(utf8, #fileID, #line) }
        return String(decoding: UnsafeBufferPointer(start: utf8, count: Int(length)), as: UTF8.self)
    }

    private static func uris(of x509: OpaquePointer) -> [String] {
        guard let value = X509_get_ext_d2i(x509, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(value)
        defer { GENERAL_NAMES_free(names) }
        return (0..<peyvand_general_names_count(names)).compactMap { index in
            var length: Int32 = 0
            guard let bytes = peyvand_general_name_uri(names, index, &length) else { return nil }
            return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(length)), as: UTF8.self)
        }
    }

    private static func notAfter(of x509: OpaquePointer) -> Int64? {
        let epoch = ASN1_TIME_set(nil, 0)
        defer { ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(x509)) == 1 else { return nil }
        return Int64(days) * 86_400 + Int64(seconds)
    }
}
