//! Alpha Vantage's daily series, which says everything with a status of 200.

use cream_models::Vendor;

use super::basis::{Day, split_factor};
use super::http::{Answer, CSV, JSON, Request};
use super::routes::key;
use super::world::{Format, Saying, World};
use crate::json::Json;

/// Digits behind the point of the adjusted close.
pub(crate) const ADJUSTED_DIGITS: usize = 12;

/// The rows of an answer that is not asked to be full.
const COMPACT: usize = 100;

pub(crate) struct AlphaVantage;

impl Format for AlphaVantage {
    fn answer(&self, world: &World, request: &Request) -> Answer {
        if request.query("apikey").as_deref() != key(Vendor::AlphaVantage) {
            return self.says(Saying::BadKey, request);
        }
        let is_adjusted = match request.query("function").as_deref() {
            Some("TIME_SERIES_DAILY") => false,
            Some("TIME_SERIES_DAILY_ADJUSTED") => true,
            _ => return message("Error Message", "This API function does not exist."),
        };
        let is_full = request.query("outputsize").as_deref() == Some("full");
        if world.is_free(Vendor::AlphaVantage) && (is_adjusted || is_full) {
            return message(
                "Information",
                "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe \
                 to any of the premium plans at https://www.alphavantage.co/premium/ to instantly \
                 unlock all premium endpoints",
            );
        }
        let symbol = request.query("symbol").unwrap_or_default();
        let Some(found) = world.find(Vendor::AlphaVantage, &symbol) else {
            return self.says(Saying::UnknownSymbol, request);
        };
        let mut days = found.instrument.days();
        if !is_full {
            days.drain(..days.len().saturating_sub(COMPACT));
        }
        days.reverse();
        if request.query("datatype").as_deref() == Some("csv") {
            Answer::healthy(CSV, csv(&days, is_adjusted))
        } else {
            Answer::healthy(JSON, json(&found.name, &days, is_adjusted, is_full))
        }
    }

    fn says(&self, saying: Saying, request: &Request) -> Answer {
        // The vendor repeats the key, which so ends up in logs.
        let key = request.query("apikey").unwrap_or_default();
        match saying {
            Saying::TooFast => message(
                "Note",
                "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per \
                 minute and 500 calls per day.",
            ),
            Saying::QuotaSpent => message(
                "Information",
                &format!(
                    "We have detected your API key as {key} and our standard API rate limit is 25 \
                     requests per day. Please subscribe to any of the premium plans at \
                     https://www.alphavantage.co/premium/ to instantly remove all daily rate limits."
                ),
            ),
            Saying::BadKey => message(
                "Error Message",
                "the parameter apikey is invalid or missing. Please claim your free API key on \
                 (https://www.alphavantage.co/support/#api-key).",
            ),
            Saying::UnknownSymbol => {
                let function = request.query("function").unwrap_or_default();
                message(
                    "Error Message",
                    &format!(
                        "Invalid API call. Please retry or visit the documentation \
                         (https://www.alphavantage.co/documentation/) for {function}."
                    ),
                )
            }
            Saying::NoData => Answer::other(200, JSON, "{}"),
        }
    }
}

fn message(name: &str, text: &str) -> Answer {
    Answer::other(200, JSON, Json::object([(name, Json::text(text))]).pretty())
}

/// The values of a row: open, high, low, close; with an adjusted close, the volume, and the
/// dividend and the split of the day where they are asked for.
fn values(day: &Day, is_adjusted: bool) -> Vec<String> {
    let prices = day.traded.iter();
    let mut values: Vec<_> =
        prices.map(|price| price.map_or(String::new(), |it| padded(&it.to_string(), 2))).collect();
    let volume = day.traded_volume.unwrap_or(0).to_string();
    if !is_adjusted {
        values.push(volume);
        return values;
    }
    let adjusted = day.adjusted(3, ADJUSTED_DIGITS).unwrap_or_default();
    let dividend = day.dividend.map_or("0".to_owned(), |paid| paid.to_string());
    let split = day.split.map_or("1".to_owned(), |ratio| split_factor(ratio).to_string());
    values.extend([adjusted, volume, padded(&dividend, 4), padded(&split, 1)]);
    values
}

/// The decimal with at least so many digits behind the point.
fn padded(text: &str, digits: usize) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}.{fraction:0<digits$}")
}

fn json(symbol: &str, days: &[Day], is_adjusted: bool, is_full: bool) -> Vec<u8> {
    let information = if is_adjusted {
        "Daily Time Series with Splits and Dividend Events"
    } else {
        "Daily Prices (open, high, low, close) and Volumes"
    };
    let last = days.first().map_or(String::new(), |day| day.date.to_string());
    let meta = Json::object([
        ("1. Information", Json::text(information)),
        ("2. Symbol", Json::text(symbol)),
        ("3. Last Refreshed", Json::text(&last)),
        ("4. Output Size", Json::text(if is_full { "Full size" } else { "Compact" })),
        ("5. Time Zone", Json::text("US/Eastern")),
    ]);
    let names: &[&str] = if is_adjusted {
        &[
            "1. open",
            "2. high",
            "3. low",
            "4. close",
            "5. adjusted close",
            "6. volume",
            "7. dividend amount",
            "8. split coefficient",
        ]
    } else {
        &["1. open", "2. high", "3. low", "4. close", "5. volume"]
    };
    let rows = days.iter().map(|day| {
        let values = values(day, is_adjusted).into_iter().map(Json::Text);
        let names = names.iter().map(|name| (*name).to_owned());
        (day.date.to_string(), Json::Object(names.zip(values).collect()))
    });
    let series = Json::Object(rows.collect());
    Json::object([("Meta Data", meta), ("Time Series (Daily)", series)]).pretty()
}

fn csv(days: &[Day], is_adjusted: bool) -> String {
    let mut out = "timestamp,open,high,low,close,".to_owned();
    out += if is_adjusted {
        "adjusted_close,volume,dividend_amount,split_coefficient\r\n"
    } else {
        "volume\r\n"
    };
    for day in days {
        out += &format!("{},{}\r\n", day.date, values(day, is_adjusted).join(","));
    }
    out
}
