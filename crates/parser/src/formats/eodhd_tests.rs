use cream_models::{ActionKind, Vendor};

use crate::formats::test::{
    actions, bars, coverage, cut_anywhere, date, message, pull, read, warnings,
};

const PRICES: &str = r#"[{"date":"2024-03-01","open":10,"high":11,"low":9.75,"close":10.5,
    "adjusted_close":5.12345678949,"volume":1000},
    {"volume":null,"adjusted_close":6,"close":"6","low":5,"high":6.125,"open":null,"date":"2024-03-04"}]"#;
const SPLITS: &str = r#"[{"date":"2024-03-04","split":"4.000000\/1.000000"},
    {"date":"2010-01-04","split":"1.000000/10.000000"}]"#;
const DIVIDENDS: &str = r#"[{"date":"2024-03-01","declarationDate":"2024-02-01","period":"Quarterly",
    "value":0.0625,"unadjustedValue":0.25,"currency":"AUD"},
    {"date":"2024-03-04","value":0.5,"unadjustedValue":"0.5"}]"#;
const WARNED: &str = r#"[{"date":"2024-03-01","close":10.5},{"date":"2024-03-04","close":6,
    "warning":"Data is limited as you have free subscription."}]"#;

const PRICES_AT: &str = "/api/eod/DEMO.US?fmt=json";
const SPLITS_AT: &str = "/api/splits/DEMO.US?fmt=json";
const DIVIDENDS_AT: &str = "/api/div/DEMO.US?fmt=json";

fn pulled(answers: &[(&str, &str)]) -> Result<cream_models::PriceHistory, crate::ParseError> {
    pull(Vendor::Eodhd, "DEMO.US", Some("2024-02-01"), answers)
}

#[test]
fn prices_are_read_and_tell_nothing_of_actions() {
    let history = read(Vendor::Eodhd, PRICES).unwrap();
    assert_eq!(crate::detect(PRICES.as_bytes()), Ok(Vendor::Eodhd.into()));
    assert_eq!(
        bars(&history),
        [
            "2024-03-01 o 10 h 11 l 9.75 c 10.5 a 5.123456789 v 1000",
            "2024-03-04 o - h 6.125 l 5 c 6 a 6 v - live"
        ]
    );
    assert_eq!(
        coverage(&history),
        "2024-03-01..2024-03-04 bars[] actions[2024-03-01..2024-03-04] kinds[]"
    );
    cut_anywhere(Vendor::Eodhd, PRICES);
}

#[test]
fn a_dividend_on_an_unknown_share_count_is_left_open() {
    let given = r#"[{"date":"2024-03-01","value":0.0625}]"#;
    let answers = [(PRICES_AT, PRICES), (SPLITS_AT, "[]"), (DIVIDENDS_AT, given)];
    let history = pulled(&answers).unwrap();
    assert!(history.actions.is_empty());
    let day = history.bars[0].date();
    assert!(!history.coverage.decides_action((day, ActionKind::Dividend)));
    assert!(history.coverage.decides_action((day.next().unwrap(), ActionKind::Dividend)));
    let told = warnings(&history);
    assert!(told.contains("it has no \"unadjustedValue\", the amount as paid"), "{told}");
}

#[test]
fn a_pull_tells_prices_splits_and_dividends_in_any_order() {
    let answers = [(PRICES_AT, PRICES), (SPLITS_AT, SPLITS), (DIVIDENDS_AT, DIVIDENDS)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let history = pulled(&order.map(|index| answers[index])).unwrap();
        assert_eq!(
            actions(&history),
            [
                "2010-01-04 split 1:10",
                "2024-03-01 dividend 0.25",
                "2024-03-04 dividend 0.5",
                "2024-03-04 split 4:1"
            ]
        );
        // The old split is decided and nothing else out there is.
        assert_eq!(
            coverage(&history),
            "2010-01-04..2024-06-30 bars[2010-01-04..2024-01-31] \
             actions[2010-01-05..2024-01-31] kinds[]"
        );
    }
    let history = pulled(&[(PRICES_AT, PRICES), (SPLITS_AT, "[]"), (DIVIDENDS_AT, "[]")]).unwrap();
    assert_eq!(coverage(&history), "2024-02-01..2024-06-30 bars[] actions[] kinds[]");
    let history = pulled(&[(PRICES_AT, PRICES), (DIVIDENDS_AT, "[]")]).unwrap();
    assert_eq!(coverage(&history), "2024-02-01..2024-06-30 bars[] actions[] kinds[split]");
    let error = pulled(&[(PRICES_AT, "[]"), answers[1]]).unwrap_err().to_string();
    assert!(error.contains("no rows in the array of prices"), "{error}");
}

#[test]
fn actions_alone_decide_nothing_else() {
    let history = read(Vendor::Eodhd, DIVIDENDS).unwrap();
    assert_eq!(crate::detect(DIVIDENDS.as_bytes()), Ok(Vendor::Eodhd.into()));
    assert_eq!(actions(&history), ["2024-03-01 dividend 0.25", "2024-03-04 dividend 0.5"]);
    assert_eq!(
        coverage(&history),
        "2024-03-01..2024-03-04 bars[2024-03-01..2024-03-04] actions[2024-03-02..2024-03-03] \
         kinds[split,capital_gain]"
    );
    let history = read(Vendor::Eodhd, SPLITS).unwrap();
    assert_eq!(crate::detect(SPLITS.as_bytes()), Ok(Vendor::Eodhd.into()));
    assert_eq!(actions(&history), ["2010-01-04 split 1:10", "2024-03-04 split 4:1"]);
    assert!(!history.coverage.decides_action((date("2024-03-04"), ActionKind::Dividend)));
    assert!(!history.coverage.decides_bar(date("2024-03-04")));
    cut_anywhere(Vendor::Eodhd, SPLITS);
    cut_anywhere(Vendor::Eodhd, DIVIDENDS);
}

#[test]
fn a_free_plans_warning_is_passed_on_and_what_is_older_stays_open() {
    let history = pulled(&[(PRICES_AT, WARNED), (SPLITS_AT, "[]"), (DIVIDENDS_AT, "[]")]).unwrap();
    assert_eq!(history.bars.len(), 2);
    assert_eq!(coverage(&history), "2024-03-01..2024-06-30 bars[] actions[] kinds[]");
    let text = warnings(&history);
    assert!(text.contains("the vendor says \"Data is limited as you have free"), "{text}");
    let own_row = WARNED.replace("\"close\":6,\n    ", "\"close\":6},{");
    let history = pulled(&[(PRICES_AT, &own_row)]).unwrap();
    assert_eq!((history.bars.len(), history.warnings.len()), (2, 1));
    // Of actions, then, only what is there is known.
    let cut = r#"[{"date":"2024-03-04","split":"2/1"},{"warning":"Data is limited"}]"#;
    let history = pulled(&[(PRICES_AT, PRICES), (SPLITS_AT, cut)]).unwrap();
    assert!(!history.coverage.decides_action((date("2024-03-01"), ActionKind::Split)));
    assert_eq!(actions(&history), ["2024-03-04 split 2:1"]);
    assert!(
        pulled(&[(
            PRICES_AT,
            &WARNED.replace("\"Data is limited as you have free subscription.\"", "null")
        )])
        .unwrap()
        .warnings
        .is_empty()
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    for (text, reason) in [
        (SPLITS.replace("4.000000\\/1.000000", "4.000000"), "split: it has no ratio such as"),
        (SPLITS.replace("\"4.000000\\/1.000000\"", "4"), "split: it has no ratio such as"),
        (SPLITS.replace("4.000000\\/", "0/"), "both sides above 0"),
        (SPLITS.replace("2024-03-04", "04.03.2024"), "split: it has no readable date"),
        (SPLITS.replace("[{", "[null,{"), "split: it is not an object"),
    ] {
        let history = pulled(&[(PRICES_AT, PRICES), (SPLITS_AT, &text)]).unwrap();
        assert!(warnings(&history).contains(reason), "{}", warnings(&history));
        // Whatever its date is, this one is open then; the splits that are there are not.
        let open = if text.contains("null") { "2024-03-05" } else { "2024-03-04" };
        assert!(!history.coverage.decides_action((date(open), ActionKind::Split)), "{text}");
    }
    let unknown = DIVIDENDS.replace("\"0.5\"", "null");
    let history = pulled(&[(PRICES_AT, PRICES), (DIVIDENDS_AT, &unknown)]).unwrap();
    assert!(warnings(&history).contains("dividend: it has no readable amount"));
    for (from, to, reason) in [
        ("2024-03-01", "2024-03-00", "the date is"),
        ("10.5", "[10.5]", "close is \"[10.5]\", expected a number"),
    ] {
        let history = read(Vendor::Eodhd, &PRICES.replacen(from, to, 1)).unwrap();
        assert_eq!(history.bars.len(), 1);
        assert!(warnings(&history).contains(reason), "{}", warnings(&history));
    }
    let twice = PRICES.replacen("\"open\":10", "\"close\":10", 1);
    assert!(message(Vendor::Eodhd, &twice).contains("expected each key of a row once"));
}

#[test]
fn refusals_are_told_by_their_words() {
    for (text, expected) in [
        ("Unauthenticated", "refuses the API key"),
        ("Ticker Not Found.", "not found (at byte 0)"),
        ("You exceeded your daily API requests limit. Please contact support", "quota is spent"),
        ("Too Many Requests", "Too Many Requests"),
        ("Only EOD data allowed for free users? Forbidden. Please contact", "plan does not"),
        (r#"{"message":"Unauthenticated."}"#, "refuses the API key (at byte 11)"),
        (r#"{"errors":{"from":["not a date"]}}"#, "answered with an error"),
        (r#"{"x":1}"#, "expected an array of rows"),
        ("<html><title>404</title></html>", "not found"),
        ("[]", "no rows"),
        ("[7]", "1 of 1 rows are unreadable"),
        ("Hello there\n", "unknown format"),
    ] {
        let found = message(Vendor::Eodhd, text);
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn rows_without_any_price_are_no_answer() {
    let splits = r#"[{"date":"2024-06-11","split":"2/1"}]"#;
    let nulls = r#"[{"date":"2024-06-11","open":null,"close":null,"volume":7}]"#;
    for text in [splits, nulls] {
        let error = pull(Vendor::Eodhd, "X", Some("2024-06-01"), &[("/api/eod/X", text)]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("no rows in the answer that have a price"), "{error}");
    }
}

#[test]
fn csv_decides_from_its_first_row_on() {
    for (vendor, text) in [
        (Vendor::Eodhd, "Date,Close,Adjusted_close\n2024-06-10,1,1\n"),
        (Vendor::AlphaVantage, "timestamp,open,close\n2024-06-10,1,1\n"),
    ] {
        let history = pull(vendor, "X", Some("2023-06-01"), &[("/api/eod/X", text)]).unwrap();
        assert_eq!(history.coverage.range.unwrap().to_string(), "2024-06-10..2024-06-30");
    }
}
