//! Right answers: what they hold, and what they leave out.

use cream_models::{CorporateAction, CorporateEvent, Date, Price, SplitRatio, Vendor};
use cream_testkit::vendors::{Instrument, VendorServer, key};
use cream_testkit::{Listing, Row, Scenario, SyntheticSeries};
use serde_json::{Value, json};

use crate::client::{get, path_of};
use crate::reading::{assert_same, bars, unflagged};
use crate::{SERVED, instrument, scenario, server};

/// A stock of which everything can be told by hand: 20, then a dividend of 0.50 at 19.50, then two
/// for one at 10.
fn by_hand() -> SyntheticSeries {
    let date = |text: &str| text.parse::<Date>().unwrap();
    let price = |text: &str| text.parse::<Price>().unwrap();
    let rows = vec![
        Row::new(date("2025-06-10"), [10.0, 10.5, 9.5, 10.0], 2_000),
        Row::new(date("2025-06-11"), [9.75, 9.875, 9.5, 9.75], 2_400),
        Row::new(date("2025-06-12"), [10.0, 10.25, 9.75, 10.0], 1_100),
    ];
    let split = SplitRatio::new(price("2"), price("1")).unwrap();
    let dividend = CorporateEvent::Dividend { amount: price("0.25") };
    let actions = vec![
        CorporateAction { date: date("2025-06-11"), event: dividend },
        CorporateAction { date: date("2025-06-12"), event: CorporateEvent::Split(split) },
    ];
    let listing = Listing::us_stock("HAND", "By Hand");
    SyntheticSeries { listing, rows, actions, live: None }
}

#[test]
fn a_history_made_by_hand_is_told_on_each_vendors_basis() {
    let server = VendorServer::start();
    server.serve(Instrument::new("HAND", by_hand()));

    let rows = get(&server, "/tiingo/daily/HAND/prices?startDate=2025-01-01").json();
    assert_eq!(
        rows[0],
        json!({
            "date": "2025-06-10T00:00:00.000Z", "close": 20.0, "high": 21.0, "low": 19.0,
            "open": 20.0, "volume": 1000, "adjClose": 9.75, "adjHigh": 10.2375, "adjLow": 9.2625,
            "adjOpen": 9.75, "adjVolume": 2000, "divCash": 0.0, "splitFactor": 1.0
        })
    );
    assert_eq!(rows[1]["divCash"], 0.5);
    assert_eq!(rows[1]["close"], 19.5);
    assert_eq!(rows[1]["adjClose"], 9.75);
    assert_eq!(rows[2]["splitFactor"], 2.0);
    assert_eq!(rows[2]["volume"], 1100);

    let rows = get(&server, &path_of(Vendor::AlphaVantage, None).replace("CREAM-B", "HAND")).json();
    assert_eq!(
        rows["Time Series (Daily)"]["2025-06-11"],
        json!({
            "1. open": "19.50", "2. high": "19.75", "3. low": "19.00", "4. close": "19.50",
            "5. adjusted close": "9.75", "6. volume": "1200", "7. dividend amount": "0.5000",
            "8. split coefficient": "1.0"
        })
    );
    let row = &rows["Time Series (Daily)"]["2025-06-12"];
    assert_eq!(row["8. split coefficient"], "2.0");

    let token = key(Vendor::Eodhd).unwrap();
    let rows = get(&server, &format!("/api/eod/HAND.US?fmt=json&api_token={token}")).json();
    assert_eq!(
        rows[0],
        json!({
            "date": "2025-06-10", "open": 20, "high": 21, "low": 19, "close": 20,
            "adjusted_close": 9.75, "volume": 2000
        })
    );
    let rows = get(&server, &format!("/api/div/HAND.US?fmt=json&api_token={token}")).json();
    assert_eq!((&rows[0]["value"], &rows[0]["unadjustedValue"]), (&json!(0.25), &json!(0.5)));
    let rows = get(&server, &format!("/api/splits/HAND.US?fmt=json&api_token={token}")).json();
    assert_eq!(rows, json!([{"date": "2025-06-12", "split": "2.000000/1.000000"}]));

    let rows = get(&server, "/v2/aggs/ticker/HAND/range/1/day/2025-06-01/2025-06-30").json();
    let first = &rows["results"][0];
    assert_eq!(
        (&first["o"], &first["v"], &first["t"]),
        (&json!(10), &json!(2000), &json!(1_749_528_000_000_i64))
    );
    let rows =
        get(&server, "/v2/aggs/ticker/HAND/range/1/day/2025-06-01/2025-06-30?adjusted=false");
    assert_eq!(
        (&rows.json()["results"][0]["o"], &rows.json()["adjusted"]),
        (&json!(20), &json!(false))
    );
    let rows = get(&server, "/v3/reference/dividends?ticker=HAND").json();
    assert_eq!(rows["results"][0]["cash_amount"], 0.5);

    let text = get(&server, "/q/d/l/?s=hand.us&i=d");
    assert!(text.text().contains("\r\n2025-06-11,9.75,9.875,9.5,9.75,2400\r\n"), "{}", text.text());

    let rows = get(&server, "/api/quote/HAND/historical?assetclass=stocks").json();
    assert_eq!(
        rows["data"]["tradesTable"]["rows"][1],
        json!({
            "date": "06/11/2025", "close": "$9.75", "volume": "2,400", "open": "$9.75",
            "high": "$9.875", "low": "$9.50"
        })
    );
    let rows = get(&server, "/api/quote/HAND/dividends?assetclass=stocks").json();
    assert_eq!(rows["data"]["dividends"]["rows"][0]["amount"], "$0.50");
}

#[test]
fn every_vendor_tells_every_bar() {
    let server = server();
    for vendor in SERVED {
        let got = get(&server, &path_of(vendor, None));
        assert_eq!(got.status, 200, "{vendor}");
        let expected = unflagged(instrument().expected_bars(vendor));
        assert_eq!(expected.len(), 398, "{vendor}");
        assert_same(vendor, &bars(vendor, &got), &expected);
    }
}

#[test]
fn only_what_was_asked_for_is_told() {
    let server = server();
    let (first, last) = ("2024-07-01", "2024-09-30");
    let range = format!("{first}..{last}").parse::<cream_models::DateRange>().unwrap();
    for vendor in SERVED.into_iter().filter(|vendor| *vendor != Vendor::AlphaVantage) {
        let got = get(&server, &path_of(vendor, Some([first, last])));
        let mut expected = unflagged(instrument().expected_bars(vendor));
        expected.retain(|bar| range.contains(bar.date()));
        assert!(expected.len() > 60, "{vendor}");
        assert_same(vendor, &bars(vendor, &got), &expected);
    }
    // Alpha Vantage knows no dates, but a short answer.
    let got = get(&server, &path_of(Vendor::AlphaVantage, None).replace("=full", "=compact"));
    let expected = unflagged(instrument().expected_bars(Vendor::AlphaVantage)).split_off(298);
    assert_same(Vendor::AlphaVantage, &bars(Vendor::AlphaVantage, &got), &expected);
}

#[test]
fn outside_of_the_history_there_is_none() {
    let server = server();
    for vendor in SERVED.into_iter().filter(|vendor| *vendor != Vendor::AlphaVantage) {
        let got = get(&server, &path_of(vendor, Some(["2026-01-01", "2026-02-01"])));
        assert_eq!(got.status, 200, "{vendor}");
        if vendor == Vendor::Stooq {
            assert_eq!(got.text(), "No data");
        } else {
            assert_eq!(bars(vendor, &got), [], "{vendor}");
        }
    }
}

#[test]
fn corporate_actions_are_those_expected() {
    let server = server();
    let told = |vendor: Vendor| instrument().expected_actions(vendor);
    let count =
        |vendor, kind: &str| told(vendor).iter().filter(|it| it.kind().name() == kind).count();

    let chart = get(&server, &path_of(Vendor::YahooChart, None)).json();
    let events = &chart["chart"]["result"][0]["events"];
    assert_eq!(events["dividends"].as_object().unwrap().len(), 6);
    assert_eq!(events["splits"].as_object().unwrap().len(), 2);
    let path = path_of(Vendor::YahooChart, None).replace("div%7C", "");
    let chart = get(&server, &path).json();
    let events = chart["chart"]["result"][0]["events"].as_object().unwrap();
    assert_eq!(events.keys().collect::<Vec<_>>(), ["splits"]);

    let rows = get(&server, &path_of(Vendor::Tiingo, None)).json();
    let rows = rows.as_array().unwrap();
    let paid: Vec<&Value> =
        rows.iter().map(|row| &row["divCash"]).filter(|it| **it != 0.0).collect();
    assert_eq!(paid, [0.26; 6]);
    assert_eq!(count(Vendor::Tiingo, "dividend"), 6);
    let splits: Vec<&Value> =
        rows.iter().map(|row| &row["splitFactor"]).filter(|it| **it != 1.0).collect();
    assert_eq!(splits, [1.5, 0.25]);

    let rows = get(&server, "/v3/reference/splits?ticker=CREAM.B&order=asc").json();
    let split = &rows["results"][0];
    assert_eq!((&split["split_to"], &split["split_from"]), (&json!(3), &json!(2)));
    let CorporateEvent::Split(_) = told(Vendor::Massive)[1].event else { panic!() };
    assert_eq!(split["execution_date"], told(Vendor::Massive)[1].date.to_string());
    let after = format!("/v3/reference/splits?execution_date.gt={}", told(Vendor::Massive)[1].date);
    assert_eq!(get(&server, &after).json()["results"].as_array().unwrap().len(), 1);

    let path = format!("/api/div/CREAM-B.US?fmt=json&api_token={}", key(Vendor::Eodhd).unwrap());
    let since = told(Vendor::Eodhd)[2].date;
    let rows = get(&server, &format!("{path}&from={since}")).json();
    assert_eq!(rows.as_array().unwrap().len(), 5);
    assert_eq!(rows[0]["unadjustedValue"], 0.26);

    let rows = get(&server, "/api/quote/CREAM%2FB/dividends?assetclass=stocks").json();
    let rows = rows["data"]["dividends"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), count(Vendor::Nasdaq, "dividend"));
    assert!(told(Vendor::Nasdaq).len() == 6 && told(Vendor::Stooq).is_empty());
}

#[test]
fn csv_is_told_where_it_is_asked_for() {
    let server = server();
    let path = path_of(Vendor::Tiingo, None).replace("=json", "=csv");
    let got = get(&server, &path);
    assert!(got.text().starts_with("date,close,high,low,open,volume,adjClose,"));
    assert_eq!(got.text().lines().count(), 399);
    let got = get(&server, &path_of(Vendor::Eodhd, None).replace("fmt=json&", ""));
    assert!(got.text().starts_with("Date,Open,High,Low,Close,Adjusted_close,Volume\n2023-12-"));
    let path = path_of(Vendor::AlphaVantage, None) + "&datatype=csv";
    let got = get(&server, &path.replace("_ADJUSTED", ""));
    assert!(got.text().starts_with("timestamp,open,high,low,close,volume\r\n2025-06-13,"));
    let got = get(&server, &path);
    let head = "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split";
    assert!(got.text().starts_with(head));
}

#[test]
fn long_answers_come_in_pages() {
    let server = server();
    server.page_size(150);
    let mut path = path_of(Vendor::Massive, None);
    let mut read = Vec::new();
    let mut pages = Vec::new();
    loop {
        let got = get(&server, &path);
        let page = bars(Vendor::Massive, &got);
        pages.push(page.len());
        read.extend(page);
        match got.json()["next_url"].as_str() {
            Some(next) => path = next.strip_prefix(&server.base_url()).unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(pages, [150, 150, 98]);
    assert_same(Vendor::Massive, &read, &unflagged(instrument().expected_bars(Vendor::Massive)));

    let with_key = format!(
        "/v3/reference/dividends?ticker=CREAM.B&limit=4&apiKey={}",
        key(Vendor::Massive).unwrap()
    );
    let first = crate::client::get_with(&server, &with_key, "").json();
    let next = first["next_url"].as_str().unwrap();
    assert!(!next.contains("apiKey") && first["results"].as_array().unwrap().len() == 4);
    let next = get(&server, next.strip_prefix(&server.base_url()).unwrap()).json();
    assert!(next["results"].as_array().unwrap().len() == 2 && next.get("next_url").is_none());
}

#[test]
fn a_history_may_change_while_it_is_served() {
    let server = server();
    let close = |vendor| bars(vendor, &get(&server, &path_of(vendor, None)))[0].close().unwrap();
    let before = SERVED.map(close);
    // A day later the share is split 5:1, which changes nothing that was traded.
    let later = scenario().extended(1).split(400, 5, 1).build();
    server.serve(Instrument::new("CREAM-B", later.clone()));
    for (vendor, before) in SERVED.into_iter().zip(before) {
        let ratio = before.nanos() / close(vendor).nanos();
        let as_traded = matches!(vendor, Vendor::Tiingo | Vendor::AlphaVantage | Vendor::Eodhd);
        assert!(ratio == if as_traded { 1 } else { 4 } || ratio == 5, "{vendor}: {ratio}");
        let expected = unflagged(Instrument::new("CREAM-B", later.clone()).expected_bars(vendor));
        assert_same(vendor, &bars(vendor, &get(&server, &path_of(vendor, None))), &expected);
    }
    server.withdraw("CREAM-B");
    assert_eq!(get(&server, &path_of(Vendor::YahooChart, None)).status, 404);
}

#[test]
fn other_instruments_have_spellings_of_their_own() {
    let server = VendorServer::start();
    let index = Scenario::new(Listing::index("^CRM", "Cream Index"), 3).build();
    server.serve(
        Instrument::new("^CRM", index)
            .spelled(Vendor::Nasdaq, "CRM")
            .spelled(Vendor::Massive, "I:CRM")
            .spelled(Vendor::Eodhd, "CRM.INDX"),
    );
    let chart = get(&server, "/v8/finance/chart/%5ECRM").json();
    assert_eq!(chart["chart"]["result"][0]["meta"]["symbol"], "^CRM");
    let rows = get(&server, "/api/quote/CRM/historical?assetclass=index").json();
    let open = rows["data"]["tradesTable"]["rows"][0]["open"].as_str().unwrap();
    assert!(!open.starts_with('$'), "{open}");
    let wrong = get(&server, "/api/quote/CRM/historical?assetclass=stocks").json();
    assert_eq!((&wrong["status"]["rCode"], &wrong["data"]), (&json!(400), &Value::Null));

    let pair = Scenario::new(Listing::currency_pair("EURUSD=X", "EUR/USD"), 3).build();
    server.serve(Instrument::new("EURUSD=X", pair).spelled(Vendor::Stooq, "eurusd"));
    let got = get(&server, "/q/d/l/?s=eurusd&i=d");
    assert!(got.text().starts_with("Date,Open,High,Low,Close\r\n"));
}
