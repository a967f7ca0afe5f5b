import COpenSSL

/// Signs certificates in process, in the profiles of `certs/profiles`: one URI name, the usages of its kind.
public struct CertificateAuthority: Sendable {
    /// What a certificate is for.
    public enum Profile: Sendable, Equatable {
        /// The hub or a node: TLS server and client. `hosts`: DNS names and IP addresses beside `localhost`,
        /// `127.0.0.1` and `::1`.
        case server(hosts: [String])
        /// A ministry or an operator: TLS client only.
        case client
        /// Signs receipts with Ed25519; its only extended usage is document signing (RFC 9336).
        case receipt
    }

    /// A new key with its certificate, both in PEM. The key is unencrypted PKCS #8: keep it in a file of mode 0600.
    public struct Issued: Sendable {
        public let certificate: String
        public let privateKey: String
    }

    /// Days that the authority's own certificate lasts, a TLS certificate, and a receipt's.
    public static let authorityDays = 7300
    public static let tlsDays = 397
    public static let receiptDays = 3650

    /// The authority's certificate in PEM: what peers trust.
    public let certificate: String
    /// Its key in PEM.
    public let privateKey: String
    private let key: KeyHandle

    /// Makes a new authority with a P-256 key.
    ///
    /// - Parameter now: its first second of validity, Unix seconds.
    /// - Throws: `library`.
    public static func create(now: Int64) throws(CryptoError) -> CertificateAuthority {
        let key = try KeyHandle.generate(EVP_PKEY_EC)
        let certificate = try signedCertificate(
            Request(
                commonName: "Peyvand authority", now: now, days: authorityDays,
                extensions: [
                    (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                    (NID_key_usage, "critical,keyCertSign,cRLSign"), (NID_subject_key_identifier, "hash"),
                ]), for: key, by: key, issuer: nil)
        return try CertificateAuthority(certificate: certificate, privateKey: key.pem())
    }

    /// An existing authority, from PEM.
    ///
    /// - Throws: `invalidCertificate`; `invalidKey`, also when the two do not belong together.
    public init(certificate: String, privateKey: String) throws(CryptoError) {
        self.certificate = certificate
        self.privateKey = privateKey
        let key = try KeyHandle(pem: privateKey)
        self.key = key
        try Certificate.withX509(pem: certificate) { (x509) throws(CryptoError) in
            try CryptoError.check(
                key.withKey { X509_check_private_key(x509, $0) }, .invalidKey,
                "the authority's key does not belong to its certificate")
        }
    }

    /// A new key and a certificate for `uri`, such as `spiffe://peyvand/node/IR-03`.
    ///
    /// - Parameters:
    ///   - commonName: for people, such as `node IR-03`.
    ///   - now: first second of validity, Unix seconds.
    /// - Throws: `invalidParameters` for a URI or host with other characters than names have; `library`.
    public func issue(
        _ profile: Profile, uri: String, commonName: String, days: Int? = nil, now: Int64
    ) throws(CryptoError) -> Issued {
        let key = try KeyHandle.generate(profile == .receipt ? EVP_PKEY_ED25519 : EVP_PKEY_EC)
        let request = Request(
            commonName: commonName, now: now,
            days: days ?? (profile == .receipt ? Self.receiptDays : Self.tlsDays),
            extensions: [
                (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, profile.keyUsage),
                (NID_ext_key_usage, profile.extendedUsage), (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid:always"),
                (NID_subject_alt_name, try profile.alternativeNames(uri: uri)),
            ])
        let issuerKey = self.key
        let issued = try Certificate.withX509(pem: certificate) { (issuer) throws(CryptoError) in
            try Self.signedCertificate(request, for: key, by: issuerKey, issuer: issuer)
        }
        return Issued(certificate: issued, privateKey: try key.pem())
    }
}

extension CertificateAuthority.Profile {
    fileprivate var keyUsage: String {
        self == .receipt ? "critical,digitalSignature,nonRepudiation" : "critical,digitalSignature"
    }

    fileprivate var extendedUsage: String {
        switch self {
        case .server: "serverAuth,clientAuth"
        case .client: "clientAuth"
        case .receipt: "1.3.6.1.5.5.7.3.36"
        }
    }

    /// In OpenSSL's configuration syntax, where a comma would begin another name: hence the strict characters.
    fileprivate func alternativeNames(uri: String) throws(CryptoError) -> String {
        guard uri.utf8.allSatisfy({ Self.isNameByte($0) || $0 == UInt8(ascii: "/") }), !uri.isEmpty else {
            throw CryptoError(.invalidParameters, "not a URI for a certificate: \(uri)")
        }
        var names = ["URI:" + uri]
        guard case .server(let hosts) = self else { return names[0] }
        names += ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
        for host in hosts {
            guard !host.isEmpty, host.utf8.allSatisfy(Self.isNameByte) else {
                throw CryptoError(.invalidParameters, "neither a host name nor an IP address: \(host)")
            }
            let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
            let name = (isAddress ? "IP:" : "DNS:") + host.lowercased()
            if !names.contains(name) { names.append(name) }
        }
        return names.joined(separator: ",")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

// MARK: - X.509

extension CertificateAuthority {
    fileprivate struct Request {
        var commonName: String
        var now: Int64
        var days: Int
        /// In this order, each as its NID and its value in OpenSSL's configuration syntax.
        var extensions: [(nid: Int32, value: String)]
    }

    /// A certificate for `subjectKey` in PEM; self-signed without an `issuer`.
    fileprivate static func signedCertificate(
        _ request: Request, for subjectKey: KeyHandle, by issuerKey: KeyHandle, issuer: OpaquePointer?
    ) throws(CryptoError) -> String {
        let made = X509_new()
        defer { X509_free(made) }
        let x509 = try CryptoError.check(made, .library, "no memory for a certificate")
        // X.509 version 3 is written as 2.
        try CryptoError.check(X509_set_version(x509, 2), .library, "cannot set the version")
        try setSerialNumber(of: x509)
        let end = request.now + Int64(request.days) * 86_400
        guard ASN1_TIME_set(X509_getm_notBefore(x509), time_t(request.now)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(x509), time_t(end)) != nil
        else { throw CryptoError(.library, "cannot set the validity", causes: CryptoError.drainQueue()) }
        let subject = X509_get_subject_name(x509)
        for (name, value) in [("O", "Peyvand"), ("CN", request.commonName)] {
            try CryptoError.check(
                X509_NAME_add_entry_by_txt(
                    subject, name, MBSTRING_UTF8, Array(value.utf8), Int32(value.utf8.count), -1, 0),
                .invalidParameters, "not a name for a certificate: \(value)")
        }
        try CryptoError.check(
            X509_set_issuer_name(x509, issuer.map { X509_get_subject_name($0) } ?? subject), .library,
            "cannot set the issuer")
        try CryptoError.check(
            subjectKey.withKey { X509_set_pubkey(x509, $0) }, .library, "cannot set the public key")
        for (nid, value) in request.extensions { try add(nid, value, to: x509, issuer: issuer ?? x509) }
        guard issuerKey.withKey({ X509_sign(x509, $0, EVP_sha256()) }) > 0 else {
            throw CryptoError(.library, "cannot sign a certificate", causes: CryptoError.drainQueue())
        }
        return try PEM.text { (bio) throws(CryptoError) in
            try CryptoError.check(PEM_write_bio_X509(bio, x509), .library, "cannot write a certificate")
        }
    }

    /// 159 random bits: positive in DER's 20 bytes, and unique without a register.
    private static func setSerialNumber(of x509: OpaquePointer) throws(CryptoError) {
        var bytes = SecureRandom.bytes(20)
        bytes[0] = bytes[0] & 0x7F | 0x40
        let number = BN_bin2bn(bytes, Int32(bytes.count), nil)
        defer { BN_free(number) }
        let serial = BN_to_ASN1_INTEGER(number, nil)
        defer { ASN1_STRING_free(serial) }
        try CryptoError.check(X509_set_serialNumber(x509, serial), .library, "cannot set the serial number")
    }

    private static func add(
        _ nid: Int32, _ value: String, to x509: OpaquePointer, issuer: OpaquePointer
    ) throws(CryptoError) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, x509, nil, nil, 0)
        let made = X509V3_EXT_conf_nid(nil, &context, nid, value)
        defer { X509_EXTENSION_free(made) }
        let entry = try CryptoError.check(made, .invalidParameters, "not a certificate extension: \(value)")
        try CryptoError.check(X509_add_ext(x509, entry, -1), .library, "cannot add an extension")
    }
}

extension KeyHandle {
    /// A new key: `EVP_PKEY_EC` on P-256, or `EVP_PKEY_ED25519`.
    fileprivate static func generate(_ type: Int32) throws(CryptoError) -> KeyHandle {
        let made = EVP_PKEY_CTX_new_id(type, nil)
        defer { EVP_PKEY_CTX_free(made) }
        let context = try CryptoError.check(made, .library, "cannot make a key")
        try CryptoError.check(EVP_PKEY_keygen_init(context), .library, "cannot make a key")
        if type == EVP_PKEY_EC {
            try CryptoError.check(
                EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1), .library,
                "OpenSSL has no P-256")
        }
        var key: OpaquePointer?
        try CryptoError.check(EVP_PKEY_keygen(context, &key), .library, "cannot make a key")
        return KeyHandle(owning: try CryptoError.check(key, .library, "cannot make a key"))
    }

    fileprivate convenience init(pem: String) throws(CryptoError) {
        let key = try PEM.withReader(pem) { (bio) throws(CryptoError) in
            // The callback answers "no passphrase"; without one OpenSSL would ask on the terminal.
            try CryptoError.check(
                PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil), .invalidKey, "not a private key in PEM")
        }
        self.init(owning: key)
    }

    fileprivate func pem() throws(CryptoError) -> String {
        try PEM.text { (bio) throws(CryptoError) in
            let result = withKey { PEM_write_bio_PKCS8PrivateKey(bio, $0, nil, nil, 0, nil, nil) }
            try CryptoError.check(result, .library, "cannot write a key")
        }
    }
}
