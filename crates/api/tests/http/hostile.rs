//! Input that means harm or nothing: whatever it is and wherever it stands, the answer is one of
//! the API's own.

use std::io::Read as _;
use std::sync::OnceLock;
use std::time::Duration;

use cream_auth::{Role, Scopes, TokenKind};
use proptest::prelude::*;
use serde_json::Value;

use crate::naughty::{BYTES, ENCODED, texts};
use crate::people::{HOUR, MANY, PASSWORD, add_token, add_user, after, serve};
use crate::support::{Answer, Api, answer};

struct Target {
    api: Api,
    /// The numbers of somebody who is nobody in particular.
    victim: i64,
    /// Of an admin who has no password that anything here could change.
    admin: String,
    /// Of somebody whose password may change.
    session: String,
}

/// One server for all of it, which has to stand it: every layer is on.
fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let api = serve(|settings| {
            settings
                .with_logins(Duration::from_secs(86_400), MANY)
                .with_trusted_proxies(vec!["127.0.0.0/8".parse().unwrap()])
                .with_cors_origins(vec!["https://charts.example.org".to_owned()])
        });
        let store = &api.store;
        let root = add_user(store, "root-of-the-test", Role::Admin, None);
        let ann = add_user(store, "ann-of-the-test", Role::User, Some(PASSWORD));
        let victim = add_user(store, "victim", Role::User, None).0;
        let token =
            |user| add_token(store, user, TokenKind::Session, Scopes::ALL, after(1_000 * HOUR)).1;
        let (admin, session) = (token(root), token(ann));
        Target { api, victim, admin, session }
    })
}

/// Every byte of it percent-encoded.
fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

/// Checks that an answer is a good one or a problem document; gives its status.
fn judge(bytes: &[u8], what: &str) -> u16 {
    assert!(bytes.starts_with(b"HTTP/1.1 "), "{what}: {}", bytes.escape_ascii());
    let answer = answer(bytes);
    let told = || format!("{what}: {} {}", answer.status, answer.body.escape_ascii());
    assert_eq!(answer.header("x-injected"), "", "{}", told());
    match answer.status {
        200 | 201 => {
            let kind = answer.header("content-type");
            if kind == "application/json" {
                assert!(serde_json::from_slice::<Value>(&answer.body).is_ok(), "{}", told());
            } else {
                assert!(!kind.starts_with("text/html") || kind.contains("utf-8"), "{}", told());
            }
        }
        204 | 304 => assert!(answer.body.is_empty(), "{}", told()),
        // Of the route that speaks as Yahoo does.
        400..=499 if answer.header("content-type") == "application/json" => {
            let document: Value = serde_json::from_slice(&answer.body).unwrap();
            assert!(document["chart"]["error"]["code"].is_string(), "{}", told());
        }
        400..=499 => {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{}", told());
            let document: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(document["status"], answer.status, "{}", told());
            assert_eq!(document["request_id"], answer.header("x-request-id"), "{}", told());
            for part in ["code", "detail", "title", "type"] {
                assert!(document[part].as_str().is_some_and(|text| !text.is_empty()), "{}", told());
            }
            // What was sent comes back in part at most.
            assert!(answer.body.len() < 20_000, "{}", told());
        }
        _ => panic!("{}", told()),
    }
    answer.status
}

impl Target {
    /// A request with the token of an admin, judged.
    fn ask(&self, path: &[u8], headers: &[(&str, &[u8])], what: &str) -> u16 {
        self.judged(b"GET", path, &self.admin, headers, b"", what)
    }

    fn judged(
        &self,
        method: &[u8],
        path: &[u8],
        token: &str,
        headers: &[(&str, &[u8])],
        body: &[u8],
        what: &str,
    ) -> u16 {
        let request = self.request(method, path, token, headers, body);
        judge(&self.api.send_raw(&request), what)
    }

    fn request(
        &self,
        method: &[u8],
        path: &[u8],
        token: &str,
        headers: &[(&str, &[u8])],
        body: &[u8],
    ) -> Vec<u8> {
        let host = self.api.host();
        let mut request = [method, b" ", path, b" HTTP/1.1\r\nhost: ", host.as_bytes()].concat();
        request
            .extend(format!("\r\nconnection: close\r\ncontent-length: {}\r\n", body.len()).bytes());
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request.extend(format!("authorization: Bearer {token}\r\n").bytes());
        }
        for (name, value) in headers {
            request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        request
    }

    /// Every route that is read, with an example in place of its parameter, and the names of the
    /// parameters that its summary tells.
    fn reads(&self) -> Vec<(String, Vec<String>)> {
        let index = self.api.get("/").json();
        let rows = index["routes"].as_array().unwrap().iter();
        let rows = rows.filter(|row| row["methods"] == "GET, HEAD");
        rows.map(|row| {
            let path = row["path"].as_str().unwrap().replace("{symbol}", "TSLA");
            let summary = row["summary"].as_str().unwrap();
            let query = summary.split_once('?').map_or("", |(_, query)| query);
            let names = query.split('&').filter_map(|pair| pair.split_once('='));
            (path, names.map(|(name, _)| name.to_owned()).collect())
        })
        .collect()
    }

    fn is_alive(&self) {
        let live = self.api.get("/health/live");
        assert_eq!(live.status, 200);
        assert_eq!(self.api.get("/stock-data/TSLA").status, 200);
    }
}

/// The list as it stands in a URL.
fn in_urls() -> Vec<String> {
    let texts = texts().into_iter().map(|text| encoded(text.as_bytes()));
    let bytes = BYTES.iter().map(|bytes| encoded(bytes));
    let raw = ENCODED.iter().map(|text| (*text).to_owned());
    // As a path or a query may be no longer than 32 KiB, which `limits` tests.
    texts.chain(bytes).chain(raw).filter(|text| text.len() < 31_000).collect()
}

#[test]
fn the_list_is_long_and_of_many_kinds() {
    let texts = texts();
    assert!(texts.len() > 500, "{}", texts.len());
    assert!(BYTES.iter().all(|bytes| std::str::from_utf8(bytes).is_err()));
}

#[test]
fn anything_in_a_path() {
    let target = target();
    let index = target.api.get("/").json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = index["routes"].as_array().unwrap().iter();
    let mut paths: Vec<(String, String)> = rows
        .map(|row| (text(&row["methods"]).replace(", HEAD", ""), text(&row["path"])))
        .filter(|(_, path)| path.contains('{'))
        .collect();
    assert!(paths.len() >= 8, "{paths:?}");
    for more in ["/{x}", "/stock-data/TSLA/{x}", "/docs/{x}", "/auth/{x}", "/admin/{x}/retry"] {
        paths.push(("GET".to_owned(), more.to_owned()));
    }
    let json = [("content-type", &b"application/json"[..])];
    let mut good = 0;
    for text in in_urls() {
        for (method, path) in &paths {
            let (before, rest) = path.split_once('{').unwrap();
            let (name, after) = rest.split_once('}').unwrap();
            // No number that somebody or something has.
            let mark = if name == "id" { "x" } else { "" };
            let asked = format!("{before}{mark}{text}{after}");
            let (token, body): (_, &[u8]) = match method.as_str() {
                "DELETE" if name == "id" => (&target.session, b""),
                "GET" | "DELETE" => (&target.admin, b""),
                _ => (&target.admin, b"{}"),
            };
            let (method, path) = (method.as_bytes(), asked.as_bytes());
            let status = target.judged(method, path, token, &json, body, &asked);
            good += u32::from(status == 200);
            // There is nothing to be found by walking up, and nothing under a number that is none.
            let is_none = asked.contains("etc") || !mark.is_empty();
            assert!(!is_none || (400..500).contains(&status), "{asked}: {status}");
        }
    }
    // Some are symbols that are held, in another spelling.
    assert!(good > 0);
    target.is_alive();
}

#[test]
fn anything_in_a_query() {
    let target = target();
    let reads = target.reads();
    let known: usize = reads.iter().map(|(_, names)| names.len()).sum();
    assert!(known > 30, "the names are read from the summaries: {reads:?}");
    let values = in_urls();
    let (mut refused, mut answered) = (0, 0);
    for (path, names) in reads {
        // Of many symbols, one at least is needed.
        let needed = if path == "/stock-data/history" { "symbols=TSLA&" } else { "" };
        for (nth, name) in names.into_iter().enumerate() {
            let needed = if name == "symbols" { "" } else { needed };
            // Each value in every third parameter, so that each is read as every kind of thing.
            for value in values.iter().skip(nth % 3).step_by(3) {
                let asked = format!("{path}?{needed}{name}={value}");
                match target.ask(asked.as_bytes(), &[], &asked) {
                    200 => answered += 1,
                    _ => refused += 1,
                }
            }
        }
        // And in the place of a name.
        for value in values.iter().step_by(7) {
            for asked in [format!("{path}?{value}"), format!("{path}?{value}={value}&{value}")] {
                target.ask(asked.as_bytes(), &[], &asked);
            }
        }
    }
    assert!(refused > answered && answered > 0, "{refused} refused, {answered} answered");
    target.is_alive();
}

/// As JSON and as bytes between quotes, which need not be JSON.
fn in_bodies() -> Vec<Vec<u8>> {
    let texts = texts();
    let strings = texts.iter().map(|text| Value::from(text.as_str()).to_string().into_bytes());
    let quoted = texts.iter().map(|text| [b"\"", text.as_bytes(), b"\""].concat());
    let bare = texts.iter().map(|text| text.clone().into_bytes());
    let bytes = BYTES.iter().map(|bytes| [b"\"", *bytes, b"\""].concat());
    strings.chain(quoted).chain(bare).chain(bytes).collect()
}

#[test]
fn anything_in_a_body() {
    let target = target();
    let user = format!("/admin/users/{}", target.victim);
    let (admin, session) = (&target.admin, &target.session);
    let templates = [
        ("POST", "/auth/login", session, "{\"name\":X,\"password\":\"p\"}"),
        ("POST", "/auth/login", session, "{\"name\":\"nobody\",\"password\":X}"),
        ("POST", "/auth/login", session, "{\"name\":\"nobody\",\"password\":\"p\",X:1}"),
        ("POST", "/auth/login", session, "X"),
        ("POST", "/auth/password", session, "{\"current\":X,\"new\":X}"),
        ("POST", "/auth/tokens", session, "{\"name\":X,\"scopes\":[\"read\"]}"),
        ("POST", "/auth/tokens", session, "{\"name\":\"x\",\"scopes\":[X]}"),
        (
            "POST",
            "/auth/tokens",
            session,
            "{\"name\":\"x\",\"scopes\":[\"read\"],\"expires_in_days\":X}",
        ),
        ("POST", "/admin/users", admin, "{\"name\":X,\"role\":\"user\"}"),
        ("POST", "/admin/users", admin, "{\"name\":\"x\",\"role\":X}"),
        ("PATCH", user.as_str(), admin, "{\"password\":X}"),
        ("PATCH", user.as_str(), admin, "{\"role\":X,\"is_active\":X}"),
        ("POST", "/stock-data/track", session, "{\"symbol\":X}"),
        ("POST", "/stock-data/track", session, "{\"symbol\":\"TSLA\",\"vendor\":X}"),
        ("POST", "/stock-data/track", session, "{\"symbol\":\"TSLA\",\"vendor_symbol\":X}"),
    ];
    // What else is written takes no body; a new route is to be added here.
    let index = target.api.get("/").json();
    for row in index["routes"].as_array().unwrap() {
        let (methods, path) = (row["methods"].as_str().unwrap(), row["path"].as_str().unwrap());
        let without = ["/auth/logout", "/admin/responses/{id}/retry"].contains(&path);
        let path = path.replace("{id}", &target.victim.to_string());
        let is_known =
            templates.iter().any(|(method, known, ..)| (*method, *known) == (methods, &path));
        assert!(is_known || without || methods == "GET, HEAD" || methods == "DELETE", "{path}");
    }
    for value in in_bodies() {
        for (method, path, token, template) in &templates {
            let mut body = Vec::new();
            for (nth, part) in template.split('X').enumerate() {
                if nth > 0 {
                    body.extend_from_slice(&value);
                }
                body.extend_from_slice(part.as_bytes());
            }
            if body.len() > 64 * 1024 {
                continue;
            }
            let what = format!("{method} {path} {}", body.escape_ascii());
            let json = [("content-type", &b"application/json"[..])];
            target.judged(method.as_bytes(), path.as_bytes(), token, &json, &body, &what);
        }
    }
    // Nobody is more than an admin made of them, on purpose: `x` and `victim` may be admins.
    let users = target.api.store.read(|reader| reader.users(None, 1_000)).unwrap();
    for user in &users {
        let name = user.name.as_str();
        let may_be_admin = ["root-of-the-test", "victim", "x"].contains(&name);
        assert!(user.role == Role::User || may_be_admin, "{name}");
        assert!(user.is_active || name == "victim", "{name}");
    }
    target.is_alive();
}

#[test]
fn anything_in_a_header() {
    let target = target();
    let values: Vec<Vec<u8>> = texts()
        .into_iter()
        .map(String::into_bytes)
        .chain(BYTES.iter().map(|bytes| bytes.to_vec()))
        .collect();
    let names = [
        "authorization",
        "if-none-match",
        "if-modified-since",
        "accept",
        "accept-encoding",
        "accept-language",
        "cookie",
        "content-type",
        "content-encoding",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "forwarded",
        "x-request-id",
        "range",
        "if-range",
        "origin",
        "access-control-request-method",
        "referer",
        "user-agent",
        "x-http-method-override",
        "x-original-url",
    ];
    for value in values {
        // These end a header, or are none of HTTP: whoever reads HTTP refuses them itself.
        let is_http = value.iter().all(|byte| !byte.is_ascii_control() || *byte == b'\t');
        for name in names {
            for value in [value.clone(), [b"Bearer ", value.as_slice()].concat()] {
                if name != "authorization" && value.starts_with(b"Bearer ") {
                    continue;
                }
                let what = format!("{name}: {}", value.escape_ascii());
                let headers = [(name, value.as_slice())];
                let path = b"/stock-data/TSLA";
                let request = target.request(b"GET", path, &target.admin, &headers, b"");
                let bytes = target.api.send_raw(&request);
                if is_http {
                    judge(&bytes, &what);
                    continue;
                }
                assert!(bytes.is_empty() || bytes.starts_with(b"HTTP/1.1 "), "{what}");
                assert!(!bytes.starts_with(b"HTTP/1.1 5"), "{what}");
            }
        }
    }
    target.is_alive();
}

#[test]
fn anything_in_place_of_a_request() {
    let target = target();
    let mut requests: Vec<Vec<u8>> =
        texts().into_iter().map(|text| format!("{text}\r\n\r\n").into_bytes()).collect();
    requests.extend(BYTES.iter().map(|bytes| [bytes, &b"\r\n\r\n"[..]].concat()));
    let lines: [&[u8]; 24] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
        b"GET\t/\tHTTP/1.1\r\n\r\n",
        b"get / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET http://evil.example/stock-data HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET //evil.example/stock-data HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET stock-data HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /\\..\\x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /x#fragment HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : x\r\nconnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: x\r\nconnection: close\r\n\r\n",
        // Two lengths, or a length and chunks: where two servers disagree, one request is two.
        b"POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\nconnection: close\r\n\r\n{}",
        b"POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\nconnection: close\r\n\r\n0\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\nconnection: close\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nffffffffffffffff\r\nx\r\n0\r\n\r\n",
    ];
    requests.extend(lines.iter().map(|line| line.to_vec()));
    for request in requests {
        use std::io::Write as _;
        let mut stream = target.api.connect();
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let what = request.escape_ascii().to_string();
        // It may end the connection, and never the server.
        assert!(bytes.is_empty() || bytes.starts_with(b"HTTP/1."), "{what}");
        assert!(!bytes.starts_with(b"HTTP/1.1 5"), "{what}: {}", bytes.escape_ascii());
        assert!(!bytes.windows(12).any(|part| part == b"\r\nX-Injected"), "{what}");
    }
    target.is_alive();
}

/// Bytes that a line of HTTP may hold.
fn visible() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![0x21_u8..=0x7e, 0x80_u8..=0xff];
    proptest::collection::vec(byte, 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_is_answered(
        segments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6),
        query in proptest::collection::vec(any::<u8>(), 0..100),
        name in visible(),
        value in visible(),
        stem in prop_oneof![
            Just("/stock-data"), Just("/stock-data/TSLA"), Just("/v8/finance/chart"),
            Just("/auth"), Just("/admin"), Just("/docs"), Just("/health"), Just(""),
        ],
    ) {
        let mut path = stem.to_owned();
        for segment in &segments {
            path.push('/');
            path.push_str(&encoded(segment));
        }
        path.push_str(&format!("/?{}=", encoded(&query)));
        let token = [b"Bearer ", name.as_slice()].concat();
        let headers: [(&str, &[u8]); 4] = [
            ("authorization", &token),
            ("x-forwarded-for", &value),
            ("accept", &name),
            ("if-none-match", &value),
        ];
        target().ask(path.as_bytes(), &headers, &path);
        target().ask(path.as_bytes(), &headers[1..], &path);
    }

    #[test]
    fn whatever_is_sent_is_answered(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        text in "\\PC{0,80}",
        route in 0_usize..5,
    ) {
        let target = target();
        let user = format!("/admin/users/{}", target.victim);
        let (method, path) = [
            ("POST", "/auth/login"),
            ("POST", "/auth/password"),
            ("POST", "/auth/tokens"),
            ("POST", "/admin/users"),
            ("PATCH", user.as_str()),
        ][route];
        let json = [("content-type", &b"application/json"[..])];
        let object = serde_json::json!({
            "name": text, "password": text, "role": text, "current": text, "new": text,
            "scopes": [text], "is_active": text,
        });
        for body in [body.as_slice(), object.to_string().as_bytes()] {
            let (method, what) = (method.as_bytes(), body.escape_ascii().to_string());
            target.judged(method, path.as_bytes(), &target.admin, &json, body, &what);
        }
    }
}

/// For the walk through the answers of one kind.
#[test]
fn an_answer_names_what_was_sent_and_does_not_repeat_it() {
    let target = target();
    let long = "x".repeat(20_000);
    let answer: Answer = target.api.get(&format!("/stock-data?q={long}"));
    let problem = answer.problem(400, "invalid_parameters");
    assert!(answer.body.len() < 1_000, "{problem}");
}
