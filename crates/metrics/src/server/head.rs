//! The head of a request.

use super::answer::Status;

/// A longer head is refused.
pub(super) const MAX_HEAD: usize = 8 * 1024;
/// As are more header fields than this.
const MAX_FIELDS: usize = 64;

/// What the bytes of a connection are, as far as they have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// The beginning of a request.
    Partial,
    /// A request.
    Whole(Request),
    /// No request that is answered.
    Refused(Status),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Without the query.
    pub(super) path: String,
}

/// The methods that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Other,
}

/// Reads a head, of which more may be to come. What follows it is not looked at: a connection is one
/// request.
pub(super) fn parse(bytes: &[u8]) -> Head {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) if bytes.len() > MAX_HEAD => Head::Refused(Status::TooLarge),
        Ok(httparse::Status::Partial) => Head::Partial,
        Ok(httparse::Status::Complete(length)) if length > MAX_HEAD => {
            Head::Refused(Status::TooLarge)
        }
        Ok(httparse::Status::Complete(_)) => judge(&request),
        Err(httparse::Error::TooManyHeaders) => Head::Refused(Status::TooLarge),
        Err(_) => Head::Refused(Status::BadRequest),
    }
}

fn judge(request: &httparse::Request<'_, '_>) -> Head {
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return Head::Refused(Status::BadRequest);
    };
    // RFC 9112, 3.2: HTTP/1.1 has exactly one, and none has several.
    let hosts = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("host"));
    let hosts = hosts.count();
    if hosts > 1 || (hosts == 0 && version > 0) {
        return Head::Refused(Status::BadRequest);
    }
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => Method::Other,
    };
    Head::Whole(Request { method, path: path(target).to_owned() })
}

/// The path of a target, which may be a whole address (RFC 9112, 3.2.2).
fn path(target: &str) -> &str {
    let path = match target.split_once("://") {
        Some((scheme, rest))
            if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) =>
        {
            rest.find('/').and_then(|start| rest.get(start..)).unwrap_or("/")
        }
        _ => target,
    };
    path.split('?').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Head, MAX_HEAD, Method, Request, Status, parse};

    fn whole(method: Method, path: &str) -> Head {
        Head::Whole(Request { method, path: path.to_owned() })
    }

    #[test]
    fn requests_are_read() {
        let host = "HTTP/1.1\r\nHost: a\r\n\r\n";
        for (text, expected) in [
            (format!("GET /metrics {host}"), whole(Method::Get, "/metrics")),
            (format!("HEAD /metrics?a=/b {host}"), whole(Method::Head, "/metrics")),
            (format!("GET http://a:9100/metrics?x {host}"), whole(Method::Get, "/metrics")),
            (format!("GET HTTP://a {host}"), whole(Method::Get, "/")),
            (format!("get /metrics {host}"), whole(Method::Other, "/metrics")),
            (format!("GET /metrics?at=http://b/c {host}"), whole(Method::Get, "/metrics")),
            (format!("\r\nDELETE * {host}GET / HTTP/1.1"), whole(Method::Other, "*")),
            ("GET / HTTP/1.0\r\n\r\n".to_owned(), whole(Method::Get, "/")),
            ("GET / HTTP/1.1\nhOST:\n\n".to_owned(), whole(Method::Get, "/")),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bytes in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET /\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n",
            "\u{16}\u{3}\u{1}\u{2}",
            "{}",
        ] {
            assert_eq!(parse(bytes.as_bytes()), Head::Refused(Status::BadRequest), "{bytes:?}");
        }
    }

    #[test]
    fn a_long_head_is_refused_whether_or_not_it_ends() {
        let head = |filler: usize, end: &str| {
            format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}{end}", "x".repeat(filler))
        };
        let most = MAX_HEAD - head(0, "\r\n\r\n").len();
        assert_eq!(parse(head(most, "\r\n\r\n").as_bytes()), whole(Method::Get, "/"));
        for text in [
            head(most + 1, "\r\n\r\n"),
            head(MAX_HEAD, ""),
            format!("GET /{}", "a".repeat(MAX_HEAD)),
        ] {
            assert_eq!(parse(text.as_bytes()), Head::Refused(Status::TooLarge));
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65));
        assert_eq!(parse(many.as_bytes()), Head::Refused(Status::TooLarge));
    }

    proptest! {
        #[test]
        fn any_bytes_are_something(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_looks_like_a_request_is_something(
            text in r"(GET|HEAD|PUT|)[ \t]?(/|http://|\*)?[a-z/:?%\PC]{0,20} HTTP/[0-3](\.[0-2])?\r?\n(Host: ?[\PC]{0,9}\r?\n){0,3}([A-Za-z :]{0,9}\r?\n){0,4}\r?\n?"
        ) {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn the_beginning_of_a_request_is_partial(
            path in "/[a-z0-9/?=&%.-]{0,40}",
            fields in proptest::collection::vec(("[A-GI-Za-gi-z][A-Za-z-]{0,12}", "[ -~]{0,30}"), 0..8),
            behind in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut text = format!("GET {path} HTTP/1.1\r\nHost: a\r\n").into_bytes();
            for (name, value) in fields {
                text.extend(format!("{name}: {value}\r\n").bytes());
            }
            text.extend(b"\r\n");
            for length in 0..text.len() {
                prop_assert_eq!(parse(&text[..length]), Head::Partial);
            }
            let expected = whole(Method::Get, path.split('?').next().unwrap());
            prop_assert_eq!(parse(&text), expected.clone());
            // What follows is another's business.
            text.extend(behind);
            prop_assert_eq!(parse(&text), expected);
        }
    }
}
