//! What is serialised reads back, and reading keeps to the rules that the types have.

#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use cream_models::{
    Bar, BarField, BarFlags, CorporateAction, CorporateEvent, Date, DateRange, Price, PriceHistory,
    SplitRatio, Symbol, Timestamp, Vendor, Warning, WarningKind,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{from_str, json, to_string, to_value};

fn written<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) -> String {
    let text = to_string(value).unwrap();
    assert_eq!(&from_str::<T>(&text).unwrap(), value, "{text}");
    text
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn date() -> Date {
    "2022-08-25".parse().unwrap()
}

#[test]
fn values_are_written_as_their_text() {
    assert_eq!(written(&price("-0.000000001")), r#""-0.000000001""#);
    assert_eq!(written(&"brk/b".parse::<Symbol>().unwrap()), r#""BRK/B""#);
    assert_eq!(written(&date()), r#""2022-08-25""#);
    for text in ["2022-08-25..2022-08-26", "2022-08-25..2022-08-25"] {
        let range: DateRange = text.parse().unwrap();
        assert_eq!(written(&range), format!("{:?}", range.to_string()));
    }
    let instant: Timestamp = "2022-08-25T13:30:00Z".parse().unwrap();
    assert_eq!(written(&instant), r#""2022-08-25T13:30:00Z""#);
    for vendor in Vendor::ALL {
        assert_eq!(written(&vendor), format!("{:?}", vendor.name()));
    }
}

#[test]
fn actions_are_written_with_their_kind() {
    let amount = price("0.26");
    let ratio = SplitRatio::new(price("3"), price("2")).unwrap();
    for (event, rest) in [
        (CorporateEvent::Dividend { amount }, r#""kind":"dividend","amount":"0.26""#),
        (CorporateEvent::CapitalGain { amount }, r#""kind":"capital_gain","amount":"0.26""#),
        (CorporateEvent::Split(ratio), r#""kind":"split","numerator":"3","denominator":"2""#),
    ] {
        let action = CorporateAction { date: date(), event };
        assert_eq!(written(&action), format!(r#"{{"date":"2022-08-25",{rest}}}"#));
    }
}

#[test]
fn what_breaks_a_rule_is_refused() {
    for number in ["1.5", "\"1e3\"", "\"0.0000000001\"", "\"9223372036.854775808\"", "null"] {
        assert!(from_str::<Price>(number).is_err(), "{number}");
    }
    assert!(from_str::<Symbol>(r#""../x""#).is_err());
    assert!(from_str::<Date>(r#""2023-02-29""#).is_err());
    assert!(from_str::<DateRange>(r#""2023-02-02..2023-02-01""#).is_err());
    assert!(from_str::<Vendor>(r#""yahoo""#).is_err());
    let split = r#"{"date":"2022-08-25","kind":"split","numerator":"3","denominator":"0"}"#;
    let error = from_str::<CorporateAction>(split).unwrap_err().to_string();
    assert!(error.contains("both sides must be above 0"), "{error}");
    let merger = r#"{"date":"2022-08-25","kind":"merger","amount":"3"}"#;
    assert!(from_str::<CorporateAction>(merger).is_err());
}

#[test]
fn a_history_is_written_with_its_warnings() {
    let bar = Bar::new(date()).with_close(price("-37.63"));
    let (date, reason) = (date(), String::new());
    let kinds = [
        WarningKind::UnreadableRow { date: None, reason: reason.clone() },
        WarningKind::UnreadableAction { date: Some(date), reason: reason.clone() },
        WarningKind::FlaggedBars { flag: BarFlags::NEGATIVE_PRICE, count: 1, first: date },
        WarningKind::DuplicateRow { date, kept: "the settled one" },
        WarningKind::CellMismatch {
            date,
            field: BarField::AdjClose,
            table: "1".to_owned(),
            embedded: "2".to_owned(),
        },
        WarningKind::OnlyInOne { date, what: reason.clone() },
        WarningKind::RepeatedAction { date, reason: reason.clone() },
        WarningKind::Vendor { words: reason },
        WarningKind::More { count: 3 },
    ];
    let mut history = PriceHistory::new(Vendor::YahooChart);
    history.bars = vec![bar.with_flags(bar.judged_flags())];
    history.warnings = kinds.map(|kind| Warning { position: 7, kind }).into();
    let written = to_value(&history).unwrap();
    assert_eq!(
        (&written["vendor"], &written["symbol"]),
        (&json!("yahoo-chart"), &json!(null)),
        "unknown is null"
    );
    assert_eq!(
        written["bars"],
        json!([{
            "date": "2022-08-25", "open": null, "high": null, "low": null, "close": "-37.63",
            "adj_close": null, "volume": null, "is_final": true, "flags": ["negative_price"],
        }])
    );
    let kinds: Vec<_> = written["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| (warning["position"].as_u64(), warning["kind"]["warning"].as_str()))
        .collect();
    let names = [
        "unreadable_row",
        "unreadable_action",
        "flagged_bars",
        "duplicate_row",
        "cell_mismatch",
        "only_in_one",
        "repeated_action",
        "vendor",
        "more",
    ];
    assert_eq!(kinds, names.map(|name| (Some(7), Some(name))));
}

proptest! {
    #[test]
    fn every_price_reads_back(nanos: i64) {
        written(&Price::from_nanos(nanos));
    }

    #[test]
    fn no_json_panics(text in "\\PC*") {
        let json = to_string(&text).unwrap();
        let _ = (from_str::<Price>(&json), from_str::<Symbol>(&json), from_str::<Date>(&json));
        let _ = (from_str::<DateRange>(&json), from_str::<Timestamp>(&json));
        let _ = (from_str::<Vendor>(&json), from_str::<CorporateAction>(&text));
    }
}
