import Cryptography
import Testing

@Suite struct DigestTests {
    @Test func sha256OfPublishedVectors() {
        #expect(
            hex(Digest.sha256(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hex(Digest.sha256([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func reusedContextGivesTheSameAsOneShot() {
        let hasher = SHA256()
        for length in [0, 1, 55, 56, 64, 300, 5000] {
            let bytes = SecureRandom.bytes(length)
            #expect(hasher.hash(bytes) == Digest.sha256(bytes))
        }
        hasher.begin()
        Array("a".utf8).withUnsafeBytes { hasher.update($0) }
        Array("bc".utf8).withUnsafeBytes { hasher.update($0) }
        #expect(hasher.finish() == Digest.sha256(Array("abc".utf8)))
    }

    @Test func hmacOfRFC4231() {
        let mac = Digest.hmacSHA256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(hex(mac) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let empty = Digest.hmacSHA256(key: [], [])
        #expect(hex(empty) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test func scryptOfRFC7914() throws {
        let key = try Scrypt.hash(
            password: Array("password".utf8), salt: Array("NaCl".utf8), n: 1024, r: 8, p: 16, length: 64)
        #expect(hex(key).hasPrefix("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"))
        let empty = try Scrypt.hash(password: [], salt: [], n: 16, r: 1, p: 1, length: 64)
        #expect(hex(empty).hasPrefix("77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"))
    }

    @Test func scryptRefusesMoreMemoryThanAllowed() {
        #expect {
            _ = try Scrypt.hash(password: [1], salt: [2], n: 1 << 16, r: 8, p: 1, maxMemory: 1 << 20)
        } throws: { ($0 as? CryptoError)?.code == .invalidParameters }
    }

    @Test func constantTimeComparison() {
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
        #expect(constantTimeEqual([], []))
    }

    @Test func randomBytesDiffer() {
        #expect(SecureRandom.bytes(16) != SecureRandom.bytes(16))
        #expect(SecureRandom.bytes(0).isEmpty)
        #expect(SecureRandom.uint64() != SecureRandom.uint64())
    }
}
