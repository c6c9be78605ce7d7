//! Tiingo's end-of-day prices.

use cream_models::{Price, Vendor};

use super::basis::{Day, split_factor};
use super::http::{Answer, CSV, JSON, Request};
use super::routes::key;
use super::world::{Format, Saying, World, dates};
use crate::json::Json;

/// Digits behind the point of the adjusted prices.
pub(crate) const ADJUSTED_DIGITS: usize = 10;

const COLUMNS: [&str; 13] = [
    "date",
    "close",
    "high",
    "low",
    "open",
    "volume",
    "adjClose",
    "adjHigh",
    "adjLow",
    "adjOpen",
    "adjVolume",
    "divCash",
    "splitFactor",
];

pub(crate) struct Tiingo;

impl Format for Tiingo {
    fn answer(&self, world: &World, request: &Request) -> Answer {
        let header = request.header("authorization").and_then(|text| text.strip_prefix("Token "));
        let token = header.map(str::to_owned).or(request.query("token"));
        match token {
            None => return detail(403, "Please supply a token"),
            Some(token) if Some(token.as_str()) != key(Vendor::Tiingo) => {
                return self.says(Saying::BadKey, request);
            }
            Some(_) => {}
        }
        let segments = request.segments();
        let [_, _, ticker, "prices"] = &segments.iter().map(String::as_str).collect::<Vec<_>>()[..]
        else {
            return self.says(Saying::UnknownSymbol, request);
        };
        let Some(found) = world.find(Vendor::Tiingo, ticker) else {
            return self.says(Saying::UnknownSymbol, request);
        };
        let Some(range) = dates(request, "startDate", "endDate") else {
            return detail(400, "Error: startDate and endDate must be dates such as 2025-06-13");
        };
        let mut days = found.instrument.days();
        if request.query("startDate").is_none() {
            // Asked for no history, Tiingo sends the newest row.
            days.drain(..days.len().saturating_sub(1));
        }
        days.retain(|day| range.contains(day.date));
        if is_csv(request) {
            Answer::healthy(CSV, csv(&days))
        } else {
            Answer::healthy(JSON, json(&days))
        }
    }

    fn says(&self, saying: Saying, request: &Request) -> Answer {
        match saying {
            Saying::TooFast | Saying::QuotaSpent => detail(
                429,
                "Error: You have run over your hourly request allocation. Please upgrade at \
                 https://api.tiingo.com/pricing to have your limits increased.",
            ),
            Saying::BadKey => detail(401, "Invalid token."),
            Saying::UnknownSymbol => detail(404, "Not found."),
            Saying::NoData if is_csv(request) => Answer::other(200, CSV, csv(&[])),
            Saying::NoData => Answer::other(200, JSON, "[]"),
        }
    }
}

fn is_csv(request: &Request) -> bool {
    request.query("format").as_deref() == Some("csv")
}

fn detail(status: u16, text: &str) -> Answer {
    Answer::other(status, JSON, Json::object([("detail", Json::text(text))]).compact())
}

/// The values of a row in the order of the columns, without the date.
fn values(day: &Day) -> [Option<String>; 12] {
    let [open, high, low, close] = day.traded.map(|price| price.map(float));
    let adjusted = |field| day.adjusted(field, ADJUSTED_DIGITS).map(|text| with_point(&text));
    let whole = |volume: Option<i64>| volume.map(|volume| volume.to_string());
    let none = "0.0".to_owned();
    [
        close,
        high,
        low,
        open,
        whole(day.traded_volume),
        adjusted(3),
        adjusted(1),
        adjusted(2),
        adjusted(0),
        whole(day.volume),
        Some(day.dividend.map_or(none, float)),
        Some(day.split.map_or_else(|| "1.0".to_owned(), |ratio| float(split_factor(ratio)))),
    ]
}

fn json(days: &[Day]) -> Vec<u8> {
    let rows = days.iter().map(|day| {
        let date = Json::text(&format!("{}T00:00:00.000Z", day.date));
        let values = values(day).map(|value| Json::Raw(value.unwrap_or("null".to_owned())));
        let values = std::iter::once(date).chain(values);
        Json::Object(COLUMNS.map(str::to_owned).into_iter().zip(values).collect())
    });
    Json::List(rows.collect()).compact()
}

fn csv(days: &[Day]) -> String {
    let mut out = COLUMNS.join(",") + "\n";
    for day in days {
        out += &day.date.to_string();
        for value in values(day) {
            out.push(',');
            out += value.as_deref().unwrap_or_default();
        }
        out.push('\n');
    }
    out
}

/// As Python writes a float: with a point, always.
fn float(price: Price) -> String {
    with_point(&price.to_string())
}

fn with_point(text: &str) -> String {
    if text.contains('.') { text.to_owned() } else { format!("{text}.0") }
}
