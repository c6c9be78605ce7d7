//! Recorded responses, read and compared with an independent reading of the same bytes. They are
//! kept outside of the project; where they are absent the tests say so and pass.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::print_stderr,
    reason = "a panic is a failed test, and a skipped one says so"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use cream_models::{
    ActionKind, Bar, BarField, CorporateAction, CorporateEvent, PriceHistory, Vendor, Warning,
    WarningKind,
};
use cream_parser::{ParseError, detect, parse};
use serde_json::Value;
use serde_json::value::RawValue;

fn folder() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/real"));
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: ../shared is absent");
    None
}

fn day(text: &str) -> cream_models::Date {
    text.parse().unwrap()
}

fn prices(bar: &Bar) -> String {
    let text = |field| bar.value(field).map(|n| cream_models::Price::from_nanos(n).to_string());
    BarField::ALL[..5].iter().map(|f| text(*f).unwrap_or_default()).collect::<Vec<_>>().join(" ")
}

fn is_cell_warning(warning: &Warning) -> bool {
    matches!(warning.kind, WarningKind::CellMismatch { .. } | WarningKind::OnlyInOne { .. })
}

#[test]
fn the_whole_page_gives_its_embedded_data() {
    let Some(folder) = folder() else { return };
    let bytes = std::fs::read(folder.join("TSLA_2025-06-16.html")).unwrap();
    let history = parse(&bytes).unwrap();
    assert_eq!(history.bars.len(), 3764);
    assert_eq!(history.symbol.as_ref().unwrap().as_str(), "TSLA");
    assert_eq!(history.instrument.currency.as_deref(), Some("USD"));
    assert_eq!(history.instrument.time_zone.as_deref(), Some("America/New_York"));
    assert!(!history.warnings.iter().any(is_cell_warning), "{:?}", history.warnings);
    let first = &history.bars[0];
    assert_eq!(first.date(), day("2010-06-29"));
    assert_eq!(prices(first), "1.266667 1.666667 1.169333 1.592667 1.592667");
    assert_eq!(first.volume(), Some(281_494_500));
    let last = history.bars.last().unwrap();
    assert_eq!((last.date(), last.is_final()), (day("2025-06-13"), true));
    assert_eq!(last.close().unwrap().to_string(), "325.31");
    let splits: Vec<_> = history
        .actions
        .iter()
        .map(|action| match action.event {
            CorporateEvent::Split(ratio) => format!("{} {ratio}", action.date),
            _ => panic!("{action:?}"),
        })
        .collect();
    assert_eq!(splits, ["2020-08-31 5:1", "2022-08-25 3:1"]);
    assert_eq!(history.coverage.range.unwrap().to_string(), "1970-01-01..2025-06-15");
    assert!(history.coverage.undecided_bars.is_empty());
    assert!(history.coverage.undecided_actions.is_empty());

    let text = String::from_utf8(bytes).unwrap();
    let script = text.split("v8/finance/chart/TSLA?").nth(1).unwrap();
    let script = script.split_once('>').unwrap().1.split("</script>").next().unwrap();
    let wrapper: Value = serde_json::from_str(script).unwrap();
    let body: Value = serde_json::from_str(wrapper["body"].as_str().unwrap()).unwrap();
    compare(&history, &body);
}

#[test]
fn the_page_without_embedded_data_gives_its_table() {
    let Some(folder) = folder() else { return };
    let history = parse(&std::fs::read(folder.join("AAPL_2025-06-16.html")).unwrap()).unwrap();
    assert_eq!(history.bars.len(), 63);
    let last = history.bars.last().unwrap();
    assert_eq!((last.date(), last.is_final()), (day("2025-06-16"), false));
    assert_eq!(prices(last), "197.3 198.69 196.56 198.42 198.42");
    assert_eq!(last.volume(), Some(43_020_700));
    assert!(history.bars[..62].iter().all(Bar::is_final));
    let [dividend] = history.actions[..] else { panic!("{:?}", history.actions) };
    assert_eq!((dividend.date, dividend.kind()), (day("2025-05-12"), ActionKind::Dividend));
    assert!(format!("{dividend:?}").contains("260000000"));
    assert_eq!(history.instrument, cream_models::Instrument::default());
}

/// The value that Yahoo's number stands for, by floats alone. Without its feature for it,
/// `serde_json` misses the nearest float by a unit now and then.
#[expect(clippy::cast_possible_truncation, reason = "the vendor's own widening, undone")]
fn nanos(value: &Value) -> i64 {
    let double = value.as_f64().unwrap();
    let single = double as f32;
    let is_widened = (f64::from(single) - double).abs() <= double.abs() * 4e-16;
    let text = if is_widened { single.to_string() } else { double.to_string() };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    assert!(fraction.len() <= 9, "{text}");
    format!("{whole}{fraction:0<9}").parse().unwrap()
}

fn compare(history: &PriceHistory, chart: &Value) {
    let result = &chart["chart"]["result"][0];
    let quote = &result["indicators"]["quote"][0];
    let times = result["timestamp"].as_array().unwrap();
    assert_eq!(history.bars.len(), times.len());
    let zone = result["meta"]["exchangeTimezoneName"].as_str().unwrap();
    let zone = jiff::tz::TimeZone::get(zone).unwrap();
    for (row, bar) in history.bars.iter().enumerate() {
        let time = times[row].as_i64().unwrap();
        let date = jiff::Timestamp::from_second(time).unwrap().to_zoned(zone.clone()).date();
        assert_eq!(bar.date().to_string(), date.to_string());
        assert_eq!(bar.is_final(), result["meta"]["regularMarketTime"].as_i64() != Some(time));
        for (field, key) in [
            (BarField::Open, "open"),
            (BarField::High, "high"),
            (BarField::Low, "low"),
            (BarField::Close, "close"),
        ] {
            assert_eq!(bar.value(field).unwrap(), nanos(&quote[key][row]), "{date} {key}");
        }
        assert_eq!(bar.volume(), quote["volume"][row].as_i64());
        let adjusted = &result["indicators"]["adjclose"][0]["adjclose"][row];
        assert_eq!(bar.adj_close().unwrap().nanos(), nanos(adjusted));
    }
    let events = |kind: &str| result["events"][kind].as_object().map_or(0, serde_json::Map::len);
    let count = |kind| history.actions.iter().filter(|action| action.kind() == kind).count();
    assert_eq!(count(ActionKind::Dividend), events("dividends"));
    assert_eq!(count(ActionKind::Split), events("splits"));
    assert_eq!(history.symbol.as_ref().unwrap().as_str(), result["meta"]["symbol"]);
    assert_eq!(history.instrument.currency.as_deref(), result["meta"]["currency"].as_str());
}

#[test]
fn every_chart_is_read_as_an_independent_reader_reads_it() {
    let Some(folder) = folder() else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("yahoo-chart_") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        count += 1;
        if name.contains("LUCYW") {
            assert!(matches!(parse(&bytes), Err(ParseError::NoRows { .. })), "{name}");
            continue;
        }
        let history = parse(&bytes).unwrap();
        compare(&history, &serde_json::from_slice(&bytes).unwrap());
    }
    assert_eq!(count, 7);
}

/// A number's text, or what a string says, in units of 10^-`places`, half to even: by whole numbers
/// alone, the exponent undone digit by digit.
fn exact(value: &RawValue, places: i32) -> Option<i64> {
    let text = value.get().trim_matches('"').replace(['$', ','], "");
    if ["null", "", "N/A", "--", "-"].contains(&text.as_str()) {
        return None;
    }
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut value: i128 = format!("{whole}{fraction}").parse().unwrap();
    let mut shift = exponent.parse::<i32>().unwrap() + places - fraction.len() as i32;
    while shift > 0 {
        (value, shift) = (value * 10, shift - 1);
    }
    let divisor = 10_i128.pow(shift.unsigned_abs());
    let (quotient, rest) = (value.div_euclid(divisor), value.rem_euclid(divisor));
    let up = 2 * rest > divisor || 2 * rest == divisor && quotient % 2 == 1;
    Some(i64::try_from(quotient + i128::from(up)).unwrap())
}

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// The rows of a vendor, held against the bars by these keys.
fn compare_rows(history: &PriceHistory, rows: &[Object<'_>], keys: [&str; 6]) {
    assert_eq!(history.bars.len(), rows.len());
    for (bar, row) in history.bars.iter().zip(rows) {
        for (field, key) in BarField::ALL.into_iter().zip(keys) {
            let places = if field == BarField::Volume { 0 } else { 9 };
            let expected = row.get(key).and_then(|value| exact(value, places));
            assert_eq!(bar.value(field), expected, "{} {key}", bar.date());
        }
    }
}

fn dates(rows: &[Object<'_>]) -> Vec<String> {
    rows.iter().map(|row| row["date"].get()[1..11].to_owned()).collect()
}

fn dates_of(history: &PriceHistory) -> Vec<String> {
    history.bars.iter().map(|bar| bar.date().to_string()).collect()
}

fn recorded(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(folder()?.join(name)).unwrap())
}

/// The one dividend or more, as `date amount`.
fn dividends(history: &PriceHistory) -> Vec<String> {
    let text = |action: &CorporateAction| match action.event {
        CorporateEvent::Dividend { amount } => format!("{} {amount}", action.date),
        _ => format!("{action:?}"),
    };
    history.actions.iter().map(text).collect()
}

#[test]
fn tiingos_rows_are_read_as_an_independent_reader_reads_them() {
    let Some(bytes) = recorded("tiingo_AAPL.json") else { return };
    let history = parse(&bytes).unwrap();
    assert_eq!((history.vendor, detect(&bytes)), (Vendor::Tiingo, Ok(Vendor::Tiingo.into())));
    let rows: Vec<Object<'_>> = serde_json::from_slice(&bytes).unwrap();
    compare_rows(&history, &rows, ["open", "high", "low", "close", "adjClose", "volume"]);
    assert_eq!(dates(&rows), dates_of(&history));
    let paid = rows.iter().filter(|row| exact(row["divCash"], 9) != Some(0));
    let paid = paid.map(|row| format!("{} {}", &row["date"].get()[1..11], row["divCash"].get()));
    assert_eq!(dividends(&history), paid.collect::<Vec<_>>());
    assert_eq!(dividends(&history), ["2023-02-10 0.23"]);
    assert!(history.bars.iter().all(|bar| bar.flags().is_empty()));
    assert!(history.coverage.undecided_kinds.is_empty() && history.warnings.is_empty());
}

#[test]
fn massives_rows_are_read_as_an_independent_reader_reads_them() {
    let Some(bytes) = recorded("polygon_AAPL.json") else { return };
    let history = parse(&bytes).unwrap();
    assert_eq!((history.vendor, detect(&bytes)), (Vendor::Massive, Ok(Vendor::Massive.into())));
    let answer: Object<'_> = serde_json::from_slice(&bytes).unwrap();
    let rows: Vec<Object<'_>> = serde_json::from_str(answer["results"].get()).unwrap();
    compare_rows(&history, &rows, ["o", "h", "l", "c", "", "v"]);
    let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let day = |row: &Object<'_>| {
        let millis = row["t"].get().parse().unwrap();
        let time = jiff::Timestamp::from_millisecond(millis).unwrap().to_zoned(zone.clone());
        assert_eq!(time.time(), jiff::civil::Time::midnight());
        time.date().to_string()
    };
    assert_eq!(rows.iter().map(day).collect::<Vec<_>>(), dates_of(&history));
    assert_eq!(history.vendor_symbol.as_deref(), Some("AAPL"));
    assert_eq!(history.symbol.as_ref().unwrap().as_str(), "AAPL");
    assert_eq!(history.bars[0].volume(), Some(112_117_471));
    assert!(history.actions.is_empty() && history.warnings.is_empty());
    let first = (history.bars[0].date(), ActionKind::Split);
    assert!(!history.coverage.decides_action(first));
}

#[test]
fn eodhds_rows_are_read_as_an_independent_reader_reads_them() {
    let Some(bytes) = recorded("eodhd_BHP.AU.json") else { return };
    let history = parse(&bytes).unwrap();
    assert_eq!((history.vendor, detect(&bytes)), (Vendor::Eodhd, Ok(Vendor::Eodhd.into())));
    let rows: Vec<Object<'_>> = serde_json::from_slice(&bytes).unwrap();
    compare_rows(&history, &rows, ["open", "high", "low", "close", "adjusted_close", "volume"]);
    assert_eq!(dates(&rows), dates_of(&history));
    let first = (history.bars[0].date(), ActionKind::Dividend);
    assert!(history.warnings.is_empty() && !history.coverage.decides_action(first));
}

#[test]
fn nasdaqs_dividends_are_read_as_an_independent_reader_reads_them() {
    let Some(bytes) = recorded("nasdaq_AAPL_dividends.json") else { return };
    let history = parse(&bytes).unwrap();
    assert_eq!((history.vendor, detect(&bytes)), (Vendor::Nasdaq, Ok(Vendor::Nasdaq.into())));
    let answer: Value = serde_json::from_slice(&bytes).unwrap();
    let rows = answer["data"]["dividends"]["rows"].as_array().unwrap();
    let mut expected: Vec<_> = rows
        .iter()
        .map(|row| {
            let [month, day, year] =
                row["exOrEffDate"].as_str().unwrap().split('/').collect::<Vec<_>>()[..]
            else {
                panic!("{row}");
            };
            let amount = row["amount"].as_str().unwrap().trim_start_matches('$');
            let amount = amount.trim_end_matches('0').trim_end_matches('.');
            format!("{year}-{month}-{day} {amount}")
        })
        .collect();
    expected.sort();
    assert_eq!((expected.len(), dividends(&history)), (74, expected));
    // It tells nothing of prices, and of dividends no more than those that it has.
    let coverage = &history.coverage;
    let range = coverage.range.unwrap();
    assert_eq!(coverage.undecided_bars, [range]);
    assert!(history.warnings.is_empty(), "{:?}", history.warnings);
}

#[test]
fn a_csv_of_tiingo_is_taken_for_tiingos() {
    let Some(bytes) = recorded("tiingo_GOOGL.csv") else { return };
    let history = parse(&bytes).unwrap();
    assert_eq!(history.vendor, Vendor::Tiingo);
    assert_eq!(dates_of(&history), ["2015-01-02", "2015-01-05"]);
    assert_eq!(prices(&history.bars[1]), "527.15 527.9899 517.75 519.46 519.46");
}
