-- Every vendor response that was archived, what became of it, and the list of work that is left.

CREATE TABLE raw_response (
    id                INTEGER NOT NULL PRIMARY KEY,
    file_name         TEXT NOT NULL,
    sha256            BLOB NOT NULL,
    byte_len          INTEGER NOT NULL,
    registered_at     INTEGER NOT NULL,
    -- Unknown until the response is read.
    stock_id          INTEGER,
    vendor            INTEGER,
    fetched_at        INTEGER,
    -- For which dates the response decides, and which dates within it leaves open: ranges such as
    -- 2020-01-03..2020-01-07,2020-02-01.
    covers_from       INTEGER,
    covers_to         INTEGER,
    undecided_bars    TEXT,
    undecided_actions TEXT,
    status            TEXT NOT NULL,
    attempts          INTEGER NOT NULL,
    next_attempt_at   INTEGER,
    error             TEXT,
    lease_token       TEXT,
    lease_until       INTEGER,
    inserted          INTEGER NOT NULL,
    updated           INTEGER NOT NULL,
    unchanged         INTEGER NOT NULL,
    withdrawn         INTEGER NOT NULL,
    CONSTRAINT raw_response_file_name_unique UNIQUE (file_name),
    CONSTRAINT raw_response_stock FOREIGN KEY (stock_id) REFERENCES stock (id),
    CONSTRAINT raw_response_file_name CHECK (length(file_name) BETWEEN 1 AND 255),
    CONSTRAINT raw_response_sha256 CHECK (length(sha256) = 32),
    CONSTRAINT raw_response_byte_len CHECK (byte_len >= 0),
    CONSTRAINT raw_response_vendor CHECK (vendor BETWEEN 1 AND 64),
    CONSTRAINT raw_response_coverage CHECK (
        (covers_from IS NULL) = (covers_to IS NULL) AND coalesce(covers_from <= covers_to, TRUE)),
    CONSTRAINT raw_response_undecided CHECK (
        covers_from IS NOT NULL OR (undecided_bars IS NULL AND undecided_actions IS NULL)),
    CONSTRAINT raw_response_status CHECK (status IN ('pending', 'parsed', 'deadletter')),
    CONSTRAINT raw_response_parsed CHECK (
        status <> 'parsed'
        OR (stock_id IS NOT NULL AND vendor IS NOT NULL AND fetched_at IS NOT NULL
            AND error IS NULL)),
    CONSTRAINT raw_response_deadletter CHECK (status <> 'deadletter' OR error IS NOT NULL),
    CONSTRAINT raw_response_attempts CHECK (attempts >= 0),
    CONSTRAINT raw_response_lease CHECK (
        (lease_token IS NULL) = (lease_until IS NULL)
        AND (lease_token IS NULL OR status = 'pending')),
    CONSTRAINT raw_response_counts CHECK (
        inserted >= 0 AND updated >= 0 AND unchanged >= 0 AND withdrawn >= 0)
) STRICT;

-- What is to be done next.
CREATE INDEX raw_response_work ON raw_response (status, next_attempt_at);
-- Which responses of a series are newer than one.
CREATE INDEX raw_response_series ON raw_response (stock_id, vendor, fetched_at);
