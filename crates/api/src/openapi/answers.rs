//! The shapes of what is read: prices, actions, responses, health. Answers are written by hand, so
//! these are for the document alone; `tests/http/openapi.rs` holds every answer against them.

#![expect(dead_code, reason = "nobody makes or reads such values: answers are written by hand")]

use utoipa::ToSchema;

use super::words::{
    ActionKindName, AdjustmentName, Cursor, Date, FlagName, Instant, IntervalName, Price,
    PriceBasisName, ResponseStatusName, Symbol, VendorName,
};

/// What the server is and answers.
#[derive(ToSchema)]
pub(crate) struct Index {
    /// `cream`.
    name: String,
    /// The version of the server.
    version: String,
    /// Every route.
    routes: Vec<RouteOfIndex>,
}

/// A route.
#[derive(ToSchema)]
pub(crate) struct RouteOfIndex {
    /// The path, with its parameters in braces.
    path: String,
    /// The methods, between commas.
    methods: String,
    /// Who may ask, in a word.
    access: String,
    /// What asking takes.
    needs: String,
    /// What it answers.
    summary: String,
}

/// A page of the symbols held.
#[derive(ToSchema)]
pub(crate) struct Stocks {
    /// How many are in this page.
    #[schema(minimum = 0)]
    count: i64,
    /// In order of the symbol.
    stocks: Vec<Stock>,
    /// The cursor of the next page; null on the last one.
    #[schema(required)]
    next: Option<Cursor>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// A symbol with its series.
#[derive(ToSchema)]
pub(crate) struct Stock {
    symbol: Symbol,
    /// The name; null where no vendor tells one.
    #[schema(required)]
    name: Option<String>,
    /// The exchange, as the vendor writes it.
    #[schema(required)]
    exchange: Option<String>,
    /// What it is, as the vendor writes it.
    #[schema(required)]
    kind: Option<String>,
    /// What each vendor tells of it.
    series: Vec<Series>,
}

/// What one vendor tells of a symbol.
#[derive(ToSchema)]
pub(crate) struct Series {
    vendor: VendorName,
    price_basis: PriceBasisName,
    /// The currency's code, as the vendor spells it.
    #[schema(required)]
    currency: Option<String>,
    /// The currency that it is a unit of.
    #[schema(required)]
    currency_major: Option<String>,
    /// How many of it make one of that.
    #[schema(required, minimum = 1)]
    currency_units: Option<i64>,
    /// The exchange's time zone, by its IANA name.
    #[schema(required)]
    time_zone: Option<String>,
    /// The date of the first bar.
    #[schema(required)]
    first_date: Option<Date>,
    /// The date of the last bar.
    #[schema(required)]
    last_date: Option<Date>,
    /// How many bars.
    #[schema(minimum = 0)]
    bars: i64,
}

/// The latest bar of a symbol.
#[derive(ToSchema)]
pub(crate) struct LatestBar {
    /// A number that is stable for a bar in one database; null from stock 16,777,216 on.
    #[schema(required, minimum = 0, maximum = 9007199254740991_u64)]
    id: Option<i64>,
    symbol: Symbol,
    date: Date,
    /// The close in hundredths of the currency unit, rounded half to even.
    #[schema(required)]
    price: Option<i64>,
    #[schema(required)]
    open: Option<Price>,
    #[schema(required)]
    high: Option<Price>,
    #[schema(required)]
    low: Option<Price>,
    #[schema(required)]
    close: Option<Price>,
    /// The vendor's own adjusted close.
    #[schema(required)]
    adj_close: Option<Price>,
    /// Shares traded.
    #[schema(required)]
    volume: Option<i64>,
    /// The currency's code, as the vendor spells it.
    #[schema(required)]
    currency: Option<String>,
    /// The currency that it is a unit of.
    #[schema(required)]
    currency_major: Option<String>,
    /// How many of it make one of that.
    #[schema(required, minimum = 1)]
    currency_units: Option<i64>,
    vendor: VendorName,
    price_basis: PriceBasisName,
    /// False while the session was under way when the vendor was asked.
    is_final: bool,
    /// What is odd about it.
    flags: Vec<FlagName>,
    /// When the response was fetched that gave these values.
    as_of: Instant,
}

/// A bar.
#[derive(ToSchema)]
pub(crate) struct Bar {
    /// The day, or the first day of the week or the month.
    date: Date,
    #[schema(required)]
    open: Option<Price>,
    #[schema(required)]
    high: Option<Price>,
    #[schema(required)]
    low: Option<Price>,
    #[schema(required)]
    close: Option<Price>,
    /// The vendor's own adjusted close.
    #[schema(required)]
    adj_close: Option<Price>,
    /// Shares traded.
    #[schema(required)]
    volume: Option<i64>,
    /// False while the session, the week or the month was under way.
    is_final: bool,
    /// What is odd about it.
    flags: Vec<FlagName>,
    /// When the response was fetched that gave these values.
    as_of: Instant,
}

/// The bars of one symbol, or a page of them.
#[derive(ToSchema)]
pub(crate) struct History {
    symbol: Symbol,
    vendor: VendorName,
    /// The currency's code, as the vendor spells it.
    #[schema(required)]
    currency: Option<String>,
    /// The currency that it is a unit of.
    #[schema(required)]
    currency_major: Option<String>,
    /// How many of it make one of that.
    #[schema(required, minimum = 1)]
    currency_units: Option<i64>,
    /// The exchange's time zone, by its IANA name.
    #[schema(required)]
    time_zone: Option<String>,
    interval: IntervalName,
    price_basis: PriceBasisName,
    /// Null where prices are as delivered.
    #[schema(required)]
    adjustment: Option<AdjustmentName>,
    /// From which date on prices are known, where a bar lies before.
    #[schema(required)]
    adjusted_from: Option<Date>,
    /// Why they are not known before.
    #[schema(nullable = false)]
    adjusted_from_reason: Option<String>,
    /// As asked for.
    #[schema(required)]
    start: Option<Date>,
    /// As asked for.
    #[schema(required)]
    end: Option<Date>,
    bars: Vec<Bar>,
    /// How many bars.
    #[schema(minimum = 0)]
    count: i64,
    /// The cursor of the next page; null on the last one.
    #[schema(required)]
    next: Option<Cursor>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// The bars of many symbols.
#[derive(ToSchema)]
pub(crate) struct Histories {
    interval: IntervalName,
    /// Null where prices are as delivered.
    #[schema(required)]
    adjustment: Option<AdjustmentName>,
    /// As asked for.
    #[schema(required)]
    start: Option<Date>,
    /// As asked for.
    #[schema(required)]
    end: Option<Date>,
    /// How many symbols have an answer.
    #[schema(minimum = 0)]
    symbols_ok: i64,
    /// How many have none.
    #[schema(minimum = 0)]
    symbols_failed: i64,
    /// In the order of `symbols`.
    series: Vec<OneOfMany>,
}

/// What became of one of many symbols.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum OneOfMany {
    #[schema(title = "ok")]
    Ok(BarsOfOne),
    #[schema(title = "failed")]
    Failed(FailureOfOne),
}

/// The bars of one of many symbols.
#[derive(ToSchema)]
pub(crate) struct BarsOfOne {
    symbol: Symbol,
    /// `ok`.
    #[schema(pattern = "^ok$")]
    outcome: String,
    vendor: VendorName,
    /// The currency's code, as the vendor spells it.
    #[schema(required)]
    currency: Option<String>,
    /// The currency that it is a unit of.
    #[schema(required)]
    currency_major: Option<String>,
    /// How many of it make one of that.
    #[schema(required, minimum = 1)]
    currency_units: Option<i64>,
    /// The exchange's time zone, by its IANA name.
    #[schema(required)]
    time_zone: Option<String>,
    price_basis: PriceBasisName,
    /// From which date on prices are known, where a bar lies before.
    #[schema(required)]
    adjusted_from: Option<Date>,
    /// Why they are not known before.
    #[schema(nullable = false)]
    adjusted_from_reason: Option<String>,
    bars: Vec<Bar>,
    /// How many bars.
    #[schema(minimum = 0)]
    count: i64,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// Why one of many symbols has no bars.
#[derive(ToSchema)]
pub(crate) struct FailureOfOne {
    /// As it was asked for, 64 characters of it at most.
    symbol: String,
    /// One of the codes of errors.
    #[schema(pattern = "^(invalid_symbol|unknown_symbol|unknown_series|not_adjustable)$")]
    outcome: String,
    /// For people.
    detail: String,
}

/// The corporate actions of a symbol.
#[derive(ToSchema)]
pub(crate) struct Actions {
    symbol: Symbol,
    vendor: VendorName,
    /// The currency's code, as the vendor spells it.
    #[schema(required)]
    currency: Option<String>,
    /// The currency that it is a unit of.
    #[schema(required)]
    currency_major: Option<String>,
    /// How many of it make one of that.
    #[schema(required, minimum = 1)]
    currency_units: Option<i64>,
    /// The share count of the amounts.
    dividend_basis: PriceBasisName,
    /// As asked for.
    #[schema(required)]
    start: Option<Date>,
    /// As asked for.
    #[schema(required)]
    end: Option<Date>,
    /// How many.
    #[schema(minimum = 0)]
    count: i64,
    /// By date.
    actions: Vec<Action>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// A dividend or a capital gain has an amount; a split has new shares for old ones.
#[derive(ToSchema)]
pub(crate) struct Action {
    /// The ex-date.
    date: Date,
    kind: ActionKindName,
    /// Paid for one share.
    #[schema(nullable = false)]
    amount: Option<Price>,
    /// New shares.
    #[schema(nullable = false)]
    numerator: Option<Price>,
    /// For so many old ones.
    #[schema(nullable = false)]
    denominator: Option<Price>,
    /// When the response was fetched that tells of it.
    as_of: Instant,
}

/// A page of the raw responses about a symbol.
#[derive(ToSchema)]
pub(crate) struct Responses {
    symbol: Symbol,
    /// As asked for.
    #[schema(required)]
    vendor: Option<VendorName>,
    /// How many are in this page.
    #[schema(minimum = 0)]
    count: i64,
    /// The one registered last comes first.
    responses: Vec<Response>,
    /// The cursor of the next page; null on the last one.
    #[schema(required)]
    next: Option<Cursor>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// A raw response in the archive.
#[derive(ToSchema)]
pub(crate) struct Response {
    /// Stable in one database.
    id: i64,
    /// Its name in the archive.
    file: String,
    /// Null where a response that was set aside does not tell.
    #[schema(required)]
    vendor: Option<VendorName>,
    /// Null where a response that was set aside does not tell.
    #[schema(required)]
    fetched_at: Option<Instant>,
    status: ResponseStatusName,
    /// Of the file.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// The length of the file.
    #[schema(minimum = 0)]
    bytes: i64,
    /// The first date that it decides.
    #[schema(required)]
    covers_from: Option<Date>,
    /// The last date that it decides.
    #[schema(required)]
    covers_to: Option<Date>,
}

/// That the process answers.
#[derive(ToSchema)]
pub(crate) struct Live {
    /// `live`.
    #[schema(pattern = "^live$")]
    status: String,
}

/// That everything is as it must be.
#[derive(ToSchema)]
pub(crate) struct Ready {
    /// `ready`.
    #[schema(pattern = "^ready$")]
    status: String,
    /// The names of what was looked at.
    checked: Vec<String>,
}
