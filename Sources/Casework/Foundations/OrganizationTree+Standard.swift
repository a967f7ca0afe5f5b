extension OrganizationTree {
    /// Where an installation starts, before the hub changes anything: the presidential office, the governors, the
    /// ministries, and in each province the agencies that people complain of most.
    ///
    /// Departments of a ministry stand below it and work at their province; municipalities and the judiciary's liaison
    /// stand below the governor.
    public static let standard: OrganizationTree = {
        let offices = [presidency] + ministries + Province.all.map(governor) + Province.all.flatMap(localAgencies)
        do {
            return try OrganizationTree(offices + exceptions)
        } catch {
            // A fault of this file, which the tests of the standard tree would show; no input leads here.
            preconditionFailure("the standard tree is invalid: \(error)")
        }
    }()

    private static let presidency = Organization(
        code: .presidency, kind: .presidency, nameFA: "نهاد ریاست جمهوری", nameEN: "Presidential Office", parent: nil,
        seat: .hub, area: [])

    private static let ministries: [Organization] = [
        ("AGRI", "وزارت جهاد کشاورزی", "Ministry of Agriculture Jihad"),
        ("CULTURE", "وزارت فرهنگ و ارشاد اسلامی", "Ministry of Culture and Islamic Guidance"),
        ("DEFENCE", "وزارت دفاع و پشتیبانی نیروهای مسلح", "Ministry of Defence"),
        ("ECON", "وزارت امور اقتصادی و دارایی", "Ministry of Economic Affairs and Finance"),
        ("EDU", "وزارت آموزش و پرورش", "Ministry of Education"),
        ("ENERGY", "وزارت نیرو", "Ministry of Energy"),
        ("FOREIGN", "وزارت امور خارجه", "Ministry of Foreign Affairs"),
        ("HEALTH", "وزارت بهداشت، درمان و آموزش پزشکی", "Ministry of Health and Medical Education"),
        ("ICT", "وزارت ارتباطات و فناوری اطلاعات", "Ministry of Information and Communications Technology"),
        ("INTERIOR", "وزارت کشور", "Ministry of Interior"),
        ("JUSTICE", "وزارت دادگستری", "Ministry of Justice"),
        ("LABOR", "وزارت تعاون، کار و رفاه اجتماعی", "Ministry of Cooperatives, Labour and Social Welfare"),
        ("OIL", "وزارت نفت", "Ministry of Petroleum"),
        ("ROADS", "وزارت راه و شهرسازی", "Ministry of Roads and Urban Development"),
        ("SAMT", "وزارت صنعت، معدن و تجارت", "Ministry of Industry, Mine and Trade"),
        ("SCIENCE", "وزارت علوم، تحقیقات و فناوری", "Ministry of Science, Research and Technology"),
        ("SPORT", "وزارت ورزش و جوانان", "Ministry of Sport and Youth"),
        ("TOURISM", "وزارت میراث فرهنگی، گردشگری و صنایع دستی", "Ministry of Cultural Heritage and Tourism"),
    ].map { code, nameFA, nameEN in
        Organization(
            code: OrganizationCode(known: code), kind: .ministry, nameFA: nameFA, nameEN: nameEN, parent: .presidency,
            seat: .hub, area: [])
    }

    private static func governor(of province: Province) -> Organization {
        Organization(
            code: OrganizationCode(province.origin), kind: .province, nameFA: "استانداری " + province.nameFA,
            nameEN: "Governorate of " + province.nameEN, parent: .presidency, seat: province.origin,
            area: [province.code])
    }

    private static func localAgencies(of province: Province) -> [Organization] {
        let (fa, en) = (province.nameFA, province.nameEN)
        let agencies: [(suffix: String, nameFA: String, nameEN: String, parent: String)] = [
            ("MUN", "شهرداری " + province.capitalFA, "Municipality of " + province.capitalEN, province.code),
            ("EDU", "اداره کل آموزش و پرورش " + fa, "Education Department of " + en, "EDU"),
            (
                "MED", "دانشگاه علوم پزشکی " + province.capitalFA,
                province.capitalEN + " University of Medical Sciences", "HEALTH"
            ),
            ("WATER", "شرکت آب و فاضلاب " + fa, "Water and Wastewater Company of " + en, "ENERGY"),
            ("ELEC", "شرکت توزیع نیروی برق " + fa, "Electricity Distribution Company of " + en, "ENERGY"),
            ("ROADS", "اداره کل راه و شهرسازی " + fa, "Roads and Urban Development of " + en, "ROADS"),
            ("SAMT", "سازمان صنعت، معدن و تجارت " + fa, "Industry, Mine and Trade Organization of " + en, "SAMT"),
            ("LABOR", "اداره کل تعاون، کار و رفاه اجتماعی " + fa, "Labour and Social Welfare of " + en, "LABOR"),
            ("JUD", "رابط دادگستری " + fa, "Judiciary Liaison of " + en, province.code),
        ]
        return agencies.map { agency in
            Organization(
                code: OrganizationCode(known: province.code + "-" + agency.suffix), kind: .agency,
                nameFA: agency.nameFA, nameEN: agency.nameEN, parent: OrganizationCode(known: agency.parent),
                seat: province.origin, area: [province.code])
        }
    }

    /// Agencies whose area is not a province: South Kerman's trade organisation, and regional electricity companies.
    private static let exceptions: [Organization] = [
        (
            "IR-08S-SAMT", "سازمان صنعت، معدن و تجارت جنوب کرمان",
            "Industry, Mine and Trade Organization of South Kerman",
            "SAMT", 8, ["IR-08"], true
        ),
        (
            "IR-03-REC", "شرکت برق منطقه‌ای آذربایجان", "Azerbaijan Regional Electric Company", "ENERGY", 3,
            ["IR-03", "IR-04", "IR-24"], false
        ),
        (
            "IR-00-REC", "شرکت برق منطقه‌ای باختر", "Bakhtar Regional Electric Company", "ENERGY", 0,
            ["IR-00", "IR-13", "IR-15"], false
        ),
        (
            "IR-05-REC", "شرکت برق منطقه‌ای غرب", "Western Regional Electric Company", "ENERGY", 5,
            ["IR-05", "IR-12", "IR-16"], false
        ),
        (
            "IR-09-REC", "شرکت برق منطقه‌ای خراسان", "Khorasan Regional Electric Company", "ENERGY", 9,
            ["IR-09", "IR-28", "IR-29"], false
        ),
    ].map { code, nameFA, nameEN, parent, seat, area, isPartial in
        Organization(
            code: OrganizationCode(known: code), kind: .agency, nameFA: nameFA, nameEN: nameEN,
            parent: OrganizationCode(known: parent), seat: Origin.provinces[seat], area: area,
            areaIsPartial: isPartial)
    }
}
