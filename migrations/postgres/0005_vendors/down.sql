-- Drops what retrieving from vendors needs.

-- Of a response that leaves some kinds of corporate action open, it can no longer be said which:
-- it leaves them all open, since nothing must count as decided that is not.
UPDATE raw_response
SET undecided_actions =
    to_char(covers_from, 'YYYY-MM-DD') || '..' || to_char(covers_to, 'YYYY-MM-DD')
WHERE undecided_kinds IS NOT NULL AND covers_from IS NOT NULL;

ALTER TABLE raw_response DROP COLUMN undecided_kinds;
ALTER TABLE series DROP COLUMN actions_known;
ALTER TABLE tracked_stock DROP COLUMN validator_url;
ALTER TABLE tracked_stock DROP COLUMN etag;
ALTER TABLE tracked_stock DROP COLUMN last_modified;

DROP TABLE vendor_request;
DROP TABLE vendor_state;

CREATE OR REPLACE VIEW stock_data_readable AS
SELECT
    stock.symbol AS symbol,
    CASE stock_data.vendor
        WHEN 1 THEN 'yahoo-chart'
        WHEN 2 THEN 'yahoo-page'
        ELSE 'vendor ' || stock_data.vendor
    END AS vendor,
    stock_data.date AS date,
    trim_scale(stock_data.open / 1000000000.0) AS open,
    trim_scale(stock_data.high / 1000000000.0) AS high,
    trim_scale(stock_data.low / 1000000000.0) AS low,
    trim_scale(stock_data.close / 1000000000.0) AS close,
    trim_scale(stock_data.adj_close / 1000000000.0) AS adj_close,
    stock_data.volume AS volume,
    CASE WHEN stock_data.is_final THEN 'final' ELSE 'live' END AS state,
    stock_data.flags AS flags,
    to_char(to_timestamp(stock_data.as_of / 1000000) AT TIME ZONE 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS as_of,
    to_char(to_timestamp(stock_data.withdrawn_at / 1000000) AT TIME ZONE 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS withdrawn_at
FROM stock_data
JOIN stock ON stock.id = stock_data.stock_id;
