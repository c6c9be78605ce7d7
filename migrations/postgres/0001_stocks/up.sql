-- Instruments, the state of their series, and which of them are tracked.
--
-- All instants are microseconds since 1970-01-01T00:00:00Z, all money 1e-9 units. Every time is
-- bound by the program; the database's clock is never asked. Text is compared byte by byte, so
-- that lists have one order on every server.

CREATE SEQUENCE stock_id_seq;

CREATE TABLE stock (
    id     bigint NOT NULL DEFAULT nextval('stock_id_seq') PRIMARY KEY,
    symbol text COLLATE "C" NOT NULL,
    CONSTRAINT stock_symbol_unique UNIQUE (symbol),
    CONSTRAINT stock_symbol_length CHECK (length(symbol) BETWEEN 1 AND 32)
);

-- One stock's prices from one vendor: what is listed, what entity tags are made of, and the row
-- that a loader locks.
CREATE TABLE series (
    stock_id     bigint NOT NULL,
    vendor       smallint NOT NULL,
    -- What the vendor says of the instrument, and when the response was fetched that gave the
    -- value. One each, so that the newest response that knows a value decides it, in whichever
    -- order responses are loaded.
    name         text COLLATE "C",
    exchange     text COLLATE "C",
    kind         text COLLATE "C",
    currency     text COLLATE "C",
    time_zone    text COLLATE "C",
    name_at      bigint,
    exchange_at  bigint,
    kind_at      bigint,
    currency_at  bigint,
    time_zone_at bigint,
    -- Bars that are not withdrawn: how many, and the first and last date.
    bars         bigint NOT NULL,
    first_date   date,
    last_date    date,
    -- Checksums of them by year, and of the corporate actions, by which a refresh knows what it
    -- need not read. NULL: unknown, to be worked out. Set it to NULL after changes by hand.
    year_sums    bytea,
    -- When the newest of the responses that are loaded was fetched. NULL: not known.
    newest_at    bigint,
    -- Counts the changes of bars and actions.
    revision     bigint NOT NULL,
    changed_at   bigint NOT NULL,
    PRIMARY KEY (stock_id, vendor),
    CONSTRAINT series_stock FOREIGN KEY (stock_id) REFERENCES stock (id),
    CONSTRAINT series_vendor CHECK (vendor BETWEEN 1 AND 64),
    CONSTRAINT series_name_dated CHECK ((name IS NULL) = (name_at IS NULL)),
    CONSTRAINT series_exchange_dated CHECK ((exchange IS NULL) = (exchange_at IS NULL)),
    CONSTRAINT series_kind_dated CHECK ((kind IS NULL) = (kind_at IS NULL)),
    CONSTRAINT series_currency_dated CHECK ((currency IS NULL) = (currency_at IS NULL)),
    CONSTRAINT series_time_zone_dated CHECK ((time_zone IS NULL) = (time_zone_at IS NULL)),
    CONSTRAINT series_bars CHECK (bars >= 0),
    CONSTRAINT series_dates CHECK (
        (bars = 0) = (first_date IS NULL) AND (bars = 0) = (last_date IS NULL)
        AND coalesce(first_date <= last_date, TRUE)),
    CONSTRAINT series_year_sums CHECK (length(year_sums) % 18 = 1),
    CONSTRAINT series_revision CHECK (revision >= 0)
);

-- What is pulled from vendors.
CREATE TABLE tracked_stock (
    stock_id         bigint NOT NULL,
    vendor           smallint NOT NULL,
    vendor_symbol    text COLLATE "C" NOT NULL,
    is_active        boolean NOT NULL,
    last_pull_at     bigint,
    last_pull_status text COLLATE "C" NOT NULL,
    error_message    text COLLATE "C",
    failures         integer NOT NULL,
    next_pull_at     bigint,
    lease_token      text COLLATE "C",
    lease_until      bigint,
    PRIMARY KEY (stock_id, vendor),
    CONSTRAINT tracked_stock_stock FOREIGN KEY (stock_id) REFERENCES stock (id),
    CONSTRAINT tracked_stock_vendor CHECK (vendor BETWEEN 1 AND 64),
    CONSTRAINT tracked_stock_vendor_symbol CHECK (length(vendor_symbol) BETWEEN 1 AND 64),
    CONSTRAINT tracked_stock_status CHECK (
        last_pull_status IN ('pending', 'success', 'failed', 'disabled')),
    CONSTRAINT tracked_stock_failures CHECK (failures >= 0),
    CONSTRAINT tracked_stock_lease CHECK ((lease_token IS NULL) = (lease_until IS NULL))
);

CREATE INDEX tracked_stock_due ON tracked_stock (is_active, next_pull_at);
