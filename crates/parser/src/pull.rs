//! Archived pulls: what was asked of a vendor and all that it answered, in one file.
//!
//! A vendor's answer does not tell which dates were asked for, nor whether dividends were, and some
//! vendors give prices, splits and dividends in answers of their own. A pull keeps them together,
//! so that they are loaded in one transaction and a database can be rebuilt from files alone.
//!
//! The file is in the format of web archives, WARC 1.1 (ISO 28500:2017): a `warcinfo` record with
//! the question, and a `response` record for each answer, its body byte for byte as it came but for
//! keys, which are blanked. Any WARC tool opens it, and so does a pager.
//!
//! ```
//! use cream_models::{Symbol, Vendor};
//! use cream_parser::pull::{Answer, Pull, PullId};
//!
//! let pull = Pull {
//!     vendor: Vendor::Stooq,
//!     symbol: Symbol::parse("AAPL")?,
//!     vendor_symbol: "aapl.us".to_owned(),
//!     from: None, // the whole history
//!     to: "2025-06-16".parse()?,
//!     actions: false,
//!     fetched_at: "2025-06-16T21:30:00Z".parse()?,
//!     answers: vec![Answer {
//!         url: "https://stooq.com/q/d/l/?s=aapl.us&i=d".to_owned(),
//!         at: "2025-06-16T21:30:00Z".parse()?,
//!         status: 200,
//!         headers: vec![("content-type".to_owned(), "text/csv".to_owned())],
//!         body: b"Date,Open,High,Low,Close,Volume\n".to_vec(),
//!     }],
//! };
//! let file = pull.to_bytes(7);
//! assert!(file.starts_with(b"WARC/1.1\r\n"));
//! assert_eq!(Pull::read(&file)?, pull);
//! assert_eq!(PullId::of_file(&file), Some(PullId(7)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt::{self, Write as _};

use cream_models::{Date, Symbol, Timestamp, Vendor};

use crate::error::{ParseError, Result, at, excerpt};

/// What every pull begins with, whatever its version.
pub(crate) const MAGIC: &[u8] = b"WARC/1.";

/// What a pull is known by, from its first request to the database: the identifier of its file's
/// first record. Shown as 32 hexadecimal digits, as it stands in log records.
///
/// ```
/// use cream_parser::pull::PullId;
/// assert_eq!(PullId(255).to_string(), "000000000000000000000000000000ff");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PullId(pub u128);

impl PullId {
    /// The identifier that the file of a pull bears, read from its first lines alone. `None` where
    /// it is no such file, or bears none.
    #[must_use]
    pub fn of_file(file: &[u8]) -> Option<Self> {
        let head = file.starts_with(MAGIC).then(|| file.get(..MAX_LINE).unwrap_or(file))?;
        for line in head.split(|byte| *byte == b'\n').take(MAX_LINES) {
            let line = line.trim_ascii();
            if line.is_empty() {
                break;
            }
            let Some(place) = memchr::memchr(b':', line) else { continue };
            let (name, value) = line.split_at(place);
            if name.eq_ignore_ascii_case(b"WARC-Record-ID") {
                return Self::of_record(value.get(1..)?.trim_ascii());
            }
        }
        None
    }

    /// As a record bears it: `<urn:uuid:00000000-0000-0000-0000-0000000000ff>`.
    fn of_record(text: &[u8]) -> Option<Self> {
        let uuid = text.strip_prefix(b"<urn:uuid:")?.strip_suffix(b">")?;
        let hex: String =
            uuid.iter().filter(|byte| **byte != b'-').map(|b| char::from(*b)).collect();
        let is_whole = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        u128::from_str_radix(&hex, 16).ok().filter(|_| is_whole).map(Self)
    }
}

impl fmt::Display for PullId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What was asked of a vendor, and its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Who was asked.
    pub vendor: Vendor,
    /// The instrument's canonical symbol.
    pub symbol: Symbol,
    /// The symbol as it was asked for, in the vendor's spelling.
    pub vendor_symbol: String,
    /// The first date asked for; `None` for the whole history.
    pub from: Option<Date>,
    /// The last date asked for.
    pub to: Date,
    /// Whether the corporate actions were asked for that the vendor tells.
    pub actions: bool,
    /// When the first request was sent.
    pub fetched_at: Timestamp,
    /// The answers, in the order of the requests.
    pub answers: Vec<Answer>,
}

/// One answer of a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The address asked, without secrets.
    pub url: String,
    /// When it came.
    pub at: Timestamp,
    /// The HTTP status.
    pub status: u16,
    /// The headers that were kept, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// The longest line of a record's head, in bytes.
const MAX_LINE: usize = 16 * 1024;
/// The most lines in a record's head.
const MAX_LINES: usize = 200;
/// The most answers in a pull, which has at least one.
const MAX_ANSWERS: usize = 1000;

impl Pull {
    /// The file. `id`, of its [`PullId`], makes its records' identifiers unique: any number that no
    /// other pull has.
    ///
    /// Line ends within header values become spaces.
    #[must_use]
    pub fn to_bytes(&self, id: u128) -> Vec<u8> {
        let mut info = String::new();
        let from = self.from.map(|date| date.to_string());
        // Tells a file that was cut off between two answers.
        let answers = self.answers.len().to_string();
        for (name, value) in [
            ("software", Some(concat!("cream/", env!("CARGO_PKG_VERSION")))),
            ("format", Some("WARC File Format 1.1")),
            ("vendor", Some(self.vendor.name())),
            ("symbol", Some(self.symbol.as_str())),
            ("vendor-symbol", Some(self.vendor_symbol.as_str())),
            ("asked-from", from.as_deref()),
            ("asked-to", Some(self.to.to_string().as_str())),
            ("asked-actions", Some(if self.actions { "true" } else { "false" })),
            ("answers", Some(answers.as_str())),
        ] {
            if let Some(value) = value {
                field(&mut info, name, value);
            }
        }
        let mut out = Vec::new();
        record(&mut out, id, self.fetched_at, &Kind::Info, info.as_bytes(), b"");
        for (answer, id) in self.answers.iter().zip(id.wrapping_add(1)..) {
            let mut head = format!("HTTP/1.1 {:03}\r\n", answer.status);
            for (name, value) in &answer.headers {
                field(&mut head, name, value);
            }
            head.push_str("\r\n");
            let kind = Kind::Response { url: &answer.url };
            record(&mut out, id, answer.at, &kind, head.as_bytes(), &answer.body);
        }
        out
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Where it is no pull, or is cut off; the error tells the place and what was expected.
    pub fn read(file: &[u8]) -> Result<Self> {
        let opened = Opened::read(file, 0)?;
        let answers = opened.answers.iter().map(|answer| {
            let body = file.get(answer.body..answer.end).unwrap_or_default().to_vec();
            let headers = answer.headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            Answer {
                url: answer.url.to_owned(),
                at: answer.at,
                status: answer.status,
                headers: headers.collect(),
                body,
            }
        });
        Ok(Self { answers: answers.collect(), ..opened.question })
    }
}

enum Kind<'a> {
    Info,
    Response { url: &'a str },
}

fn field(out: &mut String, name: &str, value: &str) {
    let value = value.replace(['\r', '\n'], " ");
    // Writing to a string cannot fail.
    let _ = write!(out, "{name}: {}\r\n", value.trim());
}

fn record(out: &mut Vec<u8>, id: u128, date: Timestamp, kind: &Kind<'_>, head: &[u8], body: &[u8]) {
    let hex = format!("{id:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let uuid = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
    let mut text = "WARC/1.1\r\n".to_owned();
    let (name, content) = match kind {
        Kind::Info => ("warcinfo", "application/warc-fields"),
        Kind::Response { .. } => ("response", "application/http;msgtype=response"),
    };
    field(&mut text, "WARC-Type", name);
    field(&mut text, "WARC-Record-ID", &format!("<urn:uuid:{uuid}>"));
    field(&mut text, "WARC-Date", &date.to_string());
    if let Kind::Response { url } = kind {
        field(&mut text, "WARC-Target-URI", url);
    }
    field(&mut text, "Content-Type", content);
    field(&mut text, "Content-Length", &(head.len() + body.len()).to_string());
    text.push_str("\r\n");
    for part in [text.as_bytes(), head, body, b"\r\n\r\n"] {
        out.extend_from_slice(part);
    }
}

/// A pull within the file that holds it.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    /// The question, without answers.
    pub(crate) question: Pull,
    pub(crate) answers: Vec<OpenedAnswer<'a>>,
}

/// An answer within the file that holds it.
#[derive(Debug)]
pub(crate) struct OpenedAnswer<'a> {
    pub(crate) url: &'a str,
    pub(crate) status: u16,
    at: Timestamp,
    headers: Vec<(&'a str, &'a str)>,
    /// Where its body begins and ends.
    pub(crate) body: usize,
    pub(crate) end: usize,
}

impl<'a> Opened<'a> {
    /// Reads the pull that begins at `start`.
    pub(crate) fn read(file: &'a [u8], start: usize) -> Result<Self> {
        let mut lines = Lines { file, pos: start };
        let info = Record::read(&mut lines)?;
        if info.kind != "warcinfo" {
            return Err(info.unexpected("a record of the type warcinfo"));
        }
        let (question, count) = question(&info, &mut Lines { file: info.file, pos: info.start })?;
        let mut answers = Vec::new();
        while lines.pos < file.len() {
            let record = Record::read(&mut lines)?;
            if record.kind != "response" {
                continue;
            }
            if answers.len() == count {
                return Err(record.unexpected("as many answers as the pull says it has"));
            }
            answers.push(answer(&record)?);
        }
        if answers.len() < count {
            return Err(lines.cut_off("as many answers as the pull says it has"));
        }
        Ok(Self { question, answers })
    }
}

/// Reads the question from the content of the `warcinfo` record, and how many answers there are.
fn question(info: &Record<'_>, lines: &mut Lines<'_>) -> Result<(Pull, usize)> {
    let place = lines.pos;
    let fields = lines.fields(true)?;
    let get = |name: &str| fields.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    let bad = |name: &str, found: Option<&str>| ParseError::Syntax {
        position: at(place),
        expected: format!("a field \"{name}\" of a pull, such as {}", sample(name)),
        found: found.map_or_else(|| "none".to_owned(), |text| excerpt(text.as_bytes())),
    };
    let need = |name: &str| get(name).ok_or_else(|| bad(name, None));
    let date = |name: &str, text: &str| text.parse().map_err(|_| bad(name, Some(text)));
    let (vendor, symbol) = (need("vendor")?, need("symbol")?);
    let actions = need("asked-actions")?;
    let count = need("answers")?;
    let answers = count
        .parse()
        .ok()
        .filter(|count| (1..=MAX_ANSWERS).contains(count))
        .ok_or_else(|| bad("answers", Some(count)))?;
    let question = Pull {
        vendor: vendor.parse().map_err(|_| bad("vendor", Some(vendor)))?,
        symbol: Symbol::parse(symbol).map_err(|_| bad("symbol", Some(symbol)))?,
        vendor_symbol: need("vendor-symbol")?.to_owned(),
        from: get("asked-from").map(|text| date("asked-from", text)).transpose()?,
        to: date("asked-to", need("asked-to")?)?,
        actions: match actions {
            "true" => true,
            "false" => false,
            other => return Err(bad("asked-actions", Some(other))),
        },
        fetched_at: info.date,
        answers: Vec::new(),
    };
    Ok((question, answers))
}

fn sample(name: &str) -> &'static str {
    match name {
        "vendor" => "yahoo-chart",
        "symbol" | "vendor-symbol" => "BRK-B",
        "asked-actions" => "true",
        "answers" => "1",
        _ => "2025-06-16",
    }
}

/// Reads the HTTP head of an answer.
fn answer<'a>(record: &Record<'a>) -> Result<OpenedAnswer<'a>> {
    let mut lines = Lines { file: record.file, pos: record.start };
    let expected = "an HTTP status line such as HTTP/1.1 200";
    let place = lines.pos;
    let status = lines.line(expected)?;
    let status = status
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| unexpected(record.file, place, expected))?;
    let headers = lines.fields(false)?;
    let url =
        record.target.ok_or_else(|| record.unexpected("a response with a WARC-Target-URI"))?;
    let (body, end) = (lines.pos, record.file.len());
    Ok(OpenedAnswer { url, status, at: record.date, headers, body, end })
}

/// A record of a web archive.
struct Record<'a> {
    /// The file up to the end of the record's content.
    file: &'a [u8],
    /// Where the content begins.
    start: usize,
    kind: &'a str,
    date: Timestamp,
    target: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// Reads a record; the lines go on behind it.
    fn read(lines: &mut Lines<'a>) -> Result<Self> {
        let place = lines.pos;
        if !lines.line("a record that begins with WARC/1.1")?.starts_with("WARC/1.") {
            return Err(unexpected(lines.file, place, "a record that begins with WARC/1.1"));
        }
        let fields = lines.fields(false)?;
        let get = |name: &str| {
            fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, v)| *v)
        };
        let bad = |expected| unexpected(lines.file, place, expected);
        let length: usize = get("Content-Length")
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| bad("a record with a Content-Length"))?;
        let date = get("WARC-Date")
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| bad("a record with a WARC-Date in UTC"))?;
        let kind = get("WARC-Type").ok_or_else(|| bad("a record with a WARC-Type"))?;
        let start = lines.pos;
        let end = start.checked_add(length).filter(|end| *end <= lines.file.len());
        let Some(end) = end else {
            lines.pos = lines.file.len();
            return Err(lines.cut_off("the rest of a record, as long as its Content-Length says"));
        };
        let record = Self {
            file: lines.file.get(..end).unwrap_or_default(),
            start,
            kind,
            date,
            target: get("WARC-Target-URI"),
        };
        lines.pos = end;
        if !lines.file.get(end..).unwrap_or_default().starts_with(b"\r\n\r\n") {
            return Err(unexpected(lines.file, end, "two line ends behind a record"));
        }
        lines.pos += 4;
        Ok(record)
    }

    fn unexpected(&self, expected: &str) -> ParseError {
        unexpected(self.file, self.start, expected)
    }
}

fn unexpected(file: &[u8], position: usize, expected: &str) -> ParseError {
    let (position, expected) = (position.min(file.len()), expected.to_owned());
    match file.get(position..) {
        None | Some([]) => ParseError::Truncated { position: at(position), expected },
        Some(rest) => ParseError::Syntax { position: at(position), expected, found: excerpt(rest) },
    }
}

/// The lines of heads, which end in CR LF.
struct Lines<'a> {
    file: &'a [u8],
    pos: usize,
}

impl<'a> Lines<'a> {
    fn cut_off(&self, expected: &str) -> ParseError {
        ParseError::Truncated { position: at(self.file.len()), expected: expected.to_owned() }
    }

    fn line(&mut self, expected: &str) -> Result<&'a str> {
        let rest = self.file.get(self.pos..).unwrap_or_default();
        let window = rest.get(..MAX_LINE).unwrap_or(rest);
        let Some(length) = memchr::memmem::find(window, b"\r\n") else {
            return Err(if window.len() == rest.len() {
                self.cut_off(expected)
            } else {
                unexpected(self.file, self.pos, "a line of at most 16 KiB")
            });
        };
        let line = window.get(..length).unwrap_or_default();
        let line = std::str::from_utf8(line)
            .map_err(|_| ParseError::NotUtf8 { position: at(self.pos) })?;
        self.pos += length + 2;
        Ok(line)
    }

    /// The fields up to an empty line, or up to the end where that is allowed.
    fn fields(&mut self, may_end: bool) -> Result<Vec<(&'a str, &'a str)>> {
        let mut fields = Vec::new();
        loop {
            if may_end && self.pos == self.file.len() {
                return Ok(fields);
            }
            let place = self.pos;
            let line = self.line("an empty line behind the fields")?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line
                .split_once(':')
                .filter(|_| fields.len() < MAX_LINES)
                .ok_or_else(|| unexpected(self.file, place, "a field such as name: value"))?;
            fields.push((name, value.trim()));
        }
    }
}

#[cfg(test)]
#[path = "pull_tests.rs"]
mod tests;
