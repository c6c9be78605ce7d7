//! What a request for the history of one symbol says.

use cream_models::{Adjustment, Date, DateRange, Symbol, Vendor};
use cream_store::{Series, Stock};

use super::ask::Ask;
use crate::answer::tag;
use crate::cursor::{self, CursorError, Fingerprint};
use crate::formats::FORMATS;
use crate::negotiate::MediaType;
use crate::params::{Params, encode, link};
use crate::periods::behind;
use crate::problem::ApiError;

/// Bars in a page at most, and where `limit` is absent: 200 years of trading days fit.
pub(super) const MAX_LIMIT: u32 = 50_000;

pub(super) struct HistoryQuery {
    pub(super) symbol: Symbol,
    pub(super) vendor: Option<Vendor>,
    pub(super) ask: Ask,
    /// The date of the last bar of the page before.
    after: Option<Date>,
    pub(super) media: MediaType,
    scope: Fingerprint,
    pairs: Vec<(String, String)>,
}

impl HistoryQuery {
    pub(super) fn read(
        symbol: Symbol,
        mut params: Params,
        by_accept: impl FnOnce() -> Result<MediaType, ApiError>,
    ) -> Result<Self, ApiError> {
        let pairs = params.pairs().to_vec();
        let mut vendor = params.vendor();
        let span = params.range();
        let order = Ask::order(&mut params);
        let limit = params.limit(MAX_LIMIT, MAX_LIMIT);
        let media = params.word("format", &FORMATS);
        let interval = Ask::interval(&mut params);
        let adjustment = Ask::adjustment(&mut params);
        let ask = Ask { span, interval, adjustment, order, limit };
        let scope = query_scope(&symbol, &ask);
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
        Ok(Self { symbol, vendor, ask, after, media, scope, pairs })
    }

    /// The dates that are left, or `None` where there are none: whole periods.
    pub(super) fn range(&self) -> Option<DateRange> {
        let whole = self.ask.interval.widen(self.ask.span.range());
        let Some(after) = self.after else { return Some(whole) };
        behind(whole, self.ask.order, self.ask.interval.period(after))
    }

    pub(super) fn tag(&self, stock: &Stock, series: &Series) -> String {
        let after = self.after.map(|date| date.days().to_le_bytes());
        let state = self.ask.mark(self.ask.state("history", stock, series));
        tag(state.optional(after).part(self.media.name()))
    }

    /// The cursor of the page behind a date.
    pub(super) fn cursor(&self, series: &Series, date: Date) -> String {
        cursor::encode(&self.scope, &write_position(series.vendor, date))
    }

    /// The URL of the page of a cursor.
    pub(super) fn link(&self, cursor: &str) -> String {
        let path = format!("/stock-data/{}/history", encode(self.symbol.as_str()));
        link(&path, &self.pairs, cursor)
    }
}

/// What must stay the same from page to page.
fn query_scope(symbol: &Symbol, ask: &Ask) -> Fingerprint {
    let date = |date: Option<Date>| date.map(|date| date.days().to_le_bytes());
    Fingerprint::new("history")
        .part(symbol.as_str())
        .optional(date(ask.span.start))
        .optional(date(ask.span.end))
        .part(ask.order_name())
        .part(ask.interval.name())
        .optional(ask.adjustment.map(Adjustment::name))
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
