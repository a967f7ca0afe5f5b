/// What a case is about, with the office that usually answers for it.
public struct Category: Sendable, Hashable {
    public let code: String
    public let nameFA: String
    public let nameEN: String
    /// The suffix of the agency in the caller's region, such as `MUN` in `IR-03-MUN`; nil where there is none.
    public let localAgency: String?
    /// The ministry that oversees the subject; nil where none does.
    public let ministry: OrganizationCode?
    /// Forms show categories in this order, then in that of their codes.
    public let order: Int

    public init(
        code: String, nameFA: String, nameEN: String, localAgency: String? = nil, ministry: OrganizationCode? = nil,
        order: Int = 0
    ) {
        (self.code, self.nameFA, self.nameEN, self.order) = (code, nameFA, nameEN, order)
        (self.localAgency, self.ministry) = (localAgency, ministry)
    }

    /// Where a case of this category is usually referred first: the region's agency, else the ministry, else the
    /// region's own office. A proposal for the operator; nothing is referred by it alone.
    public func usualOrganization(in region: Origin) -> OrganizationCode {
        if let localAgency, !region.isHub { return OrganizationCode(known: region.code + "-" + localAgency) }
        return ministry ?? OrganizationCode(region)
    }

    /// For what fits nowhere else, and for codes that nobody knows: every country has it.
    public static let otherCode = "other"
}
