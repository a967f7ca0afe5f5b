/// What a case is about, from a fixed list, with the office that usually answers for it.
public struct Category: Sendable, Hashable {
    public let code: String
    public let nameFA: String
    public let nameEN: String
    /// The suffix of the agency in the caller's province, such as `MUN` in `IR-03-MUN`; nil where there is none.
    public let localAgency: String?
    /// The ministry that oversees the subject; nil where none does.
    public let ministry: OrganizationCode?

    /// Where a case of this category is usually referred first: the province's agency, else the ministry, else the
    /// province's own office. A proposal for the operator; nothing is referred by it alone.
    public func usualOrganization(in province: Origin) -> OrganizationCode {
        if let localAgency, !province.isHub { return OrganizationCode(known: province.code + "-" + localAgency) }
        return ministry ?? OrganizationCode(province)
    }

    /// In the order in which forms show them.
    public static let all: [Category] =
        rows.map { code, nameFA, nameEN, localAgency, ministry in
            Category(
                code: code, nameFA: nameFA, nameEN: nameEN, localAgency: localAgency,
                ministry: ministry.map(OrganizationCode.init(known:)))
        } + [other]

    /// The category of that code.
    public static subscript(code: String) -> Category? { byCode[code] }

    /// For what fits nowhere else, and for codes that this version does not know.
    public static let other = Category(
        code: "other", nameFA: "سایر", nameEN: "Other", localAgency: nil, ministry: nil)

    private static let byCode = Dictionary(all.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })

    private static let rows: [(String, String, String, String?, String?)] = [
        ("loans", "وام و تسهیلات بانکی", "Loans", nil, "ECON"),
        ("employment", "اشتغال", "Employment", "LABOR", "LABOR"),
        ("housing", "مسکن", "Housing", "ROADS", "ROADS"),
        ("livelihood", "معیشت", "Livelihood", "LABOR", "LABOR"),
        ("medical", "درمان", "Medical care", "MED", "HEALTH"),
        ("financial-aid", "کمک مالی", "Financial aid", "LABOR", "LABOR"),
        ("cut-subsidy", "قطع یارانه", "Cut subsidy", "LABOR", "LABOR"),
        ("unresponsive-agency", "پاسخگو نبودن دستگاه", "Unresponsive agency", nil, nil),
        ("municipal-services", "خدمات شهری", "Municipal services", "MUN", "INTERIOR"),
        ("education", "آموزش و پرورش", "Education", "EDU", "EDU"),
        ("higher-education", "آموزش عالی", "Higher education", nil, "SCIENCE"),
        ("judiciary", "امور قضایی", "Judiciary", "JUD", "JUSTICE"),
        ("trade-prices", "گران‌فروشی و قیمت کالا", "Prices and overcharging", "SAMT", "SAMT"),
        ("guild-complaints", "شکایت صنفی", "Guild and trade complaints", "SAMT", "SAMT"),
        ("licences", "مجوز کسب‌وکار", "Business licences", "SAMT", "SAMT"),
        ("water", "آب و فاضلاب", "Water and wastewater", "WATER", "ENERGY"),
        ("electricity", "برق", "Electricity", "ELEC", "ENERGY"),
        ("gas-fuel", "گاز و سوخت", "Gas and fuel", nil, "OIL"),
        ("roads", "راه و حمل‌ونقل", "Roads and transport", "ROADS", "ROADS"),
        ("telecom", "تلفن و اینترنت", "Telephone and internet", nil, "ICT"),
        ("agriculture", "کشاورزی", "Agriculture", nil, "AGRI"),
        ("tax-customs", "مالیات و گمرک", "Tax and customs", nil, "ECON"),
    ]
}
