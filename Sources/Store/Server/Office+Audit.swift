import Contract

extension Office {
    /// Leaves one audit line for a connection that was turned away at a door.
    public func auditRefusal(door: String, identity: String?, fingerprint: String?, remote: String, reason: String) {
        auditTrail.note(
            AuditLine(
                actor: identity ?? "unknown", action: "\(door).refused", subject: fingerprint ?? "", remote: remote,
                detail: reason))
    }
}
