-- Who may ask. Only the SHA-256 of a token is kept.
CREATE TABLE tokens (
    hash         bytea       PRIMARY KEY,
    name         text        NOT NULL,
    role         text        NOT NULL,
    organization text        NOT NULL,
    expires      timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- A person who logs in by name and password (scrypt).
CREATE TABLE users (
    name         text    PRIMARY KEY,
    salt         bytea   NOT NULL,
    hash         bytea   NOT NULL,
    role         text    NOT NULL,
    organization text    NOT NULL,
    failures     integer NOT NULL DEFAULT 0,
    blocked_until timestamptz
);

-- A console session. Only the SHA-256 of its identifier is kept.
CREATE TABLE sessions (
    hash         bytea       PRIMARY KEY,
    csrf         text        NOT NULL,
    name         text        NOT NULL,
    role         text        NOT NULL,
    organization text        NOT NULL,
    expires      timestamptz NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires);

-- The authority to connect: one certificate. State is valid or revoked; a certificate that is not here is refused.
CREATE TABLE registry (
    fingerprint text        PRIMARY KEY,  -- lower-case SHA-256 of the DER form
    uri         text        NOT NULL,
    serial      text        NOT NULL,
    not_after   timestamptz NOT NULL,
    use         text        NOT NULL,     -- tls or receipt
    state       text        NOT NULL,
    pem         text,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- Who did or read what, and who was turned away. Append-only.
CREATE TABLE audit (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    actor   text        NOT NULL,
    action  text        NOT NULL,
    subject text        NOT NULL,
    remote  text        NOT NULL,
    detail  text        NOT NULL
);

-- What the hub knows of each node's link.
CREATE TABLE nodes (
    origin       text        PRIMARY KEY,
    last_heard   timestamptz,
    clock_offset bigint      NOT NULL DEFAULT 0,  -- node less hub, milliseconds
    backlog      bigint,
    feed         bigint      NOT NULL DEFAULT 0,  -- the feed's last row that it has committed
    quarantined  boolean     NOT NULL DEFAULT false
);
