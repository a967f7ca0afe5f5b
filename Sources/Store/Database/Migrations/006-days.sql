-- What an organisation holds in one status is its inbox; all that it holds is read status by status.
CREATE INDEX cases_inbox ON cases (holder, status, registered_at DESC, id DESC);
DROP INDEX cases_holder;
-- Most cases are closed: a list of these goes by date alone.
DROP INDEX cases_status;
CREATE INDEX cases_status ON cases (status, registered_at DESC, id DESC) WHERE status <> 'closed';
-- The homes of those that are due are counted below.
DROP INDEX cases_due;
CREATE INDEX cases_due ON cases (deadline, id) WHERE counts_due;

-- Counts of cases by home and day: those registered and those answered, at the first second of the Tehran day, and
-- those whose clock counts, at the instant at which it ends, which is the last second of a day. Sums over it tell who is
-- overdue and what is new without a look at the cases. The triggers below move it with the cases, in the same
-- transaction. Summer time, which ended in 2022, is left out: nobody asks for days so old.
CREATE TABLE days (
    at         timestamptz NOT NULL,
    home       text        NOT NULL,
    registered bigint      NOT NULL,
    answered   bigint      NOT NULL,
    due        bigint      NOT NULL,
    PRIMARY KEY (at, home)
) WITH (fillfactor = 50);
DROP INDEX cases_answered;

CREATE FUNCTION add_to_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO days AS known SELECT at, home, sum(registered), sum(answered), sum(due) FROM (
        SELECT date_bin('1 day', registered_at, '2000-01-01 20:30Z'), home, 1, 0, 0
            FROM fresh WHERE registered_at IS NOT NULL
        UNION ALL SELECT date_bin('1 day', answered_at, '2000-01-01 20:30Z'), home, 0, 1, 0
            FROM fresh WHERE answered_at IS NOT NULL
        UNION ALL SELECT deadline, home, 0, 0, 1 FROM fresh WHERE counts_due AND deadline IS NOT NULL
    ) moved (at, home, registered, answered, due) GROUP BY at, home
    ON CONFLICT (at, home) DO UPDATE SET registered = known.registered + excluded.registered,
        answered = known.answered + excluded.answered, due = known.due + excluded.due;
    RETURN NULL;
END
$$;
CREATE TRIGGER days_of_new AFTER INSERT ON cases REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION add_to_days();

CREATE FUNCTION move_in_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO days AS known SELECT at, home, sum(registered), sum(answered), sum(due) FROM (
        SELECT date_bin('1 day', registered_at, '2000-01-01 20:30Z'), home, 1, 0, 0
            FROM fresh WHERE registered_at IS NOT NULL
        UNION ALL SELECT date_bin('1 day', answered_at, '2000-01-01 20:30Z'), home, 0, 1, 0
            FROM fresh WHERE answered_at IS NOT NULL
        UNION ALL SELECT deadline, home, 0, 0, 1 FROM fresh WHERE counts_due AND deadline IS NOT NULL
        UNION ALL SELECT date_bin('1 day', registered_at, '2000-01-01 20:30Z'), home, -1, 0, 0
            FROM stale WHERE registered_at IS NOT NULL
        UNION ALL SELECT date_bin('1 day', answered_at, '2000-01-01 20:30Z'), home, 0, -1, 0
            FROM stale WHERE answered_at IS NOT NULL
        UNION ALL SELECT deadline, home, 0, 0, -1 FROM stale WHERE counts_due AND deadline IS NOT NULL
    ) moved (at, home, registered, answered, due) GROUP BY at, home HAVING sum(registered) <> 0 OR sum(answered) <> 0 OR sum(due) <> 0
    ON CONFLICT (at, home) DO UPDATE SET registered = known.registered + excluded.registered,
        answered = known.answered + excluded.answered, due = known.due + excluded.due;
    RETURN NULL;
END
$$;
CREATE TRIGGER days_of_moved AFTER UPDATE ON cases REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION move_in_days();

-- Cases are dropped all at once, when they are made anew.
CREATE FUNCTION forget_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM days;
    RETURN NULL;
END
$$;
CREATE TRIGGER days_of_none AFTER TRUNCATE ON cases FOR EACH STATEMENT EXECUTE FUNCTION forget_days();

INSERT INTO days SELECT at, home, sum(registered), sum(answered), sum(due) FROM (
    SELECT date_bin('1 day', registered_at, '2000-01-01 20:30Z'), home, 1, 0, 0
        FROM cases WHERE registered_at IS NOT NULL
    UNION ALL SELECT date_bin('1 day', answered_at, '2000-01-01 20:30Z'), home, 0, 1, 0
        FROM cases WHERE answered_at IS NOT NULL
    UNION ALL SELECT deadline, home, 0, 0, 1 FROM cases WHERE counts_due AND deadline IS NOT NULL
) counted (at, home, registered, answered, due) GROUP BY at, home;
