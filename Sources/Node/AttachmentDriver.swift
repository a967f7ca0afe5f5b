import Attachments
import Casework
import Contract
import Federation
import HTTP2
import Logging
import Store
import Synchronization

/// Brings the cases' files to the hub and from it, by a connection of its own: one file at a time in each direction.
/// What to bring follows from the journal's rows and the files on the disk, so that nothing is forgotten by a crash.
struct AttachmentDriver: Sendable {
    private let configuration: NodeConfiguration
    private let office: Office
    private let notices: Broadcast<Writer<NodeCore>.Notice>
    private let logger: Logger

    init(
        configuration: NodeConfiguration, office: Office, notices: Broadcast<Writer<NodeCore>.Notice>, logger: Logger
    ) {
        self.configuration = configuration
        self.office = office
        self.notices = notices
        var logger = logger
        logger[metadataKey: "connection"] = "attachments"
        self.logger = logger
    }

    /// Dials until cancelled. A connection that moved bytes was worth dialling: the next one does not wait long.
    func run() async {
        let backOff = Mutex(BackOff())
        while !Task.isCancelled {
            if let files = office.files {
                do {
                    try await connectOnce(files) { backOff.withLock { $0.succeeded() } }
                } catch is CancellationError {
                    return
                } catch {
                    logger.info("files' connection down", metadata: ["reason": "\(error)"])
                }
            }
            var random = SystemRandomNumberGenerator()
            let wait = backOff.withLock { $0.next(random: &random) }
            do { try await Task.sleep(for: .milliseconds(wait)) } catch { return }
        }
    }

    private func connectOnce(_ files: AttachmentFiles, moved: @escaping @Sendable () -> Void) async throws {
        let host = configuration.attachmentsHost ?? configuration.linkHost
        let port = configuration.attachmentsPort ?? configuration.linkPort
        let connection = try await ClientConnection.connect(
            host: host, port: port,
            tls: TLSConfiguration(
                certificateChainFile: configuration.certificate, privateKeyFile: configuration.privateKey,
                trustRootsFile: configuration.trustRoots, alpn: [.h2], expectedPeerURI: "spiffe://peyvand/hub"),
            logger: logger)
        let calls = FileCalls(connection: connection, authority: "\(host):\(port)", office: office, logger: logger)
        let errands = FileErrands(office: office, files: files, calls: calls, logger: logger, moved: moved)
        do {
            try await errands.run(notices)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }
}
