/// An office that cases can be referred to.
public struct Organization: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case presidency, province, ministry, agency
    }

    public let code: OrganizationCode
    public let kind: Kind
    public let nameFA: String
    public let nameEN: String
    /// Nil for a root.
    public let parent: OrganizationCode?
    /// The origin where it works: custody among organisations of one seat moves without the hub.
    public let seat: Origin
    /// The provinces that it serves, as ISO codes in order without repetition; empty = the whole country.
    public let area: [String]
    /// True where the area is only a part of those provinces, such as South Kerman within Kerman.
    public let areaIsPartial: Bool

    public init(
        code: OrganizationCode, kind: Kind, nameFA: String, nameEN: String, parent: OrganizationCode?, seat: Origin,
        area: [String], areaIsPartial: Bool = false
    ) {
        self.code = code
        self.kind = kind
        self.nameFA = nameFA
        self.nameEN = nameEN
        self.parent = parent
        self.seat = seat
        self.area = Set(area).sorted()
        self.areaIsPartial = areaIsPartial
    }

    /// True where it serves the whole country, that province or a part of it.
    public func serves(_ province: Origin) -> Bool { area.isEmpty || area.contains(province.code) }
}
