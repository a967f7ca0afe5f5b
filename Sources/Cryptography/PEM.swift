import COpenSSL

/// Text in and out of OpenSSL by memory BIOs, each lent for one closure.
enum PEM {
    static func withReader<Result>(
        _ text: String, _ body: (OpaquePointer) throws(CryptoError) -> Result
    ) throws(CryptoError) -> Result {
        let bytes = Array(text.utf8)
        guard bytes.count < Int(Int32.max) else { throw CryptoError(.invalidParameters, "PEM text too long") }
        let reader = BIO_new(BIO_s_mem())
        defer { BIO_free(reader) }
        let bio = try CryptoError.check(reader, .library, "no memory for a reader")
        guard BIO_write(bio, bytes, Int32(bytes.count)) == Int32(bytes.count) else {
            throw CryptoError(.library, "no memory for a reader", causes: CryptoError.drainQueue())
        }
        return try body(bio)
    }

    /// What `write` put into a memory BIO, as text.
    static func text(
        _ write: (OpaquePointer) throws(CryptoError) -> Void
    ) throws(CryptoError) -> String {
        let writer = BIO_new(BIO_s_mem())
        defer { BIO_free(writer) }
        let bio = try CryptoError.check(writer, .library, "no memory for a writer")
        try write(bio)
        let count = BIO_ctrl_pending(bio)
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = Int(max(0, BIO_read(bio, buffer.baseAddress, Int32(count))))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The whole file at `path`, at most 1 MiB.
    static func contents(ofFile path: String) throws(CryptoError) -> String {
        let opened = BIO_new_file(path, "r")
        defer { BIO_free(opened) }
        let file = try CryptoError.check(opened, .unreadableFile, "cannot open \(path)")
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = BIO_read(file, &chunk, Int32(chunk.count))
            if count == 0 { break }
            guard count > 0, bytes.count + Int(count) <= 1 << 20 else {
                let causes = CryptoError.drainQueue()
                throw CryptoError(.unreadableFile, "cannot read \(path), or it is above 1 MiB", causes: causes)
            }
            bytes.append(contentsOf: chunk[..<Int(count)])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
