//! HTTP/1.1, as much of it as a vendor's server needs.

use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, BufRead, Read as _, Write as _};
use std::time::Instant;

use percent_encoding::percent_decode_str;

/// The longest head of a request, in bytes; longer ones end the connection.
const MAX_HEAD: u64 = 64 << 10;

/// The longest body of a request, in bytes.
const MAX_BODY: u64 = 1 << 20;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// When its first line had been read.
    pub at: Instant,
    /// `GET` or `POST`.
    pub method: String,
    /// The path and the query, as sent.
    pub path_and_query: String,
    /// The headers in the order in which they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads one; `None` where the client has nothing more to ask.
    pub(crate) fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = stream.by_ref().take(MAX_HEAD);
        let Some(first) = line(&mut head)? else { return Ok(None) };
        let at = Instant::now();
        let mut words = first.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a request line"));
        };
        let mut headers = Vec::new();
        while let Some(text) = line(&mut head)?.filter(|text| !text.is_empty()) {
            let (name, value) = text.split_once(':').unwrap_or((&text, ""));
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self {
            at,
            method: method.to_owned(),
            path_and_query: target.to_owned(),
            headers,
            body: Vec::new(),
        };
        let length = request.header("content-length").and_then(|text| text.parse().ok());
        let length: u64 = length.unwrap_or(0).min(MAX_BODY);
        stream.take(length).read_to_end(&mut request.body)?;
        Ok(Some(request))
    }

    /// The value of a header; of the first, where there are several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, value)| value.as_str())
    }

    /// The path, as sent.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }

    /// The parts of the path, decoded.
    #[must_use]
    pub fn segments(&self) -> Vec<String> {
        self.path().split('/').filter(|part| !part.is_empty()).map(decoded).collect()
    }

    /// The decoded value of a name in the query; of the first, where there are several.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.path_and_query.split_once('?')?.1;
        value_in(query, name)
    }

    /// The decoded value of a name in a form that was posted.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<String> {
        value_in(std::str::from_utf8(&self.body).ok()?, name)
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.headers.iter().filter(|(header, _)| header == "cookie");
        let mut pairs = pairs.flat_map(|(_, value)| value.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether the client takes a coding such as `gzip`.
    fn accepts(&self, coding: &str) -> bool {
        let mut offers = self.header("accept-encoding").unwrap_or_default().split(',');
        offers.any(|offer| {
            let (name, quality) = offer.split_once(';').unwrap_or((offer, ""));
            let refused = quality
                .trim()
                .strip_prefix("q=")
                .is_some_and(|quality| quality.parse::<f64>().is_ok_and(|quality| quality == 0.0));
            name.trim().eq_ignore_ascii_case(coding) && !refused
        })
    }
}

/// One line without its end; `None` at the end of the stream.
fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if stream.read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn value_in(pairs: &str, name: &str) -> Option<String> {
    pairs.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key) == name).then(|| decoded(value))
    })
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// What a vendor answers, before it is compressed and framed.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it holds what was asked for, and so may be asked for conditionally.
    pub(crate) healthy: bool,
}

pub(crate) const JSON: &str = "application/json; charset=utf-8";
pub(crate) const CSV: &str = "text/csv; charset=utf-8";
pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

impl Answer {
    /// An answer that holds what was asked for.
    pub(crate) fn healthy(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { healthy: true, ..Self::other(200, kind, body) }
    }

    /// Any other answer, a refusal with the status 200 too.
    pub(crate) fn other(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", kind.to_owned())];
        Self { status, headers, body: body.into(), healthy: false }
    }

    /// To another address.
    pub(crate) fn redirect(location: String) -> Self {
        Self::other(302, TEXT, "Found").with("location", location)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        (self.status, self.healthy) = (status, status == 200 && self.healthy);
        self
    }

    /// As it goes over the wire: compressed as the client allows, with an ETag where it is
    /// healthy, and as a mere 304 where the client has it already.
    pub(crate) fn encoded(self, request: &Request, compress: bool) -> Wire {
        self.whole(request, compress).to(request)
    }

    /// The same, whatever the client has already.
    pub(crate) fn whole(self, request: &Request, compress: bool) -> Wire {
        let Self { status, mut headers, mut body, healthy } = self;
        let mut coding = "";
        if compress && !body.is_empty() {
            headers.push(("vary", "Accept-Encoding".to_owned()));
            if request.accepts("br") {
                (coding, body) = ("br", brotli(&body));
            } else if request.accepts("gzip") {
                (coding, body) = ("gzip", gzip(&body));
            }
        }
        let tag = healthy.then(|| {
            // Of the compressed bytes: a strong tag is that of one representation.
            let mut hasher = DefaultHasher::new();
            hasher.write(&body);
            format!("\"{:016x}\"", hasher.finish())
        });
        headers.extend(tag.iter().map(|tag| ("etag", tag.clone())));
        if !coding.is_empty() {
            headers.push(("content-encoding", coding.to_owned()));
        }
        Wire { status, headers, body, tag }
    }
}

/// An answer as it goes over the wire, but for its framing.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// What a client may ask by whether the answer is another one now.
    tag: Option<String>,
}

impl Wire {
    /// A mere 304 where the client has it already.
    pub(crate) fn to(mut self, request: &Request) -> Self {
        let known = request.header("if-none-match").unwrap_or_default();
        let has_it = |tag: &String| known.split(',').any(|known| known.trim() == tag);
        if self.tag.as_ref().is_some_and(has_it) {
            self.status = 304;
            self.body.clear();
            self.headers.retain(|(name, _)| *name != "content-encoding");
        }
        self
    }

    /// Whether it holds what was asked for.
    pub(crate) const fn is_healthy(&self) -> bool {
        self.tag.is_some()
    }

    /// The head, with headers for the framing.
    pub(crate) fn head(&self, framing: &[(&str, &str)]) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status)).into_bytes();
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in own.chain(framing.iter().copied()) {
            write!(out, "{name}: {value}\r\n").unwrap();
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Other",
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 4096, 3, 22).write_all(bytes).unwrap();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Request {
        Request::read(&mut text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_request_is_read_and_taken_apart() {
        let mut text =
            "POST /api/quote/BRK%2FB/x?a=1&b=x%7Cy+z&c HTTP/1.1\r\nHost: h\r\nCookie: A1=u; \
                        A3=v\r\nContent-Length: 7\r\n\r\nt=1&u=2GET / HTTP/1.1\r\n\r\n"
                .as_bytes();
        let request = Request::read(&mut text).unwrap().unwrap();
        assert_eq!(request.segments(), ["api", "quote", "BRK/B", "x"]);
        assert_eq!(request.query("b").as_deref(), Some("x|y z"));
        assert_eq!(request.query("c").as_deref(), Some(""));
        assert_eq!(request.query("d"), None);
        assert_eq!(request.form("u").as_deref(), Some("2"));
        assert_eq!(request.cookie("A3"), Some("v"));
        assert_eq!(Request::read(&mut text).unwrap().unwrap().path(), "/");
        assert!(Request::read(&mut text).unwrap().is_none());
        assert!(Request::read(&mut "GET".as_bytes()).is_err());
    }

    #[test]
    fn codings_are_those_that_the_client_takes() {
        let body = "body ".repeat(50);
        let coding = |accepts: &str| {
            let request = request(&format!("GET / HTTP/1.1\r\nAccept-Encoding: {accepts}\r\n\r\n"));
            let wire = Answer::healthy(TEXT, body.clone()).encoded(&request, true);
            let named = |(name, _): &&(&str, String)| *name == "content-encoding";
            let coding = wire.headers.iter().find(named);
            coding.map_or_else(String::new, |(_, coding)| coding.clone())
        };
        assert_eq!(coding("gzip, br"), "br");
        assert_eq!(coding("gzip;q=0.5, br;q=0"), "gzip");
        assert_eq!(coding("identity"), "");
    }
}
