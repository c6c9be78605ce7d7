-- Bars for a person at a prompt. The program reads the table itself.

CREATE VIEW stock_data_readable AS
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
