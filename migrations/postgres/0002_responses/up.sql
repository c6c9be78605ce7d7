-- Every vendor response that was archived, what became of it, and the list of work that is left.

CREATE SEQUENCE raw_response_id_seq;

CREATE TABLE raw_response (
    id                bigint NOT NULL DEFAULT nextval('raw_response_id_seq') PRIMARY KEY,
    file_name         text COLLATE "C" NOT NULL,
    sha256            bytea NOT NULL,
    byte_len          bigint NOT NULL,
    registered_at     bigint NOT NULL,
    -- Unknown until the response is read.
    stock_id          bigint,
    vendor            smallint,
    fetched_at        bigint,
    -- For which dates the response decides, and which dates within it leaves open: ranges such as
    -- 2020-01-03..2020-01-07,2020-02-01.
    covers_from       date,
    covers_to         date,
    undecided_bars    text COLLATE "C",
    undecided_actions text COLLATE "C",
    status            text COLLATE "C" NOT NULL,
    attempts          integer NOT NULL,
    next_attempt_at   bigint,
    error             text COLLATE "C",
    lease_token       text COLLATE "C",
    lease_until       bigint,
    inserted          bigint NOT NULL,
    updated           bigint NOT NULL,
    unchanged         bigint NOT NULL,
    withdrawn         bigint NOT NULL,
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
);

-- What is to be done next.
CREATE INDEX raw_response_work ON raw_response (status, next_attempt_at);
-- Which responses of a series are newer than one.
CREATE INDEX raw_response_series ON raw_response (stock_id, vendor, fetched_at);
