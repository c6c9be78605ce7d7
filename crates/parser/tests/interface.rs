//! What a program that depends on the crate calls, and what it can rely on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use cream_parser::{
    Format, ParseError, ParseOptions, Strictness, Vendor, WarningKind, detect, parse, parse_as,
    parse_with,
};
use proptest::prelude::*;

const CHART: &str = r#"{"chart":{"result":[{"meta":{"symbol":"DEMO","gmtoffset":0},
    "timestamp":[1704067200,1704153600],"indicators":{"quote":[{"close":[1.5,2.5]}]}}]}}"#;
const TIINGO: &str = r#"[{"date":"2024-01-02T00:00:00.000Z","close":1.5,"adjClose":1.5},
    {"date":"2024-01-03T00:00:00.000Z","close":2.5,"adjClose":2.5}]"#;
const ALPHA_VANTAGE: &str = r#"{"Meta Data":{"2. Symbol":"DEMO"},
    "Time Series (Daily)":{"2024-01-03":{"4. close":"2.5"},"2024-01-02":{"4. close":"1.5"}}}"#;
const EODHD: &str = r#"[{"date":"2024-01-02","close":1.5,"adjusted_close":1.5},
    {"date":"2024-01-03","close":2.5,"adjusted_close":2.5}]"#;
const CSV: &str = "Date,Close\n2024-01-02,1.5\n2024-01-03,2.5\n";

const INPUTS: [(Vendor, &str); 5] = [
    (Vendor::YahooChart, CHART),
    (Vendor::Tiingo, TIINGO),
    (Vendor::AlphaVantage, ALPHA_VANTAGE),
    (Vendor::Eodhd, EODHD),
    (Vendor::Csv, CSV),
];

fn formats() -> impl Iterator<Item = Format> {
    Vendor::ALL.into_iter().map(Format::Vendor).chain([Format::Pull])
}

#[test]
fn the_format_that_is_found_reads_what_it_was_found_in() {
    for (vendor, text) in INPUTS {
        let found = detect(text.as_bytes()).unwrap();
        assert_eq!(found, Format::Vendor(vendor));
        let history = parse(text.as_bytes()).unwrap();
        assert_eq!((history.vendor, history.bars.len()), (vendor, 2), "{vendor}");
        assert_eq!(parse_as(found, text.as_bytes()), Ok(history.clone()));
        assert_eq!(parse_as(vendor, text.as_bytes()), Ok(history));
    }
}

#[test]
fn no_other_format_is_tried_than_the_one_that_was_named() {
    for (vendor, text) in INPUTS {
        for format in formats().filter(|format| *format != Format::Vendor(vendor)) {
            match parse_as(format, text.as_bytes()) {
                // Several vendors send CSV, and two an array of rows with a date and a close.
                Ok(history) => {
                    assert_eq!(Format::Vendor(history.vendor), format);
                    assert!([TIINGO, EODHD, CSV].contains(&text), "{format}: {text}");
                }
                Err(error) => assert!(error.to_string().contains("expected"), "{error}"),
            }
        }
    }
    assert_eq!(parse_as(Vendor::Nasdaq, b" \n"), Err(ParseError::Empty));
}

#[test]
fn the_first_warning_ends_the_reading_where_that_is_asked_for() {
    let strict = ParseOptions::default().with_strictness(Strictness::Stop);
    assert_eq!(parse_with(CSV.as_bytes(), &strict), parse(CSV.as_bytes()));

    let odd = format!("{CSV}2024-01-04,x\n2024-01-05,3.5\n2024-01-05,4.5\n");
    let history = parse(odd.as_bytes()).unwrap();
    let first = history.warnings.first().unwrap();
    assert!(history.warnings.len() > 1);
    assert!(matches!(first.kind, WarningKind::UnreadableRow { .. }), "{first}");
    for limit in [0, 1, 1000] {
        let strict = strict.clone().with_max_warnings(limit);
        let error = parse_with(odd.as_bytes(), &strict).unwrap_err();
        assert_eq!(error, ParseError::Warned { warning: first.clone() });
        assert_eq!((error.kind(), error.position()), ("warned", first.position));
        assert_eq!(error.to_string(), format!("{first}: expected nothing to warn of"));
    }
}

#[test]
fn more_rows_than_are_wanted_are_refused() {
    for (vendor, text) in INPUTS {
        for (limit, is_read) in [(0, false), (1, false), (2, true)] {
            let options = ParseOptions::default().with_max_rows(limit);
            let read = parse_with(text.as_bytes(), &options);
            let is_refused = matches!(&read, Err(ParseError::TooManyRows { limit: named, .. }) if *named == limit);
            assert_eq!(
                (read.is_ok(), is_refused),
                (is_read, !is_read),
                "{vendor}, {limit}: {read:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn no_format_panics(bytes: Vec<u8>, text in "[<>{}\\[\\]\"':,/!a-z0-9 .=\n-]{0,120}") {
        for format in formats() {
            for input in [&bytes, text.as_bytes()] {
                if let Ok(history) = parse_as(format, input) {
                    prop_assert!(Format::Vendor(history.vendor) == format || format == Format::Pull);
                }
            }
        }
    }

    #[test]
    fn a_history_that_is_read_strictly_has_nothing_odd(
        cells in prop::collection::vec(prop_oneof!["[0-9]{1,3}\\.[0-9]{1,2}", "x", ""], 1..6),
    ) {
        let rows = cells.iter().enumerate().map(|(row, cell)| format!("2024-01-{:02},{cell}\n", row + 1));
        let csv = format!("Date,Close\n{}", rows.collect::<String>());
        let strict = ParseOptions::default().with_strictness(Strictness::Stop);
        match (parse(csv.as_bytes()), parse_with(csv.as_bytes(), &strict)) {
            (Ok(history), read) if history.warnings.is_empty() => prop_assert_eq!(read, Ok(history)),
            (Ok(history), read) => {
                prop_assert_eq!(read, Err(ParseError::Warned { warning: history.warnings[0].clone() }));
            }
            (error, read) => prop_assert_eq!(read, error),
        }
    }
}
