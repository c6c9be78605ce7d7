use cream_models::{ActionKind, Vendor};

use crate::formats::test::{
    actions, bars, coverage, cut_anywhere, date, message, pull, read, warnings,
};

const PRICES: &str = r#"{"data":{"symbol":"DEMO","totalRecords":2,"tradesTable":{"asOf":null,
    "headers":{"date":"Date","close":"Close/Last"},"rows":[
    {"date":"03/04/2024","close":"$1,506.00","volume":"13,132,340","open":"$1,505.25","high":"$1,506.125",
     "low":"--"},
    {"date":"03/01/2024","close":"10.5","volume":"N/A","open":"$10","high":"$11","low":"$9.75"}]}},
    "message":null,"status":{"rCode":200,"bCodeMessage":null,"developerMessage":null}}"#;
const DIVIDENDS: &str = r#"{"data":{"yield":"0.48%","dividends":{"asOf":null,"headers":{"type":"Type"},
    "rows":[{"exOrEffDate":"03/04/2024","type":"Cash","amount":"$0.25","declarationDate":"N/A",
    "recordDate":"03/05/2024","currency":"USD"},
    {"exOrEffDate":"03/01/2024","type":"CASH","amount":"$1,000.5","currency":"N/A"}]}},
    "message":null,"status":{"rCode":200,"bCodeMessage":null,"developerMessage":null}}"#;

const PRICES_AT: &str = "/api/quote/DEMO/historical?assetclass=stocks";
const DIVIDENDS_AT: &str = "/api/quote/DEMO/dividends?assetclass=stocks";

fn pulled(answers: &[(&str, &str)]) -> Result<cream_models::PriceHistory, crate::ParseError> {
    pull(Vendor::Nasdaq, "DEMO", Some("2024-02-01"), answers)
}

#[test]
fn prices_are_read_as_they_are_shown() {
    let history = read(Vendor::Nasdaq, PRICES).unwrap();
    assert_eq!(crate::detect(PRICES.as_bytes()), Ok(Vendor::Nasdaq.into()));
    assert_eq!(
        bars(&history),
        [
            "2024-03-01 o 10 h 11 l 9.75 c 10.5 a - v -",
            "2024-03-04 o 1505.25 h 1506.125 l - c 1506 a - v 13132340 live"
        ]
    );
    assert_eq!(
        coverage(&history),
        "2024-03-01..2024-03-04 bars[] actions[2024-03-01..2024-03-04] kinds[]"
    );
    assert_eq!(history.symbol.unwrap().as_str(), "DEMO");
    assert_eq!(history.instrument.currency, None, "a dollar sign is no currency");
    cut_anywhere(Vendor::Nasdaq, PRICES);
}

#[test]
fn a_pull_tells_prices_and_dividends_in_any_order() {
    let answers = [(PRICES_AT, PRICES), (DIVIDENDS_AT, DIVIDENDS)];
    for order in [[0, 1], [1, 0]] {
        let history = pulled(&order.map(|index| answers[index])).unwrap();
        assert_eq!(actions(&history), ["2024-03-01 dividend 1000.5", "2024-03-04 dividend 0.25"]);
        assert_eq!(coverage(&history), "2024-02-01..2024-06-30 bars[] actions[] kinds[]");
    }
    let none = r#"{"data":{"dividends":{"headers":null,"rows":null}},"status":{"rCode":200}}"#;
    let history = pulled(&[answers[0], (DIVIDENDS_AT, none)]).unwrap();
    assert_eq!(coverage(&history), "2024-02-01..2024-06-30 bars[] actions[] kinds[]");
    for empty in [
        r#"{"data":{"symbol":"DEMO","totalRecords":0,"tradesTable":{"rows":[]}},"status":{"rCode":200}}"#,
        r#"{"data":{"symbol":"DEMO","totalRecords":0,"tradesTable":null},"status":{"rCode":200}}"#,
        r#"{"data":{"symbol":"DEMO","totalRecords":0},"status":{"rCode":200}}"#,
    ] {
        let error = pulled(&[(PRICES_AT, empty), answers[1]]).unwrap_err().to_string();
        assert!(error.contains("no rows in the data"), "{error}");
    }
    let error = pulled(&[(PRICES_AT, &PRICES.replace("DEMO", "OTHER"))]).unwrap_err().to_string();
    assert!(error.contains("about \"OTHER\" but \"DEMO\" was asked"), "{error}");
}

#[test]
fn fewer_rows_than_there_are_decide_from_the_first_on() {
    for total in ["3", "\"1,234\""] {
        let more = PRICES.replace("\"totalRecords\":2", &format!("\"totalRecords\":{total}"));
        let history = pulled(&[(PRICES_AT, &more)]).unwrap();
        assert_eq!(history.coverage.range.unwrap().to_string(), "2024-03-01..2024-06-30");
    }
}

#[test]
fn dividends_alone_decide_nothing_else() {
    let history = read(Vendor::Nasdaq, DIVIDENDS).unwrap();
    assert_eq!(crate::detect(DIVIDENDS.as_bytes()), Ok(Vendor::Nasdaq.into()));
    assert_eq!(actions(&history).len(), 2);
    assert_eq!(
        coverage(&history),
        "2024-03-01..2024-03-04 bars[2024-03-01..2024-03-04] actions[2024-03-02..2024-03-03] \
         kinds[split,capital_gain]"
    );
    cut_anywhere(Vendor::Nasdaq, DIVIDENDS);
}

#[test]
fn words_in_place_of_dividends_do_not_say_that_there_was_none() {
    let words = r#"{"data":{"exDividendDate":"N/A","yield":"N/A","dividends":{"asOf":null,"headers":null,
        "rows":null}},"message":"Dividend History for Non-Nasdaq symbols is not available",
        "status":{"rCode":200,"bCodeMessage":null,"developerMessage":null}}"#;
    for words in [words.to_owned(), words.replace("\"rows\":null", "\"rows\":[]")] {
        let history = pulled(&[(PRICES_AT, PRICES), (DIVIDENDS_AT, &words)]).unwrap();
        assert_eq!(
            coverage(&history),
            "2024-02-01..2024-06-30 bars[] actions[2024-02-01..2024-06-30] kinds[]"
        );
        assert!(warnings(&history).contains("Non-Nasdaq symbols"), "{}", warnings(&history));
        assert!(message(Vendor::Nasdaq, &words).contains("no rows in the data"));
    }
    // Beside rows they are words alone.
    let both = DIVIDENDS.replace("\"message\":null", "\"message\":\"Delayed\"");
    let history = pulled(&[(PRICES_AT, PRICES), (DIVIDENDS_AT, &both)]).unwrap();
    assert_eq!(history.actions.len(), 2);
    assert!(history.coverage.undecided_actions.is_empty());
}

#[test]
fn what_is_not_plainly_cash_in_dollars_is_unreadable() {
    for (from, to, reason) in [
        ("\"Cash\"", "\"Stock\"", "dividend: its type is not cash: "),
        ("\"Cash\"", "\"Cash and Stock\"", "its type is not cash"),
        ("\"Cash\"", "null", "its type is not cash"),
        ("\"USD\"", "\"CAD\"", "its currency is not that of the prices"),
        ("\"$0.25\"", "\"N/A\"", "it has no readable amount"),
        ("\"$0.25\"", "\"£0.25\"", "it has no readable amount"),
        ("\"03/04/2024\"", "\"N/A\"", "it has no readable date"),
    ] {
        let text = DIVIDENDS.replacen(from, to, 1);
        let history = pulled(&[(PRICES_AT, PRICES), (DIVIDENDS_AT, &text)]).unwrap();
        assert_eq!(actions(&history), ["2024-03-01 dividend 1000.5"]);
        assert!(warnings(&history).contains(reason), "{}", warnings(&history));
        let key = (date("2024-03-04"), ActionKind::Dividend);
        assert!(!history.coverage.decides_action(key));
    }
    let special = DIVIDENDS.replacen("\"Cash\"", "\"Special Cash\"", 1);
    assert_eq!(actions(&read(Vendor::Nasdaq, &special).unwrap()).len(), 2);
}

#[test]
fn rows_that_cannot_be_read_say_why() {
    for (from, to, reason) in [
        ("$1,506.00", "$1,50.00", "close is \"\\\"$1,50.00\\\"\", expected a number"),
        ("13,132,340", "13,132,34", "volume is"),
        ("03/04/2024", "2024-03-04", "expected a date such as 12/31/2024"),
    ] {
        let history = read(Vendor::Nasdaq, &PRICES.replacen(from, to, 1)).unwrap();
        assert_eq!(history.bars.len(), 1);
        assert!(warnings(&history).contains(reason), "{}", warnings(&history));
    }
}

#[test]
fn refusals_are_told() {
    let status = |code: &str, words: &str| {
        format!(
            r#"{{"data":null,"message":null,"status":{{"rCode":{code},"bCodeMessage":[{{"code":1001,
            "errorMessage":"{words}"}}],"developerMessage":null}}}}"#
        )
    };
    for (text, expected) in [
        (status("400", "Symbol not exists."), "not found"),
        (status("400", "Provided date is less than from date"), "\"400\", \"Provided date"),
        (r#"{"data":null,"status":{"rCode":400}}"#.to_owned(), "not found"),
        (r#"{"data":null}"#.to_owned(), "not found"),
        (r#"{"data":null,"message":"Too many requests","status":null}"#.to_owned(), "Too Many"),
        (PRICES.replace("\"rCode\":200", "\"rCode\":500"), "answered with an error"),
        (r#"{"data":{"x":1},"status":{"rCode":200}}"#.to_owned(), "expected data with"),
        (r#"{"x":1}"#.to_owned(), "expected an object with the key \"data\""),
        (PRICES.replacen("\"message\"", "\"data\"", 1), "expected the key \"data\" once"),
        (PRICES.replacen("\"headers\"", "\"rows\"", 1), "an array of rows"),
        (PRICES.replacen("\"high\"", "\"open\"", 1), "expected each key of a row once"),
        ("[1]".to_owned(), "expected an object with the key \"data\""),
    ] {
        let found = message(Vendor::Nasdaq, &text);
        assert!(found.contains(expected), "{text}: {found}");
    }
    for (text, expected) in [
        ("<html><body>Access Denied</body></html>", "unknown format, it begins with \"<html>"),
        ("<h1>Too Many Requests</h1>", "Too Many Requests"),
        (" ", "cut off at byte"),
    ] {
        let error = pulled(&[(PRICES_AT, text)]).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
