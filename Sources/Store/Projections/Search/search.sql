-- The searchable text of a case, normalised. Search walks its own rows in the order of the lists, so that cases which it has
-- not reached yet never stand in its way.
CREATE TABLE search (
    id            uuid PRIMARY KEY,
    registered_at timestamptz,  -- as in cases
    document      text NOT NULL
);
CREATE INDEX search_document ON search USING gin (document gin_trgm_ops);
CREATE INDEX search_recent ON search (registered_at, id);
