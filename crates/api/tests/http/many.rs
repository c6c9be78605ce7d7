//! The histories of many symbols in one answer.

use cream_models::Vendor;
use serde_json::{Value, json};

use crate::support::{Api, bar, describe, filled};

#[test]
fn each_symbol_has_its_outcome() {
    let path = "/stock-data/history?symbols=tie,NONE,BARE,EMPTY,A%20B,%5EGSPC&start=2025-06-10";
    let answer = filled().get(path);
    assert_eq!(answer.status, 200, "{}", answer.text());
    insta::assert_snapshot!(answer.text(), @r#"{"interval":"1d","adjustment":null,"start":"2025-06-10","end":null,"symbols_ok":3,"symbols_failed":3,"series":[{"symbol":"TIE","outcome":"ok","vendor":"yahoo-chart","currency":"USD","currency_major":"USD","currency_units":1,"time_zone":"America/New_York","price_basis":"split_adjusted","adjusted_from":null,"bars":[{"date":"2025-06-10","open":null,"high":null,"low":null,"close":326.09,"adj_close":null,"volume":null,"is_final":true,"flags":[],"as_of":"2025-06-13T15:00:00Z"}],"count":1},{"symbol":"NONE","outcome":"unknown_symbol","detail":"nothing is held for NONE; GET /stock-data lists what is"},{"symbol":"BARE","outcome":"unknown_series","detail":"BARE is not held from any vendor; it is held from none"},{"symbol":"EMPTY","outcome":"ok","vendor":"yahoo-chart","currency":null,"currency_major":null,"currency_units":null,"time_zone":null,"price_basis":"split_adjusted","adjusted_from":null,"bars":[],"count":0,"reason":"the series holds no bar"},{"symbol":"A B","outcome":"invalid_symbol","detail":"\"A B\" is not a symbol: only ASCII letters, digits and . ^ = & : _ / - are allowed"},{"symbol":"^GSPC","outcome":"ok","vendor":"yahoo-chart","currency":"USD","currency_major":"USD","currency_units":1,"time_zone":"America/New_York","price_basis":"split_adjusted","adjusted_from":null,"bars":[{"date":"2025-06-13","open":null,"high":null,"low":null,"close":1.5,"adj_close":null,"volume":null,"is_final":true,"flags":[],"as_of":"2025-06-13T15:00:00Z"}],"count":1}]}"#);
}

#[test]
fn a_table_says_of_each_row_whose_it_is() {
    let path = "/stock-data/history?symbols=NONE,TIE,a%20b,BRK%2FB&format=csv&limit=1&order=desc";
    let answer = filled().get(path);
    insta::assert_snapshot!(answer.text(), @r"
    symbol,vendor,currency,date,open,high,low,close,adj_close,volume,is_final,flags,as_of
    TIE,yahoo-chart,USD,2025-06-10,,,,326.09,,,true,,2025-06-13T15:00:00Z
    BRK/B,yahoo-chart,USD,2025-06-13,,,,1.5,,,true,,2025-06-13T15:00:00Z
    ");
    assert_eq!(answer.header("cream-symbols-ok"), "2");
    assert_eq!(answer.header("cream-symbols-failed"), "2");
    assert_eq!(answer.header("cream-outcomes"), "NONE=unknown_symbol, a%20b=invalid_symbol");
}

#[test]
fn the_bars_are_those_of_each_history() {
    for query in
        ["", "&order=desc&limit=2", "&interval=1wk", "&adjustment=splits&vendor=yahoo-chart"]
    {
        let answer = filled().get(&format!("/stock-data/history?symbols=TSLA,TIE,BRK%2FB{query}"));
        let many = answer.json();
        for (symbol, series) in
            ["TSLA", "TIE", "BRK%2FB"].into_iter().zip(many["series"].as_array().unwrap())
        {
            let one = filled()
                .get(&format!("/stock-data/{symbol}/history?{}", query.trim_start_matches('&')))
                .json();
            for name in ["symbol", "vendor", "price_basis", "adjusted_from", "bars", "count"] {
                assert_eq!(series[name], one[name], "{query} {name}");
            }
        }
    }
}

#[test]
fn what_is_asked_for_twice_or_not_at_all_is_refused() {
    let all = |count: usize| {
        (0..count).map(|number| format!("S{number}")).collect::<Vec<_>>().join("%2C")
    };
    for (query, part) in [
        ("".to_owned(), "expected the symbols wanted"),
        ("?symbols=".to_owned(), "/stock-data/HISTORY, in capitals"),
        ("?symbols=TSLA,tsla".to_owned(), "more than once"),
        (format!("?symbols={}", all(2_001)), "at most 2000 symbols, not 2001"),
        ("?symbols=TSLA&limit=50001".to_owned(), "from 1 to 50000"),
        ("?symbols=TSLA&cursor=00".to_owned(), "takes no such parameter"),
    ] {
        let problem =
            filled().get(&format!("/stock-data/history{query}")).problem(400, "invalid_parameters");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
    }
    let answer = filled().get(&format!("/stock-data/history?symbols={}", all(2_000)));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["symbols_failed"], 2_000);
    let csv = filled().get(&format!("/stock-data/history?symbols={}&format=csv", all(2_000)));
    let told = csv.header("cream-outcomes");
    assert!(told.len() < 2_100 && told.ends_with(", ..."), "{}", told.len());
}

#[test]
fn a_tag_is_of_every_series() {
    let api = Api::start(true, |store| {
        let written = store.write(|writer| {
            for symbol in ["A", "B", "HISTORY"] {
                let bars = [bar("2025-06-09", "1")];
                describe(writer, symbol, Vendor::YahooChart, &bars, "2025-06-13T15:00:00Z")?;
            }
            Ok::<_, cream_store::StoreError>(())
        });
        written.unwrap();
    });
    let path = "/stock-data/history?symbols=A,B,C";
    let mut seen = Vec::new();
    let mut changed = |why: &str| {
        let tag = api.get(path).header("etag").to_owned();
        assert!(!seen.contains(&tag), "{why}");
        let unchanged = api.get_with(path, &[("if-none-match", &tag)]);
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0), "{why}");
        let head = api.send("HEAD", path, &[]);
        assert_eq!((head.status, head.header("etag"), head.body.len()), (200, &*tag, 0), "{why}");
        seen.push(tag);
    };
    changed("at first");
    let put = |symbol: &str, date: &str| {
        let bars = [bar(date, "2")];
        let written = api.store.write(|writer| {
            describe(writer, symbol, Vendor::YahooChart, &bars, "2025-06-14T15:00:00Z")
        });
        written.unwrap();
    };
    put("B", "2025-06-10");
    changed("a bar of the second");
    put("C", "2025-06-10");
    changed("the third is known");
    let counts = |answer: Value| {
        answer["series"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["count"].clone())
            .collect::<Value>()
    };
    assert_eq!(counts(api.get(path).json()), json!([1, 2, 1]));
    // A symbol of that name is one all the same.
    for path in
        ["/stock-data/HISTORY", "/stock-data/history/history", "/stock-data/HISTORY/history"]
    {
        assert_eq!(api.get(path).json()["symbol"], "HISTORY", "{path}");
    }
    assert_eq!(counts(api.get("/stock-data/history?symbols=history").json()), json!([1]));
}
