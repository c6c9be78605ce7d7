-- Instruments, the state of their series, and which of them are tracked.
--
-- All instants are microseconds since 1970-01-01T00:00:00Z, all dates days since 1970-01-01,
-- all money 1e-9 units. Every time is bound by the program; the database's clock is never asked.

CREATE TABLE stock (
    id          INTEGER NOT NULL PRIMARY KEY,
    symbol      TEXT NOT NULL,
    name        TEXT,
    exchange    TEXT,
    kind        TEXT,
    -- When the response was fetched that gave the value. One each, so that the newest response
    -- that knows a value decides it, in whichever order responses are loaded.
    name_at     INTEGER,
    exchange_at INTEGER,
    kind_at     INTEGER,
    CONSTRAINT stock_symbol_unique UNIQUE (symbol),
    CONSTRAINT stock_symbol_length CHECK (length(symbol) BETWEEN 1 AND 32),
    CONSTRAINT stock_name_dated CHECK ((name IS NULL) = (name_at IS NULL)),
    CONSTRAINT stock_exchange_dated CHECK ((exchange IS NULL) = (exchange_at IS NULL)),
    CONSTRAINT stock_kind_dated CHECK ((kind IS NULL) = (kind_at IS NULL))
) STRICT;

-- One stock's prices from one vendor: what is listed, what entity tags are made of, and the row
-- that a loader locks.
CREATE TABLE series (
    stock_id     INTEGER NOT NULL,
    vendor       INTEGER NOT NULL,
    currency     TEXT,
    time_zone    TEXT,
    currency_at  INTEGER,
    time_zone_at INTEGER,
    -- Bars that are not withdrawn: how many, and the first and last date.
    bars         INTEGER NOT NULL,
    first_date   INTEGER,
    last_date    INTEGER,
    -- Counts the changes of bars and actions.
    revision     INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    PRIMARY KEY (stock_id, vendor),
    CONSTRAINT series_stock FOREIGN KEY (stock_id) REFERENCES stock (id),
    CONSTRAINT series_vendor CHECK (vendor BETWEEN 1 AND 64),
    CONSTRAINT series_currency_dated CHECK ((currency IS NULL) = (currency_at IS NULL)),
    CONSTRAINT series_time_zone_dated CHECK ((time_zone IS NULL) = (time_zone_at IS NULL)),
    CONSTRAINT series_bars CHECK (bars >= 0),
    CONSTRAINT series_dates CHECK (
        (bars = 0) = (first_date IS NULL) AND (bars = 0) = (last_date IS NULL)
        AND coalesce(first_date <= last_date, TRUE)),
    CONSTRAINT series_revision CHECK (revision >= 0)
) STRICT, WITHOUT ROWID;

-- What is pulled from vendors.
CREATE TABLE tracked_stock (
    stock_id         INTEGER NOT NULL,
    vendor           INTEGER NOT NULL,
    vendor_symbol    TEXT NOT NULL,
    is_active        INTEGER NOT NULL,
    last_pull_at     INTEGER,
    last_pull_status TEXT NOT NULL,
    error_message    TEXT,
    failures         INTEGER NOT NULL,
    next_pull_at     INTEGER,
    lease_token      TEXT,
    lease_until      INTEGER,
    PRIMARY KEY (stock_id, vendor),
    CONSTRAINT tracked_stock_stock FOREIGN KEY (stock_id) REFERENCES stock (id),
    CONSTRAINT tracked_stock_vendor CHECK (vendor BETWEEN 1 AND 64),
    CONSTRAINT tracked_stock_vendor_symbol CHECK (length(vendor_symbol) BETWEEN 1 AND 64),
    CONSTRAINT tracked_stock_is_active CHECK (is_active IN (0, 1)),
    CONSTRAINT tracked_stock_status CHECK (
        last_pull_status IN ('pending', 'success', 'failed', 'disabled')),
    CONSTRAINT tracked_stock_failures CHECK (failures >= 0),
    CONSTRAINT tracked_stock_lease CHECK ((lease_token IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX tracked_stock_due ON tracked_stock (is_active, next_pull_at);
