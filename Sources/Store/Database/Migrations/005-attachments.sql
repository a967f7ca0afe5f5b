-- A file that an event of a case names. The rows follow from the journal, but `here` does not: it is a fact of this server's disk.
-- The bytes lie beside the database, by their hash.
CREATE TABLE attachments (
    event   bytea   PRIMARY KEY,  -- hash of the `attached` event
    origin  text    NOT NULL,     -- of that event
    case_id uuid    NOT NULL,
    sha256  bytea   NOT NULL,
    size    bigint  NOT NULL,     -- bytes, as the event says
    -- Whole and checked on this disk; at the hub also: brought by this very origin. Knowing a file's hash is no right to it.
    here    boolean NOT NULL DEFAULT false
);
CREATE INDEX attachments_case ON attachments (case_id);
CREATE INDEX attachments_file ON attachments (sha256);
CREATE INDEX attachments_missing ON attachments (origin) WHERE NOT here;
