//! Requests, whose addresses are kept apart from their secrets.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::key::BLANK;

/// Everything but what RFC 3986 leaves unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a part of a path or as a value in a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Where a vendor wants its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    /// In the query, under this name.
    Query(&'static str),
    /// In the header `Authorization`, behind this word.
    Authorization(&'static str),
}

/// A request, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The address from the path on, such as `/api/eod/BRK-B.US?fmt=json`.
    pub(crate) target: String,
    /// Whether the prices are asked for, without which there is nothing, or what goes with them.
    pub(crate) is_essential: bool,
}

impl Request {
    /// A request for prices.
    pub(crate) fn prices(target: String) -> Self {
        Self { target, is_essential: true }
    }

    /// A request for corporate actions.
    pub(crate) fn actions(target: String) -> Self {
        Self { target, is_essential: false }
    }
}

/// A path with a query, put together.
#[derive(Clone, Debug)]
pub(crate) struct Target(String);

impl Target {
    /// A path of parts that may hold anything.
    pub(crate) fn new(parts: &[&str]) -> Self {
        Self(parts.iter().map(|part| format!("/{}", encoded(part))).collect())
    }

    /// The same with a trailing slash.
    pub(crate) fn folder(mut self) -> Self {
        self.0.push('/');
        self
    }

    /// The same with a value in its query.
    pub(crate) fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let before = if self.0.contains('?') { '&' } else { '?' };
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{before}{name}={}", encoded(&value.to_string()));
        self
    }

    /// The same with a value in its query, if there is one.
    pub(crate) fn with_some(self, name: &str, value: Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn build(self) -> String {
        self.0
    }
}

/// An address with a secret value in its query.
pub(crate) fn with_secret(address: &str, name: &str, secret: &str) -> String {
    let before = if address.contains('?') { '&' } else { '?' };
    format!("{address}{before}{name}={secret}")
}

/// An address as it is shown: with `***` where the secret was.
pub(crate) fn shown(address: &str, secrets: &[&str]) -> String {
    secrets.iter().fold(address.to_owned(), |address, name| with_secret(&address, name, BLANK))
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_encoded() {
        let target = Target::new(&["api", "quote", "BRK/B", "historical"])
            .with("assetclass", "stocks")
            .with_some("from", None::<&str>)
            .with("x", "a b&c=d");
        assert_eq!(
            target.build(),
            "/api/quote/BRK%2FB/historical?assetclass=stocks&x=a%20b%26c%3Dd"
        );
        assert_eq!(
            Target::new(&["q", "d", "l"]).folder().with("s", "^spx").build(),
            "/q/d/l/?s=%5Espx"
        );
        assert_eq!(shown("https://h/p?a=1", &["key"]), "https://h/p?a=1&key=***");
        assert_eq!(shown("https://h/p", &["key", "crumb"]), "https://h/p?key=***&crumb=***");
    }

    #[test]
    fn this_machine_is_told_from_others() {
        for (url, expected) in [
            ("http://127.0.0.1:80", true),
            ("http://localhost", true),
            ("http://[::1]:9", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
