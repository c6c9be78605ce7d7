-- Daily bars and corporate actions, as delivered. Prices are 1e-9 units; unknown is NULL.
--
-- The tables are clustered by their keys, so that a range of a series is one scan.

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

CREATE TABLE corporate_action (
    stock_id     INTEGER NOT NULL,
    vendor       INTEGER NOT NULL,
    date         INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    -- Cash a share, of a dividend or a capital gain.
    amount       INTEGER,
    -- New shares for old ones, of a split.
    numerator    INTEGER,
    denominator  INTEGER,
    as_of        INTEGER NOT NULL,
    withdrawn_at INTEGER,
    PRIMARY KEY (stock_id, vendor, date, kind),
    CONSTRAINT corporate_action_stock FOREIGN KEY (stock_id) REFERENCES stock (id),
    CONSTRAINT corporate_action_vendor CHECK (vendor BETWEEN 1 AND 64),
    CONSTRAINT corporate_action_date CHECK (date BETWEEN -719162 AND 2932896),
    CONSTRAINT corporate_action_kind CHECK (kind IN ('dividend', 'split', 'capital_gain')),
    CONSTRAINT corporate_action_values CHECK (
        CASE kind
            WHEN 'split' THEN amount IS NULL AND numerator IS NOT NULL AND denominator IS NOT NULL
            ELSE amount IS NOT NULL AND numerator IS NULL AND denominator IS NULL
        END),
    CONSTRAINT corporate_action_ratio CHECK (numerator > 0 AND denominator > 0)
) STRICT, WITHOUT ROWID;
