-- Descriptions go back to the stocks, the newest of each; bars get their foreign key again.

DROP VIEW stock_data_readable;

PRAGMA defer_foreign_keys = ON;

CREATE TABLE stock_before AS SELECT id, symbol FROM stock;

DROP TABLE stock;

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

INSERT INTO stock (id, symbol, name, exchange, kind, name_at, exchange_at, kind_at)
SELECT
    old.id, old.symbol,
    (SELECT name FROM series WHERE stock_id = old.id AND name IS NOT NULL
        ORDER BY name_at DESC, name DESC LIMIT 1),
    (SELECT exchange FROM series WHERE stock_id = old.id AND exchange IS NOT NULL
        ORDER BY exchange_at DESC, exchange DESC LIMIT 1),
    (SELECT kind FROM series WHERE stock_id = old.id AND kind IS NOT NULL
        ORDER BY kind_at DESC, kind DESC LIMIT 1),
    (SELECT max(name_at) FROM series WHERE stock_id = old.id),
    (SELECT max(exchange_at) FROM series WHERE stock_id = old.id),
    (SELECT max(kind_at) FROM series WHERE stock_id = old.id)
FROM stock_before AS old;

DROP TABLE stock_before;

ALTER TABLE series RENAME TO series_before;

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

INSERT INTO series
SELECT
    stock_id, vendor, currency, time_zone, currency_at, time_zone_at,
    bars, first_date, last_date, revision, changed_at
FROM series_before;

DROP TABLE series_before;

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
    CONSTRAINT stock_data_stock FOREIGN KEY (stock_id) REFERENCES stock (id),
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
