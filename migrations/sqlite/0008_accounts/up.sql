-- Who may ask the API for what, and what happened in that: people, tokens, and events; and what nobody
-- but an admin has pulled again.
--
-- Roles, kinds of token and scopes are what rights are decided by: one that is not known here is
-- refused, and a new one is worth a migration. Kinds of event are not: a program that knows a new
-- one writes it, and an older one lists it. No number is given twice (AUTOINCREMENT), so that an
-- event, or a list that somebody still looks at, never speaks of another row.

-- People, and programs that have tokens and no password.
CREATE TABLE app_user (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- In lower case.
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    -- A hash in the PHC string format. NULL: cannot log in.
    password_hash TEXT,
    is_active     INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    -- When the role or is_active was set last.
    changed_at    INTEGER NOT NULL,
    -- When the password was set last; later each time, also where the clock goes back.
    password_at   INTEGER,
    last_login_at INTEGER,
    CONSTRAINT app_user_name_unique UNIQUE (name),
    CONSTRAINT app_user_name CHECK (
        length(name) <= 64 AND name GLOB '[a-z0-9]*' AND name NOT GLOB '*[^a-z0-9._@-]*'),
    CONSTRAINT app_user_role CHECK (role IN ('user', 'admin')),
    CONSTRAINT app_user_password_hash CHECK (length(password_hash) BETWEEN 1 AND 512),
    CONSTRAINT app_user_password_dated CHECK ((password_hash IS NULL) = (password_at IS NULL)),
    CONSTRAINT app_user_is_active CHECK (is_active IN (0, 1))
) STRICT;

-- What was given out: the tokens of programs, and what logins gave.
CREATE TABLE api_token (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    -- What its owner calls it, for a person.
    name         TEXT NOT NULL,
    -- The SHA-256 of its text, which is nowhere else.
    digest       BLOB NOT NULL,
    -- By name, between commas.
    scopes       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    CONSTRAINT api_token_digest_unique UNIQUE (digest),
    CONSTRAINT api_token_user FOREIGN KEY (user_id) REFERENCES app_user (id),
    CONSTRAINT api_token_kind CHECK (kind IN ('session', 'api')),
    CONSTRAINT api_token_name CHECK (length(name) <= 100),
    CONSTRAINT api_token_digest CHECK (length(digest) = 32),
    CONSTRAINT api_token_scopes CHECK (
        scopes IN (
            'read', 'track', 'admin', 'read,track', 'read,admin', 'track,admin',
            'read,track,admin')),
    CONSTRAINT api_token_expires CHECK (expires_at > created_at)
) STRICT;

-- The tokens of a user, in the order in which they were given out.
CREATE INDEX api_token_of_user ON api_token (user_id, id);
-- Those that ended long ago.
CREATE INDEX api_token_expired ON api_token (expires_at);
CREATE INDEX api_token_revoked ON api_token (revoked_at) WHERE revoked_at IS NOT NULL;

-- What happened to accounts and by them. Written once, never changed.
CREATE TABLE audit_event (
    -- Ascends in the order of recording, also where clocks differ or go back.
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    -- The name it is about, in lower case; whether anybody has it is another matter.
    account    TEXT,
    -- The user who did it. NULL: not known, or a command on the server's machine.
    actor_id   INTEGER,
    -- Where the request came from.
    address    TEXT,
    request_id TEXT,
    -- More, for a person.
    detail     TEXT,
    CONSTRAINT audit_event_kind CHECK (
        length(kind) BETWEEN 1 AND 64 AND kind NOT GLOB '*[^a-z_]*'),
    CONSTRAINT audit_event_account CHECK (length(account) <= 64),
    CONSTRAINT audit_event_address CHECK (length(address) <= 64),
    CONSTRAINT audit_event_request_id CHECK (length(request_id) <= 128),
    CONSTRAINT audit_event_detail CHECK (length(detail) <= 1000)
) STRICT;

-- How often it happened of late to an account, or from an address.
CREATE INDEX audit_event_of_account ON audit_event (account, kind, at);
CREATE INDEX audit_event_from_address ON audit_event (address, kind, at);
-- What is old.
CREATE INDEX audit_event_by_time ON audit_event (at);

-- When somebody said that it is to be pulled no more; NULL where nobody did. It means nothing of a row
-- that is active: an older program leaves it there.
ALTER TABLE tracked_stock ADD COLUMN untracked_at INTEGER;
