/// A part of the country with a node of its own: in Iran, one of the 31 provinces.
public struct Region: Sendable, Hashable {
    /// A cell of the tile map: columns from west to east, rows from north to south, both from 0.
    public struct Tile: Sendable, Hashable {
        public let column: Int
        public let row: Int

        public init(column: Int, row: Int) { (self.column, self.row) = (column, row) }
    }

    /// The origin of the region's own node; its code is the region's.
    public let origin: Origin
    /// For paths and file names: small Latin letters and hyphens.
    public let slug: String
    public let nameFA: String
    public let nameEN: String
    /// For a narrow tile of the map.
    public let shortFA: String
    public let shortEN: String
    public let capitalFA: String
    public let capitalEN: String
    /// At the last census.
    public let population: Int
    public let tile: Tile

    public init(
        origin: Origin, slug: String, nameFA: String, nameEN: String, shortFA: String, shortEN: String,
        capitalFA: String, capitalEN: String, population: Int, tile: Tile
    ) {
        (self.origin, self.slug, self.population, self.tile) = (origin, slug, population, tile)
        (self.nameFA, self.nameEN, self.shortFA, self.shortEN) = (nameFA, nameEN, shortFA, shortEN)
        (self.capitalFA, self.capitalEN) = (capitalFA, capitalEN)
    }

    /// `CC-NN`
    public var code: String { origin.code }
}
