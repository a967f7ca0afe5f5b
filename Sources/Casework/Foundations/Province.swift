/// One of Iran's 31 provinces.
public struct Province: Sendable, Hashable {
    /// A cell of the tile map: columns from west to east, rows from north to south, both from 0.
    public struct Tile: Sendable, Hashable {
        public let column: Int
        public let row: Int
    }

    /// The origin of the province's own node; its code is the province's.
    public let origin: Origin
    /// For paths and file names: small Latin letters and hyphens.
    public let slug: String
    public let nameFA: String
    public let nameEN: String
    public let capitalFA: String
    public let capitalEN: String
    /// Census of 2016.
    public let population: Int
    /// The two empty cells within the map are the deserts, Kavir and Lut.
    public let tile: Tile

    /// ISO 3166-2, `IR-00`–`IR-30`.
    public var code: String { origin.code }

    public static subscript(code: String) -> Province? { Origin(code)?.province }

    /// The number of columns and rows of the tile map.
    public static let tileColumns = 6
    public static let tileRows = 7

    /// In the order of their codes: the province `IR-nn` is element `nn`.
    public static let all: [Province] = zip(Origin.provinces, rows).map { origin, row in
        Province(
            origin: origin, slug: row.slug, nameFA: row.nameFA, nameEN: row.nameEN,
            capitalFA: row.capitalFA, capitalEN: row.capitalEN, population: row.population,
            tile: Tile(column: row.column, row: row.row))
    }

    private typealias Row = (
        slug: String, nameFA: String, nameEN: String, capitalFA: String, capitalEN: String, population: Int,
        column: Int, row: Int
    )

    private static let rows: [Row] = [
        ("markazi", "مرکزی", "Markazi", "اراک", "Arak", 1_429_475, 2, 3),
        ("gilan", "گیلان", "Gilan", "رشت", "Rasht", 2_530_696, 2, 1),
        ("mazandaran", "مازندران", "Mazandaran", "ساری", "Sari", 3_283_582, 3, 1),
        ("east-azerbaijan", "آذربایجان شرقی", "East Azerbaijan", "تبریز", "Tabriz", 3_909_652, 1, 0),
        ("west-azerbaijan", "آذربایجان غربی", "West Azerbaijan", "ارومیه", "Urmia", 3_265_219, 0, 0),
        ("kermanshah", "کرمانشاه", "Kermanshah", "کرمانشاه", "Kermanshah", 1_952_434, 0, 3),
        ("khuzestan", "خوزستان", "Khuzestan", "اهواز", "Ahvaz", 4_710_509, 1, 5),
        ("fars", "فارس", "Fars", "شیراز", "Shiraz", 4_851_274, 3, 5),
        ("kerman", "کرمان", "Kerman", "کرمان", "Kerman", 3_164_718, 4, 5),
        ("razavi-khorasan", "خراسان رضوی", "Razavi Khorasan", "مشهد", "Mashhad", 6_434_501, 5, 2),
        ("isfahan", "اصفهان", "Isfahan", "اصفهان", "Isfahan", 5_120_850, 3, 4),
        ("sistan-baluchestan", "سیستان و بلوچستان", "Sistan and Baluchestan", "زاهدان", "Zahedan", 2_775_014, 5, 5),
        ("kurdistan", "کردستان", "Kurdistan", "سنندج", "Sanandaj", 1_603_011, 0, 2),
        ("hamadan", "همدان", "Hamadan", "همدان", "Hamadan", 1_738_234, 1, 3),
        (
            "chaharmahal-bakhtiari", "چهارمحال و بختیاری", "Chaharmahal and Bakhtiari", "شهرکرد", "Shahrekord",
            947_763, 2, 4
        ),
        ("lorestan", "لرستان", "Lorestan", "خرم‌آباد", "Khorramabad", 1_760_649, 1, 4),
        ("ilam", "ایلام", "Ilam", "ایلام", "Ilam", 580_158, 0, 4),
        (
            "kohgiluyeh-boyer-ahmad", "کهگیلویه و بویراحمد", "Kohgiluyeh and Boyer-Ahmad", "یاسوج", "Yasuj",
            713_052, 2, 5
        ),
        ("bushehr", "بوشهر", "Bushehr", "بوشهر", "Bushehr", 1_163_400, 2, 6),
        ("zanjan", "زنجان", "Zanjan", "زنجان", "Zanjan", 1_057_461, 1, 1),
        ("semnan", "سمنان", "Semnan", "سمنان", "Semnan", 702_360, 4, 2),
        ("yazd", "یزد", "Yazd", "یزد", "Yazd", 1_138_533, 4, 4),
        ("hormozgan", "هرمزگان", "Hormozgan", "بندرعباس", "Bandar Abbas", 1_776_415, 4, 6),
        ("tehran", "تهران", "Tehran", "تهران", "Tehran", 13_267_637, 3, 2),
        ("ardabil", "اردبیل", "Ardabil", "اردبیل", "Ardabil", 1_270_420, 2, 0),
        ("qom", "قم", "Qom", "قم", "Qom", 1_292_283, 3, 3),
        ("qazvin", "قزوین", "Qazvin", "قزوین", "Qazvin", 1_273_761, 1, 2),
        ("golestan", "گلستان", "Golestan", "گرگان", "Gorgan", 1_868_819, 4, 1),
        ("north-khorasan", "خراسان شمالی", "North Khorasan", "بجنورد", "Bojnurd", 863_092, 5, 1),
        ("south-khorasan", "خراسان جنوبی", "South Khorasan", "بیرجند", "Birjand", 768_898, 5, 3),
        ("alborz", "البرز", "Alborz", "کرج", "Karaj", 2_712_400, 2, 2),
    ]
}
