-- Daily bars and corporate actions, as delivered. Prices are 1e-9 units; unknown is NULL.
--
-- Keys begin with the stock, so that both tables can be distributed by it.

-- No foreign key to the stock: checking it row by row more than halves the rate of loading. Bars
-- are written only under the lock of their row in `series`, which has the foreign key.
CREATE TABLE stock_data (
    stock_id     bigint NOT NULL,
    vendor       smallint NOT NULL,
    date         date NOT NULL,
    open         bigint,
    high         bigint,
    low          bigint,
    close        bigint,
    adj_close    bigint,
    volume       bigint,
    is_final     boolean NOT NULL,
    flags        smallint NOT NULL,
    -- When the response was fetched that gave the values.
    as_of        bigint NOT NULL,
    -- Since when a newer response no longer holds the bar. Such a bar is not served.
    withdrawn_at bigint,
    PRIMARY KEY (stock_id, vendor, date),
    CONSTRAINT stock_data_vendor CHECK (vendor BETWEEN 1 AND 64),
    CONSTRAINT stock_data_date CHECK (date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'),
    CONSTRAINT stock_data_price CHECK (
        coalesce(close, open, high, low, adj_close) IS NOT NULL),
    CONSTRAINT stock_data_volume CHECK (volume >= 0),
    CONSTRAINT stock_data_flags CHECK (flags >= 0)
);

CREATE TABLE corporate_action (
    stock_id     bigint NOT NULL,
    vendor       smallint NOT NULL,
    date         date NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    -- Cash a share, of a dividend or a capital gain.
    amount       bigint,
    -- New shares for old ones, of a split.
    numerator    bigint,
    denominator  bigint,
    as_of        bigint NOT NULL,
    withdrawn_at bigint,
    PRIMARY KEY (stock_id, vendor, date, kind),
    CONSTRAINT corporate_action_stock FOREIGN KEY (stock_id) REFERENCES stock (id),
    CONSTRAINT corporate_action_vendor CHECK (vendor BETWEEN 1 AND 64),
    CONSTRAINT corporate_action_date CHECK (date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'),
    CONSTRAINT corporate_action_kind CHECK (kind IN ('dividend', 'split', 'capital_gain')),
    CONSTRAINT corporate_action_values CHECK (
        CASE kind
            WHEN 'split' THEN amount IS NULL AND numerator IS NOT NULL AND denominator IS NOT NULL
            ELSE amount IS NOT NULL AND numerator IS NULL AND denominator IS NULL
        END),
    CONSTRAINT corporate_action_ratio CHECK (numerator > 0 AND denominator > 0)
);
