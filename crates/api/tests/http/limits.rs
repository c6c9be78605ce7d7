//! What bounds a client, and what it is told.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU32;
use std::time::Duration;

use cream_api::ApiSettings;
use cream_auth::{Role, Scopes, Token, TokenKind};
use serde_json::json;

use crate::people::{HOUR, MANY, PASSWORD, add_token, add_user, after, open, revoke, serve};
use crate::support::{Answer, Api, answer};

const JSON: (&str, &str) = ("content-type", "application/json");

/// One request a second, two at once.
fn slow(settings: ApiSettings) -> ApiSettings {
    settings.with_requests_per_second(NonZeroU32::new(1))
}

/// Asks until it is one too many. How many are let through before depends on how long they take,
/// but for the two that may come at once.
fn until_limited(ask: impl Fn() -> Answer, allowed_status: u16) -> Answer {
    for _ in 0..200 {
        let answer = ask();
        if answer.status == 429 {
            return answer;
        }
        assert_eq!(answer.status, allowed_status, "{}", answer.text());
    }
    panic!("200 requests, and none too many");
}

#[test]
fn a_client_has_so_many_requests() {
    let api = serve(slow);
    let first = api.get("/stock-data/TSLA");
    assert_eq!(first.header("ratelimit-policy"), "\"client\";q=2;w=2");
    assert_eq!(first.header("ratelimit"), "\"client\";r=1;t=1");
    assert_eq!(first.header("retry-after"), "");
    assert_eq!(api.get("/stock-data/TSLA").status, 200, "two at once");
    let refused = until_limited(|| api.get("/"), 200);
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit"), "\"client\";r=0;t=1");
    assert_eq!(refused.header("cache-control"), "no-store");
    // Where there is nothing to be found, too.
    let api = serve(slow);
    until_limited(|| api.get("/nowhere"), 404).problem(429, "rate_limited");
    let api = serve(slow);
    until_limited(|| api.send("PUT", "/", &[]), 405).problem(429, "rate_limited");
    let api = serve(slow);
    until_limited(|| api.log_in("nobody", PASSWORD), 401).problem(429, "rate_limited");
}

#[test]
fn no_limit_is_none() {
    let api = serve(|settings| settings);
    for _ in 0..500 {
        let answer = api.get("/");
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""));
    }
}

#[test]
fn tokens_and_addresses_are_counted_apart() {
    let api = serve(|settings| {
        slow(settings).with_trusted_proxies(vec!["127.0.0.1/32".parse().unwrap()])
    });
    let user = add_user(&api.store, "ann", Role::User, None);
    let [one, other] =
        [0, 1].map(|_| add_token(&api.store, user, TokenKind::Api, Scopes::ALL, after(HOUR)).1);
    let ask = |token: Option<&str>, address: &str| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("x-forwarded-for", address)];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        api.get_with("/stock-data/TSLA", &headers)
    };
    // Seen once each, from somewhere: from then on they are known not to be guesses.
    assert_eq!(ask(Some(&one), "192.0.2.1").status, 200);
    assert_eq!(ask(Some(&other), "192.0.2.2").status, 200);
    until_limited(|| ask(None, "192.0.2.9"), 200);
    assert_eq!(ask(Some(&one), "192.0.2.9").status, 200, "its own count");
    // One token is one client, wherever it comes from.
    let hosts = std::cell::Cell::new(10_u8);
    until_limited_soon(|| {
        hosts.set(hosts.get() + 1);
        ask(Some(&one), &format!("192.0.2.{}", hosts.get()))
    });
    assert_eq!(ask(Some(&other), "192.0.2.9").status, 200);
    assert_eq!(ask(None, "192.0.2.200").status, 200);
    // A network of IPv6 is one client.
    let hosts = std::cell::Cell::new(0_u32);
    until_limited(
        || {
            hosts.set(hosts.get() + 1);
            ask(None, &format!("2001:db8::{:x}", hosts.get()))
        },
        200,
    );
    assert_eq!(ask(None, "2001:db8:0:1::1").status, 200);
}

fn until_limited_soon(ask: impl Fn() -> Answer) {
    assert!((0..200).any(|_| ask().status == 429), "200 requests, and none too many");
}

#[test]
fn whoever_tries_tokens_has_no_more_tries_than_requests() {
    let fresh = || {
        let token = Token::generate(TokenKind::Api).unwrap();
        token.expose().to_owned()
    };
    let api = serve(slow);
    until_limited(|| api.get_as(&fresh(), "/auth/me"), 401).problem(429, "rate_limited");
    api.get("/").problem(429, "rate_limited");
    let api = serve(slow);
    until_limited(|| api.get_as("cream_malformed", "/auth/me"), 401).problem(429, "rate_limited");
    // One that was good once is no free ride either.
    let api = serve(slow);
    let user = add_user(&api.store, "ann", Role::User, None);
    let (id, token) = add_token(&api.store, user, TokenKind::Api, Scopes::ALL, after(HOUR));
    assert_eq!(api.get_as(&token, "/auth/me").status, 200);
    revoke(&api.store, id);
    let mut statuses = BTreeSet::new();
    for _ in 0..200 {
        statuses.insert(api.get_as(&token, "/auth/me").status);
    }
    assert_eq!(statuses, BTreeSet::from([401, 429]));
}

#[test]
fn a_path_and_a_query_have_so_many_bytes() {
    let api = serve(|settings| settings);
    let long = |bytes: usize| {
        let path = "/stock-data?q=";
        format!("{path}{}", "x".repeat(bytes - path.len()))
    };
    api.get(&long(32 * 1024)).problem(400, "invalid_parameters");
    let problem = api.get(&long(32 * 1024 + 1)).problem(414, "uri_too_long");
    assert_eq!(problem["detail"], "path and query are 32769 bytes long; at most 32768 are allowed");
    api.get(&format!("/{}", "x".repeat(40_000))).problem(414, "uri_too_long");
    api.get(&format!("/stock-data/{}/history", "%2F".repeat(11_000))).problem(414, "uri_too_long");
    // Beyond what HTTP's own reader takes, the answer is its own.
    let request = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(70_000));
    assert!(matches!(answer(&api.send_raw(request.as_bytes())).status, 400 | 414 | 431));
    assert_eq!(api.get("/health/live").status, 200);
}

#[test]
fn a_body_has_so_many_bytes() {
    // So long a connection lingers whose body is not read to its end.
    let lingering = Duration::from_secs(3);
    let api = serve(|settings| {
        settings.with_logins(Duration::from_secs(60), MANY).with_request_timeout(lingering)
    });
    let limit = 64 * 1024;
    let of = |bytes: usize| {
        let text = json!({"name": "ann", "password": ""}).to_string();
        text.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - text.len())))
    };
    let login = |body: &str| api.send_body("POST", "/auth/login", &[JSON], body.as_bytes());
    login(&of(limit)).problem(401, "invalid_credentials");
    login(&of(limit + 1)).problem(413, "payload_too_large");
    // Announced is enough: it is not waited for.
    for (path, length) in
        [("/auth/login", "65537"), ("/", "1000000000000"), ("/nowhere", "18446744073709551615")]
    {
        let announced = [JSON, ("content-length", length)];
        api.send("POST", path, &announced).problem(413, "payload_too_large");
    }
    // And so it is where nothing is announced.
    let mut request = format!(
        "POST /auth/login HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        api.host()
    );
    for _ in 0..9 {
        request.push_str(&format!("2000\r\n{}\r\n", " ".repeat(0x2000)));
    }
    request.push_str("0\r\n\r\n");
    answer(&api.send_raw(request.as_bytes())).problem(413, "payload_too_large");
    // In chunks of one byte it is a body like any other.
    let mut request = request.split_once("\r\n\r\n").unwrap().0.to_owned() + "\r\n\r\n";
    for byte in of(100).chars() {
        request.push_str(&format!("1\r\n{byte}\r\n"));
    }
    request.push_str("0\r\n\r\n");
    answer(&api.send_raw(request.as_bytes())).problem(401, "invalid_credentials");
}

#[test]
fn a_head_and_a_body_arrive_in_time() {
    let api = serve(|settings| settings.with_request_timeout(Duration::from_secs(1)));
    let wait_for = |request: &str| {
        let mut stream = api.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let (mut bytes, mut part) = (Vec::new(), [0; 4_096]);
        // Not to the end of the connection, which the server leaves to a client that goes on
        // sending chunks.
        while !bytes.ends_with(b"}") {
            match stream.read(&mut part).unwrap() {
                0 => break,
                read => bytes.extend_from_slice(&part[..read]),
            }
        }
        bytes
    };
    let body = wait_for(
        "POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: 40\r\nconnection: close\r\n\r\n{\"name\":",
    );
    let problem = answer(&body).problem(408, "request_timeout");
    assert_eq!(problem["detail"], "the body did not arrive within 1 s");
    let chunked = wait_for(
        "POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n1\r\n{\r\n",
    );
    answer(&chunked).problem(408, "request_timeout");
    let head = wait_for("GET /stock-data HTTP/1.1\r\nhost: x\r\nx-slow:");
    assert!(head.starts_with(b"HTTP/1.1 408 "), "{}", head.escape_ascii());
    assert_eq!(api.get("/health/live").status, 200);
}

#[test]
fn a_body_is_json_of_the_type_that_the_route_takes() {
    let api = serve(|settings| settings.with_logins(Duration::from_secs(60), MANY));
    let good = json!({"name": "ann", "password": "not the password"}).to_string();
    let login = |headers: &[(&str, &str)], body: &str| {
        api.send_body("POST", "/auth/login", headers, body.as_bytes())
    };
    login(&[JSON], &good).problem(401, "invalid_credentials");
    login(&[("content-type", "application/JSON; charset=utf-8")], &good)
        .problem(401, "invalid_credentials");
    let long = "x".repeat(5_000);
    for other in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/problem+json",
        "json",
        "",
        "é",
        &long,
    ] {
        login(&[("content-type", other)], &good).problem(415, "unsupported_media_type");
    }
    login(&[], &good).problem(415, "unsupported_media_type");
    for encoding in ["gzip", "br", "zstd", "deflate", "x"] {
        login(&[JSON, ("content-encoding", encoding)], &good)
            .problem(415, "unsupported_media_type");
    }
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let deep_field = format!("{{\"name\":{deep},\"password\":\"\"}}");
    for bad in [
        "",
        " ",
        "{",
        "null",
        "[]",
        "1",
        "\"x\"",
        "{}",
        "{\"name\":\"ann\"}",
        "{\"name\":\"ann\",\"password\":null}",
        "{\"name\":1,\"password\":\"x\"}",
        "{\"name\":\"ann\",\"password\":[\"x\"]}",
        "{\"name\":\"ann\",\"password\":{\"$ne\":\"\"}}",
        "{\"name\":\"ann\",\"password\":\"x\",\"admin\":true}",
        "{\"name\":\"ann\",\"name\":\"root\",\"password\":\"x\"}",
        "{\"name\":\"ann\",\"password\":\"x\"} {}",
        "{\"name\":\"ann\",\"password\":\"x\",}",
        "{'name':'ann','password':'x'}",
        "{\"name\":\"ann\",\"password\":\"\\ud800\"}",
        "{\"name\":\"ann\",\"password\":\"\u{1}\"}",
        "\u{feff}{\"name\":\"ann\",\"password\":\"x\"}",
        &deep,
        &deep_field,
    ] {
        let answer = login(&[JSON], bad);
        assert_eq!(answer.status, 400, "{bad:.80}: {}", answer.text());
        answer.problem(400, "invalid_body");
        assert!(answer.body.len() < 1_000);
    }
}

#[test]
fn so_many_requests_are_answered_at_once() {
    let api = serve(|settings| {
        settings.with_max_concurrent_requests(1).with_request_timeout(Duration::from_secs(20))
    });
    let mut slow = api.connect();
    let half = "POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 2\r\nconnection: close\r\n\r\n{";
    slow.write_all(half.as_bytes()).unwrap();
    // Until it has its seat.
    let refused = (0..2_000).map(|_| api.get("/stock-data")).find(|answer| answer.status != 200);
    let refused = refused.expect("a request beyond the only seat is refused");
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert_fixed_headers(&refused);
    for path in ["/health/live", "/metrics"] {
        assert_eq!(api.get(path).status, 200, "{path}");
    }
    api.get("/health/ready").problem(503, "unavailable");
    slow.write_all(b"}").unwrap();
    let mut bytes = Vec::new();
    slow.read_to_end(&mut bytes).unwrap();
    answer(&bytes).problem(400, "invalid_body");
    // Its seat is free again, soon after.
    assert!((0..2_000).any(|_| api.get("/stock-data").status == 200));
}

#[test]
fn a_head_has_so_many_headers_and_bytes() {
    let api = serve(|settings| settings);
    let with = |count: usize| {
        let headers: String = (0..count).map(|nth| format!("x-{nth}: y\r\n")).collect();
        let head = format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        answer(&api.send_raw(head.as_bytes())).status
    };
    assert_eq!(with(50), 200);
    for count in [200, 1_000, 5_000] {
        assert!(matches!(with(count), 400 | 431), "{count} headers");
    }
    for bytes in [20_000, 140_000, 1_000_000] {
        let head = format!(
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-long: {}\r\n\r\n",
            "y".repeat(bytes)
        );
        let status = answer(&api.send_raw(head.as_bytes())).status;
        let wanted = if bytes < 100_000 { [200, 200] } else { [400, 431] };
        assert!(wanted.contains(&status), "{bytes} bytes: {status}");
    }
    assert_eq!(api.get("/health/live").status, 200);
}

const PAGE: &str = "https://charts.example.org";

fn preflight(api: &Api, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization, x-request-id"),
    ];
    api.send("OPTIONS", "/stock-data/TSLA", &headers)
}

fn allow_origin(answer: &Answer) -> &str {
    answer.header("access-control-allow-origin")
}

#[test]
fn no_page_of_elsewhere_is_let_in_unless_it_is_listed() {
    let api = serve(|settings| settings);
    let answer = api.get_with("/stock-data/TSLA", &[("origin", PAGE)]);
    assert_eq!(answer.status, 200);
    assert!(answer.headers.keys().all(|name| !name.starts_with("access-control-")));
    let refused = preflight(&api, PAGE);
    refused.problem(405, "method_not_allowed");
    assert_eq!(allow_origin(&refused), "");

    let api = serve(|settings| settings.with_cors_origins(vec![PAGE.to_owned()]));
    let allowed = preflight(&api, PAGE);
    assert_eq!((allowed.status, allow_origin(&allowed)), (200, PAGE));
    let methods = allowed.header("access-control-allow-methods");
    for method in ["GET", "HEAD", "POST", "PATCH", "DELETE"] {
        assert!(methods.contains(method), "{methods}");
    }
    assert!(allowed.header("access-control-allow-headers").contains("authorization"));
    assert_fixed_headers(&allowed);
    for other in [
        "https://evil.example",
        "http://charts.example.org",
        "https://charts.example.org.evil.example",
        "https://charts.example.org:8443",
        "https://xcharts.example.org",
        "null",
        "*",
        "",
    ] {
        let refused = preflight(&api, other);
        assert_eq!((refused.status, allow_origin(&refused)), (400, ""), "{other}");
        let read = api.get_with("/stock-data/TSLA", &[("origin", other)]);
        assert_eq!(allow_origin(&read), "", "{other}");
    }
    let read = api.get_with("/stock-data/TSLA", &[("origin", PAGE)]);
    assert_eq!((read.status, allow_origin(&read)), (200, PAGE));
    // No cookie is known here, and none is asked for.
    assert_eq!(read.header("access-control-allow-credentials"), "");
    // A cache must mix neither origins nor what was negotiated.
    let vary = read.header("vary").to_ascii_lowercase();
    for name in ["origin", "accept", "accept-encoding"] {
        assert!(vary.split(", ").any(|part| part == name), "{name} in {vary}");
    }
    let exposed = read.header("access-control-expose-headers").to_ascii_lowercase();
    assert!(exposed.contains("etag"), "{exposed}");
    // A page reads what went wrong, too.
    for path in ["/stock-data/NONE", "/nowhere", "/auth/me", "/stock-data?limit=0"] {
        let failed = api.get_with(path, &[("origin", PAGE)]);
        assert!(failed.status >= 400, "{path}");
        assert_eq!(allow_origin(&failed), PAGE, "{path}");
    }
}

/// What every answer carries.
fn assert_fixed_headers(answer: &Answer) {
    let told = format!("{}: {:?}", answer.status, answer.headers);
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{told}");
    assert!(answer.header("content-security-policy").contains("default-src"), "{told}");
    assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{told}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{told}");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{told}");
    assert!(answer.header("vary").contains("accept"), "{told}");
    assert!(!answer.header("x-request-id").is_empty(), "{told}");
    for leak in ["server", "x-powered-by", "set-cookie"] {
        assert_eq!(answer.header(leak), "", "{told}");
    }
}

#[test]
fn every_kind_of_answer_carries_the_headers_of_safety() {
    let api = serve(|settings| settings.with_logins(Duration::from_secs(60), MANY));
    add_user(&api.store, "ann", Role::User, Some(PASSWORD));
    let login = api.log_in("ann", PASSWORD);
    let session = login.json()["token"].as_str().unwrap().to_owned();
    let read = api.get("/stock-data/TSLA");
    let tag = read.header("etag").to_owned();
    let token = json!({"name": "x", "scopes": ["read"]});
    let post = |path: &str, headers: &[(&str, &str)], body: &str| {
        api.send_body("POST", path, headers, body.as_bytes())
    };
    let answers = [
        (200, login),
        (200, read),
        (200, api.send("HEAD", "/stock-data/TSLA", &[])),
        (200, api.get("/stock-data/TSLA/history?format=csv")),
        (200, api.get("/stock-data/TSLA/history?format=parquet")),
        (200, api.get("/metrics")),
        (200, api.get("/health/ready")),
        (201, api.ask_json("POST", "/auth/tokens", Some(&session), &token)),
        (304, api.get_with("/stock-data/TSLA", &[("if-none-match", &tag)])),
        (400, api.get("/stock-data?limit=0")),
        (400, post("/auth/login", &[JSON], "{")),
        (401, api.get("/auth/me")),
        (401, api.get_as("x", "/auth/me")),
        (403, api.get_as(&session, "/admin/users")),
        (404, api.get("/nowhere")),
        (404, api.get("/v8/finance/chart/NONE")),
        (405, api.send("PUT", "/", &[])),
        (406, api.get_with("/stock-data", &[("accept", "text/html")])),
        (406, api.get_with("/stock-data", &[("accept-encoding", "identity;q=0, br")])),
        (413, post("/auth/login", &[JSON], &" ".repeat(70_000))),
        (414, api.get(&format!("/?{}", "x".repeat(40_000)))),
        (415, post("/auth/login", &[], "{}")),
        (204, api.ask_json("POST", "/auth/logout", Some(&session), &json!({}))),
    ];
    for (status, answer) in &answers {
        assert_eq!(answer.status, *status, "{}", String::from_utf8_lossy(&answer.body));
        assert_fixed_headers(answer);
    }
    let api = serve(slow);
    assert_fixed_headers(&until_limited(|| api.get("/"), 200));
    // A database without tables.
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let api = Api::serve(folder, store, |settings| settings);
    for (status, path) in [(500, "/stock-data"), (503, "/health/ready")] {
        let answer = api.get(path);
        assert_eq!(answer.status, status);
        assert_fixed_headers(&answer);
    }
}

#[test]
fn what_is_told_to_one_is_kept_by_no_shared_cache() {
    let api = serve(|settings| {
        settings.with_open_reading(false).with_logins(Duration::from_secs(60), MANY)
    });
    add_user(&api.store, "root", Role::Admin, Some(PASSWORD));
    let session = api.session("root");
    for path in [
        "/auth/me",
        "/auth/tokens",
        "/admin/users",
        "/admin/audit",
        "/metrics",
        "/stock-data",
        "/stock-data/TSLA",
        "/stock-data/TSLA/history",
        "/v8/finance/chart/TSLA",
    ] {
        let answer = api.get_as(&session, path);
        assert_eq!(answer.status, 200, "{path}");
        let control = answer.header("cache-control");
        assert!(control.contains("private") || control.contains("no-store"), "{path}: {control}");
        assert!(!control.contains("public"), "{path}: {control}");
    }
}
