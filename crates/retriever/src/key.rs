//! API keys, which nothing prints, and the blanking of them in what vendors send back.

use std::fmt;

/// A vendor's API key. Neither `Debug` nor an error shows it, and it has no `Display`.
///
/// ```
/// use cream_retriever::ApiKey;
/// let key = ApiKey::new("own-key-5512")?;
/// assert_eq!(format!("{key:?}"), "ApiKey(***)");
/// # Ok::<(), cream_retriever::ApiKeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Box<str>);

/// Why a text is not an [`ApiKey`]. The text is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an API key: {0}")]
pub struct ApiKeyError(&'static str);

impl ApiKey {
    /// Wraps a key: 4 to 256 printable ASCII characters without spaces, not digits alone unless
    /// there are at least 16 of them.
    ///
    /// Keys are blanked in the answers that are archived. What could be a price is therefore none.
    ///
    /// # Errors
    ///
    /// Where the text is something else.
    pub fn new(key: &str) -> Result<Self, ApiKeyError> {
        if !(4..=256).contains(&key.len()) {
            return Err(ApiKeyError("expected 4 to 256 characters"));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiKeyError("expected printable ASCII characters without spaces"));
        }
        let is_number = key.bytes().all(|byte| !byte.is_ascii_alphabetic());
        if is_number && key.len() < 16 {
            return Err(ApiKeyError("expected a letter in a key of fewer than 16 characters"));
        }
        Ok(Self(key.into()))
    }

    /// The key itself: for the request alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(***)")
    }
}

/// What stands in place of a secret.
pub(crate) const BLANK: &str = "***";

/// Secrets shorter than this are blanked only where they are a word of their own: a key such as
/// `demo` is part of other words.
const SHORT: usize = 8;

/// Blanks secrets, in whatever spelling a vendor might send them back.
#[derive(Clone, Default)]
pub(crate) struct Scrubber(Vec<Box<[u8]>>);

impl Scrubber {
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        let upper = crate::address::encoded(secret);
        // A query that was encoded twice, or by a form.
        let twice = crate::address::encoded(&upper);
        let json = secret.replace('\\', "\\\\").replace('"', "\\\"");
        let slashed = json.replace('/', "\\/");
        let html = secret.replace('&', "&amp;");
        let ampersand = secret.replace('&', "\\u0026");
        let lower = lower_escapes(&upper);
        for text in [secret, &upper, &lower, &twice, &json, &slashed, &html, &ampersand] {
            if !self.0.iter().any(|known| **known == *text.as_bytes()) {
                self.0.push(text.as_bytes().into());
            }
        }
        // The longest first, so that none leaves a rest of another.
        self.0.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    }

    /// Blanks the secrets of another one too.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
        self.0.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    }

    /// The bytes without the secrets.
    pub(crate) fn bytes(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for needle in &self.0 {
            if found(&bytes, needle, 0).is_none() {
                continue;
            }
            let mut out = Vec::with_capacity(bytes.len());
            let mut from = 0;
            while let Some(at) = found(&bytes, needle, from) {
                out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
                out.extend_from_slice(BLANK.as_bytes());
                from = at + needle.len();
            }
            out.extend_from_slice(bytes.get(from..).unwrap_or_default());
            bytes = out;
        }
        bytes
    }

    /// The text without the secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes().to_vec())).into_owned()
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubber({} spellings)", self.0.len())
    }
}

fn found(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let mut start = from;
    loop {
        let rest = bytes.get(start..)?;
        let at = start + memchr::memmem::find(rest, needle)?;
        let (before, after) = (at.checked_sub(1), at + needle.len());
        let inside = is_part(before.and_then(|at| bytes.get(at))) || is_part(bytes.get(after));
        if needle.len() >= SHORT || !inside {
            return Some(at);
        }
        start = at + 1;
    }
}

/// Percent escapes with lower-case digits.
fn lower_escapes(text: &str) -> String {
    let mut left = 0_u8;
    let lower = |byte: u8| {
        if byte == b'%' {
            left = 2;
        } else if left > 0 {
            left -= 1;
            return byte.to_ascii_lowercase();
        }
        byte
    };
    String::from_utf8_lossy(&text.bytes().map(lower).collect::<Vec<_>>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_that_could_be_prices_are_none() {
        for bad in ["", "abc", "12345678", "12.5", "a key", "ключи", "1\n2345678901234567"] {
            assert!(ApiKey::new(bad).is_err(), "{bad:?}");
        }
        assert!(ApiKey::new(&"x".repeat(257)).is_err());
        for good in ["demo", "0123456789012345", "5f4c8a2b1d3e47.12345678"] {
            assert!(ApiKey::new(good).is_ok(), "{good:?}");
        }
        let error = ApiKey::new("hunter 2").unwrap_err();
        assert!(!error.to_string().contains("hunter"), "{error}");
    }

    #[test]
    fn every_spelling_is_blanked() {
        let mut scrubber = Scrubber::default();
        scrubber.add("Own/1.x&y\"z");
        for text in [
            "a Own/1.x&y\"z b",
            "?crumb=Own%2F1.x%26y%22z&b",
            "?crumb=Own%2f1.x%26y%22z&b",
            "{\"k\":\"Own\\/1.x&y\\\"z\"}",
            "{\"k\":\"Own/1.x&y\\\"z\"}",
            "<a href='Own/1.x&amp;y\"z'>",
        ] {
            let blank = scrubber.text(text);
            assert!(blank.contains("***") && !blank.contains("Own"), "{text}: {blank}");
        }
    }

    #[test]
    fn a_short_key_is_blanked_as_a_word() {
        let mut scrubber = Scrubber::default();
        scrubber.add("demo");
        assert_eq!(scrubber.text("apikey=demo&democracy, demo"), "apikey=***&democracy, ***");
    }

    proptest! {
        #[test]
        fn no_key_is_left(key in "[!-~]{8,40}", before in ".{0,20}", after in ".{0,20}") {
            prop_assume!(!BLANK.contains(&key) && !key.contains('*'));
            let mut scrubber = Scrubber::default();
            scrubber.add(&key);
            let text = scrubber.text(&format!("{before}{key}{after}"));
            prop_assert!(!text.contains(&key), "{text}");
        }
    }
}
