/// All organisations, by code and by who stands above whom. Every list it gives is sorted by code.
public struct OrganizationTree: Sendable, Hashable {
    /// What is wrong with a list of organisations; the first in the order of codes is named.
    public enum Invalid: Error, Sendable, Hashable {
        case duplicate(OrganizationCode)
        case unknownParent(OrganizationCode, parent: OrganizationCode)
        /// The organisation is its own ancestor.
        case cycle(OrganizationCode)
        /// Presidency and ministries sit at the hub, a province's office at the node of its own code.
        case badSeat(OrganizationCode, seat: Origin)
        /// The area names something that is no province.
        case badArea(OrganizationCode, area: String)
    }

    /// Every organisation, by code.
    public let all: [Organization]
    private let byCode: [OrganizationCode: Organization]
    private let childrenByCode: [OrganizationCode: [Organization]]

    public init(_ organizations: [Organization]) throws(Invalid) {
        all = organizations.sorted { $0.code < $1.code }
        byCode = Dictionary(all.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })
        // `all` is sorted, and grouping keeps its order.
        let placed = all.filter { $0.parent != nil }
        childrenByCode = Dictionary(grouping: placed) { $0.parent ?? $0.code }
        for (left, right) in zip(all, all.dropFirst()) where left.code == right.code {
            throw .duplicate(left.code)
        }
        for organization in all {
            try OrganizationTree.checkPlace(organization)
            if let parent = organization.parent, byCode[parent] == nil {
                throw .unknownParent(organization.code, parent: parent)
            }
        }
        if let trapped = firstInCycle() { throw .cycle(trapped) }
    }

    private static func checkPlace(_ organization: Organization) throws(Invalid) {
        let isWellSeated =
            switch organization.kind {
            case .presidency, .ministry: organization.seat.isHub
            case .province: organization.seat.code == organization.code.rawValue
            case .agency: true
            }
        guard isWellSeated else { throw .badSeat(organization.code, seat: organization.seat) }
        for province in organization.area where Origin(province)?.provinceNumber == nil {
            throw .badArea(organization.code, area: province)
        }
    }

    /// What no walk down from the roots reaches hangs on a cycle; the first such that is its own ancestor is given.
    private func firstInCycle() -> OrganizationCode? {
        var reached: Set<OrganizationCode> = []
        var front = all.filter { $0.parent == nil }
        while let next = front.popLast() {
            reached.insert(next.code)
            front += childrenByCode[next.code] ?? []
        }
        return all.first { !reached.contains($0.code) && isOwnAncestor($0) }?.code
    }

    private func isOwnAncestor(_ organization: Organization) -> Bool {
        var above = organization.parent
        for _ in all {
            guard let code = above else { return false }
            if code == organization.code { return true }
            above = byCode[code]?.parent
        }
        return false
    }

    // MARK: Questions

    public subscript(code: OrganizationCode) -> Organization? { byCode[code] }

    public func seat(of code: OrganizationCode) -> Origin? { byCode[code]?.seat }

    public func children(of code: OrganizationCode) -> [Organization] { childrenByCode[code] ?? [] }

    /// From the parent up to the root; the one list whose order is not that of codes.
    public func ancestors(of code: OrganizationCode) -> [Organization] {
        var result: [Organization] = []
        var above = byCode[code]?.parent
        while let parent = above.flatMap({ byCode[$0] }) {
            result.append(parent)
            above = parent.parent
        }
        return result
    }

    /// Everything below, without the organisation itself.
    public func descendants(of code: OrganizationCode) -> [Organization] {
        var result: [Organization] = []
        var front = children(of: code)
        while let next = front.popLast() {
            result.append(next)
            front += children(of: next.code)
        }
        return result.sorted { $0.code < $1.code }
    }

    /// True where `code` is `other` or stands below it; false where either is unknown.
    public func isWithin(_ code: OrganizationCode, _ other: OrganizationCode) -> Bool {
        guard byCode[code] != nil, byCode[other] != nil else { return false }
        return code == other || ancestors(of: code).contains { $0.code == other }
    }

    /// All that work at one origin.
    public func seated(at origin: Origin) -> [Organization] { all.filter { $0.seat == origin } }

    /// All agencies and offices whose area touches a province, national ones included.
    public func serving(_ province: Origin) -> [Organization] { all.filter { $0.serves(province) } }
}
