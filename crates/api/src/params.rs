//! What a request says, read strictly: the symbol in its path and the parameters of its query.
//!
//! Nothing is ignored. An unknown parameter, a repeated one or one that cannot be read is an
//! error, and all errors of a query are told at once.

use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use cream_models::{Date, DateRange, Symbol, Vendor};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::cursor::CursorError;
use crate::problem::{ApiError, ErrorCode, FieldError};

/// What stays as it is in a path segment or a query value.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes text for a path segment or a query value.
pub(crate) fn encode(text: &str) -> impl Display {
    utf8_percent_encode(text, UNRESERVED)
}

/// The URL of the next page: the same query with another cursor.
pub(crate) fn link(path: &str, pairs: &[(String, String)], cursor: &str) -> String {
    let mut link = format!("{path}?");
    for (name, value) in pairs.iter().filter(|(name, _)| name != "cursor") {
        link.push_str(&format!("{}={}&", encode(name), encode(value)));
    }
    link.push_str(&format!("cursor={cursor}"));
    link
}

/// The symbol of `/stock-data/{symbol}…`.
///
/// Read from the raw path and not from the router's match: the router decodes, and a symbol may
/// hold a slash (`BRK%2FB`).
pub(crate) struct SymbolInPath(pub(crate) Symbol);

impl SymbolInPath {
    fn read(raw_path: &str) -> Result<Symbol, ApiError> {
        Self::segment(raw_path, 2)
    }

    /// Reads the symbol from a segment of the raw path, counted from the empty one before the
    /// first slash.
    ///
    /// # Errors
    ///
    /// `invalid_symbol`.
    pub(crate) fn segment(raw_path: &str, index: usize) -> Result<Symbol, ApiError> {
        let segment = raw_path.split('/').nth(index).unwrap_or_default();
        let refuse = |why: String| ApiError::new(ErrorCode::InvalidSymbol, why);
        let text = percent_decode_str(segment)
            .decode_utf8()
            .map_err(|_| refuse("the symbol in the path is not UTF-8 text".to_owned()))?;
        Symbol::parse(&text).map_err(|error| refuse(error.to_string()))
    }
}

impl FromRequest for SymbolInPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.uri().path()).map(Self))
    }
}

/// The number of `/admin/users/{id}` and the like, `None` where it is
/// none, so that nothing has it.
pub(crate) struct NumberInPath(pub(crate) Option<i64>);

impl FromRequest for NumberInPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("id").unwrap_or_default();
        // `parse` would take a sign.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        ready(Ok(Self(text.parse().ok().filter(|_| is_number))))
    }
}

/// The parameters of a query, taken out one by one; [`Params::finish`] tells what was wrong.
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
    /// What the route takes.
    taken: Vec<&'static str>,
    errors: Vec<FieldError>,
    /// Whether there were more errors than are kept.
    has_more_errors: bool,
}

/// Errors that an answer tells at most, so that a long query of nonsense is answered in short.
const MAX_ERRORS: usize = 16;

impl FromRequest for Params {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::read(request.query_string())))
    }
}

impl Params {
    /// Splits `a=1&b=2`, percent-decoded, `+` being a space.
    pub(crate) fn read(query: &str) -> Self {
        let mut params = Self {
            pairs: Vec::new(),
            taken: Vec::new(),
            errors: Vec::new(),
            has_more_errors: false,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = |raw: &str| {
                let spaced = raw.replace('+', " ");
                percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).ok()
            };
            match (text(name), text(value)) {
                (Some(name), Some(value)) => params.pairs.push((name, value)),
                _ => params.refuse(name, Some(value), "it is not UTF-8 text once percent-decoded"),
            }
        }
        params
    }

    /// The pairs as given, for the link to the next page.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    fn refuse(&mut self, field: &str, value: Option<&str>, message: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            // The name is as hostile as the value.
            let field: String = field.chars().take(64).collect();
            self.errors.push(FieldError::new(field, value, message));
        } else {
            self.has_more_errors = true;
        }
    }

    /// The parameter's text, where it is given once.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.taken.push(name);
        let mut found = self.pairs.iter().filter(|(given, _)| given == name);
        let first = found.next().map(|(_, value)| value.clone());
        if let Some((_, second)) = found.next() {
            let second = second.clone();
            self.refuse(name, Some(&second), "it is given more than once");
            return None;
        }
        first
    }

    fn parsed<T>(&mut self, name: &'static str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.text(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, Some(&text), error.to_string());
                None
            }
        }
    }

    pub(crate) fn vendor(&mut self) -> Option<Vendor> {
        self.parsed("vendor")
    }

    /// `start` and `end`, inclusive.
    pub(crate) fn range(&mut self) -> Span {
        let start: Option<Date> = self.parsed("start");
        let end: Option<Date> = self.parsed("end");
        let span = Span { start, end };
        if let Err(error) = DateRange::new(span.first(), span.last()) {
            let text = start.map(|date| date.to_string());
            self.refuse("start", text.as_deref(), error.to_string());
        }
        span
    }

    /// A whole number from 1 to `max`; `default` where it is absent.
    pub(crate) fn limit(&mut self, default: u32, max: u32) -> u32 {
        let Some(text) = self.text("limit") else { return default };
        // No sign: `u32::from_str` would take a `+`.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(limit) if digits && (1..=max).contains(&limit) => limit,
            _ => {
                self.refuse(
                    "limit",
                    Some(&text),
                    format!("expected a whole number from 1 to {max}"),
                );
                default
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(name)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.refuse(name, Some(&text), format!("expected {}", allowed.join(" or ")));
        }
        found
    }

    /// Text of up to so many characters, none of them a control character.
    pub(crate) fn short_text(&mut self, name: &'static str, max: usize) -> Option<String> {
        let text = self.text(name)?;
        let is_sound = text.chars().count() <= max && !text.contains(char::is_control);
        if !is_sound {
            let message = format!("expected at most {max} characters, none a control character");
            self.refuse(name, Some(&text), message);
        }
        Some(text).filter(|_| is_sound)
    }

    /// A cursor, read by `read`.
    pub(crate) fn position<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, CursorError>,
    ) -> Option<T> {
        let given = self.text(name)?;
        match read(&given) {
            Ok(position) => Some(position),
            Err(error) => {
                self.refuse(name, Some(&given), error.to_string());
                None
            }
        }
    }

    /// Takes note of an error that a caller found in a parameter.
    pub(crate) fn wrong(&mut self, name: &'static str, value: &str, message: impl Display) {
        self.refuse(name, Some(value), message.to_string());
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// Where any parameter was wrong, or is none of those that were asked for.
    pub(crate) fn finish(mut self) -> Result<(), ApiError> {
        let pairs = std::mem::take(&mut self.pairs);
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &pairs {
            let is_known =
                [&self.taken, &seen].into_iter().any(|names| names.contains(&name.as_str()));
            if is_known {
                continue;
            }
            seen.push(name);
            let message = match self.taken.as_slice() {
                [] => "this route takes no parameters".to_owned(),
                known => {
                    format!("this route takes no such parameter; it takes {}", known.join(", "))
                }
            };
            self.refuse(name, Some(value), message);
            if self.has_more_errors {
                break;
            }
        }
        self.finish_leniently()
    }

    /// Ends the reading where what was not asked for is ignored.
    ///
    /// # Errors
    ///
    /// Where any parameter was wrong.
    pub(crate) fn finish_leniently(self) -> Result<(), ApiError> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(ApiError::parameters(self.errors, self.has_more_errors))
        }
    }
}

/// A range of dates of which an end may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Option<Date>,
    pub(crate) end: Option<Date>,
}

impl Span {
    fn first(self) -> Date {
        self.start.unwrap_or(Date::MIN)
    }

    fn last(self) -> Date {
        self.end.unwrap_or(Date::MAX)
    }

    /// The dates in it.
    pub(crate) fn range(self) -> DateRange {
        // Reversed spans were refused where they were read.
        DateRange::new(self.first(), self.last()).unwrap_or(DateRange::ALL)
    }

    pub(crate) fn is_open(self) -> bool {
        self.start.is_none() && self.end.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn errors(params: Params) -> String {
        format!("{:?}", params.finish().unwrap_err())
    }

    #[test]
    fn the_symbol_is_read_from_the_raw_path() {
        for (path, symbol) in [
            ("/stock-data/BRK%2FB", "BRK/B"),
            ("/stock-data/brk%2fb/history", "BRK/B"),
            ("/stock-data/%5EGSPC", "^GSPC"),
            ("/stock-data/EURUSD%3DX/actions", "EURUSD=X"),
            ("/stock-data/EURUSD=X", "EURUSD=X"),
        ] {
            assert_eq!(SymbolInPath::read(path).unwrap().as_str(), symbol, "{path}");
        }
        for path in [
            "/stock-data/%FF",
            "/stock-data/%2E%2E",
            "/stock-data/A%00",
            "/stock-data/%252F",
            "/stock-data/A%ZZ",
            "/x",
            "*",
        ] {
            assert!(SymbolInPath::read(path).is_err(), "{path}");
        }
    }

    #[test]
    fn every_error_is_told_at_once() {
        let mut params = Params::read("start=2025-13-01&limit=0&limit2=1&vendor=x&order=up&%FF=1");
        params.range();
        params.limit(10, 20);
        params.vendor();
        params.word("order", &[("asc", 1), ("desc", 2)]);
        let text = errors(params);
        for part in ["\"start\"", "\"limit\"", "\"limit2\"", "\"vendor\"", "asc or desc", "%FF"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn repeated_and_reversed_are_refused() {
        let mut params = Params::read("start=2025-01-02&end=2025-01-01&q=a&q=b");
        params.range();
        assert_eq!(params.text("q"), None);
        let text = errors(params);
        assert!(text.contains("after its end 2025-01-01") && text.contains("more than once"));
    }

    #[test]
    fn plain_queries_pass() {
        let mut params = Params::read("q=a%20b+c&limit=20&start=2025-01-01&end=2025-01-01");
        assert_eq!(params.text("q").as_deref(), Some("a b c"));
        assert_eq!(params.limit(10, 20), 20);
        assert_eq!(params.range().range().to_string(), "2025-01-01");
        assert!(params.finish().is_ok());
        for bad in ["limit=+5", "limit=21", "limit=", "limit=5.0", "limit=99999999999"] {
            let mut params = Params::read(bad);
            params.limit(10, 20);
            assert!(params.finish().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*", path in "\\PC*") {
            let mut params = Params::read(&text);
            params.range();
            params.limit(10, 20);
            let _ = params.finish();
            let _ = SymbolInPath::read(&path);
        }
    }
}
