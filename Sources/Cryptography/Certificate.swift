import COpenSSL

/// What this system reads from an X.509 certificate. Reading verifies nothing.
public struct Certificate: Sendable, Equatable {
    /// The exact encoded bytes.
    public let der: [UInt8]
    /// SHA-256 of `der`, 64 lower-case hexadecimal digits.
    public let fingerprint: String
    /// The serial number in upper-case hexadecimal.
    public let serial: String
    /// The subject's common name, empty when it has none.
    public let commonName: String
    /// Every URI among the subject's alternative names, in their order.
    public let uriNames: [String]
    /// First and last instant of validity, Unix seconds.
    public let notBefore: Int64
    public let notAfter: Int64

    /// - Throws: `invalidCertificate`.
    public init(pem: String) throws(CryptoError) {
        self = try Self.withX509(pem: pem) { (x509) throws(CryptoError) in try Certificate(reading: x509) }
    }

    /// - Throws: `invalidCertificate`, also for bytes after the certificate.
    public init(der: [UInt8]) throws(CryptoError) {
        var consumed = 0
        let parsed = der.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var cursor = buffer.baseAddress
            defer { consumed = cursor.map { $0 - (buffer.baseAddress ?? $0) } ?? 0 }
            return d2i_X509(nil, &cursor, buffer.count)
        }
        defer { X509_free(parsed) }
        let x509 = try CryptoError.check(parsed, .invalidCertificate, "not a certificate in DER")
        guard consumed == der.count else {
            throw CryptoError(.invalidCertificate, "bytes after the certificate")
        }
        self = try Certificate(reading: x509)
    }

    /// The certificate in PEM.
    public func pem() -> String {
        let text = try? PEM.text { (bio) throws(CryptoError) in
            let written = PEM_write_bio(bio, "CERTIFICATE", "", der, der.count)
            guard written > 0 else { throw CryptoError(.library, "cannot write a certificate") }
        }
        guard let text else { fatalError("no memory to write a certificate") }
        return text
    }

    /// Lends the first certificate of `pem`.
    static func withX509<Result>(
        pem: String, _ body: (OpaquePointer) throws(CryptoError) -> Result
    ) throws(CryptoError) -> Result {
        let parsed = try PEM.withReader(pem) { (bio) throws(CryptoError) in
            try CryptoError.check(
                PEM_read_bio_X509(bio, nil, { _, _, _, _ in -1 }, nil), .invalidCertificate, "not a certificate in PEM")
        }
        defer { X509_free(parsed) }
        return try body(parsed)
    }

    private init(reading x509: OpaquePointer) throws(CryptoError) {
        der = try encoded(x509)
        fingerprint = hex(Digest.sha256(der))
        serial = try serialNumber(x509)
        commonName = subjectCommonName(x509)
        uriNames = subjectURINames(x509)
        notBefore = try unixSeconds(X509_get0_notBefore(x509))
        notAfter = try unixSeconds(X509_get0_notAfter(x509))
    }
}

/// Lower-case hexadecimal of `bytes`.
public func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

private func encoded(_ x509: OpaquePointer) throws(CryptoError) -> [UInt8] {
    let length = i2d_X509(x509, nil)
    guard length > 0 else {
        throw CryptoError(.invalidCertificate, "the certificate cannot be encoded", causes: CryptoError.drainQueue())
    }
    return [UInt8](unsafeUninitializedCapacity: Int(length)) { buffer, count in
        var cursor = buffer.baseAddress
        count = Int(i2d_X509(x509, &cursor))
    }
}

private func serialNumber(_ x509: OpaquePointer) throws(CryptoError) -> String {
    let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), nil)
    defer { BN_free(number) }
    let text = try CryptoError.check(BN_bn2hex(number), .invalidCertificate, "the serial number is unreadable")
    defer { CRYPTO_free(text, #fileID, #line) }
    return String(cString: text)
}

private func subjectCommonName(_ x509: OpaquePointer) -> String {
    let subject = X509_get_subject_name(x509)
    let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
    guard index >= 0, let entry = X509_NAME_get_entry(subject, index), let data = X509_NAME_ENTRY_get_data(entry)
    else { return "" }
    // The string may be of any ASN.1 type (BMPString, for one): OpenSSL turns each into UTF-8.
    var utf8: UnsafeMutablePointer<UInt8>?
    let length = ASN1_STRING_to_UTF8(&utf8, data)
    guard length >= 0, let utf8 else { return "" }
    defer { CRYPTO_free(utf8, #fileID, #line) }
    return String(decoding: UnsafeBufferPointer(start: utf8, count: Int(length)), as: UTF8.self)
}

private func subjectURINames(_ x509: OpaquePointer) -> [String] {
    guard let extensionValue = X509_get_ext_d2i(x509, NID_subject_alt_name, nil, nil) else { return [] }
    let names = OpaquePointer(extensionValue)
    defer { GENERAL_NAMES_free(names) }
    return (0..<peyvand_general_names_count(names)).compactMap { index in
        var length: Int32 = 0
        guard let bytes = peyvand_general_name_uri(names, index, &length) else { return nil }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(length)), as: UTF8.self)
    }
}

private func unixSeconds(_ time: UnsafePointer<ASN1_TIME>?) throws(CryptoError) -> Int64 {
    let epoch = ASN1_TIME_set(nil, 0)
    defer { ASN1_STRING_free(epoch) }
    var days: Int32 = 0
    var seconds: Int32 = 0
    try CryptoError.check(
        ASN1_TIME_diff(&days, &seconds, epoch, time), .invalidCertificate, "the validity is unreadable")
    return Int64(days) * 86_400 + Int64(seconds)
}
