//! The shape of Yahoo's chart endpoint. For the document alone, as those of `answers`.

#![expect(dead_code, reason = "nobody makes or reads such values: answers are written by hand")]

use std::collections::HashMap;

use utoipa::ToSchema;

use super::words::{IntervalName, Price, Symbol};

/// The answer of the chart endpoint.
#[derive(ToSchema)]
pub(crate) struct ChartAnswer {
    chart: ChartFound,
}

/// What was found.
#[derive(ToSchema)]
pub(crate) struct ChartFound {
    #[schema(min_items = 1, max_items = 1)]
    result: Vec<ChartResult>,
    /// Null.
    #[schema(required)]
    error: Option<ChartFault>,
}

/// The error of the chart endpoint.
#[derive(ToSchema)]
pub(crate) struct ChartFailure {
    chart: ChartFailed,
}

/// What went wrong.
#[derive(ToSchema)]
pub(crate) struct ChartFailed {
    /// Null.
    #[schema(required)]
    result: Option<Vec<ChartResult>>,
    error: ChartFault,
}

/// An error in Yahoo's words.
#[derive(ToSchema)]
pub(crate) struct ChartFault {
    /// The words of the status.
    code: String,
    description: String,
}

/// A symbol's bars in columns.
#[derive(ToSchema)]
pub(crate) struct ChartResult {
    meta: ChartMeta,
    /// In seconds since 1970; absent where there is no bar.
    #[schema(nullable = false)]
    timestamp: Option<Vec<i64>>,
    #[schema(nullable = false)]
    events: Option<ChartEvents>,
    indicators: ChartIndicators,
}

/// What stands beside the bars.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ChartMeta {
    #[schema(required)]
    currency: Option<String>,
    symbol: Symbol,
    #[schema(required)]
    exchange_name: Option<String>,
    #[schema(required)]
    full_exchange_name: Option<String>,
    #[schema(required)]
    instrument_type: Option<String>,
    #[schema(required)]
    first_trade_date: Option<i64>,
    #[schema(required)]
    regular_market_time: Option<i64>,
    /// False.
    has_pre_post_market_data: bool,
    gmtoffset: i64,
    timezone: String,
    exchange_timezone_name: String,
    #[schema(required)]
    regular_market_price: Option<Price>,
    #[schema(required)]
    regular_market_day_high: Option<Price>,
    #[schema(required)]
    regular_market_day_low: Option<Price>,
    #[schema(required)]
    regular_market_volume: Option<i64>,
    #[schema(nullable = false)]
    long_name: Option<String>,
    #[schema(nullable = false)]
    short_name: Option<String>,
    #[schema(required)]
    chart_previous_close: Option<Price>,
    price_hint: i64,
    #[schema(nullable = false)]
    current_trading_period: Option<ChartPeriods>,
    data_granularity: IntervalName,
    range: String,
    valid_ranges: Vec<String>,
}

/// The session of the last bar.
#[derive(ToSchema)]
pub(crate) struct ChartPeriods {
    pre: ChartPeriod,
    regular: ChartPeriod,
    post: ChartPeriod,
}

/// From when to when.
#[derive(ToSchema)]
pub(crate) struct ChartPeriod {
    timezone: String,
    start: i64,
    end: i64,
    gmtoffset: i64,
}

/// Corporate actions by their timestamps.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ChartEvents {
    #[schema(nullable = false)]
    dividends: Option<HashMap<String, ChartAmount>>,
    #[schema(nullable = false)]
    capital_gains: Option<HashMap<String, ChartAmount>>,
    #[schema(nullable = false)]
    splits: Option<HashMap<String, ChartSplit>>,
}

/// What was paid for a share.
#[derive(ToSchema)]
pub(crate) struct ChartAmount {
    amount: Price,
    date: i64,
}

/// New shares for old ones.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ChartSplit {
    date: i64,
    numerator: Price,
    denominator: Price,
    split_ratio: String,
}

/// The columns.
#[derive(ToSchema)]
pub(crate) struct ChartIndicators {
    #[schema(min_items = 1, max_items = 1)]
    quote: Vec<ChartQuote>,
    /// Absent where they are not known or not asked for.
    #[schema(nullable = false, min_items = 1, max_items = 1)]
    adjclose: Option<Vec<ChartAdjusted>>,
}

/// Columns of prices, each as long as `timestamp`; absent where there is no bar.
#[derive(ToSchema)]
pub(crate) struct ChartQuote {
    #[schema(nullable = false)]
    open: Option<Vec<Option<Price>>>,
    #[schema(nullable = false)]
    high: Option<Vec<Option<Price>>>,
    #[schema(nullable = false)]
    low: Option<Vec<Option<Price>>>,
    #[schema(nullable = false)]
    close: Option<Vec<Option<Price>>>,
    #[schema(nullable = false)]
    volume: Option<Vec<Option<i64>>>,
}

/// The column of adjusted closes, as long as `timestamp`; absent where there is no bar.
#[derive(ToSchema)]
pub(crate) struct ChartAdjusted {
    #[schema(nullable = false)]
    adjclose: Option<Vec<Option<Price>>>,
}
