import Attachments
public import Casework
public import Contract
import Cryptography
import Federation

extension StoredService {
    public func attach(_ upload: FileUpload) async throws -> CommandResult {
        let files = try files()
        try await check(upload)
        let (sha256, size) = try await take(upload, files)
        let attachment = Attachment(sha256: sha256, size: size, mediaType: upload.mediaType)
        let body = Array((upload.request + "\n" + upload.mediaType + "\n").utf8) + sha256.bytes
        let result = try await execute(
            CommandRequest(
                principal: upload.principal, command: .attach(attachment, name: upload.name), caseID: upload.caseID,
                idempotencyKey: upload.idempotencyKey, bodyHash: Digest.sha256(body)))
        try await office.attachments.note(sha256, isHere: true, of: origin)
        office.arrivals.send(sha256)
        return result
    }

    public func attachments(of id: CaseID, for principal: Principal) async throws -> [AttachmentDocument] {
        guard let record = try await office.reads.record(id) else { throw Refusal.unknownCase }
        audit(principal, "attachments.read", id.description)
        let isReadable = office.reads.readership(of: principal).includes(record.state)
        let here = try await office.attachments.eventsHere(of: id)
        return record.state.attachments.map { file in
            let event = record.events.first { $0.hash == file.event }
            let isHidden = record.state.hidden.contains(file.event)
            let origin = event?.origin ?? id.home
            return AttachmentDocument(
                event: file.event.description, sha256: file.attachment.sha256.description,
                size: file.attachment.size,
                present: here.contains(file.event) ? file.attachment.size : partial(file.attachment, of: origin),
                mediaType: file.attachment.mediaType,
                name: isReadable && !isHidden ? event?.texts?.text : nil, actor: ActorDocument(file.actor),
                origin: origin.code, occurredAt: file.at.rfc3339, hidden: isHidden)
        }
    }

    public func attachment(
        _ file: EventHash, of id: CaseID, for principal: Principal
    ) async throws -> FileContent {
        guard let record = try await office.reads.record(id) else { throw Refusal.unknownCase }
        guard office.reads.readership(of: principal).includes(record.state) else {
            throw Refusal.forbidden(reason: "the files of this case are for those who act on it")
        }
        let named = record.state.attachments.filter {
            $0.attachment.sha256 == file && !record.state.hidden.contains($0.event)
        }
        let here = try await office.attachments.eventsHere(of: id)
        guard let one = named.last(where: { here.contains($0.event) }) ?? named.last else { throw FileRefusal.unknown }
        let event = record.events.first { $0.hash == one.event }
        guard here.contains(one.event) else {
            let present = partial(one.attachment, of: event?.origin ?? id.home)
            throw FileRefusal.notHere(present: present, of: one.attachment.size)
        }
        let stored: StoredFile
        do {
            stored = try await files().open(file)
        } catch let fault as FileFault where fault.code == .missing {
            try await office.attachments.note(file, isHere: false)
            throw FileRefusal.notHere(present: 0, of: one.attachment.size)
        }
        audit(principal, "attachment.read", "\(id) \(file)")
        return FileContent(
            name: event?.texts?.text, mediaType: one.attachment.mediaType, size: stored.size
        ) { offset in try await stored.read(at: offset, count: 64 << 10) }
    }

    private func files() throws(ServiceError) -> AttachmentFiles {
        guard let files = office.files else {
            throw .unavailable("this server keeps no files: its operator has to name a directory (--attachments)")
        }
        return files
    }

    /// Whether the event would be taken: before the first byte of the file is.
    private func check(_ upload: FileUpload) async throws {
        try Limits.check(fileName: upload.name, mediaType: upload.mediaType)
        guard upload.announced ?? 0 <= Limits.attachment else { throw FileRefusal.tooLarge(limit: Limits.attachment) }
        guard let record = try await office.reads.record(upload.caseID) else { throw Refusal.unknownCase }
        let context = await context(of: upload.principal, on: record)
        let likely = Attachment(sha256: .zero, size: upload.announced ?? 1, mediaType: upload.mediaType)
        _ = try record.state.decide(.attach(likely, name: upload.name), in: context)
    }

    private func take(
        _ upload: FileUpload, _ files: AttachmentFiles
    ) async throws -> (sha256: EventHash, size: UInt64) {
        do {
            let file = try await files.newFile(announced: upload.announced)
            let size = try await Self.write(upload.body, to: file)
            guard size > 0 else { throw Refusal.invalid(field: "file", .emptyFile) }
            return try await file.keep()
        } catch let fault as FileFault {
            if fault.code == .full { throw FileRefusal.diskFull }
            throw ServiceError.unavailable(fault.message)
        }
    }

    private static func write(
        _ body: some AsyncSequence<[UInt8], any Error>, to file: NewFile
    ) async throws -> UInt64 {
        var size: UInt64 = 0
        do {
            for try await piece in body {
                guard size + UInt64(piece.count) <= Limits.attachment else {
                    throw FileRefusal.tooLarge(limit: Limits.attachment)
                }
                size = try await file.append(piece)
            }
        } catch let refusal as FileRefusal {
            throw refusal
        } catch let fault as FileFault {
            throw fault
        } catch {
            throw FileRefusal.brokenOff
        }
        return size
    }

    /// What a transfer has brought so far: to a node from the hub, to the hub from the event's own origin.
    private func partial(_ attachment: Attachment, of author: Origin) -> UInt64 {
        let bytes = office.files?.partialSize(of: attachment.sha256, from: origin.isHub ? author : .hub) ?? 0
        return min(bytes, attachment.size)
    }

    private func audit(_ principal: Principal, _ action: String, _ subject: String) {
        office.auditTrail.note(
            AuditLine(actor: principal.actor.line, action: action, subject: subject, remote: "", detail: ""))
    }
}
