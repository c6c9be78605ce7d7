//! What every route answers when the request is wrong.

use std::io::{Read, Write};
use std::net::TcpStream;

use proptest::prelude::*;

use crate::support::filled;

#[test]
fn symbols_that_are_none_or_not_held() {
    let api = filled();
    for tail in ["", "/history", "/actions"] {
        let problem = api.get(&format!("/stock-data/A%20B{tail}")).problem(400, "invalid_symbol");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("only ASCII letters, digits and"), "{detail}");
        api.get(&format!("/stock-data/NONE{tail}")).problem(404, "unknown_symbol");
        let bare = api.get(&format!("/stock-data/BARE{tail}")).problem(404, "unknown_series");
        assert_eq!(bare["vendors"], serde_json::json!([]));
    }
    let problem = api.get("/stock-data/EMPTY?vendor=yahoo-page").problem(404, "unknown_series");
    insta::assert_snapshot!(serde_json::to_string_pretty(&problem).unwrap(), @r#"
    {
      "code": "unknown_series",
      "detail": "EMPTY is not held from yahoo-page; it is held from yahoo-chart",
      "status": 404,
      "title": "Unknown series",
      "type": "urn:problem-type:cream:unknown_series",
      "vendors": [
        "yahoo-chart"
      ]
    }
    "#);
    api.get("/stock-data/EMPTY").problem(404, "no_bars");
    for path in ["/stock-data/..%2F..%2Fetc%2Fpasswd", "/stock-data/%00", "/stock-data/%FF"] {
        api.get(path).problem(400, "invalid_symbol");
    }
}

#[test]
fn parameters_are_read_strictly() {
    let api = filled();
    let history = "/stock-data/TSLA/history";
    let several = format!("{history}?start=2025-02-30&limit=50001&order=up&limt=1&interval=1h");
    let problem = api.get(&several).problem(400, "invalid_parameters");
    insta::assert_snapshot!(serde_json::to_string_pretty(&problem).unwrap(), @r#"
    {
      "code": "invalid_parameters",
      "detail": "refused: start, order, limit, interval, limt; see errors",
      "errors": [
        {
          "field": "start",
          "message": "\"2025-02-30\" is not a date: expected YYYY-MM-DD between 0001-01-01 and 9999-12-31",
          "value": "2025-02-30"
        },
        {
          "field": "order",
          "message": "expected asc or desc",
          "value": "up"
        },
        {
          "field": "limit",
          "message": "expected a whole number from 1 to 50000",
          "value": "50001"
        },
        {
          "field": "interval",
          "message": "expected 1d or 1wk or 1mo",
          "value": "1h"
        },
        {
          "field": "limt",
          "message": "this route takes no such parameter; it takes vendor, start, end, order, limit, format, interval, adjustment, cursor",
          "value": "1"
        }
      ],
      "status": 400,
      "title": "Invalid parameters",
      "type": "urn:problem-type:cream:invalid_parameters"
    }
    "#);
    for (path, field) in [
        (format!("{history}?start=2025-06-02&end=2025-06-01"), "start"),
        (format!("{history}?start=2025-06-02&start=2025-06-02"), "start"),
        (format!("{history}?limit=0"), "limit"),
        (format!("{history}?limit=-1"), "limit"),
        (format!("{history}?cursor=abc"), "cursor"),
        (format!("{history}?format=xml"), "format"),
        (format!("{history}?adjustment=none"), "adjustment"),
        (format!("{history}?vendor=nobody"), "vendor"),
        (format!("{history}?%FF=1"), "%FF"),
        ("/stock-data?limit=1001".to_owned(), "limit"),
        (format!("/stock-data?q={}", "a".repeat(101)), "q"),
        ("/stock-data?cursor=00".to_owned(), "cursor"),
        ("/stock-data/TSLA?start=2025-06-02".to_owned(), "start"),
        ("/stock-data/TSLA/actions?limit=1".to_owned(), "limit"),
        ("/stock-data/TSLA/responses?limit=1001".to_owned(), "limit"),
        ("/stock-data/TSLA/responses?cursor=00".to_owned(), "cursor"),
        ("/stock-data/TSLA/responses?start=2025-06-02".to_owned(), "start"),
        ("/health/live?x=1".to_owned(), "x"),
        ("/health/ready?x".to_owned(), "x"),
        ("/?x=1".to_owned(), "x"),
    ] {
        let problem = api.get(&path).problem(400, "invalid_parameters");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        assert!(problem["errors"][0]["message"].as_str().unwrap().len() > 5);
    }
}

#[test]
fn a_flood_of_errors_is_answered_in_few_words() {
    let flood: Vec<String> = (0..500).map(|number| format!("p{number}=%FF&q{number}")).collect();
    for path in ["/health/live", "/stock-data", "/stock-data/TSLA/history"] {
        let query = flood.join("&");
        let answer = filled().get(&format!("{path}?{query}"));
        let problem = answer.problem(400, "invalid_parameters");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 16, "{path}");
        assert!(problem["detail"].as_str().unwrap().ends_with("and more; see errors"), "{problem}");
        assert!(answer.body.len() < 8_000, "{path}: {}", answer.body.len());
    }
    let nameless = filled().get("/health/live?=x").problem(400, "invalid_parameters");
    assert_eq!(nameless["detail"], "refused: \"\"; see errors");
}

#[test]
fn a_search_for_what_no_text_holds_is_refused() {
    // A database that ends a text at a null byte would search for less, and find everything.
    for text in ["%00", "TSLA%00x", "%0A", "%7F"] {
        let problem = filled().get(&format!("/stock-data?q={text}"));
        let problem = problem.problem(400, "invalid_parameters");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert_eq!(message, "expected text without control characters", "{text}");
    }
}

#[test]
fn a_path_that_is_nearly_one_says_how_it_is_written() {
    let api = filled();
    let detail = |path: &str| {
        let problem = api.get(path).problem(404, "unknown_route");
        problem["detail"].as_str().unwrap().to_owned()
    };
    for path in ["/stock-data/", "/stock-data/TSLA/history/", "/health/ready/"] {
        assert!(detail(path).contains("leave out the slash at the end"), "{path}");
    }
    for path in ["/stock-data/BRK/B", "/stock-data/TSLA/bars", "/stock-data/BRK/B/history"] {
        assert!(detail(path).contains("a slash within a symbol is written %2F"), "{path}");
    }
    assert_eq!(detail("/nowhere"), "there is no such path; GET / lists the routes");
}

#[test]
fn a_cursor_serves_its_own_query_only() {
    let api = filled();
    let cursor = |path: &str| api.get(path).json()["next"].as_str().unwrap().to_owned();
    let history = cursor("/stock-data/TSLA/history?limit=1");
    let stocks = cursor("/stock-data?limit=1");
    for path in [
        format!("/stock-data/TSLA/history?cursor={stocks}"),
        format!("/stock-data/TIE/history?cursor={history}"),
        format!("/stock-data/TSLA/history?order=desc&cursor={history}"),
        format!("/stock-data/TSLA/history?vendor=yahoo-page&cursor={history}"),
        format!("/stock-data?cursor={history}"),
        format!("/stock-data?q=t&cursor={stocks}"),
    ] {
        let problem = api.get(&path).problem(400, "invalid_parameters");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("it belongs to another query"), "{path}: {message}");
    }
}

#[test]
fn routes_methods_and_types_that_are_not_served() {
    let api = filled();
    for path in ["/nowhere", "/stock-data/TSLA/other", "/stock-data/", "/STOCK-DATA", "//"] {
        api.get(path).problem(404, "unknown_route");
    }
    for method in ["DELETE", "OPTIONS", "TRACE"] {
        let answer = api.send(method, "/stock-data/TSLA", &[]);
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }
    let html = [("accept", "text/html")];
    for path in ["/", "/stock-data", "/stock-data/TSLA", "/stock-data/TSLA/history"] {
        api.get_with(path, &html).problem(406, "not_acceptable");
    }
    let csv = [("accept", "text/csv")];
    api.get_with("/stock-data/TSLA", &csv).problem(406, "not_acceptable");
}

/// Sends bytes as they are, and reads until the server closes.
fn raw(request: &str) -> String {
    let address = filled().base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that is reset after its answer has answered all the same.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_is_too_long_is_refused() {
    let close = "Host: x\r\nConnection: close\r\n\r\n";
    let long = raw(&format!("GET /stock-data?q={} HTTP/1.1\r\n{close}", "a".repeat(33_000)));
    assert!(long.starts_with("HTTP/1.1 414 ") && long.contains("uri_too_long"), "{long}");
    for length in ["65537", "99999999999999999999999"] {
        let body = raw(&format!("GET / HTTP/1.1\r\nContent-Length: {length}\r\n{close}"));
        assert!(body.starts_with("HTTP/1.1 4"), "{body}");
    }
    let body = raw(&format!("GET / HTTP/1.1\r\nContent-Length: 65537\r\n{close}"));
    assert!(body.contains("payload_too_large"), "{body}");
    let headers = "a".repeat(200_000);
    let answer = raw(&format!("GET / HTTP/1.1\r\nX: {headers}\r\n{close}"));
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(raw("NONSENSE\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

/// Text that a request line can carry.
fn query() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("start".to_owned()),
        Just("end".to_owned()),
        Just("limit".to_owned()),
        Just("cursor".to_owned()),
        Just("vendor".to_owned()),
        Just("order".to_owned()),
        Just("format".to_owned()),
        Just("q".to_owned()),
        Just("interval".to_owned()),
        "[!-~&&[^#]]{0,8}",
    ];
    let value = prop_oneof![
        "[!-~&&[^#]]{0,40}",
        "\\PC{0,12}".prop_map(|text| text.bytes().map(|byte| format!("%{byte:02X}")).collect()),
        (-10_i64..60_000).prop_map(|number| number.to_string()),
        "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]",
        Just("yahoo-page".to_owned()),
        Just("desc".to_owned()),
        Just("csv".to_owned()),
        Just("1wk".to_owned()),
        Just("1mo".to_owned()),
    ];
    let pairs = prop::collection::vec((name, value), 0..5);
    pairs.prop_map(|pairs| {
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_request_is_a_fault_of_the_server(
        path in prop_oneof![
            Just("/stock-data".to_owned()),
            Just("/stock-data/TSLA".to_owned()),
            Just("/stock-data/TSLA/history".to_owned()),
            Just("/stock-data/TSLA/actions".to_owned()),
            Just("/stock-data/TSLA/responses".to_owned()),
            Just("/health/ready".to_owned()),
            "/stock-data/[!-~&&[^#?]]{1,20}",
            "/[!-~&&[^#?]]{0,20}",
        ],
        query in query(),
    ) {
        let answer = raw(&format!(
            "GET {path}?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ));
        let status: u16 = answer.get(9..12).and_then(|text| text.parse().ok()).unwrap_or(0);
        prop_assert!((200..500).contains(&status), "{path}?{query}: {answer}");
        if status >= 400 {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            // A request line that is no HTTP at all is refused before there is a request.
            let is_http = !body.is_empty();
            if is_http {
                prop_assert!(head.contains("application/problem+json"), "{path}?{query}: {answer}");
                let problem: serde_json::Value = serde_json::from_str(body).unwrap();
                prop_assert_eq!(&problem["status"], &serde_json::json!(status));
            } else {
                prop_assert_eq!(status, 400);
                prop_assert!(path.contains(['"', '<', '>', '\\', '^', '`', '{', '|', '}'])
                    || query.contains(['"', '<', '>', '\\', '^', '`', '{', '|', '}']),
                    "{path}?{query}: {answer}");
            }
        }
    }
}
