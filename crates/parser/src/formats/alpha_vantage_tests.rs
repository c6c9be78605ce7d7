use cream_models::Vendor;

use crate::formats::test::{actions, bars, coverage, cut_anywhere, message, pull, read, warnings};

const ADJUSTED: &str = r#"{"Meta Data":{"1. Information":"Daily Time Series with Splits and Dividends",
    "2. Symbol":"DEMO","3. Last Refreshed":"2024-03-04","4. Output Size":"Full size",
    "5. Time Zone":"US/Eastern"},"Time Series (Daily)":{
    "2024-03-04":{"1. open":"5.2500","2. high":"6.1250","3. low":"5.0000","4. close":"6.0000",
        "5. adjusted close":"6.0","6. volume":"2500","7. dividend amount":"0.2500",
        "8. split coefficient":"2.0"},
    "2024-03-01":{"8. split coefficient":"1.0","7. dividend amount":"0.0000","4. close":"10.5000",
        "1. open":"10.0000","2. high":"11.0000","3. low":"9.7500","6. volume":"1000",
        "5. adjusted close":"5.12345678949"}}}"#;

fn plain(size: &str) -> String {
    format!(
        r#"{{"Meta Data":{{"2. Symbol":"tsco.lon","4. Output Size":"{size}",
        "5. Time Zone":"US/Eastern"}},"Time Series (Daily)":{{"2024-03-01":{{"1. open":"1","2. high":"2",
        "3. low":"1","4. close":"1.5","5. volume":"7"}}}}}}"#
    )
}

fn refused(text: &str) -> String {
    message(Vendor::AlphaVantage, text)
}

#[test]
fn the_adjusted_form_tells_of_dividends_and_splits() {
    let history = read(Vendor::AlphaVantage, ADJUSTED).unwrap();
    assert_eq!(crate::detect(ADJUSTED.as_bytes()), Ok(Vendor::AlphaVantage.into()));
    assert_eq!(
        bars(&history),
        [
            "2024-03-01 o 10 h 11 l 9.75 c 10.5 a 5.123456789 v 1000",
            "2024-03-04 o 5.25 h 6.125 l 5 c 6 a 6 v 2500 live"
        ]
    );
    assert_eq!(actions(&history), ["2024-03-04 dividend 0.25", "2024-03-04 split 2:1"]);
    assert_eq!(coverage(&history), "2024-03-01..2024-03-04 bars[] actions[] kinds[]");
    assert_eq!(history.symbol.unwrap().as_str(), "DEMO");
    assert_eq!(history.instrument.time_zone.as_deref(), Some("US/Eastern"));
    cut_anywhere(Vendor::AlphaVantage, ADJUSTED);
}

#[test]
fn the_other_form_leaves_actions_open() {
    let history = read(Vendor::AlphaVantage, &plain("Compact")).unwrap();
    assert_eq!(bars(&history), ["2024-03-01 o 1 h 2 l 1 c 1.5 a - v 7 live"]);
    assert_eq!(coverage(&history), "2024-03-01 bars[] actions[2024-03-01] kinds[]");
    assert_eq!((history.symbol, history.vendor_symbol.as_deref()), (None, Some("tsco.lon")));
}

#[test]
fn a_compact_answer_decides_from_its_first_row_on() {
    let url = "/query?function=TIME_SERIES_DAILY";
    for (size, first) in
        [("Compact", "2024-03-01"), ("Full size", "2024-02-01"), ("", "2024-03-01")]
    {
        let body = plain(size);
        let asked = Some("2024-02-01");
        let history = pull(Vendor::AlphaVantage, "TSCO.LON", asked, &[(url, &body)]).unwrap();
        let range = history.coverage.range.unwrap();
        assert_eq!(range.to_string(), format!("{first}..2024-06-30"), "{size}");
    }
    let error = pull(Vendor::AlphaVantage, "X", None, &[(url, ADJUSTED)]).unwrap_err().to_string();
    assert!(error.contains("about \"DEMO\" but \"X\" was asked"), "{error}");
}

#[test]
fn other_granularities_are_refused() {
    for (key, message) in [
        ("Weekly Time Series", "granularity is \"Weekly Time Series\" (at byte"),
        ("Monthly Adjusted Time Series", "granularity is \"Monthly Adjusted Time Series\""),
        ("Time Series (5min)", "granularity is \"Time Series (5min)\""),
        ("Time Series FX (Daily)", "expected the key \"Time Series (Daily)\""),
    ] {
        let found = refused(&ADJUSTED.replace("Time Series (Daily)", key));
        assert!(found.contains(message), "{found}");
    }
}

#[test]
fn refusals_are_told_by_their_words_and_keep_the_key() {
    let key = "A1B2C3D4E5F6G7H8";
    for (text, expected) in [
        (
            r#"{"Note":"Our limit is 5 calls per minute and 500 calls per day."}"#.to_owned(),
            "Too Many",
        ),
        (
            format!(
                r#"{{"Information":"Your API key as {key}: the limit is 25 requests per day."}}"#
            ),
            "says \"Your API key as ***: the limit",
        ),
        (r#"{"Information":"outputsize=full is a premium feature."}"#.to_owned(), "plan does not"),
        (
            format!(r#"{{"Error Message":"the parameter apikey is invalid: apikey={key}"}}"#),
            "refuses the API key",
        ),
        (r#"{"Error Message":"Invalid API call. Please retry."}"#.to_owned(), "not found"),
        (format!(r#"{{"Information":"Hello {key}"}}"#), "\"Hello ***\""),
        (format!(r#"{{"Hi":"A {key}"}}"#), "unexpected \"{\\\"Hi\\\":\\\"A ***"),
        ("{}".to_owned(), "expected an object with the key \"Time Series (Daily)\""),
        (r#"{"Meta Data":{"2. Symbol":"X"}}"#.to_owned(), "expected an object with the key"),
        (r#"{"Meta Data":{},"Time Series (Daily)":{}}"#.to_owned(), "no rows in the series"),
        ("Hello there\r\n".to_owned(), "unknown format"),
        ("[]".to_owned(), "expected an object with the key \"Time Series (Daily)\""),
    ] {
        let found = refused(&text);
        assert!(found.contains(expected) && !found.contains(key), "{text}: {found}");
    }
}

#[test]
fn a_note_beside_a_series_is_a_warning() {
    let noted = ADJUSTED.replacen('{', "{\"Note\":\"Be kind\",", 1);
    let history = read(Vendor::AlphaVantage, &noted).unwrap();
    assert_eq!(warnings(&history), "the vendor says \"Be kind\" (at byte 8)");
}

#[test]
fn what_is_odd_says_so() {
    for (from, to, expected) in [
        ("US/Eastern", "US/Nowhere", "\"US/Nowhere\" is not a time zone"),
        ("\"5. Time Zone\"", "\"2. Symbol\"", "expected each key once"),
        ("\"Meta Data\"", "\"Time Series (Daily)\":{},\"Meta Data\"", "expected each key once"),
        ("\"2. high\":\"6.1250\"", "\"1. open\":\"6.1250\"", "each key of a row once"),
    ] {
        let found = refused(&ADJUSTED.replacen(from, to, 1));
        assert!(found.contains(expected), "{from}: {found}");
    }
    for (from, to, reason) in [
        ("2024-03-01", "2024-02-30", "its key is \"2024-02-30\", expected a date"),
        ("\"10.5000\"", "\"ten\"", "close is \"\\\"ten\\\"\""),
    ] {
        let history = read(Vendor::AlphaVantage, &ADJUSTED.replacen(from, to, 1)).unwrap();
        assert_eq!(history.bars.len(), 1);
        assert!(warnings(&history).contains(reason), "{}", warnings(&history));
    }
    let odd = r#"{"Time Series (Daily)":{"2024-03-01":7,"2024-03-04":{"4. close":"1"}}}"#;
    let history = read(Vendor::AlphaVantage, odd).unwrap();
    assert!(warnings(&history).contains("of 2024-03-01: a row is \"7\""), "{}", warnings(&history));
    assert!(!history.coverage.decides_bar("2024-03-01".parse().unwrap()));
}
