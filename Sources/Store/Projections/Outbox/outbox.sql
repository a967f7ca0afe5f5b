-- One notice that is owed: an event of which somebody is told. What came of it is what the journal says; what was tried
-- meanwhile stands in `attempts`.
CREATE TABLE outbox (
    case_id   uuid        NOT NULL,
    event     bytea       NOT NULL,  -- hash; with recipient and template it is in no other row
    recipient text        NOT NULL,  -- who is told: citizen
    template  text        NOT NULL,  -- what is said: the type of the event
    at        timestamptz NOT NULL,  -- when what it says happened
    outcome   text,                  -- sent, delivered or failed; NULL until the journal says so
    PRIMARY KEY (case_id, event, recipient, template)
);
CREATE INDEX outbox_owed ON outbox (at, event) WHERE outcome IS NULL;
