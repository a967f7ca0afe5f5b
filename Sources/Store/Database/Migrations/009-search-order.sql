-- Search walks its own rows in the order of the lists, so that cases which it has not reached yet never stand in its way.
-- Built anew, since rows changed in place would enter the trigram index one by one: a minute for a million cases, and the
-- space of both until the end. An earlier program that still runs waits, and then fails to write, because the text is not
-- where it was; else it would leave the time out.
LOCK TABLE search IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE ordered_search (
    id            uuid PRIMARY KEY,
    -- As in cases.
    registered_at timestamptz,
    document      text NOT NULL
);
INSERT INTO ordered_search SELECT s.id, c.registered_at, s.document FROM search s JOIN cases c ON c.id = s.id;
DROP TABLE search;
ALTER TABLE ordered_search RENAME TO search;
ALTER INDEX ordered_search_pkey RENAME TO search_pkey;
CREATE INDEX search_document ON search USING gin (document gin_trgm_ops);
CREATE INDEX search_recent ON search (registered_at, id);
ANALYZE search;
