-- One clock that runs in a case: somebody must act before it ends. Clocks that have stopped have no row.
CREATE TABLE clocks (
    case_id    uuid        NOT NULL,
    started_by bytea       NOT NULL,  -- hash of the event that started it: with the case, what escalations name
    kind       text        NOT NULL,  -- case, holder or accept
    due        timestamptz NOT NULL,
    seat       text        NOT NULL,  -- where the case is worked on now
    holder     text        NOT NULL,  -- the organisation that must act
    level      smallint    NOT NULL,  -- the greatest to which it was escalated; 0 before
    PRIMARY KEY (case_id, started_by)
);
-- Level by level: what was escalated long ago never stands in the way of what is due now.
CREATE INDEX clocks_due ON clocks (level, due, case_id);
