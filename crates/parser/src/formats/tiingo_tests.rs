use cream_models::{ActionKind, BarFlags, Vendor};

use crate::formats::test::{
    actions, bars, coverage, cut_anywhere, date, message, pull, read, warnings,
};

const TWO: &str = r#"[{"date":"2024-03-01T00:00:00.000Z","close":10.5,"high":11,"low":9.75,"open":10,
    "volume":1000,"adjClose":5.12345678949,"adjHigh":5.5,"adjLow":4.9,"adjOpen":5.0,"adjVolume":2000,
    "divCash":0.0,"splitFactor":1.0},
    {"splitFactor":2.0,"divCash":0.25,"volume":2.5e3,"open":5.25,"date":"2024-03-04T00:00:00+00:00",
    "low":5,"x":{"y":[1]},"high":6.125,"close":6,"adjClose":6.0}]"#;

fn row(part: &str) -> String {
    format!(r#"[{{"date":"2024-03-01","open":1,"high":1,"low":1,"close":1,"volume":1{part}}}]"#)
}

#[test]
fn rows_are_read_whatever_the_order_of_their_keys() {
    let history = read(Vendor::Tiingo, TWO).unwrap();
    assert_eq!(crate::detect(TWO.as_bytes()), Ok(Vendor::Tiingo.into()));
    assert_eq!(
        bars(&history),
        [
            "2024-03-01 o 10 h 11 l 9.75 c 10.5 a 5.123456789 v 1000",
            "2024-03-04 o 5.25 h 6.125 l 5 c 6 a 6 v 2500 live"
        ]
    );
    assert_eq!(actions(&history), ["2024-03-04 dividend 0.25", "2024-03-04 split 2:1"]);
    assert_eq!(coverage(&history), "2024-03-01..2024-03-04 bars[] actions[] kinds[]");
    assert_eq!(warnings(&history), "");
    assert_eq!((history.symbol, history.vendor_symbol), (None, None));
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    cut_anywhere(Vendor::Tiingo, TWO);
}

#[test]
fn what_was_asked_is_decided_in_a_pull() {
    let url = "/tiingo/daily/demo/prices?startDate=2024-02-25";
    let history = pull(Vendor::Tiingo, "DEMO", Some("2024-02-25"), &[(url, TWO)]).unwrap();
    assert_eq!(coverage(&history), "2024-02-25..2024-06-30 bars[] actions[] kinds[]");
    assert!(history.bars.iter().all(cream_models::Bar::is_final), "fetched months later");
    let error = pull(Vendor::Tiingo, "DEMO", None, &[(url, "[]")]).unwrap_err().to_string();
    assert!(error.contains("no rows in the array of prices"), "{error}");
    // The position counts from the file's start.
    let error = pull(Vendor::Tiingo, "DEMO", None, &[(url, "[{\"date\":x}]")]).unwrap_err();
    assert!(error.position() > 400 && error.to_string().contains("\"x}]"), "{error}");
    let marked = format!("\u{FEFF}\n {TWO}");
    assert!(pull(Vendor::Tiingo, "DEMO", None, &[(url, &marked)]).is_ok());
}

#[test]
fn digits_beyond_nine_are_flagged_in_prices_alone() {
    let flags = |part| read(Vendor::Tiingo, &row(part)).unwrap().bars[0].flags();
    assert_eq!(flags(r#","adjClose":1.00000000049"#), BarFlags::NONE);
    let text = row("").replace("\"low\":1", "\"low\":0.99999999991");
    assert_eq!(read(Vendor::Tiingo, &text).unwrap().bars[0].flags(), BarFlags::ROUNDED);
    let text = row("").replace("\"volume\":1", "\"volume\":1.5");
    let bar = read(Vendor::Tiingo, &text).unwrap().bars[0];
    assert_eq!((bar.volume(), bar.flags()), (Some(2), BarFlags::ROUNDED));
}

#[test]
fn rows_without_the_keys_of_actions_tell_nothing_of_them() {
    let history = read(Vendor::Tiingo, &row("")).unwrap();
    assert_eq!(coverage(&history), "2024-03-01 bars[] actions[2024-03-01] kinds[]");
    let history = read(Vendor::Tiingo, &row(r#","divCash":0"#)).unwrap();
    assert_eq!(coverage(&history), "2024-03-01 bars[] actions[] kinds[split]");
    // A row that is silent where others are not leaves its date open.
    let second = r#",{"date":"2024-03-04","close":2,"divCash":null,"splitFactor":1},
        {"date":"2024-03-05","close":2,"divCash":0.5,"splitFactor":1}]"#;
    let both = row(r#","divCash":0,"splitFactor":1"#).replace(']', second);
    let history = read(Vendor::Tiingo, &both).unwrap();
    assert_eq!(coverage(&history), "2024-03-01..2024-03-05 bars[] actions[2024-03-04] kinds[]");
}

#[test]
fn actions_that_cannot_be_read_leave_their_dates_open() {
    for (part, reason) in [
        (r#","divCash":0,"splitFactor":0"#, "split: the factor is not above 0: \"0\""),
        (r#","divCash":0,"splitFactor":-2"#, "split: the factor is not above 0"),
        (r#","divCash":"x","splitFactor":1"#, "dividend: it is not a number"),
        (r#","divCash":0,"splitFactor":1e99"#, "split: it is not a number"),
    ] {
        let history = read(Vendor::Tiingo, &row(part)).unwrap();
        let key = (date("2024-03-01"), ActionKind::Split);
        assert!(!history.coverage.decides_action(key) && history.bars.len() == 1, "{part}");
        assert!(warnings(&history).contains(reason), "{}", warnings(&history));
    }
}

#[test]
fn a_factor_of_endless_digits_is_its_ratio() {
    for (factor, ratio) in [
        ("0.3333333333333333", "1:3"),
        ("\"0.03333333333333333\"", "1:30"),
        ("1.3333333333333333", "4:3"),
        ("6.666666666666667e-2", "1:15"),
        // Nine digits are as they are, and what is no ratio of small numbers is rounded.
        ("0.333333333", "0.333333333:1"),
        ("1.28120212345678", "1.281202123:1"),
    ] {
        let history =
            read(Vendor::Tiingo, &row(&format!(r#","divCash":0,"splitFactor":{factor}"#)));
        assert_eq!(actions(&history.unwrap()), [format!("2024-03-01 split {ratio}")], "{factor}");
    }
}

#[test]
fn a_row_that_cannot_be_read_says_why() {
    let good = r#",{"date":"2024-03-05","close":2,"divCash":0,"splitFactor":1}]"#;
    for (row, reason) in [
        (
            row("").replace("\"close\":1", "\"close\":\"x\""),
            "close is \"\\\"x\\\"\", expected a number",
        ),
        (
            row("").replace("\"volume\":1", "\"volume\":-1"),
            "volume is \"-1\", expected a number of at",
        ),
        (row("").replace("\"high\":1", "\"high\":9223372037"), "high is \"9223372037\""),
        (row("").replace("2024-03-01", "2024-03-32"), "the date is \"\\\"2024-03-32"),
        (row("").replace("2024-03-01", "2024-03-01T09:30:00Z"), "expected a date such as"),
        (row("").replace("\"date\":\"2024-03-01\",", ""), "it has no date"),
        ("[7]".to_owned(), "a row is \"7\", expected an object"),
        ("[null]".to_owned(), "a row is \"null\""),
    ] {
        let history = read(Vendor::Tiingo, &row.replacen(']', good, 1)).unwrap();
        assert_eq!(history.bars.len(), 1, "{row}");
        assert!(warnings(&history).contains(reason), "{}", warnings(&history));
        let alone = message(Vendor::Tiingo, &row);
        assert!(alone.contains("1 of 1 rows are unreadable"), "{alone}");
    }
}

#[test]
fn a_key_that_comes_twice_is_an_error() {
    for key in ["date", "open", "close", "volume", "divCash"] {
        let text = row(&format!(r#","divCash":0,"{key}":1"#));
        let error = message(Vendor::Tiingo, &text);
        assert!(error.contains("expected each key of a row once"), "{key}: {error}");
    }
    let text = row(r#","close":1"#);
    assert!(message(Vendor::Tiingo, &text).contains("each key of a row once"));
    // One that means nothing here may.
    assert!(read(Vendor::Tiingo, &row(r#","x":1,"x":2"#)).is_ok());
}

#[test]
fn refusals_are_told_by_their_words() {
    for (text, expected) in [
        (
            r#"{"detail":"Error: You have run over your hourly request allocation."}"#,
            "quota is spent",
        ),
        (r#"{"detail":"Not found."}"#, "not found (at byte 10)"),
        (r#"{"detail":"Invalid token."}"#, "refuses the API key"),
        (r#"{"detail":"Please supply a token"}"#, "refuses the API key"),
        (r#"{"detail":"Something else 0123456789abcdef0123"}"#, "\"Something else ***\""),
        (r#"{"detail":["a"]}"#, "answered with an error"),
        ("You have run over your daily request allocation", "quota is spent"),
        ("Error: Ticker 'X' not found", "not found (at byte 0)"),
        (r#"{"x":1}"#, "expected an array of daily prices"),
        ("[]", "no rows"),
        ("Hello there\n", "unknown format, it begins with \"Hello there\""),
        ("[1", "cut off"),
        ("[{}]x", "expected the end of the JSON text"),
    ] {
        let found = message(Vendor::Tiingo, text);
        assert!(found.contains(expected), "{text}: {found}");
    }
    assert_eq!(crate::detect(br#"{"detail":"Not found."}"#), Ok(Vendor::Tiingo.into()));
}
