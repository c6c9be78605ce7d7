//! The bars of a series, daily, weekly or monthly, a page at a time, as JSON or CSV.

use actix_web::{HttpRequest, HttpResponse, web};
use cream_models::{
    AdjustLimit, Adjustment, Currency, Date, DateRange, Interval, PriceBasis, Symbol, Vendor,
};
use cream_store::Store;
use cream_store::{Order, Series, Stock, StoredBar};

use crate::adjusted::{self, Needed};
use crate::answer::{Answer, Body, tag};
use crate::cursor::{self, CursorError, Fingerprint};
use crate::json::{CSV_BAR_LEN, CSV_HEADER, JSON_BAR_LEN, Object, csv_bars, json_bars};
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::params::{Params, Span, SymbolInPath, encode, link};
use crate::periods::{Days, Periods, behind};
use crate::problem::ApiError;
use crate::state::{State, find_series, series_state};

/// Bars in a page at most, and where `limit` is absent: 200 years of trading days fit.
const MAX_LIMIT: u32 = 50_000;

/// `GET /stock-data/{symbol}/history`
pub(crate) async fn history(
    request: HttpRequest,
    state: web::Data<State>,
    SymbolInPath(symbol): SymbolInPath,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let query = HistoryQuery::read(symbol, params, || {
        negotiate(&request, &[MediaType::Json, MediaType::Csv])
    })?;
    Ok(state.blocking(move |store| read_history(store, &query, &held)).await?.into())
}

struct HistoryQuery {
    symbol: Symbol,
    vendor: Option<Vendor>,
    /// `None` for prices as delivered.
    adjustment: Option<Adjustment>,
    interval: Interval,
    span: Span,
    order: Order,
    limit: u32,
    /// The date of the last bar of the page before.
    after: Option<Date>,
    media: MediaType,
    scope: Fingerprint,
    pairs: Vec<(String, String)>,
}

impl HistoryQuery {
    fn read(
        symbol: Symbol,
        mut params: Params,
        by_accept: impl FnOnce() -> Result<MediaType, ApiError>,
    ) -> Result<Self, ApiError> {
        let pairs = params.pairs().to_vec();
        let mut vendor = params.vendor();
        let span = params.range();
        let orders = [("asc", Order::Ascending), ("desc", Order::Descending)];
        let order = params.word("order", &orders).unwrap_or_default();
        let limit = params.limit(MAX_LIMIT, MAX_LIMIT);
        let media = params.word("format", &[("json", MediaType::Json), ("csv", MediaType::Csv)]);
        let intervals = Interval::ALL.map(|interval| (interval.name(), interval));
        let interval = params.word("interval", &intervals).unwrap_or_default();
        let adjustments = Adjustment::ALL.map(|adjustment| (adjustment.name(), adjustment));
        let adjustment = params.word("adjustment", &adjustments);
        let scope = query_scope(&symbol, span, order, interval, adjustment);
        let after = params.text("cursor").and_then(|given| {
            match cursor::decode(&scope, &given).and_then(|position| read_position(&position)) {
                // The freshest vendor may be another by now; the pages stay with the first one's.
                Ok((of, date)) if vendor.is_none_or(|vendor| vendor == of) => {
                    vendor = Some(of);
                    Some(date)
                }
                Ok(_) => {
                    params.wrong("cursor", &given, CursorError::Foreign);
                    None
                }
                Err(error) => {
                    params.wrong("cursor", &given, error);
                    None
                }
            }
        });
        params.finish()?;
        // What the query asks for goes before what the header likes.
        let media = media.map_or_else(by_accept, Ok)?;
        Ok(Self {
            symbol,
            vendor,
            adjustment,
            interval,
            span,
            order,
            limit,
            after,
            media,
            scope,
            pairs,
        })
    }

    /// The dates that are left, or `None` where there are none: whole periods.
    fn range(&self) -> Option<DateRange> {
        let whole = self.interval.widen(self.span.range());
        let Some(after) = self.after else { return Some(whole) };
        behind(whole, self.order, self.interval.period(after))
    }

    /// The dates asked for, widened to whole periods.
    fn whole_span(&self) -> Span {
        let Span { start, end } = self.span;
        let period = |date| self.interval.period(date);
        Span {
            start: start.map(|date| period(date).first()),
            end: end.map(|date| period(date).last()),
        }
    }

    /// The share count of the prices in the answer.
    fn price_basis(&self, series: &Series) -> PriceBasis {
        self.adjustment.map_or(series.vendor.price_basis(), Adjustment::price_basis)
    }

    fn tag(&self, stock: &Stock, series: &Series) -> String {
        let date = |date: Option<Date>| date.map(|date| date.days().to_le_bytes());
        let state = series_state("history", stock, series)
            .optional(date(self.span.start))
            .optional(date(self.span.end))
            .optional(date(self.after))
            .part(order_name(self.order))
            .part(self.interval.name())
            .number(i64::from(self.limit))
            .part(self.media.name());
        let Some(adjustment) = self.adjustment else { return tag(state) };
        // More may become known without any bar or action changing.
        let known = series.actions_known.iter().flat_map(|range| [range.first(), range.last()]);
        tag(known.fold(state.part(adjustment.name()), |state, date| {
            state.number(i64::from(date.days()))
        }))
    }
}

const fn order_name(order: Order) -> &'static str {
    match order {
        Order::Ascending => "asc",
        Order::Descending => "desc",
    }
}

/// What must stay the same from page to page.
fn query_scope(
    symbol: &Symbol,
    span: Span,
    order: Order,
    interval: Interval,
    adjustment: Option<Adjustment>,
) -> Fingerprint {
    let date = |date: Option<Date>| date.map(|date| date.days().to_le_bytes());
    Fingerprint::new("history")
        .part(symbol.as_str())
        .optional(date(span.start))
        .optional(date(span.end))
        .part(order_name(order))
        .part(interval.name())
        .optional(adjustment.map(Adjustment::name))
}

fn write_position(vendor: Vendor, date: Date) -> Vec<u8> {
    [&vendor.code().to_be_bytes()[..], &date.days().to_be_bytes()].concat()
}

fn read_position(position: &[u8]) -> Result<(Vendor, Date), CursorError> {
    let read = || {
        let (code, rest) = position.split_first_chunk()?;
        let vendor = Vendor::from_code(i16::from_be_bytes(*code))?;
        let days = i32::from_be_bytes(rest.try_into().ok()?);
        Some((vendor, Date::from_days(days)?))
    };
    read().ok_or(CursorError::Malformed)
}

/// A page and what it belongs to.
struct Page {
    stock: Stock,
    series: Series,
    tag: String,
    bars: Vec<StoredBar>,
    /// From which date on bars are adjusted, where one lies before.
    limit: Option<AdjustLimit>,
    next: Option<String>,
}

fn read_history(
    store: &Store,
    query: &HistoryQuery,
    held: &IfNoneMatch,
) -> Result<Answer, ApiError> {
    // The text is written once the connection is back in the pool.
    let page = store.read_any(|reader| {
        let (stock, series) = find_series(reader, &query.symbol, query.vendor)?;
        if let Some(adjustment) = query.adjustment {
            adjusted::check(reader, &series, adjustment)?;
        }
        let tag = query.tag(&stock, &series);
        if let Some(unchanged) = Answer::unchanged(held, &tag) {
            return Ok::<_, ApiError>(Err(unchanged));
        }
        let Days { bars, last } = match query.range() {
            Some(range) => {
                let HistoryQuery { interval, order, limit, .. } = *query;
                Days::read(reader, &series, interval, order, limit, range)?
            }
            None => Days::default(),
        };
        let next =
            last.map(|last| cursor::encode(&query.scope, &write_position(series.vendor, last)));
        let needed = match query.adjustment {
            Some(adjustment) => Needed::read(reader, &series, adjustment, &bars)?,
            None => None,
        };
        let basis = query.price_basis(&series);
        let periods = match query.interval {
            Interval::Day => None,
            interval => Periods::read(reader, &series, interval, basis, &bars)?,
        };
        Ok(Ok((Page { stock, series, tag, bars, limit: None, next }, needed, periods)))
    })?;
    match page {
        Ok((mut page, needed, periods)) => {
            if let Some(needed) = needed {
                page.limit = needed.adjust(&page.series, &mut page.bars)?;
            }
            if let Some(periods) = periods {
                page.bars = periods.bars(&page.bars);
            }
            Ok(Answer::Body(write_page(query, page)))
        }
        Err(unchanged) => Ok(unchanged),
    }
}

fn write_page(query: &HistoryQuery, page: Page) -> Body {
    let mut facts = Vec::new();
    let bytes = match query.media {
        MediaType::Json => write_json(query, &page),
        MediaType::Csv => {
            csv_facts(query, &page, |name, value| facts.push((name, value)));
            let mut bytes = Vec::with_capacity(CSV_HEADER.len() + CSV_BAR_LEN * page.bars.len());
            bytes.extend_from_slice(CSV_HEADER);
            csv_bars(&mut bytes, &page.bars);
            bytes
        }
    };
    let path = format!("/stock-data/{}/history", encode(page.stock.symbol.as_str()));
    let next = page.next.map(|cursor| link(&path, &query.pairs, &cursor));
    Body { tag: page.tag, media: query.media, bytes, next, facts }
}

/// What stands beside the bars in JSON, for the headers.
fn csv_facts(query: &HistoryQuery, page: &Page, mut put: impl FnMut(&'static str, String)) {
    let series = &page.series;
    put("cream-symbol", page.stock.symbol.to_string());
    put("cream-vendor", series.vendor.to_string());
    if let Some(currency) = series.currency().map(Currency::of) {
        put("cream-currency", currency.code().to_owned());
        put("cream-currency-major", currency.major().to_owned());
        put("cream-currency-units", currency.units_per_major().to_string());
    }
    if let Some(time_zone) = series.time_zone() {
        put("cream-time-zone", time_zone.to_owned());
    }
    put("cream-interval", query.interval.to_string());
    put("cream-price-basis", query.price_basis(series).to_string());
    if let Some(adjustment) = query.adjustment {
        put("cream-adjustment", adjustment.to_string());
    }
    if let Some(limit) = page.limit {
        put("cream-adjusted-from", limit.from.to_string());
    }
}

fn write_json(query: &HistoryQuery, page: &Page) -> Vec<u8> {
    let Page { stock, series, bars, limit, next, .. } = page;
    let mut bytes = Vec::with_capacity(480 + JSON_BAR_LEN * bars.len());
    let mut object = Object::open(&mut bytes);
    object.string("symbol", stock.symbol.as_str());
    object.string("vendor", series.vendor.name());
    object.currency(series.currency());
    object.optional_string("time_zone", series.time_zone());
    object.string("interval", query.interval.name());
    object.string("price_basis", query.price_basis(series).name());
    object.optional_string("adjustment", query.adjustment.map(Adjustment::name));
    object.date("adjusted_from", limit.map(|limit| limit.from));
    if let Some(limit) = limit {
        object.string("adjusted_from_reason", &limit.to_string());
    }
    object.date("start", query.span.start);
    object.date("end", query.span.end);
    object.integer("count", i64::try_from(bars.len()).ok());
    let out = object.key("bars");
    out.push(b'[');
    json_bars(out, bars);
    out.push(b']');
    object.optional_string("next", next.as_deref());
    if bars.is_empty() {
        object.string("reason", &why_empty(series, query.whole_span()));
    }
    object.close();
    bytes
}

/// Why no bar lies in the dates asked for.
pub(crate) fn why_empty(series: &Series, span: Span) -> String {
    match (series.first_date, series.last_date) {
        (Some(first), Some(last))
            if span.range().contains(last) && span.range().contains(first) =>
        {
            // The cursor stood at the end, or bars went away meanwhile.
            format!("no bar is left; the series runs from {first} to {last}")
        }
        (Some(first), Some(last)) => {
            let asked = match (span.start, span.end) {
                (Some(start), Some(end)) => format!("from {start} to {end}"),
                (Some(start), None) => format!("from {start} on"),
                (None, Some(end)) => format!("up to {end}"),
                (None, None) => "at all".to_owned(),
            };
            format!("no bar {asked}; the series runs from {first} to {last}")
        }
        _ => "the series holds no bar".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<HistoryQuery, ApiError> {
        let symbol = Symbol::parse("TSLA").unwrap();
        HistoryQuery::read(symbol, Params::read(text), || Ok(MediaType::Json))
    }

    #[test]
    fn a_cursor_narrows_the_range_in_its_order() {
        let page = |order: &str, at: &str| {
            let base = format!("start=2025-01-01&end=2025-01-31&order={order}");
            let scope = query(&base).unwrap().scope;
            let at = write_position(Vendor::YahooPage, at.parse().unwrap());
            let query = query(&format!("{base}&cursor={}", cursor::encode(&scope, &at))).unwrap();
            assert_eq!(query.vendor, Some(Vendor::YahooPage));
            query.range().map(|range| range.to_string())
        };
        assert_eq!(page("asc", "2025-01-10").as_deref(), Some("2025-01-11..2025-01-31"));
        assert_eq!(page("desc", "2025-01-10").as_deref(), Some("2025-01-01..2025-01-09"));
        assert_eq!(page("asc", "2025-01-31"), None);
        assert_eq!(page("desc", "0001-01-01"), None);
        assert_eq!(page("asc", "9999-12-31"), None);
    }

    #[test]
    fn a_cursor_of_another_vendor_or_range_is_refused() {
        let scope = query("").unwrap().scope;
        let at = write_position(Vendor::YahooPage, "2025-01-10".parse().unwrap());
        let cursor = cursor::encode(&scope, &at);
        assert!(query(&format!("cursor={cursor}")).is_ok());
        assert!(query(&format!("cursor={cursor}&limit=5&vendor=yahoo-page")).is_ok());
        for other in [
            "vendor=yahoo-chart",
            "order=desc",
            "start=2025-01-01",
            "adjustment=raw",
            "interval=1wk",
        ] {
            assert!(query(&format!("cursor={cursor}&{other}")).is_err(), "{other}");
        }
        let mangled = cursor::encode(&scope, b"x");
        assert!(query(&format!("cursor={mangled}")).is_err());
    }

    #[test]
    fn what_is_not_served_is_refused() {
        assert!(query("interval=1d").is_ok());
        for bad in ["interval=", "interval=1h", "adjustment=none", "adjustment=", "format=xml"] {
            assert!(query(bad).is_err(), "{bad}");
        }
    }
}
