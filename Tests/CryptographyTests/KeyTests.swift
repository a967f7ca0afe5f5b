import Cryptography
import Testing

@Suite struct KeyTests {
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBZjCCARigAwIBAgIEAKvBIzAFBgMrZXAwFTETMBEGA1UEAwwKbm9kZSBJUi0w
        MzAgFw0yNjExMjEyMDQ1NTFaGA8yMTI2MTAyODIwNDU1MVowFTETMBEGA1UEAwwK
        bm9kZSBJUi0wMzAqMAUGAytlcAMhAP621uuOBz4rzx0AUyQzD6M5LEkH+Yu52jmj
        zBCWdN4lo4GHMIGEMB0GA1UdDgQWBBQKHRgZ9os42ibv6uRrce5BNmWWfTAfBgNV
        HSMEGDAWgBQKHRgZ9os42ibv6uRrce5BNmWWfTAPBgNVHRMBAf8EBTADAQH/MDEG
        A1UdEQQqMCiGG3NwaWZmZTovL3BleXZhbmQvbm9kZS9JUi0wM4IJbG9jYWxob3N0
        MAUGAytlcANBAMc4MhdfAO1TN8iSOEu8Vkd1QSRWuhzbRX1fbNDa4OKFb1Ee5A44
        Ty+ELZ9ly82ydJ1PxUEAQnz+llONh99ZNwE=
        -----END CERTIFICATE-----

        """

    @Test func signsAndVerifies() throws {
        let key = SigningKey.generate()
        let message = Array("receipt".utf8)
        let signature = try key.sign(message)
        #expect(signature.count == 64)
        let verifying = try VerifyingKey(raw: key.publicKey)
        #expect(verifying.verify(signature, message))
        #expect(!verifying.verify(signature, Array("receipT".utf8)))
        var broken = signature
        broken[5] ^= 1
        #expect(!verifying.verify(broken, message))
        #expect(!verifying.verify([], message))
        #expect(!(try VerifyingKey(raw: SigningKey.generate().publicKey)).verify(signature, message))
    }

    @Test func emptyMessageOfRFC8032() throws {
        let key = try VerifyingKey(raw: bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
        let signature = bytes(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
                + "d25bf5f0595bbe24655141438e7a100b")
        #expect(key.verify(signature, []))
    }

    @Test func pemRoundTrip() throws {
        let key = SigningKey.generate()
        let again = try SigningKey(pem: key.pem())
        #expect(again.publicKey == key.publicKey)
        #expect(try again.sign([1]) == key.sign([1]))
    }

    @Test func refusesWhatIsNoEd25519Key() {
        #expect(throws: CryptoError.self) { try SigningKey(pem: "no key") }
        #expect(throws: CryptoError.self) { try SigningKey(pemFile: "/nonexistent/key.pem") }
        #expect(throws: CryptoError.self) { try VerifyingKey(raw: [1, 2, 3]) }
        #expect(throws: CryptoError.self) { try VerifyingKey(certificatePEM: "no certificate") }
    }

    @Test func readsCertificate() throws {
        let certificate = try Certificate(pem: Self.certificate)
        #expect(
            certificate.fingerprint == "a59c6f1ffcd94bd6a27a4605a8ed3a6c8b2651e9691e6d90d99ec5f64115027d")
        #expect(certificate.serial == "ABC123")
        #expect(certificate.commonName == "node IR-03")
        #expect(certificate.uriNames == ["spiffe://peyvand/node/IR-03"])
        #expect(certificate.notBefore == 1_795_293_951)
        #expect(certificate.notAfter == 4_948_893_951)
        #expect(try Certificate(der: certificate.der) == certificate)
        #expect(certificate.pem() == Self.certificate)
        #expect(
            try hex(VerifyingKey(certificatePEM: Self.certificate).raw)
                == "feb6d6eb8e073e2bcf1d005324330fa3392c4907f98bb9da39a3cc109674de25")
    }

    @Test func refusesBrokenCertificates() throws {
        let der = try Certificate(pem: Self.certificate).der
        #expect(throws: CryptoError.self) { try Certificate(der: der + [0]) }
        #expect(throws: CryptoError.self) { try Certificate(der: Array(der.dropLast())) }
        #expect(throws: CryptoError.self) { try Certificate(der: []) }
        #expect(throws: CryptoError.self) { try Certificate(pem: "") }
    }

    private func bytes(_ text: String) -> [UInt8] {
        let digits = Array(text)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }
}
