//! The route in the shape of Yahoo's chart endpoint.

use cream_models::{
    Bar, CorporateAction, CorporateEvent, DateRange, Instrument, Price, SplitRatio, Symbol, Vendor,
};
use cream_store::Store;
use serde_json::{Value, json};

use crate::support::{Answer, Api, at, bar, day, filled};

const FETCHED: &str = "2021-01-01T00:00:00Z";
const NOT_FOUND: &str = "No data found, symbol may be delisted";

/// A series and who tells it.
pub(crate) struct Loaded<'a> {
    pub(crate) symbol: &'a str,
    pub(crate) vendor: Vendor,
    /// Currency, time zone, kind.
    pub(crate) told: [&'a str; 3],
    pub(crate) bars: &'a [Bar],
    pub(crate) actions: &'a [CorporateAction],
    pub(crate) known: &'a [DateRange],
}

pub(crate) fn load(store: &Store, loaded: &Loaded<'_>) {
    let Loaded { symbol, vendor, told, bars, actions, known } = *loaded;
    let [currency, time_zone, kind] = told.map(|text| (!text.is_empty()).then(|| text.to_owned()));
    let instrument = Instrument { currency, time_zone, kind, ..Instrument::default() };
    let written = store.write(|writer| {
        let stock = writer.ensure_stock(&Symbol::parse(symbol).unwrap())?;
        writer.insert_bars(stock.id, vendor, at(FETCHED), bars)?;
        writer.put_actions(stock.id, vendor, at(FETCHED), actions)?;
        let mut state = writer.lock_series(stock.id, vendor)?;
        state.add(bars);
        state.describe(&instrument, at(FETCHED));
        state.know_actions(known);
        state.revise(at(FETCHED));
        writer.save_series(state)
    });
    written.unwrap();
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn split(date: &str, numerator: &str, denominator: &str) -> CorporateAction {
    let ratio = SplitRatio::new(price(numerator), price(denominator)).unwrap();
    CorporateAction { date: day(date), event: CorporateEvent::Split(ratio) }
}

pub(crate) fn dividend(date: &str, amount: &str) -> CorporateAction {
    CorporateAction { date: day(date), event: CorporateEvent::Dividend { amount: price(amount) } }
}

pub(crate) const EVERYTHING: &str = "range=max&interval=1d&events=div,splits,capitalGains";

pub(crate) fn result(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut json = answer.json();
    assert_eq!(json["chart"]["error"], Value::Null);
    assert_eq!(json["chart"]["result"].as_array().unwrap().len(), 1);
    json["chart"]["result"][0].take()
}

pub(crate) fn closes(result: &Value) -> &Value {
    &result["indicators"]["quote"][0]["close"]
}

/// Asserts a refusal in Yahoo's shape and gives its description.
pub(crate) fn refused(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    let description = json["chart"]["error"]["description"].as_str().unwrap().to_owned();
    let error = json!({"code": code, "description": description});
    assert_eq!(json, json!({"chart": {"result": null, "error": error}}));
    description
}

#[test]
fn the_answer_is_shaped_as_yahoos() {
    let answer = filled().get(&format!("/v8/finance/chart/tsla?{EVERYTHING}"));
    let text = answer.text();
    assert_eq!(answer.header("content-type"), "application/json");
    let result = result(&answer);
    // 09:30 in New York, four hours behind UTC in June.
    let times = [1_749_475_800, 1_749_562_200, 1_749_648_600, 1_749_735_000, 1_749_821_400];
    assert_eq!(result["timestamp"], json!(times));
    assert_eq!(
        result["events"],
        json!({
            "dividends": {"1749648600": {"amount": 0.26, "date": times[2]}},
            "capitalGains": {"1749648600": {"amount": 0.000000001, "date": times[2]}},
            "splits": {"1749475800": {
                "date": times[0], "numerator": 1.5, "denominator": 1, "splitRatio": "1.5:1",
            }},
        })
    );
    assert_eq!(*closes(&result), json!([308.58, 326.09, 326.43, -0.005, 325.31]));
    let quote = &result["indicators"]["quote"][0];
    assert_eq!(quote["open"], json!([null, null, 334.399994, null, null]));
    assert_eq!(quote["volume"], json!([null, null, 122_611_400, 0, null]));
    let adjusted = &result["indicators"]["adjclose"];
    assert_eq!(*adjusted, json!([{"adjclose": [null, null, 326.429993, null, null]}]));
    assert!(text.contains("0.000000001") && text.contains("334.399994"), "{text}");
    let meta = &result["meta"];
    for (name, value) in [
        ("currency", json!("USD")),
        ("symbol", json!("TSLA")),
        ("exchangeName", json!("NMS")),
        ("instrumentType", Value::Null),
        ("longName", json!("TSLA \"Inc.\"")),
        ("firstTradeDate", json!(times[0])),
        // The last bar's session was under way.
        ("regularMarketTime", json!(times[4])),
        ("regularMarketPrice", json!(325.31)),
        ("chartPreviousClose", Value::Null),
        ("gmtoffset", json!(-14_400)),
        ("timezone", json!("EDT")),
        ("exchangeTimezoneName", json!("America/New_York")),
        ("priceHint", json!(2)),
        ("dataGranularity", json!("1d")),
        ("range", json!("max")),
    ] {
        assert_eq!(meta[name], value, "{name}");
    }
    let regular = &meta["currentTradingPeriod"]["regular"];
    assert_eq!((&regular["start"], &regular["end"]), (&json!(times[4]), &json!(1_749_844_800)));
    assert_eq!(meta["validRanges"].as_array().unwrap().len(), 11);
}

#[test]
fn ranges_reach_back_from_the_last_bar() {
    let dates = [
        "2019-12-31",
        "2023-12-29",
        "2024-01-02",
        "2024-01-31",
        "2024-02-29",
        "2024-03-22",
        "2024-03-27",
        "2024-03-28",
        "2024-03-29",
    ];
    let bars: Vec<Bar> =
        dates.iter().zip(1..).map(|(date, close)| bar(date, &format!("{close}"))).collect();
    let told = ["USD", "America/New_York", ""];
    let api = Api::start(true, |store| {
        let (vendor, actions, known) = (Vendor::YahooChart, &[][..], &[][..]);
        load(store, &Loaded { symbol: "R", vendor, told, bars: &bars, actions, known });
    });
    let get = |query: &str| result(&api.get(&format!("/v8/finance/chart/R?{query}")));
    for (query, expected, previous) in [
        ("", json!([9]), json!(8)),
        ("range=1d", json!([9]), json!(8)),
        ("range=3d&interval=1d", json!([7, 8, 9]), json!(6)),
        ("range=1wk", json!([6, 7, 8, 9]), json!(5)),
        // There is a 29th of February, and the range begins with it.
        ("range=1mo", json!([5, 6, 7, 8, 9]), json!(4)),
        ("range=ytd", json!([3, 4, 5, 6, 7, 8, 9]), json!(2)),
        ("range=1y", json!([2, 3, 4, 5, 6, 7, 8, 9]), json!(1)),
        ("range=10y", json!([1, 2, 3, 4, 5, 6, 7, 8, 9]), Value::Null),
        ("range=max", json!([1, 2, 3, 4, 5, 6, 7, 8, 9]), Value::Null),
        ("range=9999y", json!([1, 2, 3, 4, 5, 6, 7, 8, 9]), Value::Null),
        // 2024-03-27T13:30:00Z is when that session began: the first instant counts, the last does not.
        ("period1=1711546200&period2=1711632600", json!([7]), json!(6)),
        ("period1=1711546201&period2=1711632601", json!([8]), json!(7)),
        ("period2=1577802600", Value::Null, Value::Null),
        ("period2=1577802601", json!([1]), Value::Null),
        ("period1=1711546200", json!([7, 8, 9]), json!(6)),
        ("period1=-2208994789&period2=4102444800", json!([1, 2, 3, 4, 5, 6, 7, 8, 9]), Value::Null),
        (
            "period1=-9223372036854775808&period2=9223372036854775807&range=1d",
            json!([1, 2, 3, 4, 5, 6, 7, 8, 9]),
            Value::Null,
        ),
        ("period1=4102444800", Value::Null, Value::Null),
        ("period1=9223372036854775807", Value::Null, Value::Null),
    ] {
        let found = get(query);
        assert_eq!(*closes(&found), expected, "{query}");
        assert_eq!(found["meta"]["chartPreviousClose"], previous, "{query}");
        if expected.is_null() {
            assert_eq!(found["indicators"], json!({"quote": [{}], "adjclose": [{}]}), "{query}");
            assert_eq!(found.get("timestamp"), None, "{query}");
        }
    }
    assert_eq!(get("range=5d")["meta"]["range"], "5d");
    assert_eq!(get("period1=0")["meta"]["range"], "");
    // The last day of a short month, and 2024-03-29 of the winter before the clocks went forward.
    assert_eq!(get("range=1d")["meta"]["regularMarketTime"], 1_711_742_400);
}

#[test]
fn what_yahoos_clients_send_beside_is_ignored() {
    let plain = filled().get("/v8/finance/chart/TSLA?range=5d&interval=1d");
    for more in [
        "crumb=a%2Fb.c&region=US&lang=en-US&corsDomain=finance.yahoo.com&useYfid=true",
        "includePrePost=False&events=&formatted=false&padTimeSeries=1&crumb=a&crumb=b",
        "includeAdjustedClose=true&period1=&events=history%7Cearn",
    ] {
        let answer = filled().get_with(
            &format!("/v8/finance/chart/TSLA?range=5d&interval=1d&{more}"),
            &[("accept", "text/html")],
        );
        assert_eq!(answer.text(), plain.text(), "{more}");
    }
    let get = |query: &str| result(&filled().get(&format!("/v8/finance/chart/TSLA?{query}")));
    assert_eq!(get("range=5d&includeAdjustedClose=false")["indicators"].get("adjclose"), None);
    let kinds = |query: &str| {
        let events = get(query)["events"].take();
        events.as_object().map_or(Vec::new(), |kinds| kinds.keys().cloned().collect())
    };
    assert_eq!(kinds("range=max&events=div%7Csplit%7CcapitalGain").len(), 3);
    assert_eq!(kinds("range=max&events=dividends"), ["dividends"]);
    assert_eq!(kinds("range=1d&events=div,splits"), Vec::<String>::new());
    assert_eq!(kinds("range=max"), Vec::<String>::new());
}

#[test]
fn refusals_are_in_yahoos_shape() {
    let get = |path: &str| filled().get(&format!("/v8/finance/chart/{path}"));
    for unknown in ["NONE", "BARE", "%00", "..%2F..", "%FF", "A%252F", "NONE?range=max"] {
        assert_eq!(refused(&get(unknown), 404, "Not Found"), NOT_FOUND, "{unknown}");
    }
    for (query, words) in [
        ("interval=1m&range=1d", "interval=1m: expected 1d or 1wk or 1mo"),
        ("interval=3mo", "interval=3mo: expected 1d"),
        ("range=7", "expected one of 1d, 5d"),
        ("range=0d", "range=0d"),
        ("range=99999d", "range=99999d"),
        ("range=%F0%9F%98%80", "range="),
        ("period1=x", "period1=x: expected whole seconds"),
        ("period2=1.5", "period2=1.5"),
        ("period1=9223372036854775808", "period1=9223372036854775808"),
        ("period1=2&period2=1", "start date cannot be after end date 1"),
        ("range=1d&range=5d", "more than once"),
        ("vendor=x", "vendor=x"),
    ] {
        let description = refused(&get(&format!("TSLA?{query}")), 400, "Bad Request");
        assert!(description.contains(words), "{query}: {description}");
    }
    let long = refused(&get(&format!("TSLA?range={}", "9".repeat(2000))), 400, "Bad Request");
    assert!(long.len() < 300, "{long}");
    // A series without bars is one, and a vendor without the symbol has none.
    assert_eq!(result(&get("EMPTY?range=max")).get("timestamp"), None);
    assert_eq!(refused(&get("TSLA?vendor=stooq"), 404, "Not Found"), NOT_FOUND);
    filled().send("POST", "/v8/finance/chart/TSLA", &[]).problem(405, "method_not_allowed");
}

#[test]
fn nothing_changed_is_answered_without_a_body() {
    let path = "/v8/finance/chart/TSLA?range=max";
    let first = filled().get(path);
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag}");
    let again = filled().get_with(path, &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    for other in [
        "range=ytd",
        "range=max&events=div",
        "range=max&includeAdjustedClose=0",
        "range=max&interval=1wk",
        "period1=1",
    ] {
        let other = format!("/v8/finance/chart/TSLA?{other}");
        assert_eq!(filled().get_with(&other, &[("if-none-match", &tag)]).status, 200, "{other}");
    }
    let head = filled().send("HEAD", path, &[]);
    assert_eq!((head.header("etag"), head.body.len()), (tag.as_str(), 0));
}

#[test]
fn a_tag_changes_with_all_that_is_answered() {
    let told = ["USD", "America/New_York", ""];
    let bars = [bar("2020-08-28", "1"), bar("2020-08-31", "2")];
    let api = Api::start(true, |store| {
        let (vendor, actions, known) = (Vendor::Massive, &[][..], &[][..]);
        load(store, &Loaded { symbol: "T", vendor, told, bars: &bars, actions, known });
    });
    let path = "/v8/finance/chart/T?range=max";
    let mut seen = vec![api.get(path).header("etag").to_owned()];
    let mut change = |edit: &dyn Fn(&mut cream_store::SeriesState)| {
        let written = api.store.write(|writer| {
            let stock = writer.ensure_stock(&Symbol::parse("T").unwrap())?;
            let mut state = writer.lock_series(stock.id, Vendor::Massive)?;
            edit(&mut state);
            writer.save_series(state)
        });
        written.unwrap();
        let tag = api.get(path).header("etag").to_owned();
        assert!(!seen.contains(&tag), "{tag} again");
        seen.push(tag);
    };
    let later = "2021-01-02T00:00:00Z";
    let text = |text: &str| Some(text.to_owned());
    change(&|state| state.know_actions(&[DateRange::ALL]));
    for instrument in [
        Instrument { kind: text("ETF"), ..Instrument::default() },
        Instrument { name: text("Name"), ..Instrument::default() },
        Instrument { exchange: text("NYQ"), ..Instrument::default() },
        Instrument { currency: text("GBp"), ..Instrument::default() },
        Instrument { time_zone: text("Europe/London"), ..Instrument::default() },
    ] {
        change(&|state| state.describe(&instrument, at(later)));
    }
    change(&|state| state.revise(at(later)));
}
