-- What a vendor says of an instrument moves to its series, so that loading writes no row that
-- other loaders need; a series keeps checksums of what it holds, so that a refresh need not read
-- what did not change; bars lose their foreign key, which PostgreSQL cannot afford (see its
-- 0003_prices). The bars are written anew, which takes about a second for a million.
--
-- Where a stock has series of several vendors, it is not known which of them said what: their
-- next responses do.

DROP VIEW stock_data_readable;

ALTER TABLE stock_data RENAME TO stock_data_before;

CREATE TABLE stock_data (
    stock_id     INTEGER NOT NULL,
    vendor       INTEGER NOT NULL,
    date         INTEGER NOT NULL,
    open         INTEGER,
    high         INTEGER,
    low          INTEGER,
    close        INTEGER,
    adj_close    INTEGER,
    volume       INTEGER,
    is_final     INTEGER NOT NULL,
    flags        INTEGER NOT NULL,
    -- When the response was fetched that gave the values.
    as_of        INTEGER NOT NULL,
    -- Since when a newer response no longer holds the bar. Such a bar is not served.
    withdrawn_at INTEGER,
    PRIMARY KEY (stock_id, vendor, date),
    CONSTRAINT stock_data_vendor CHECK (vendor BETWEEN 1 AND 64),
    -- 0001-01-01 to 9999-12-31
    CONSTRAINT stock_data_date CHECK (date BETWEEN -719162 AND 2932896),
    CONSTRAINT stock_data_price CHECK (
        coalesce(close, open, high, low, adj_close) IS NOT NULL),
    CONSTRAINT stock_data_volume CHECK (volume >= 0),
    CONSTRAINT stock_data_is_final CHECK (is_final IN (0, 1)),
    CONSTRAINT stock_data_flags CHECK (flags BETWEEN 0 AND 32767)
) STRICT, WITHOUT ROWID;

INSERT INTO stock_data
SELECT * FROM stock_data_before ORDER BY stock_id, vendor, date;

DROP TABLE stock_data_before;

ALTER TABLE series RENAME TO series_before;

CREATE TABLE series (
    stock_id     INTEGER NOT NULL,
    vendor       INTEGER NOT NULL,
    -- What the vendor says of the instrument, and when the response was fetched that gave the
    -- value. One each, so that the newest response that knows a value decides it, in whichever
    -- order responses are loaded.
    name         TEXT,
    exchange     TEXT,
    kind         TEXT,
    currency     TEXT,
    time_zone    TEXT,
    name_at      INTEGER,
    exchange_at  INTEGER,
    kind_at      INTEGER,
    currency_at  INTEGER,
    time_zone_at INTEGER,
    -- Bars that are not withdrawn: how many, and the first and last date.
    bars         INTEGER NOT NULL,
    first_date   INTEGER,
    last_date    INTEGER,
    -- Checksums of them by year, and of the corporate actions, by which a refresh knows what it
    -- need not read. NULL: unknown, to be worked out. Set it to NULL after changes by hand.
    year_sums    BLOB,
    -- When the newest of the responses that are loaded was fetched. NULL: not known.
    newest_at    INTEGER,
    -- Counts the changes of bars and actions.
    revision     INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
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
) STRICT, WITHOUT ROWID;

INSERT INTO series
SELECT
    old.stock_id, old.vendor,
    said.name, said.exchange, said.kind, old.currency, old.time_zone,
    said.name_at, said.exchange_at, said.kind_at, old.currency_at, old.time_zone_at,
    old.bars, old.first_date, old.last_date, NULL,
    (SELECT max(fetched_at) FROM raw_response
        WHERE stock_id = old.stock_id AND vendor = old.vendor AND status = 'parsed'),
    old.revision, old.changed_at
FROM series_before AS old
LEFT JOIN stock AS said ON said.id = old.stock_id
    AND (SELECT count(*) FROM series_before WHERE stock_id = said.id) = 1;

DROP TABLE series_before;

-- Rows of other tables refer to the stocks while these are away.
PRAGMA defer_foreign_keys = ON;

CREATE TABLE stock_before AS SELECT id, symbol FROM stock;

DROP TABLE stock;

CREATE TABLE stock (
    id     INTEGER NOT NULL PRIMARY KEY,
    symbol TEXT NOT NULL,
    CONSTRAINT stock_symbol_unique UNIQUE (symbol),
    CONSTRAINT stock_symbol_length CHECK (length(symbol) BETWEEN 1 AND 32)
) STRICT;

INSERT INTO stock SELECT id, symbol FROM stock_before;

DROP TABLE stock_before;

CREATE VIEW stock_data_readable AS
SELECT
    stock.symbol AS symbol,
    CASE stock_data.vendor
        WHEN 1 THEN 'yahoo-chart'
        WHEN 2 THEN 'yahoo-page'
        ELSE 'vendor ' || stock_data.vendor
    END AS vendor,
    date(stock_data.date * 86400, 'unixepoch') AS date,
    stock_data.open / 1e9 AS open,
    stock_data.high / 1e9 AS high,
    stock_data.low / 1e9 AS low,
    stock_data.close / 1e9 AS close,
    stock_data.adj_close / 1e9 AS adj_close,
    stock_data.volume AS volume,
    CASE stock_data.is_final WHEN 1 THEN 'final' ELSE 'live' END AS state,
    stock_data.flags AS flags,
    strftime('%Y-%m-%dT%H:%M:%SZ', stock_data.as_of / 1000000, 'unixepoch') AS as_of,
    strftime('%Y-%m-%dT%H:%M:%SZ', stock_data.withdrawn_at / 1000000, 'unixepoch') AS withdrawn_at
FROM stock_data
JOIN stock ON stock.id = stock_data.stock_id;
