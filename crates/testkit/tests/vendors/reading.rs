//! Each vendor's prices, read in the plainest way.

use cream_models::{Bar, BarField, BarFlags, Date, Price, Vendor};
use serde_json::Value;

use crate::client::Got;

/// Date, open, high, low, close, adjusted close and volume as text; empty where there is none.
type Row = (Date, [String; 6]);

/// The bars of an answer, ascending, without their flags.
pub(crate) fn bars(vendor: Vendor, got: &Got) -> Vec<Bar> {
    let mut rows = match vendor {
        Vendor::YahooChart => yahoo(&got.json()),
        Vendor::YahooPage => yahoo(&embedded(got.text())),
        Vendor::Tiingo => {
            objects(&got.json(), ["date", "open", "high", "low", "close", "adjClose", "volume"])
        }
        Vendor::AlphaVantage => alpha_vantage(&got.json()),
        Vendor::Massive => massive(&got.json()),
        Vendor::Eodhd => objects(
            &got.json(),
            ["date", "open", "high", "low", "close", "adjusted_close", "volume"],
        ),
        Vendor::Stooq => stooq(got.text()),
        Vendor::Nasdaq => nasdaq(&got.json()),
        other => panic!("nobody serves {other}"),
    };
    rows.sort_by_key(|(date, _)| *date);
    rows.iter().map(|(date, cells)| bar(*date, cells)).filter(|bar| !bar.is_empty()).collect()
}

/// Whether two histories are one, told by the first bar in which they differ.
pub(crate) fn assert_same(vendor: Vendor, found: &[Bar], expected: &[Bar]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{vendor}");
    }
    assert_eq!(found.len(), expected.len(), "{vendor}");
}

/// What is expected, without the flags.
pub(crate) fn unflagged(bars: Vec<Bar>) -> Vec<Bar> {
    bars.into_iter().map(|bar| bar.with_flags(BarFlags::NONE)).collect()
}

fn bar(date: Date, cells: &[String; 6]) -> Bar {
    let mut bar = Bar::new(date);
    for (field, text) in BarField::ALL.into_iter().zip(cells) {
        if text.is_empty() {
            continue;
        }
        let value = if field == BarField::Volume {
            // A whole number, in scientific notation or not.
            format!("{:.0}", text.parse::<f64>().unwrap()).parse().unwrap()
        } else {
            price(text).nanos()
        };
        bar.set(field, Some(value));
    }
    bar
}

/// A decimal to nine digits, half to even.
fn price(text: &str) -> Price {
    let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if digits <= 9 {
        return text.parse().unwrap();
    }
    let (kept, rest) = text.split_at(text.len() - (digits - 9));
    let kept = kept.parse::<Price>().unwrap().nanos();
    let up = match rest.trim_end_matches('0') {
        "5" => kept % 2,
        rest => i64::from(rest.as_bytes()[0] >= b'5'),
    };
    Price::from_nanos(kept + up)
}

fn number(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // The shortest decimal of a double is the text that it was read from, up to 15 digits.
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => panic!("{other}"),
    }
}

fn day(text: &str) -> Date {
    text[..10].parse().unwrap()
}

fn objects(rows: &Value, names: [&str; 7]) -> Vec<Row> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| {
        let [date, cells @ ..] = names.map(|name| number(&row[name]));
        (day(&date), cells)
    })
    .collect()
}

fn yahoo(answer: &Value) -> Vec<Row> {
    let result = &answer["chart"]["result"][0];
    let Some(stamps) = result["timestamp"].as_array() else { return Vec::new() };
    let quote = &result["indicators"]["quote"][0];
    let adjusted = &result["indicators"]["adjclose"][0]["adjclose"];
    // The vendor's doubles are widened floats.
    let float = |value: &Value| value.as_f64().map_or(String::new(), |it| narrowed(it).to_string());
    let rows = stamps.iter().enumerate().map(|(at, stamp)| {
        // 09:30 in New York is the same day in UTC.
        let days = stamp.as_i64().unwrap() / 86_400;
        let date = Date::from_days(i32::try_from(days).unwrap()).unwrap();
        let [open, high, low, close] =
            ["open", "high", "low", "close"].map(|name| float(&quote[name][at]));
        (date, [open, high, low, close, float(&adjusted[at]), number(&quote["volume"][at])])
    });
    rows.collect()
}

#[expect(clippy::cast_possible_truncation, reason = "floats that were widened are narrowed again")]
fn narrowed(value: f64) -> f32 {
    value as f32
}

/// The chart answer within a page.
fn embedded(page: &str) -> Value {
    let script = page.split("v8/finance/chart/CREAM-B?").nth(1).expect("a chart answer");
    let script = &script[script.find('>').unwrap() + 1..script.find("</script>").unwrap()];
    let script: Value = serde_json::from_str(script).unwrap();
    serde_json::from_str(script["body"].as_str().unwrap()).unwrap()
}

fn alpha_vantage(answer: &Value) -> Vec<Row> {
    let names = ["1. open", "2. high", "3. low", "4. close", "5. adjusted close", "6. volume"];
    let rows = answer["Time Series (Daily)"].as_object().unwrap().iter();
    rows.map(|(date, row)| (day(date), names.map(|name| number(&row[name])))).collect()
}

fn massive(answer: &Value) -> Vec<Row> {
    let Some(results) = answer["results"].as_array() else { return Vec::new() };
    let rows = results.iter().map(|row| {
        // Midnight in New York is four or five hours into the day in UTC.
        let days = row["t"].as_i64().unwrap() / 86_400_000;
        let date = Date::from_days(i32::try_from(days).unwrap()).unwrap();
        let [open, high, low, close, volume] =
            ["o", "h", "l", "c", "v"].map(|name| number(&row[name]));
        (date, [open, high, low, close, String::new(), volume])
    });
    rows.collect()
}

fn stooq(text: &str) -> Vec<Row> {
    let mut lines = text.strip_suffix("\r\n").unwrap().split("\r\n");
    assert_eq!(lines.next(), Some("Date,Open,High,Low,Close,Volume"));
    let rows = lines.map(|line| {
        let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        let [date, open, high, low, close, volume] = cells.try_into().unwrap();
        (day(&date), [open, high, low, close, String::new(), volume])
    });
    rows.collect()
}

fn nasdaq(answer: &Value) -> Vec<Row> {
    assert_eq!(answer["status"]["rCode"], 200);
    let rows = answer["data"]["tradesTable"]["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let date = number(&row["date"]);
        let date = format!("{}-{}-{}", &date[6..], &date[..2], &date[3..5]);
        let [open, high, low, close, volume] = ["open", "high", "low", "close", "volume"]
            .map(|name| number(&row[name]).replace(['$', ','], "").replace("--", ""));
        (day(&date), [open, high, low, close, String::new(), volume])
    })
    .collect()
}
