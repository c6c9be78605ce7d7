use cream_models::{ActionKind, Vendor};

use crate::formats::test::{
    actions, bars, coverage, cut_anywhere, date, message, pull, read, warnings,
};

/// 2024-03-08 and, behind the change to summer time, 2024-03-11: midnights in New York.
const PRICES: &str = r#"{"ticker":"BRK.B","queryCount":2,"resultsCount":2,"adjusted":true,"results":[
    {"v":1.12117471e+08,"vw":10.2,"o":10,"c":10.5,"h":11,"l":9.75,"t":1709874000000,"n":12},
    {"t":1.7101296e12,"o":5.25,"v":7.5,"c":6,"h":6.125,"l":5}],
    "status":"OK","request_id":"0123456789abcdef","count":2}"#;
const SPLITS: &str = r#"{"results":[{"execution_date":"2024-03-11","split_from":1.0,"split_to":4,
    "ticker":"BRK.B","id":"E1"}],"status":"OK","request_id":"1"}"#;
const DIVIDENDS: &str = r#"{"status":"OK","request_id":"1","results":[
    {"cash_amount":0.25,"currency":"USD","ex_dividend_date":"2024-03-08","ticker":"BRK.B"},
    {"cash_amount":1.5,"currency":"USD","ex_dividend_date":"2024-03-08","ticker":"BRK.B"}]}"#;
const NONE: &str = r#"{"results":[],"status":"OK","request_id":"1"}"#;

const PRICES_AT: &str = "/v2/aggs/ticker/BRK.B/range/1/day/2024-03-01/2024-06-30?adjusted=true";
const SPLITS_AT: &str = "/v3/reference/splits?ticker=BRK.B";
const DIVIDENDS_AT: &str = "/stocks/v1/dividends?ticker=BRK.B";

fn pulled(answers: &[(&str, &str)]) -> Result<cream_models::PriceHistory, crate::ParseError> {
    pull(Vendor::Massive, "BRK.B", Some("2024-03-01"), answers)
}

#[test]
fn aggregates_are_dated_in_new_york() {
    let history = read(Vendor::Massive, PRICES).unwrap();
    assert_eq!(crate::detect(PRICES.as_bytes()), Ok(Vendor::Massive.into()));
    assert_eq!(
        bars(&history),
        [
            "2024-03-08 o 10 h 11 l 9.75 c 10.5 a - v 112117471",
            "2024-03-11 o 5.25 h 6.125 l 5 c 6 a - v 8 live rounded"
        ]
    );
    assert_eq!(
        coverage(&history),
        "2024-03-08..2024-03-11 bars[] actions[2024-03-08..2024-03-11] kinds[]"
    );
    assert_eq!((history.symbol, history.vendor_symbol.as_deref()), (None, Some("BRK.B")));
    cut_anywhere(Vendor::Massive, PRICES);
    let lower = read(Vendor::Massive, &PRICES.replace("BRK.B", "BACpL")).unwrap();
    assert_eq!(lower.symbol, None, "the canonical one would be another");
    let plain = read(Vendor::Massive, &PRICES.replace("BRK.B", "DEMO")).unwrap();
    assert_eq!(plain.symbol.unwrap().as_str(), "DEMO");
}

#[test]
fn days_of_currencies_may_begin_in_utc_and_no_others() {
    // Behind its results, as the vendor's documentation has it, the ticker is known late.
    let utc = r#"{"adjusted":true,"results":[{"t":1709856000000,"o":1,"h":1,"l":1,"c":1,"v":7}],
        "status":"OK","ticker":"C:EURUSD"}"#;
    let history = read(Vendor::Massive, utc).unwrap();
    assert_eq!(bars(&history), ["2024-03-08 o 1 h 1 l 1 c 1 a - v 7 live"]);
    let error = message(Vendor::Massive, &utc.replace("C:EURUSD", "EURUSD"));
    assert!(
        error.contains("\"1709856000000\" at byte 33: expected the milliseconds of"),
        "{error}"
    );
}

#[test]
fn a_pull_tells_prices_splits_and_dividends_in_any_order() {
    let answers = [(PRICES_AT, PRICES), (SPLITS_AT, SPLITS), (DIVIDENDS_AT, DIVIDENDS)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let history = pulled(&order.map(|index| answers[index])).unwrap();
        assert_eq!(history.bars.len(), 2);
        assert_eq!(actions(&history), ["2024-03-08 dividend 1.75", "2024-03-11 split 4:1"]);
        assert_eq!(coverage(&history), "2024-03-01..2024-06-30 bars[] actions[] kinds[]");
    }
    let history = pulled(&[(PRICES_AT, PRICES), (SPLITS_AT, NONE)]).unwrap();
    assert_eq!(coverage(&history), "2024-03-01..2024-06-30 bars[] actions[] kinds[dividend]");
    let history = pulled(&[answers[0]]).unwrap();
    let open = "2024-03-01..2024-06-30 bars[] actions[2024-03-01..2024-06-30] kinds[]";
    assert_eq!(coverage(&history), open);
    let empty =
        r#"{"ticker":"BRK.B","queryCount":0,"resultsCount":0,"adjusted":true,"status":"OK"}"#;
    let error = pulled(&[(PRICES_AT, empty), answers[1], answers[2]]).unwrap_err().to_string();
    assert!(error.contains("no rows in the results"), "{error}");
}

#[test]
fn an_answer_without_results_tells_of_none_only_where_it_is_a_success() {
    let split = |text: &str| pulled(&[(PRICES_AT, PRICES), (SPLITS_AT, text)]);
    for status in ["OK", "DELAYED"] {
        let history = split(&format!(r#"{{"status":"{status}","request_id":"1"}}"#)).unwrap();
        assert_eq!(history.coverage.undecided_kinds.to_string(), "dividend");
    }
    for status in ["\"error\"", "\"MAINTENANCE\"", "500", "null", r#"{"rCode":200}"#] {
        let error = split(&format!(r#"{{"status":{status},"request_id":"1"}}"#)).unwrap_err();
        assert!(error.to_string().contains("the key \"results\""), "{status}: {error}");
    }
}

#[test]
fn tickers_are_told_apart_by_case_and_never_mixed() {
    let lower = PRICES.replace("BRK.B", "BRK.b");
    let error = pulled(&[(PRICES_AT, &lower)]).unwrap_err().to_string();
    assert!(error.contains("about \"BRK.b\" but \"BRK.B\" was asked"), "{error}");
    let error = pulled(&[(PRICES_AT, PRICES), (SPLITS_AT, &SPLITS.replace("BRK.B", "X"))]);
    assert!(error.unwrap_err().to_string().contains("about \"X\" but \"BRK.B\""));
    let both = DIVIDENDS.replacen("BRK.B", "A", 1);
    assert!(message(Vendor::Massive, &both).contains("about \"BRK.B\" but \"A\""));
    let grouped = PRICES.replace("\"n\":12", "\"T\":\"X\"");
    assert!(message(Vendor::Massive, &grouped).contains("about \"X\""));
}

#[test]
fn pages_are_joined_and_a_missing_one_decides_nothing_beyond() {
    let more = |text: &str| text.replacen('{', r#"{"next_url":"https://x/y?cursor=1","#, 1);
    let next =
        PRICES.replace("1709874000000", "1710216000000").replace("1.7101296e12", "1710302400000");
    let next_at = "/v2/aggs/ticker/BRK.B/range/1/day/2024-03-01/2024-06-30?cursor=1";
    let first = more(PRICES);
    let history = pulled(&[(PRICES_AT, &first), (next_at, &next)]).unwrap();
    assert_eq!(history.bars.len(), 4);
    assert_eq!(history.coverage.range.unwrap().to_string(), "2024-03-01..2024-06-30");
    let history = pulled(&[(PRICES_AT, &first)]).unwrap();
    assert_eq!(history.coverage.range.unwrap().to_string(), "2024-03-08..2024-03-11");
    let short = PRICES.replace("\"resultsCount\":2", "\"resultsCount\":3");
    let history = pulled(&[(PRICES_AT, &short)]).unwrap();
    assert_eq!(history.coverage.range.unwrap().to_string(), "2024-03-08..2024-03-11");
    let history = pulled(&[(PRICES_AT, PRICES), (SPLITS_AT, &more(SPLITS))]).unwrap();
    assert_eq!(actions(&history), ["2024-03-11 split 4:1"]);
    assert_eq!(
        coverage(&history),
        "2024-03-01..2024-06-30 bars[] actions[2024-03-01..2024-03-10 2024-03-12..2024-06-30] \
         kinds[dividend]"
    );
}

#[test]
fn actions_alone_decide_nothing_else() {
    let history = read(Vendor::Massive, SPLITS).unwrap();
    assert_eq!(actions(&history), ["2024-03-11 split 4:1"]);
    assert_eq!(
        coverage(&history),
        "2024-03-11 bars[2024-03-11] actions[] kinds[dividend,capital_gain]"
    );
    // Asked for a while, the dividends of all of it are known, and nothing else.
    let options = crate::ParseOptions::default()
        .with_vendor(Vendor::Massive)
        .with_asked("2024-01-01..2024-04-30".parse().unwrap());
    let history = crate::parse_with(DIVIDENDS.as_bytes(), &options).unwrap();
    assert_eq!(
        coverage(&history),
        "2024-01-01..2024-04-30 bars[2024-01-01..2024-04-30] actions[] kinds[split,capital_gain]"
    );
    for kind in [ActionKind::Split, ActionKind::CapitalGain] {
        assert!(!history.coverage.decides_action((date("2024-03-08"), kind)));
    }
    assert!(message(Vendor::Massive, NONE).contains("no rows in the results"));
    cut_anywhere(Vendor::Massive, DIVIDENDS);
}

#[test]
fn the_newer_forms_are_read_by_the_same_names() {
    let splits = r#"{"status":"OK","request_id":"1","results":[{"id":"E","execution_date":"2024-03-11",
        "split_from":3.0,"split_to":1.0,"ticker":"BRK.B","adjustment_type":"reverse_split",
        "historical_adjustment_factor":3.0}]}"#;
    let dividends = r#"{"status":"OK","request_id":"1","results":[{"id":"E","ticker":"BRK.B",
        "ex_dividend_date":"2024-03-08","cash_amount":0.1,"currency":"USD","frequency":4,
        "distribution_type":"recurring","historical_adjustment_factor":0.9,
        "split_adjusted_cash_amount":0.3}]}"#;
    let answers = [
        (PRICES_AT, PRICES),
        ("/stocks/v1/splits?ticker=BRK.B", splits),
        (DIVIDENDS_AT, dividends),
    ];
    let history = pulled(&answers).unwrap();
    assert_eq!(actions(&history), ["2024-03-08 dividend 0.1", "2024-03-11 split 1:3"]);
}

#[test]
fn what_cannot_be_read_is_told() {
    for (from, to, reason) in [
        (
            "1709874000000",
            "1709874000001",
            "t is \"1709874000001\", expected the milliseconds of a",
        ),
        ("1709874000000", "1709908200000", "expected the milliseconds of a midnight in New York"),
        ("1709874000000", "null", "t is \"null\""),
        ("1709874000000", "\"x\"", "t is "),
        ("\"t\":1709874000000,", "", "it has no date"),
        ("1.12117471e+08", "-1", "volume is \"-1\""),
    ] {
        let history = read(Vendor::Massive, &PRICES.replace(from, to)).unwrap();
        assert_eq!(history.bars.len(), 1, "{to}");
        assert!(warnings(&history).contains(reason), "{}", warnings(&history));
    }
    for (text, reason) in [
        (DIVIDENDS.replace("USD", "CAD"), "its currency is not that of the prices"),
        (DIVIDENDS.replace("0.25", "null"), "it has no readable amount"),
        (DIVIDENDS.replace("2024-03-08", "N/A"), "it has no readable date"),
        (
            SPLITS.replace("\"split_to\":4", "\"split_to\":0"),
            "\"split_to\" and \"split_from\" above 0",
        ),
        (SPLITS.replace("[{", "[7,{"), "it is not an object"),
    ] {
        let history = pulled(&[
            (PRICES_AT, PRICES),
            (if text.contains("split_to") { SPLITS_AT } else { DIVIDENDS_AT }, &text),
        ])
        .unwrap();
        assert!(warnings(&history).contains(reason), "{}", warnings(&history));
        let key = (date("2024-03-08"), ActionKind::Dividend);
        assert!(!history.coverage.decides_action(key), "{text}");
    }
}

#[test]
fn refusals_and_other_bases_are_errors() {
    for (text, expected) in [
        (r#"{"status":"ERROR","request_id":"1","error":"Unknown API Key"}"#, "refuses the API key"),
        (
            r#"{"status":"ERROR","request_id":"1","error":"You've exceeded the maximum requests per minute"}"#,
            "Too Many Requests",
        ),
        (
            r#"{"status":"NOT_AUTHORIZED","request_id":"1","message":"Your plan doesn't include this"}"#,
            "plan does not include",
        ),
        (r#"{"status":"NOT_AUTHORIZED","request_id":"1"}"#, "plan does not include"),
        (r#"{"status":"NOT_FOUND","request_id":"1","message":"Ticker not found."}"#, "not found"),
        (r#"{"status":"ERROR","request_id":"1","error":"Oh"}"#, "\"ERROR\", \"Oh\""),
        (r#"{"request_id":"1"}"#, "expected an object with the key \"results\""),
        (r#"{"status":"OK","request_id":"1"}"#, "no rows in the results"),
        ("Forbidden", "plan does not include"),
        ("x,y\n", "unknown format"),
        ("[{\"ticker\":1}]", "expected an object with the key \"results\""),
    ] {
        let found = message(Vendor::Massive, text);
        assert!(found.contains(expected), "{text}: {found}");
    }
    for (from, to, expected) in [
        ("\"adjusted\":true", "\"adjusted\":false", "expected true: prices adjusted for splits"),
        ("\"adjusted\":true,", "", "expected the key \"adjusted\""),
        ("\"status\"", "\"results\"", "expected the key \"results\" once"),
        ("\"h\":11", "\"o\":11", "expected each key of a row once"),
        ("\"n\":12", "\"t\":12", "expected each key of a row once"),
    ] {
        let found = message(Vendor::Massive, &PRICES.replacen(from, to, 1));
        assert!(found.contains(expected), "{to}: {found}");
    }
}
