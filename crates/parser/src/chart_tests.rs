#![expect(clippy::string_slice, reason = "a wrong place is a failed test")]

use cream_models::{ActionKind, BarFlags};

use super::*;
use crate::finish::MAX_ROWS;
use crate::values::MAX_TEXT;

/// A chart answer of these parts, without the closing of the answer.
fn answer(meta: &str, rest: &str) -> String {
    format!(r#"{{"chart":{{"result":[{{"meta":{{{meta}}},{rest}}}],"error":null}}}}"#)
}

const META: &str = r#""currency":"USD","symbol":"DEMO","exchangeTimezoneName":"America/New_York""#;
/// 2024-01-02, 03 and 04 at 09:30 in New York.
const TIMES: [i64; 3] = [1_704_205_800, 1_704_292_200, 1_704_378_600];

/// Three days with these closes and volumes.
fn three(close: &str, volume: &str) -> String {
    let [a, b, c] = TIMES;
    answer(
        META,
        &format!(
            r#""timestamp":[{a},{b},{c}],"events":{{}},
               "indicators":{{"quote":[{{"close":[{close}],"volume":[{volume}]}}]}}"#
        ),
    )
}

fn read_with(json: &str, ask: &Ask) -> Result<PriceHistory> {
    let mut warnings = Warnings::new(100);
    let mut history = read(json.as_bytes(), Vendor::YahooChart, ask, &mut warnings)?;
    history.warnings = warnings.into_vec();
    Ok(history)
}

fn history(json: &str) -> PriceHistory {
    read_with(json, &Ask::default()).unwrap()
}

fn error(json: &str) -> String {
    read_with(json, &Ask::default()).unwrap_err().to_string()
}

fn texts(history: &PriceHistory) -> Vec<String> {
    history.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn keys_may_come_in_any_order_and_unknown_ones_are_skipped() {
    let json = r#" {"x":[{}],"chart":{"error":null,"y":1,"result":[{
        "indicators":{"adjclose":[{"adjclose":[1.0]}],"z":[],"quote":[{"volume":[5.0],"low":[0.5],
            "high":[2],"open":[null],"close":[1.5],"w":["a"]}]},
        "comparisons":[{"close":[9]}],"timestamp":[1704205800],
        "meta":{"symbol":"demo","regularMarketTime":1704205900,"longName":"A \u0026 B",
            "shortName":"AB","fullExchangeName":"Nasdaq","exchangeName":"NMS",
            "instrumentType":"EQUITY","currency":null,"gmtoffset":0,
            "exchangeTimezoneName":"Asia/Tokyo"}},{"meta":7}]}} "#;
    let history = history(json);
    assert_eq!(history.symbol.unwrap().as_str(), "DEMO");
    assert_eq!(
        history.instrument,
        Instrument {
            name: Some("A & B".to_owned()),
            exchange: Some("Nasdaq".to_owned()),
            currency: None,
            time_zone: Some("Asia/Tokyo".to_owned()),
            kind: Some("EQUITY".to_owned()),
        }
    );
    let text = format!("{:?}", history.bars);
    assert_eq!(text, "[Bar(2024-01-02 o - h 2 l 0.5 c 1.5 a 1 v 5)]");
    assert_eq!(history.fetched_no_earlier_than.unwrap().seconds(), 1_704_205_900);
}

#[test]
fn the_live_row_is_not_final_and_gives_way_to_a_settled_one() {
    let live = |times: &str, closes: &str| {
        let meta = format!("{META},\"regularMarketTime\":1704312000");
        let rest =
            format!(r#""timestamp":[{times}],"indicators":{{"quote":[{{"close":[{closes}]}}]}}"#);
        history(&answer(&meta, &rest))
    };
    let only_live = live("1704205800,1704312000", "1,2");
    assert_eq!(only_live.bars.iter().map(Bar::is_final).collect::<Vec<_>>(), [true, false]);
    for (times, closes) in [("1704292200,1704312000", "1,2"), ("1704312000,1704292200", "2,1")] {
        let both = live(times, closes);
        assert_eq!(format!("{:?}", both.bars), "[Bar(2024-01-03 o - h - l - c 1 a - v -)]");
        assert!(texts(&both)[0].contains("the settled row was kept"), "{:?}", texts(&both));
    }
}

#[test]
fn rows_of_nulls_leave_their_date_open_without_a_word() {
    let history = history(&three("1,null,3", "7,8,9"));
    assert_eq!(history.bars.len(), 2);
    assert_eq!(history.coverage.undecided_bars, ["2024-01-03".parse().unwrap()]);
    assert_eq!(texts(&history), [""; 0]);
}

#[test]
fn unreadable_cells_are_told_and_leave_their_date_open() {
    for (close, volume, reason) in [
        ("1,\"x\",3", "7,8,9", "close is \"\\\"x\\\"\", expected a number"),
        ("1,99999999999,3", "7,8,9", "close is \"99999999999\", expected a number within"),
        ("1,2,3", "7,-8,9", "volume is \"-8\", expected a whole number of at least 0"),
        ("1,2,3", "7,8.5,9", "volume is \"8.5\""),
        ("1,[2],3", "7,{},9", "close is \"[2]\""),
        ("1,true,3", "7,8,9", "close is \"true\""),
    ] {
        let json = three(close, volume);
        let history = history(&json);
        assert_eq!(history.bars.len(), 2, "{reason}");
        assert_eq!(history.coverage.undecided_bars, ["2024-01-03".parse().unwrap()]);
        let [warning] = &texts(&history)[..] else { panic!("{:?}", texts(&history)) };
        assert!(warning.contains(reason) && warning.contains("2024-01-03"), "{warning}");
    }
}

#[test]
fn a_bad_timestamp_opens_the_gap_around_it() {
    let [a, _, c] = TIMES;
    for bad in ["null", "\"x\"", "1.5", "99999999999999"] {
        let rest = format!(
            r#""timestamp":[{a},{bad},{c}],"indicators":{{"quote":[{{"close":[1,2,3]}}]}}"#
        );
        let json = answer(META, &rest);
        let history = history(&json);
        assert_eq!(history.bars.len(), 2);
        assert_eq!(history.coverage.undecided_bars, ["2024-01-03".parse().unwrap()]);
        let warning = &history.warnings[0];
        assert!(warning.to_string().contains("timestamp is"), "{warning}");
        let position = usize::try_from(warning.position).unwrap();
        assert!(json[position..].starts_with(bad), "{warning}");
    }
}

#[test]
fn too_many_unreadable_rows_are_an_error() {
    let message = error(&three("\"a\",\"b\",\"c\"", "1,2,3"));
    assert!(message.starts_with("3 of 3 rows are unreadable, the first at byte "), "{message}");
    assert!(message.contains("close is \"\\\"a\\\"\""), "{message}");
}

#[test]
fn two_rows_for_a_date_are_told() {
    let rest = format!(
        r#""timestamp":[{0},{0},{1}],"indicators":{{"quote":[{{"close":[1,2,3]}}]}}"#,
        TIMES[0], TIMES[1]
    );
    let json = answer(META, &rest);
    let history = history(&json);
    assert_eq!(history.bars[0].flags(), BarFlags::DUPLICATE_DATE);
    assert_eq!(history.bars[0].close().unwrap().to_string(), "2");
    let position = usize::try_from(history.warnings[0].position).unwrap();
    assert_eq!(position, json.find(&TIMES[0].to_string()).unwrap());
}

#[test]
fn what_was_asked_is_covered() {
    let json = three("1,2,3", "1,2,3");
    let range = |ask: &Ask| read_with(&json, ask).unwrap().coverage.range.unwrap().to_string();
    assert_eq!(range(&Ask::default()), "2024-01-02..2024-01-04");
    let asked = Ask {
        from: Some("2023-12-31".parse().unwrap()),
        to: Some("2024-01-03".parse().unwrap()),
        ..Ask::default()
    };
    assert_eq!(range(&asked), "2023-12-31..2024-01-04");
    // Midnight in New York is 05:00 in UTC; the period's end is not part of it.
    let asked = Ask { period: Some((1_703_826_000, 1_704_776_400)), ..Ask::default() };
    assert_eq!(range(&asked), "2023-12-29..2024-01-08");
}

#[test]
fn a_period_that_holds_no_whole_date_decides_the_dates_of_its_rows_alone() {
    let json = three("1,null,3", "1,null,3").replace(&TIMES[2].to_string(), "1706884200");
    // The 2nd of January in UTC begins and ends on the evening of a day in New York; the last row
    // is of a month later, as the live one is. A period that ends before it begins, and ones
    // beyond all dates, hold none either.
    for period in [
        (1_704_153_600, 1_704_240_000),
        (1_704_240_000, 1_704_153_600),
        (1_704_153_600, 9_999_999_999_999),
        (i64::MIN, i64::MAX),
    ] {
        let asked = Ask { period: Some(period), events: Some(true), ..Ask::default() };
        let coverage = read_with(&json, &asked).unwrap().coverage;
        let text = |ranges: &[DateRange]| {
            ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(coverage.range.unwrap().to_string(), "2024-01-02..2024-02-02");
        assert_eq!(text(&coverage.undecided_bars), "2024-01-03..2024-02-01", "{period:?}");
        assert_eq!(text(&coverage.undecided_actions), "2024-01-02..2024-02-02", "{period:?}");
    }
}

#[test]
fn absent_events_say_nothing_unless_they_were_asked_for() {
    let [a, ..] = TIMES;
    let rest = |events: &str| {
        format!(r#""timestamp":[{a}],{events}"indicators":{{"quote":[{{"close":[1]}}]}}"#)
    };
    let open = |events: &str, ask: &Ask| {
        let history = read_with(&answer(META, &rest(events)), ask).unwrap();
        !history.coverage.undecided_actions.is_empty()
    };
    let asked = Ask { events: Some(true), ..Ask::default() };
    assert!(open("", &Ask::default()) && open(r#""events":null,"#, &Ask::default()));
    assert!(!open("", &asked) && !open(r#""events":{},"#, &Ask::default()));
    let events = r#""events":{"dividends":{"1":{"amount":0.25,"date":1704205800},
        "2":{"amount":null,"date":1704292200}}},"#;
    let history = history(&answer(META, &rest(events)));
    assert_eq!(history.actions[0].kind(), ActionKind::Dividend);
    assert_eq!(history.coverage.undecided_actions, ["2024-01-03".parse().unwrap()]);
    assert_eq!(history.warnings.len(), 1);
}

#[test]
fn the_zone_is_the_named_one_or_the_offset_but_never_a_guess() {
    let rest = r#""timestamp":[1704153600],"indicators":{"quote":[{"close":[1]}]}"#;
    let date = |meta: &str| history(&answer(meta, rest)).bars[0].date().to_string();
    // Midnight of 2024-01-02 in UTC.
    assert_eq!(date(r#""exchangeTimezoneName":"UTC","gmtoffset":-18000"#), "2024-01-02");
    assert_eq!(date(r#""gmtoffset":-18000"#), "2024-01-01");
    assert!(error(&answer("", rest)).contains("exchangeTimezoneName"));
    let unknown = error(&answer(r#""exchangeTimezoneName":"Mars/Base""#, rest));
    assert!(unknown.contains("\"Mars/Base\" is not a time zone"), "{unknown}");
    assert!(error(&answer(r#""gmtoffset":9999999"#, rest)).contains("not a time zone"));
}

#[test]
fn answers_without_rows_or_with_an_error_are_errors() {
    let not_found = r#"{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, symbol may be delisted"}}}"#;
    let crumb = r#"{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}"#;
    for (json, message) in [
        (not_found.to_owned(), "not found (at byte 32): the vendor says \"Not Found\", \"No data"),
        (crumb.to_owned(), "\"Unauthorized\", \"Invalid Crumb\""),
        (answer(META, r#""indicators":{"quote":[{}],"adjclose":[{}]}"#), "no rows in the chart"),
        (answer(META, r#""timestamp":[],"indicators":{"quote":[null]}"#), "no rows in the chart"),
        (r#"{"chart":{"result":[],"error":null}}"#.to_owned(), "no rows in the chart"),
        (r#"{"other":{}}"#.to_owned(), "unknown format"),
        (r#"{"finance":{"result":[],"error":null}}"#.to_owned(), "unknown format"),
    ] {
        assert!(error(&json).contains(message), "{json}: {}", error(&json));
    }
}

#[test]
fn what_breaks_the_grammar_says_where_and_what() {
    let weekly = format!("{META},\"dataGranularity\":\"1wk\"");
    for (json, message) in [
        (three("1,2", "1,2,3"), "close has 2 values but there are 3 timestamps (at byte "),
        (three("1,2,3", "1,2,3,4"), "volume has 4 values but there are 3 timestamps"),
        (
            answer(META, r#""indicators":{"quote":[{"open":[1]}]}"#),
            "open has 1 values but there are 0",
        ),
        (answer(&weekly, r#""timestamp":[1]"#), "the granularity is \"1wk\""),
        (answer(META, r#""timestamp":[1],"timestamp":[1]"#), "expected each key once"),
        (
            answer(META, r#""indicators":{"quote":[{"low":[],"low":[]}]}"#),
            "expected each column once",
        ),
        (answer(r#""symbol":"a b""#, r#""timestamp":[1]"#), "is not a symbol"),
        (answer(r#""gmtoffset":1.5"#, r#""timestamp":[1]"#), "expected a whole number of seconds"),
        (answer(r#""currency":7"#, r#""timestamp":[1]"#), "expected a string"),
        (three("1,2,3", "1,2,3") + "x", "\"x\" at byte"),
        (three("1,2,3 4", "1,2,3"), "expected a comma or the end of the array"),
        (three("1,,3", "1,2,3"), "expected a JSON value"),
        (three("1,02,3", "1,2,3"), "expected no digit after a leading zero"),
        (three("1,NaN,3", "1,2,3"), "\"NaN],"),
        (r#"{"chart":{},"chart":{}}"#.to_owned(), "expected the key \"chart\" once"),
        (r#"{"chart":[]}"#.to_owned(), "expected an object"),
    ] {
        let message_is = error(&json);
        let alternative = message.trim_end_matches("],");
        assert!(message_is.contains(alternative), "{json}: {message_is}");
    }
}

#[test]
fn an_answer_cut_off_anywhere_is_truncated() {
    let json = three("1.5,null,3", "1,2,3");
    for length in 1..json.len() {
        let result = read_with(&json[..length], &Ask::default());
        assert!(matches!(result, Err(ParseError::Truncated { .. })), "{length}: {result:?}");
    }
}

#[test]
fn more_rows_than_centuries_of_days_are_refused() {
    let zeros = vec!["0"; MAX_ROWS + 1].join(",");
    let times = answer(META, &format!("\"timestamp\":[{zeros}]"));
    assert!(error(&times).contains("more than 200000 rows"));
    let cells = answer(META, &format!(r#""indicators":{{"quote":[{{"open":[{zeros}]}}]}}"#));
    assert!(error(&cells).contains("more than 200000 rows"));
}

#[test]
fn a_text_about_the_instrument_is_bounded() {
    let named = |length: usize| {
        let name = "x".repeat(length);
        three("1,2,3", "4,5,6").replacen(
            "\"symbol\"",
            &format!("\"longName\":\"{name}\",\"symbol\""),
            1,
        )
    };
    assert_eq!(history(&named(MAX_TEXT)).instrument.name.map(|name| name.len()), Some(MAX_TEXT));
    let error = error(&named(MAX_TEXT + 1));
    assert!(error.contains("at most 1024 bytes of text") && error.len() < 200, "{error}");
}
