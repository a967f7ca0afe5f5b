CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- The searchable text of a case, normalised: a projection that trails the cases by their position.
CREATE TABLE search (
    id       uuid PRIMARY KEY,
    document text NOT NULL
);
CREATE INDEX search_document ON search USING gin (document gin_trgm_ops);

-- How far a projection has come.
CREATE TABLE projections (
    name     text   PRIMARY KEY,
    position bigint NOT NULL
);
INSERT INTO projections VALUES ('search', 0);
