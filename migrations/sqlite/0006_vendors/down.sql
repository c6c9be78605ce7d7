-- Drops what retrieving from vendors needs.

-- Of a response that leaves some kinds of corporate action open, it can no longer be said which:
-- it leaves them all open, since nothing must count as decided that is not.
UPDATE raw_response
SET undecided_actions =
    date(covers_from * 86400, 'unixepoch') || '..' || date(covers_to * 86400, 'unixepoch')
WHERE undecided_kinds IS NOT NULL AND covers_from IS NOT NULL;

ALTER TABLE raw_response DROP COLUMN undecided_kinds;
ALTER TABLE series DROP COLUMN actions_known;
ALTER TABLE tracked_stock DROP COLUMN last_modified;
ALTER TABLE tracked_stock DROP COLUMN etag;
ALTER TABLE tracked_stock DROP COLUMN validator_url;

DROP TABLE vendor_request;
DROP TABLE vendor_state;

DROP VIEW stock_data_readable;

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
