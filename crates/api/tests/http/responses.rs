//! The raw responses that a series came from.

use cream_models::{Coverage, Symbol, Vendor};
use cream_store::{DeadResponse, Lease, NewResponse, ParsedResponse, Store};

use crate::support::{Api, at};

/// Five responses about A, of which the second was set aside, one about B, and one that nobody
/// has read yet.
fn fill(store: &Store) {
    let moment = at("2025-06-10T21:00:00Z");
    let lease = Lease { token: "t", from: moment, until: at("2025-06-10T22:00:00Z") };
    for (number, symbol, vendor) in [
        (1_u8, Some("A"), Some(Vendor::YahooPage)),
        (2, Some("A"), None),
        (3, Some("B"), Some(Vendor::YahooPage)),
        (4, Some("A"), Some(Vendor::YahooChart)),
        (5, None, None),
        (6, Some("A"), Some(Vendor::YahooPage)),
        (7, Some("A"), Some(Vendor::YahooPage)),
    ] {
        let new = NewResponse {
            file_name: format!("{number}.json"),
            sha256: [number; 32],
            byte_len: 1_000 + i64::from(number),
            registered_at: moment,
        };
        let written = store.write(|writer| {
            let Some(symbol) = symbol else {
                return writer.register_response(&new, None).map(drop);
            };
            let stock_id = writer.ensure_stock(&Symbol::parse(symbol).unwrap())?.id;
            let id = writer.register_response(&new, Some(&lease))?.response.id;
            let Some(vendor) = vendor else {
                let error = "no rows".to_owned();
                let (stock_id, next_attempt_at) = (Some(stock_id), None);
                let (vendor, fetched_at) = (None, None);
                let dead = DeadResponse { stock_id, vendor, fetched_at, error, next_attempt_at };
                return writer.finish_deadletter(id, "t", &dead);
            };
            let range = "2025-06-01..2025-06-10".parse().ok().filter(|_| number != 4);
            let parsed = ParsedResponse {
                stock_id,
                vendor,
                fetched_at: at("2025-06-10T20:59:00Z"),
                coverage: Coverage { range, ..Coverage::default() },
                inserted: 1,
                updated: 0,
                unchanged: 0,
                withdrawn: 0,
            };
            writer.finish_parsed(id, "t", &parsed)
        });
        written.unwrap();
    }
}

#[test]
fn responses_are_listed_with_what_is_known_of_them() {
    let api = Api::start(true, fill);
    let whole = api.get("/stock-data/a/responses");
    let body = whole.json();
    let files: Vec<&str> = body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|response| response["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["7.json", "6.json", "4.json", "2.json", "1.json"]);
    let one = api.get("/stock-data/A/responses?vendor=yahoo-chart");
    insta::assert_snapshot!(one.text(), @r#"{"symbol":"A","vendor":"yahoo-chart","count":1,"responses":[{"id":4,"file":"4.json","vendor":"yahoo-chart","fetched_at":"2025-06-10T20:59:00Z","status":"parsed","sha256":"0404040404040404040404040404040404040404040404040404040404040404","bytes":1004,"covers_from":null,"covers_to":null}],"next":null}"#);
    insta::assert_snapshot!(body["responses"][3], @r#"{"bytes":1002,"covers_from":null,"covers_to":null,"fetched_at":null,"file":"2.json","id":2,"sha256":"0202020202020202020202020202020202020202020202020202020202020202","status":"deadletter","vendor":null}"#);
    let first = &body["responses"][0];
    let (from, to) = (&first["covers_from"], &first["covers_to"]);
    assert_eq!((from, to), (&"2025-06-01".into(), &"2025-06-10".into()));
    // What a response says is no part of it.
    assert!(!whole.text().contains("no rows"));
}

#[test]
fn pages_join_and_a_cursor_belongs_to_its_query() {
    let api = Api::start(true, fill);
    for (vendor, wanted) in [("", vec![7, 6, 4, 2, 1]), ("vendor=yahoo-page&", vec![7, 6, 1])] {
        let mut path = format!("/stock-data/A/responses?{vendor}limit=2");
        let mut ids = Vec::new();
        loop {
            let page = api.get(&path);
            let body = page.json();
            let list = body["responses"].as_array().unwrap();
            ids.extend(list.iter().map(|response| response["id"].as_i64().unwrap()));
            let link = page.header("link");
            let Some((next, _)) = link.split_once(">;") else { break };
            assert!(list.len() == 2 && next.contains(body["next"].as_str().unwrap()));
            path = next.trim_start_matches('<').to_owned();
        }
        assert_eq!(ids, wanted);
    }
    let cursor = api.get("/stock-data/A/responses?limit=2").json()["next"].clone();
    let cursor = cursor.as_str().unwrap();
    for path in [
        format!("/stock-data/B/responses?cursor={cursor}"),
        format!("/stock-data/A/responses?vendor=yahoo-page&cursor={cursor}"),
        format!("/stock-data/A/history?cursor={cursor}"),
    ] {
        // A has no bars, but a parameter is refused before it is looked for.
        let problem = api.get(&path).problem(400, "invalid_parameters");
        assert_eq!(problem["errors"][0]["field"], "cursor", "{path}");
    }
}

#[test]
fn none_is_told_with_its_reason_and_an_unchanged_list_needs_no_body() {
    let api = Api::start(true, fill);
    let none = api.get("/stock-data/B/responses?vendor=tiingo").json();
    assert_eq!((&none["count"], &none["responses"]), (&0.into(), &serde_json::json!([])));
    assert_eq!(none["reason"], "no archived response of tiingo is about B");
    api.get("/stock-data/NONE/responses").problem(404, "unknown_symbol");
    let path = "/stock-data/A/responses";
    let tag = api.get(path).header("etag").to_owned();
    let again = api.get_with(path, &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let reopened = api.store.read(|reader| reader.response("7.json")).unwrap().unwrap().id;
    api.store.write(|writer| writer.reopen_response(reopened)).unwrap();
    // Only what is set aside is opened again: nothing changed.
    assert_eq!(api.get_with(path, &[("if-none-match", &tag)]).status, 304);
    let dead = api.store.read(|reader| reader.response("2.json")).unwrap().unwrap().id;
    api.store.write(|writer| writer.reopen_response(dead)).unwrap();
    let changed = api.get_with(path, &[("if-none-match", &tag)]);
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["responses"][3]["status"], "pending");
}
