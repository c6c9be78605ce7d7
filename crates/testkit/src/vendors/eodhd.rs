//! EODHD's end-of-day prices, splits and dividends.

use cream_models::{CorporateAction, CorporateEvent, Date, Price, SplitRatio, Vendor};

use super::basis::{self, Day};
use super::http::{Answer, CSV, HTML, JSON, Request};
use super::routes::key;
use super::world::{Format, Saying, World, dates};
use crate::json::Json;

/// Digits behind the point of the adjusted close.
pub(crate) const ADJUSTED_DIGITS: usize = 4;

/// How far back a key of the free plan reaches, in days.
const FREE_DAYS: i32 = 365;

/// What the last row of an answer to a key of the free plan carries.
const WARNING: &str = "Data is limited by one year as you have free subscription.";

pub(crate) struct Eodhd;

impl Format for Eodhd {
    fn answer(&self, world: &World, request: &Request) -> Answer {
        if request.query("api_token").as_deref() != key(Vendor::Eodhd) {
            return self.says(Saying::BadKey, request);
        }
        let segments = request.segments();
        let [_, kind, symbol] = &segments.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
            return self.says(Saying::UnknownSymbol, request);
        };
        let Some(found) = world.find(Vendor::Eodhd, symbol) else {
            return self.says(Saying::UnknownSymbol, request);
        };
        let Some(range) = dates(request, "from", "to") else {
            return limits(Answer::other(422, JSON, "{\"errors\":{\"from\":[\"not a date\"]}}"));
        };
        let series = found.instrument.series();
        if *kind != "eod" {
            let mut actions = basis::actions(series, Vendor::Eodhd);
            actions.retain(|action| range.contains(action.date));
            let of_kind = if *kind == "div" { dividends } else { splits };
            return limits(of_kind(series, &actions, is_json(request)));
        }
        let mut days = found.instrument.days();
        let is_free = world.is_free(Vendor::Eodhd);
        if let Some(last) = days.last().filter(|_| is_free) {
            let first = last.date.days() - FREE_DAYS;
            days.retain(|day| day.date.days() >= first);
        }
        days.retain(|day| range.contains(day.date));
        if request.query("order").as_deref() == Some("d") {
            days.reverse();
        }
        limits(if is_json(request) {
            Answer::healthy(JSON, json(&days, is_free))
        } else {
            Answer::healthy(CSV, csv(&days))
        })
    }

    fn says(&self, saying: Saying, request: &Request) -> Answer {
        match saying {
            Saying::TooFast => limits(Answer::other(429, HTML, "Too Many Requests")),
            Saying::QuotaSpent => Answer::other(
                402,
                HTML,
                "You exceeded your daily API requests limit. Please contact \
                 support@eodhistoricaldata.com",
            )
            .with("x-ratelimit-limit", "20")
            .with("x-ratelimit-remaining", "0"),
            Saying::BadKey => Answer::other(401, HTML, "Unauthenticated"),
            Saying::UnknownSymbol => limits(Answer::other(404, HTML, "Ticker Not Found.")),
            Saying::NoData if is_json(request) => limits(Answer::other(200, JSON, "[]")),
            Saying::NoData => limits(Answer::other(200, CSV, csv(&[]))),
        }
    }
}

fn is_json(request: &Request) -> bool {
    request.query("fmt").as_deref() == Some("json")
}

fn limits(answer: Answer) -> Answer {
    answer.with("x-ratelimit-limit", "1400").with("x-ratelimit-remaining", "1399")
}

fn number(price: Option<Price>) -> Json {
    price.map_or(Json::raw("null"), Json::raw)
}

fn json(days: &[Day], is_free: bool) -> Vec<u8> {
    let last = days.len().saturating_sub(1);
    let rows = days.iter().enumerate().map(|(at, day)| {
        let [open, high, low, close] = day.traded.map(number);
        let adjusted = day.adjusted(3, ADJUSTED_DIGITS);
        let mut row = vec![
            ("date".to_owned(), Json::text(&day.date.to_string())),
            ("open".to_owned(), open),
            ("high".to_owned(), high),
            ("low".to_owned(), low),
            ("close".to_owned(), close),
            ("adjusted_close".to_owned(), adjusted.map_or(Json::raw("null"), Json::Raw)),
            ("volume".to_owned(), day.volume.map_or(Json::raw("null"), Json::raw)),
        ];
        if is_free && at == last {
            row.push(("warning".to_owned(), Json::text(WARNING)));
        }
        Json::Object(row)
    });
    Json::List(rows.collect()).compact()
}

fn csv(days: &[Day]) -> String {
    let mut out = "Date,Open,High,Low,Close,Adjusted_close,Volume\n".to_owned();
    for day in days {
        let prices = day.traded.map(|price| price.map_or(String::new(), |it| it.to_string()));
        let adjusted = day.adjusted(3, ADJUSTED_DIGITS).unwrap_or_default();
        let volume = day.volume.map_or(String::new(), |volume| volume.to_string());
        out += &format!("{},{},{adjusted},{volume}\n", day.date, prices.join(","));
    }
    out
}

/// A split as the vendor writes it: `4.000000/1.000000`.
fn ratio_text(ratio: SplitRatio) -> String {
    let side = |side: Price| {
        let text = side.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        format!("{whole}.{fraction:0<6}")
    };
    format!("{}/{}", side(ratio.numerator()), side(ratio.denominator()))
}

fn splits(_: &crate::SyntheticSeries, actions: &[CorporateAction], is_json: bool) -> Answer {
    let splits = actions.iter().filter_map(|action| match action.event {
        CorporateEvent::Split(ratio) => Some((action.date, ratio_text(ratio))),
        _ => None,
    });
    if is_json {
        let rows = splits.map(|(date, ratio)| {
            Json::object([("date", Json::text(&date.to_string())), ("split", Json::text(&ratio))])
        });
        return Answer::healthy(JSON, Json::List(rows.collect()).compact());
    }
    let rows: String = splits.map(|(date, ratio)| format!("{date},{ratio}\n")).collect();
    Answer::healthy(CSV, format!("Date,\"Stock Splits\"\n{rows}"))
}

/// Dividends as paid, and beside them on today's share count.
fn dividends(
    series: &crate::SyntheticSeries,
    actions: &[CorporateAction],
    is_json: bool,
) -> Answer {
    let dividends = actions.iter().filter_map(|action| {
        let CorporateEvent::Dividend { amount: paid } = action.event else { return None };
        let known = series.actions.iter().find(|known| known.key() == action.key())?;
        let CorporateEvent::Dividend { amount: adjusted } = known.event else { return None };
        Some((action.date, paid, adjusted))
    });
    if !is_json {
        let rows: String =
            dividends.map(|(date, _, adjusted)| format!("{date},{adjusted}\n")).collect();
        return Answer::healthy(CSV, format!("Date,Dividends\n{rows}"));
    }
    let currency = series.listing.currency.as_deref();
    let rows = dividends.map(|(date, paid, adjusted)| {
        let day = |offset: i32| {
            Json::text(&Date::from_days(date.days() + offset).unwrap_or(date).to_string())
        };
        Json::object([
            ("date", day(0)),
            ("declarationDate", day(-8)),
            ("recordDate", day(0)),
            ("paymentDate", day(6)),
            ("period", Json::text("Quarterly")),
            ("value", Json::raw(adjusted)),
            ("unadjustedValue", Json::raw(paid)),
            ("currency", currency.map_or(Json::raw("null"), Json::text)),
        ])
    });
    Answer::healthy(JSON, Json::List(rows.collect()).compact())
}
