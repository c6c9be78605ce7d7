//! Yahoo's v8 chart answer.

use std::fmt::Write as _;

use cream_models::{ActionKind, BarField, CorporateAction, CorporateEvent, Price, Timestamp};

use crate::json::Json;
use crate::listing::Sessions;
use crate::{BadCell, Row, SyntheticSeries};

/// The order of keys in the objects of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyOrder {
    /// As the vendor writes them.
    #[default]
    Vendor,
    /// The other way round.
    Reversed,
    /// At random, by this seed.
    Shuffled(u64),
}

/// How a chart answer is written.
#[derive(Clone, Debug, Default)]
pub struct ChartOptions {
    /// The order of keys.
    pub key_order: KeyOrder,
    /// Indented, one number a line.
    pub pretty: bool,
    /// Whole numbers without `.0`, as answers that went through another program have them.
    pub short_numbers: bool,
    /// Values written otherwise than they are, as raw JSON.
    pub bad_cells: Vec<BadCell>,
    /// Events keyed by another instant than their date, as seen in long answers: the date counts.
    pub odd_event_keys: bool,
    /// Without the events, as where none were asked for.
    pub no_events: bool,
    /// Without the adjusted closes.
    pub no_adj_close: bool,
    /// The instant of the last trade; by default that of the live row, or else the close of the
    /// last session.
    pub regular_market_time: Option<Timestamp>,
    /// The first session ever; by default that of the first row.
    pub first_trade: Option<Timestamp>,
}

impl SyntheticSeries {
    /// The chart answer, as the vendor writes it.
    #[must_use]
    pub fn chart_json(&self) -> Vec<u8> {
        self.chart_json_with(&ChartOptions::default())
    }

    /// The chart answer, written as asked.
    #[must_use]
    pub fn chart_json_with(&self, options: &ChartOptions) -> Vec<u8> {
        let sessions = self.listing.sessions();
        let writer = Writer { series: self, options, sessions };
        writer.answer().render(options.key_order, options.pretty)
    }

    /// The rows with the instants the vendor stamps them with, the live one last.
    fn stamped<'a>(
        &'a self,
        sessions: &'a Sessions,
    ) -> impl Iterator<Item = (Timestamp, &'a Row)> + 'a {
        let settled = self.rows.iter().map(|row| (sessions.open(row.date), row));
        settled.chain(self.live.as_ref().map(|live| (live.at, &live.row)))
    }
}

struct Writer<'a> {
    series: &'a SyntheticSeries,
    options: &'a ChartOptions,
    sessions: Sessions,
}

impl Writer<'_> {
    fn answer(&self) -> Json {
        let mut result = vec![("meta".to_owned(), self.meta())];
        if self.series.range().is_some() {
            result.push(("timestamp".to_owned(), self.timestamps()));
        }
        if !self.options.no_events && !self.series.actions.is_empty() {
            result.push(("events".to_owned(), self.events()));
        }
        result.push(("indicators".to_owned(), self.indicators()));
        let chart = Json::object([
            ("result", Json::List(vec![Json::Object(result)])),
            ("error", Json::raw("null")),
        ]);
        Json::object([("chart", chart)])
    }

    fn meta(&self) -> Json {
        let series = self.series;
        let listing = &series.listing;
        let optional =
            |text: &Option<String>| text.as_deref().map_or(Json::raw("null"), Json::text);
        let first = series.range().map_or(0, |range| self.sessions.open(range.first()).seconds());
        let first = self.options.first_trade.map_or(first, Timestamp::seconds);
        // After the last settled session the vendor already speaks of the next one.
        let last = series.rows.iter().rev().find(|row| !row.is_null());
        let (last_trade, session) = match (series.live, last) {
            (Some(live), _) => (live.at, live.row.date),
            (None, Some(row)) => {
                (self.sessions.close(row.date).plus_seconds(1), listing.trading_day_after(row.date))
            }
            (None, None) => (Timestamp::from_seconds(0), cream_models::Date::from_days(0).unwrap()),
        };
        let last_trade = self.options.regular_market_time.unwrap_or(last_trade);
        let newest = series.live.map(|live| live.row).or(last.copied());
        let close = newest.and_then(|row| row.prices[3]).unwrap_or_default();
        let (offset, zone) = self.sessions.offset(last_trade);
        let mut meta = vec![
            ("currency", optional(&listing.currency)),
            ("symbol", Json::text(&listing.symbol)),
            ("exchangeName", Json::text(&listing.exchange_code)),
            ("fullExchangeName", Json::text(&listing.exchange)),
            ("instrumentType", Json::text(&listing.kind)),
            ("firstTradeDate", Json::raw(first)),
            ("regularMarketTime", Json::raw(last_trade.seconds())),
            ("hasPrePostMarketData", Json::raw(listing.opens > 0)),
            ("gmtoffset", Json::raw(offset)),
            ("timezone", Json::text(&zone)),
            ("exchangeTimezoneName", Json::text(&listing.zone)),
            ("regularMarketPrice", Json::raw(crate::price_of(close).0)),
        ];
        if listing.name.is_some() {
            meta.push(("longName", optional(&listing.name)));
            meta.push(("shortName", optional(&listing.name)));
        }
        meta.extend([
            ("priceHint", Json::raw(listing.digits.min(4))),
            ("currentTradingPeriod", self.periods(session, &zone, offset)),
            ("dataGranularity", Json::text("1d")),
            ("range", Json::text("")),
            (
                "validRanges",
                Json::List(
                    ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
                        .map(Json::text)
                        .into(),
                ),
            ),
        ]);
        Json::Object(meta.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn periods(&self, date: cream_models::Date, zone: &str, offset: i32) -> Json {
        let open = self.sessions.open(date).seconds();
        let close = self.sessions.close(date).seconds();
        // Trading before and after the session, where there is a night between sessions.
        let margin = if self.series.listing.opens > 0 { 4 * 3600 } else { 0 };
        let period = |start: i64, end: i64| {
            Json::object([
                ("timezone", Json::text(zone)),
                ("start", Json::raw(start)),
                ("end", Json::raw(end)),
                ("gmtoffset", Json::raw(offset)),
            ])
        };
        Json::object([
            ("pre", period(open - margin, open)),
            ("regular", period(open, close)),
            ("post", period(close, close + margin)),
        ])
    }

    fn timestamps(&self) -> Json {
        let mut out = String::new();
        for (at, _) in self.series.stamped(&self.sessions) {
            separate(&mut out);
            write!(out, "{}", at.seconds()).unwrap();
        }
        Json::Numbers(out)
    }

    fn indicators(&self) -> Json {
        if self.series.range().is_none() {
            let empty = || Json::List(vec![Json::object([])]);
            return Json::object([("quote", empty()), ("adjclose", empty())]);
        }
        let fields =
            [BarField::Low, BarField::Close, BarField::Volume, BarField::Open, BarField::High];
        let quote = fields.map(|field| (field.name(), self.column(field)));
        let quote = ("quote", Json::List(vec![Json::object(quote)]));
        if self.options.no_adj_close {
            return Json::object([quote]);
        }
        let adjusted = Json::object([("adjclose", self.column(BarField::AdjClose))]);
        Json::object([quote, ("adjclose", Json::List(vec![adjusted]))])
    }

    fn column(&self, field: BarField) -> Json {
        let rows = self.series.rows.iter().chain(self.series.live.as_ref().map(|live| &live.row));
        let mut out = String::with_capacity(self.series.rows.len() * 20);
        for row in rows {
            separate(&mut out);
            let bad = |cell: &&BadCell| cell.date == row.date && cell.field == field;
            if let Some(cell) = self.options.bad_cells.iter().find(bad) {
                out.push_str(&cell.text);
            } else if field == BarField::Volume {
                match row.volume {
                    Some(volume) => write!(out, "{volume}").unwrap(),
                    None => out.push_str("null"),
                }
            } else {
                match row.prices[field as usize] {
                    Some(price) => self.number(&mut out, f64::from(price)),
                    None => out.push_str("null"),
                }
            }
        }
        Json::Numbers(out)
    }

    /// The shortest decimal of the float, with at least one digit behind the point.
    fn number(&self, out: &mut String, value: f64) {
        if self.options.short_numbers {
            write!(out, "{value}").unwrap();
        } else {
            write!(out, "{value:?}").unwrap();
        }
    }

    fn price(&self, price: Price) -> Json {
        let mut text = price.to_string();
        if !self.options.short_numbers && !text.contains('.') {
            text.push_str(".0");
        }
        Json::Raw(text)
    }

    fn events(&self) -> Json {
        let groups = [
            ("dividends", ActionKind::Dividend),
            ("splits", ActionKind::Split),
            ("capitalGains", ActionKind::CapitalGain),
        ];
        let groups = groups.into_iter().filter_map(|(name, kind)| {
            let of_kind = |action: &&CorporateAction| action.kind() == kind;
            let actions = self.series.actions.iter().filter(of_kind);
            let entries: Vec<_> = actions.map(|action| self.event(action)).collect();
            (!entries.is_empty()).then(|| (name.to_owned(), Json::Object(entries)))
        });
        Json::Object(groups.collect())
    }

    fn event(&self, action: &CorporateAction) -> (String, Json) {
        let date = self.sessions.open(action.date).seconds();
        let key = if self.options.odd_event_keys { date - 89 * 86_400 } else { date };
        let value = match action.event {
            CorporateEvent::Dividend { amount } | CorporateEvent::CapitalGain { amount } => {
                Json::object([("amount", self.price(amount)), ("date", Json::raw(date))])
            }
            CorporateEvent::Split(ratio) => Json::object([
                ("date", Json::raw(date)),
                ("numerator", self.price(ratio.numerator())),
                ("denominator", self.price(ratio.denominator())),
                ("splitRatio", Json::text(&ratio.to_string())),
            ]),
        };
        (key.to_string(), value)
    }
}

fn separate(out: &mut String) {
    if !out.is_empty() {
        out.push(',');
    }
}
