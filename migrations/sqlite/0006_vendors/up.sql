-- What retrieving from vendors needs: which corporate actions a response leaves open and a series
-- knows, what makes the next request a conditional one, and how each vendor fares.

-- Kinds of corporate action of which the response says nothing, by name, between commas.
ALTER TABLE raw_response ADD COLUMN undecided_kinds TEXT
    CONSTRAINT raw_response_undecided_kinds CHECK (
        undecided_kinds IN (
            'dividend', 'split', 'capital_gain', 'dividend,split', 'dividend,capital_gain',
            'split,capital_gain', 'dividend,split,capital_gain'));

-- On which dates some loaded response decides the corporate actions of every kind that the vendor
-- tells: ranges such as 2020-01-03..2020-01-07,2020-02-01; empty for none. NULL: not known, to be
-- worked out.
ALTER TABLE series ADD COLUMN actions_known TEXT;

-- What the last whole answer said by which a server knows it again: the URL, without any key, and
-- the ETag and Last-Modified that came with it, as they were.
ALTER TABLE tracked_stock ADD COLUMN validator_url TEXT
    CONSTRAINT tracked_stock_validator_url CHECK (length(validator_url) BETWEEN 1 AND 2048);
ALTER TABLE tracked_stock ADD COLUMN etag TEXT
    CONSTRAINT tracked_stock_etag CHECK (length(etag) BETWEEN 1 AND 1024);
ALTER TABLE tracked_stock ADD COLUMN last_modified TEXT
    CONSTRAINT tracked_stock_last_modified CHECK (length(last_modified) BETWEEN 1 AND 128)
    CONSTRAINT tracked_stock_validators CHECK (
        (validator_url IS NULL) = (etag IS NULL AND last_modified IS NULL));

-- How a vendor fares, for all workers: the row that is locked by whoever asks for its turn.
CREATE TABLE vendor_state (
    vendor        INTEGER NOT NULL PRIMARY KEY,
    -- Requests in a row that failed by the vendor's fault.
    failures      INTEGER NOT NULL,
    -- No request is made before then.
    blocked_until INTEGER,
    -- Why, for a person.
    reason        TEXT,
    CONSTRAINT vendor_state_vendor CHECK (vendor BETWEEN 1 AND 64),
    CONSTRAINT vendor_state_failures CHECK (failures >= 0),
    CONSTRAINT vendor_state_reason CHECK (length(reason) <= 1000)
) STRICT, WITHOUT ROWID;

-- The requests that were granted, of all workers. A row that no limit asks for any more is used
-- again for the next request, so that there are never more of them than a limit allows.
CREATE TABLE vendor_request (
    vendor INTEGER NOT NULL,
    -- Later than every other of the vendor, also where clocks differ or go back.
    at     INTEGER NOT NULL,
    -- Ascends by one with each request, so that the request before the last hundred thousand is
    -- found without reading these.
    number INTEGER NOT NULL,
    PRIMARY KEY (vendor, at),
    CONSTRAINT vendor_request_number_unique UNIQUE (vendor, number),
    CONSTRAINT vendor_request_vendor CHECK (vendor BETWEEN 1 AND 64)
) STRICT, WITHOUT ROWID;

DROP VIEW stock_data_readable;

CREATE VIEW stock_data_readable AS
SELECT
    stock.symbol AS symbol,
    CASE stock_data.vendor
        WHEN 1 THEN 'yahoo-chart'
        WHEN 2 THEN 'yahoo-page'
        WHEN 3 THEN 'tiingo'
        WHEN 4 THEN 'alpha-vantage'
        WHEN 5 THEN 'massive'
        WHEN 6 THEN 'eodhd'
        WHEN 7 THEN 'stooq'
        WHEN 8 THEN 'nasdaq'
        WHEN 9 THEN 'csv'
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
