//! What every route answers when all is well.

use cream_models::{Symbol, Vendor};
use cream_store::StoreError;

use crate::support::{Api, at, bar, filled};

#[test]
fn the_index_lists_every_route() {
    let answer = filled().get("/");
    assert_eq!(answer.status, 200);
    let routes = answer.json()["routes"].as_array().unwrap().clone();
    assert!(routes.iter().any(|route| route["path"] == "/stock-data/{symbol}/history"));
    for route in &routes {
        let path = route["path"].as_str().unwrap();
        let url = path.replace("{symbol}", "TSLA").replace("{id}", "1");
        let query = if path == "/stock-data/history" { "?symbols=TSLA" } else { "" };
        let is_open = matches!(route["access"].as_str(), Some("anyone" | "reader" | "metrics"));
        if route["methods"] == "GET, HEAD" && is_open && !path.contains("{asset}") {
            assert_eq!(filled().get(&format!("{url}{query}")).status, 200, "{path}");
        }
        let refused = filled().send("PUT", &url, &[]);
        refused.problem(405, "method_not_allowed");
        let methods = routes.iter().filter(|other| other["path"] == path);
        let methods: Vec<&str> = methods.map(|other| other["methods"].as_str().unwrap()).collect();
        assert_eq!(refused.header("allow"), methods.join(", "), "{path}");
    }
}

#[test]
fn symbols_are_listed_page_by_page() {
    let api = filled();
    insta::assert_snapshot!(api.get("/stock-data?q=tsl").text(), @r#"{"count":1,"stocks":[{"symbol":"TSLA","name":"TSLA \"Inc.\"","exchange":"NMS","kind":null,"series":[{"vendor":"yahoo-chart","price_basis":"split_adjusted","currency":"USD","currency_major":"USD","currency_units":1,"time_zone":"America/New_York","first_date":"2025-06-09","last_date":"2025-06-13","bars":5},{"vendor":"yahoo-page","price_basis":"split_adjusted","currency":"USD","currency_major":"USD","currency_units":1,"time_zone":"America/New_York","first_date":"2025-06-09","last_date":"2025-06-10","bars":2}]}],"next":null}"#);
    let mut symbols = Vec::new();
    let mut path = "/stock-data?limit=3".to_owned();
    loop {
        let answer = api.get(&path);
        let body = answer.json();
        for stock in body["stocks"].as_array().unwrap() {
            symbols.push(stock["symbol"].as_str().unwrap().to_owned());
        }
        let Some(next) = body["next"].as_str() else { break };
        path = format!("/stock-data?limit=3&cursor={next}");
        assert_eq!(answer.header("link"), format!("<{path}>; rel=\"next\""));
    }
    assert_eq!(symbols, ["BARE", "BRK/B", "EMPTY", "EURUSD=X", "TIE", "TSLA", "^GSPC"]);
    insta::assert_snapshot!(api.get("/stock-data?q=%25").text(), @r#"{"count":0,"stocks":[],"next":null,"reason":"no symbol and no name contains \"%\""}"#);
}

#[test]
fn the_latest_bar_is_the_freshest_vendors() {
    let api = filled();
    insta::assert_snapshot!(api.get("/stock-data/TSLA").text(), @r#"{"id":541804630,"symbol":"TSLA","date":"2025-06-13","price":32531,"open":null,"high":null,"low":null,"close":325.31,"adj_close":null,"volume":null,"currency":"USD","currency_major":"USD","currency_units":1,"vendor":"yahoo-chart","price_basis":"split_adjusted","is_final":false,"flags":[],"as_of":"2025-06-13T15:00:00Z"}"#);
    insta::assert_snapshot!(api.get("/stock-data/tsla?vendor=yahoo-page").text(), @r#"{"id":545998931,"symbol":"TSLA","date":"2025-06-10","price":32609,"open":null,"high":null,"low":null,"close":326.09,"adj_close":null,"volume":null,"currency":"USD","currency_major":"USD","currency_units":1,"vendor":"yahoo-page","price_basis":"split_adjusted","is_final":true,"flags":[],"as_of":"2025-06-10T21:00:00Z"}"#);
    assert_eq!(api.get("/stock-data/TIE").json()["vendor"], "yahoo-chart");
}

#[test]
fn symbols_of_every_shape_are_found() {
    for (path, symbol) in [
        ("BRK%2FB", "BRK/B"),
        ("brk%2fb", "BRK/B"),
        ("%5EGSPC", "^GSPC"),
        ("EURUSD%3DX", "EURUSD=X"),
        ("EURUSD=X", "EURUSD=X"),
    ] {
        for tail in ["", "/history", "/actions"] {
            let answer = filled().get(&format!("/stock-data/{path}{tail}"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.json()["symbol"], symbol);
        }
    }
}

#[test]
fn a_history_is_exact_in_json_and_csv() {
    let api = filled();
    insta::assert_snapshot!(api.get("/stock-data/TSLA/history?start=2025-06-10").text(), @r#"{"symbol":"TSLA","vendor":"yahoo-chart","currency":"USD","currency_major":"USD","currency_units":1,"time_zone":"America/New_York","interval":"1d","price_basis":"split_adjusted","adjustment":null,"adjusted_from":null,"start":"2025-06-10","end":null,"bars":[{"date":"2025-06-10","open":null,"high":null,"low":null,"close":326.09,"adj_close":null,"volume":null,"is_final":true,"flags":[],"as_of":"2025-06-13T15:00:00Z"},{"date":"2025-06-11","open":334.399994,"high":335.5,"low":322.5,"close":326.43,"adj_close":326.429993,"volume":122611400,"is_final":true,"flags":[],"as_of":"2025-06-13T15:00:00Z"},{"date":"2025-06-12","open":null,"high":null,"low":null,"close":-0.005,"adj_close":null,"volume":0,"is_final":true,"flags":["negative_price","zero_volume"],"as_of":"2025-06-13T15:00:00Z"},{"date":"2025-06-13","open":null,"high":null,"low":null,"close":325.31,"adj_close":null,"volume":null,"is_final":false,"flags":[],"as_of":"2025-06-13T15:00:00Z"}],"count":4,"next":null}"#);
    let csv = api.get("/stock-data/TSLA/history?format=csv&order=desc");
    insta::assert_snapshot!(csv.text(), @r#"
    date,open,high,low,close,adj_close,volume,is_final,flags,as_of
    2025-06-13,,,,325.31,,,false,,2025-06-13T15:00:00Z
    2025-06-12,,,,-0.005,,0,true,negative_price|zero_volume,2025-06-13T15:00:00Z
    2025-06-11,334.399994,335.5,322.5,326.43,326.429993,122611400,true,,2025-06-13T15:00:00Z
    2025-06-10,,,,326.09,,,true,,2025-06-13T15:00:00Z
    2025-06-09,,,,308.58,,,true,,2025-06-13T15:00:00Z
    "#);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(csv.header("cream-vendor"), "yahoo-chart");
    assert_eq!(csv.header("cream-currency"), "USD");
    let by_accept = api.get_with("/stock-data/TSLA/history?order=desc", &[("accept", "text/csv")]);
    assert_eq!(by_accept.body, csv.body);
    let both = [("accept", "text/csv")];
    assert_eq!(api.get_with("/stock-data/TSLA/history?format=json", &both).body[0], b'{');
}

#[test]
fn an_empty_range_says_why() {
    let api = filled();
    for (query, reason) in [
        (
            "end=2020-01-01",
            "no bar up to 2020-01-01; the series runs from 2025-06-09 to 2025-06-13",
        ),
        (
            "start=2026-01-01",
            "no bar from 2026-01-01 on; the series runs from 2025-06-09 to 2025-06-13",
        ),
    ] {
        let body = api.get(&format!("/stock-data/TSLA/history?{query}")).json();
        assert_eq!(body["reason"], reason);
        assert_eq!(body["count"], 0);
        assert_eq!(body["bars"], serde_json::json!([]));
    }
    let body = api.get("/stock-data/EMPTY/history").json();
    assert_eq!(body["reason"], "the series holds no bar");
    let body = api.get("/stock-data?q=nothing-like-it").json();
    assert_eq!(body["reason"], "no symbol and no name contains \"nothing-like-it\"");
    let body = api.get("/stock-data/TSLA/actions?start=2030-01-01").json();
    assert!(body["reason"].as_str().unwrap().ends_with("on these dates"));
    let csv = api.get("/stock-data/EMPTY/history?format=csv");
    assert_eq!(csv.text(), "date,open,high,low,close,adj_close,volume,is_final,flags,as_of\n");
}

#[test]
fn pages_of_a_history_join_without_gap_or_overlap() {
    let api = filled();
    for (order, format) in [("asc", "json"), ("desc", "json"), ("asc", "csv"), ("desc", "csv")] {
        let base = format!("/stock-data/TSLA/history?order={order}&format={format}");
        let whole = api.get(&base);
        let mut next = Some(format!("{base}&limit=2"));
        let (mut rows, mut pages) = (Vec::new(), 0);
        while let Some(path) = next {
            let page = api.get(&path);
            assert_eq!(page.status, 200, "{}", page.text());
            rows.extend(dates(&page, format));
            pages += 1;
            let link = page.header("link");
            next = link
                .strip_prefix('<')
                .and_then(|link| link.strip_suffix(">; rel=\"next\"").map(ToOwned::to_owned));
        }
        assert_eq!(rows, dates(&whole, format));
        assert_eq!((rows.len(), pages), (5, 3));
    }
}

fn dates(page: &crate::support::Answer, format: &str) -> Vec<String> {
    if format == "csv" {
        return page
            .text()
            .lines()
            .skip(1)
            .map(|line| line.get(..10).unwrap().to_owned())
            .collect();
    }
    let body = page.json();
    let bars = body["bars"].as_array().unwrap();
    bars.iter().map(|bar| bar["date"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_stay_with_the_vendor_of_the_first() {
    let api = Api::start(true, |store| {
        let written = store.write(|writer| {
            let bars = [bar("2025-06-09", "1"), bar("2025-06-10", "2")];
            crate::support::describe(writer, "A", Vendor::YahooPage, &bars, "2025-06-10T21:00:00Z")
        });
        written.unwrap();
    });
    let first = api.get("/stock-data/A/history?limit=1").json();
    assert_eq!(first["vendor"], "yahoo-page");
    let written = api.store.write(|writer| {
        let bars = [bar("2025-06-11", "3")];
        crate::support::describe(writer, "A", Vendor::YahooChart, &bars, "2025-06-11T21:00:00Z")
    });
    written.unwrap();
    assert_eq!(api.get("/stock-data/A/history").json()["vendor"], "yahoo-chart");
    let cursor = first["next"].as_str().unwrap();
    let second = api.get(&format!("/stock-data/A/history?cursor={cursor}")).json();
    assert_eq!((&second["vendor"], &second["count"]), (&"yahoo-page".into(), &1.into()));
}

#[test]
fn corporate_actions_are_exact() {
    insta::assert_snapshot!(filled().get("/stock-data/TSLA/actions").text(), @r#"{"symbol":"TSLA","vendor":"yahoo-chart","currency":"USD","currency_major":"USD","currency_units":1,"dividend_basis":"split_adjusted","start":null,"end":null,"count":3,"actions":[{"date":"2025-06-09","kind":"split","numerator":1.5,"denominator":1,"as_of":"2025-06-13T15:00:00Z"},{"date":"2025-06-11","kind":"dividend","amount":0.26,"as_of":"2025-06-13T15:00:00Z"},{"date":"2025-06-11","kind":"capital_gain","amount":0.000000001,"as_of":"2025-06-13T15:00:00Z"}]}"#);
    let one = filled().get("/stock-data/TSLA/actions?end=2025-06-10").json();
    assert_eq!(one["count"], 1);
}

#[test]
fn health_tells_what_is_missing() {
    let api = Api::start(false, |_| ());
    assert_eq!(api.get("/health/live").text(), r#"{"status":"live"}"#);
    crate::support::remove_folder(&api.folder.path().join("raw"));
    let answer = api.get("/health/ready");
    let problem = answer.problem(503, "not_ready");
    assert_eq!(answer.header("retry-after"), "1");
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["migrations", "STOCK_DATA_RAW_RESPONSES_DIR"]);
    assert_eq!(problem["errors"][1]["message"], "it does not exist");
    assert!(!answer.text().contains(api.folder.path().to_str().unwrap()));
    // Reading without a schema is a fault, and none that is told.
    api.get("/stock-data").problem(500, "internal");

    api.store.migrate_up().unwrap();
    std::fs::create_dir(api.folder.path().join("raw")).unwrap();
    let ready = api.get("/health/ready");
    assert_eq!(
        ready.text(),
        r#"{"status":"ready","checked":["database","migrations","STOCK_DATA_RAW_RESPONSES_DIR"]}"#
    );
    assert_eq!(ready.header("cache-control"), "no-store");
    assert_eq!(
        api.get("/stock-data").json()["reason"],
        "nothing has been loaded yet; `worker import` does"
    );
}

#[test]
fn an_unchanged_state_needs_no_body() {
    let api = Api::start(true, |store| {
        let written = store.write(|writer| {
            let bars = [bar("2025-06-09", "1")];
            crate::support::describe(writer, "A", Vendor::YahooPage, &bars, "2025-06-10T21:00:00Z")
        });
        written.unwrap();
    });
    for path in
        ["/", "/stock-data", "/stock-data/A", "/stock-data/A/history", "/stock-data/A/actions"]
    {
        let first = api.get(path);
        let tag = first.header("etag");
        assert!(tag.starts_with('"') && tag.len() == 34, "{path}: {tag}");
        let again = api.get_with(path, &[("if-none-match", tag)]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), tag);
        assert_eq!(again.header("cache-control"), "public, max-age=0, must-revalidate");
        assert_eq!(again.header("vary"), "accept, accept-encoding");
        let other = api.get_with(path, &[("if-none-match", "\"other\"")]);
        assert_eq!((other.status, other.body == first.body), (200, true), "{path}");
    }
    let path = "/stock-data/A/history";
    let before = api.get(path).header("etag").to_owned();
    // A tag belongs to one representation of one query.
    assert_ne!(api.get("/stock-data/A/history?limit=5").header("etag"), before);
    assert_ne!(api.get("/stock-data/A/history?format=csv").header("etag"), before);
    assert_eq!(api.get("/stock-data/a/history?order=asc&limit=50000").header("etag"), before);
    let written = api.store.write(|writer| {
        let stock = writer.ensure_stock(&Symbol::parse("A").unwrap())?;
        let fetched_at = at("2025-06-11T21:00:00Z");
        writer.insert_bars(stock.id, Vendor::YahooPage, fetched_at, &[bar("2025-06-10", "2")])?;
        writer.recount_series(stock.id, Vendor::YahooPage, fetched_at)?;
        Ok::<_, StoreError>(())
    });
    written.unwrap();
    let after = api.get_with(path, &[("if-none-match", &before)]);
    assert_eq!(after.status, 200);
    assert_eq!(after.json()["count"], 2);
}

#[test]
fn a_compressed_body_has_a_tag_of_its_own() {
    let path = "/stock-data/TSLA/history";
    let plain = filled().get(path);
    let tag = plain.header("etag");
    for encoding in ["gzip", "zstd", "deflate"] {
        let packed = filled().get_with(path, &[("accept-encoding", encoding)]);
        assert_eq!(packed.header("content-encoding"), encoding);
        assert_eq!(packed.header("etag"), format!("{}-{encoding}\"", tag.trim_end_matches('"')));
        assert_eq!(packed.header("vary"), "accept, accept-encoding");
        assert_ne!(packed.body, plain.body);
        let headers = [("accept-encoding", encoding), ("if-none-match", packed.header("etag"))];
        let again = filled().get_with(path, &headers);
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), packed.header("etag"));
        assert_eq!(again.header("content-encoding"), "");
    }
    let none = [("accept-encoding", "identity;q=0, *;q=0")];
    let refused = filled().get_with(path, &none).problem(406, "not_acceptable");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("gzip, zstd, deflate"), "{detail}");
}

#[test]
fn head_answers_as_get_without_the_body() {
    for path in
        ["/", "/stock-data", "/stock-data/TSLA", "/stock-data/TSLA/history", "/health/ready"]
    {
        let (get, head) = (filled().get(path), filled().send("HEAD", path, &[]));
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["etag", "content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    assert_eq!(filled().send("HEAD", "/stock-data/NONE", &[]).status, 404);
}

#[test]
fn every_answer_carries_an_id_and_the_security_headers() {
    for path in ["/stock-data", "/nowhere", "/stock-data/A%20B"] {
        let answer = filled().get_with(path, &[("x-request-id", "client-1")]);
        assert_eq!(answer.header("x-request-id"), "client-1");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        let answer = filled().get_with(path, &[("x-request-id", "not \"fit\"")]);
        assert_eq!(answer.header("x-request-id").len(), 16);
    }
}
