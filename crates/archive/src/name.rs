//! The names of archived responses.

use std::fmt;
use std::str::FromStr;

use cream_models::{Date, Symbol, SymbolError, Timestamp, Vendor};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest name, in bytes: leaves room for the suffix of an unfinished write within the 255
/// bytes that file systems allow.
pub(crate) const MAX_LEN: usize = 200;

/// What parts the fingerprint from the rest of a stem.
pub(crate) const FINGERPRINT_MARK: char = '~';

/// How many bytes of the SHA-256 a fingerprint has.
pub(crate) const FINGERPRINT_BYTES: usize = 6;

/// The longest extension, in characters.
const MAX_EXTENSION: usize = 10;

/// What an unfinished write ends in.
pub(crate) const PARTIAL: &str = ".partial";

/// What a canonical name encodes: `_` too, since it parts the name.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-');

/// The checked name of a response in the archive: one path component, which no text can lead out
/// of its folder, and what it says about the response.
///
/// | form | known |
/// |---|---|
/// | `SYMBOL_2025-06-16T213000Z_yahoo-chart.json` | symbol, instant, vendor |
/// | `SYMBOL_2025-06-16.html` | symbol, date |
/// | `yahoo-chart_SYMBOL.json` | symbol, vendor |
/// | `SYMBOL.csv` | symbol |
/// | anything else | nothing |
///
/// The vendor may be missing from the first form, added to the second, and unknown in both: then
/// the content tells. The symbol is percent-encoded, or as it is where the file system takes it;
/// lower case is folded. In the third form a symbol's own `_` is written `%5F`. A name
/// with a fingerprint ([`FileName::with_fingerprint`]) tells nothing.
///
/// ```
/// use cream_archive::{Fetched, FileName};
///
/// let name = FileName::parse("^gspc_2025-06-16.html")?;
/// assert_eq!(name.symbol().map(|symbol| symbol.as_str()), Some("^GSPC"));
/// assert_eq!(name.fetched(), Some(Fetched::On("2025-06-16".parse().unwrap())));
/// assert_eq!((name.stem(), name.extension()), ("^gspc_2025-06-16", Some("html")));
/// assert!(FileName::parse("../../etc/passwd").is_err());
/// # Ok::<(), cream_archive::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    // First, so that names order as their texts; the rest follows from it.
    name: Box<str>,
    symbol: Option<Symbol>,
    fetched: Option<Fetched>,
    vendor: Option<Vendor>,
}

/// When a response was fetched, as exactly as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fetched {
    /// At this second.
    At(Timestamp),
    /// At some time of this day.
    On(Date),
}

/// Why a text is not a [`FileName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text breaks a rule that every name keeps.
    #[error("{name:?} cannot name a response: {rule}")]
    Form {
        /// The text, shortened.
        name: String,
        /// The rule.
        rule: &'static str,
    },
    /// What stands before the date is not a symbol.
    #[error("{name:?} cannot name a response: {part:?} before the date is not a symbol")]
    NotASymbol {
        /// The text, shortened.
        name: String,
        /// The part that should be a symbol, shortened.
        part: String,
        /// What is wrong with it; none where its percent-encoding is broken.
        #[source]
        source: Option<SymbolError>,
    },
    /// What looks like a date or an instant is none.
    #[error(
        "{name:?} cannot name a response: {part:?} is not a day or second that exists \
         (expected YYYY-MM-DD or YYYY-MM-DDTHHMMSSZ)"
    )]
    NotADate {
        /// The text, shortened.
        name: String,
        /// The part.
        part: String,
    },
}

impl FileName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// Where the text is empty, longer than 200 bytes, hidden (begins with a dot, which includes
    /// `.` and `..`), an unfinished write (`.partial`), holds a path separator of any system or a
    /// control character; and where it holds a date but before it no symbol, or a date that does
    /// not exist.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        if let Some(rule) = broken_rule(name) {
            return Err(NameError::Form { name: excerpt(name), rule });
        }
        let mut known = Self { name: name.into(), symbol: None, fetched: None, vendor: None };
        let stem = known.stem();
        if is_fingerprinted(stem) {
            return Ok(known);
        }
        let Some((rest, last)) = stem.rsplit_once('_') else {
            // What programs call a file of prices; a page or an answer may be called anything.
            if known.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("csv")) {
                known.symbol = read_symbol(name, stem).ok();
            }
            return Ok(known);
        };
        let (dated, fetched, vendor) = if let Some(fetched) = read_fetched(name, last)? {
            (rest, fetched, None)
        } else if let Some((dated, middle)) = rest.rsplit_once('_')
            && let Some(fetched) = read_fetched(name, middle)?
        {
            (dated, fetched, last.parse().ok())
        } else {
            if let Some((vendor, part)) = vendor_prefix(stem)
                && !part.contains('_')
                && let Ok(symbol) = read_symbol(name, part)
            {
                known.symbol = Some(symbol);
                known.vendor = Some(vendor);
            }
            return Ok(known);
        };
        // No symbol begins like this: where one has a `_`, a canonical name encodes it.
        let (vendor, part) = match vendor_prefix(dated) {
            Some((prefix, part)) => (vendor.or(Some(prefix)), part),
            None => (vendor, dated),
        };
        known.symbol = Some(read_symbol(name, part)?);
        known.fetched = Some(fetched);
        known.vendor = vendor;
        Ok(known)
    }

    /// The name of a response that was fetched at an instant.
    ///
    /// A fraction of a second is cut off. Of the extension, ASCII letters and digits are kept, in
    /// lower case, 10 at most; where none are left, or `partial`, it is `bin`. An instant before year 1 or after
    /// 9999 is held at that end.
    #[must_use]
    pub fn canonical(symbol: &Symbol, fetched: Timestamp, vendor: Vendor, ext: &str) -> Self {
        let earliest = Timestamp::start_of(Date::MIN).seconds();
        let latest = Timestamp::start_of(Date::MAX).seconds() + 86_399;
        let fetched = Timestamp::from_seconds(fetched.seconds().clamp(earliest, latest));
        let instant = fetched.to_string().replace(':', "");
        let mut ext: String =
            ext.chars().filter(char::is_ascii_alphanumeric).take(MAX_EXTENSION).collect();
        ext.make_ascii_lowercase();
        if ext.is_empty() || ext == "partial" {
            ext = "bin".to_owned();
        }
        let encoded = utf8_percent_encode(symbol.as_str(), ENCODED);
        Self {
            name: format!("{encoded}_{instant}_{vendor}.{ext}").into_boxed_str(),
            symbol: Some(symbol.clone()),
            fetched: Some(Fetched::At(fetched)),
            vendor: Some(vendor),
        }
    }

    /// A name that is known to keep the rules and tells nothing.
    pub(crate) fn unknown(name: String) -> Self {
        Self { name: name.into_boxed_str(), symbol: None, fetched: None, vendor: None }
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The symbol, where the name tells it.
    #[must_use]
    pub const fn symbol(&self) -> Option<&Symbol> {
        self.symbol.as_ref()
    }

    /// When the response was fetched, where the name tells it.
    #[must_use]
    pub const fn fetched(&self) -> Option<Fetched> {
        self.fetched
    }

    /// The vendor, where the name tells it.
    #[must_use]
    pub const fn vendor(&self) -> Option<Vendor> {
        self.vendor
    }

    /// The name without its extension.
    #[must_use]
    pub fn stem(&self) -> &str {
        split_extension(&self.name).0
    }

    /// The extension: up to 10 ASCII letters and digits after the last dot.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        split_extension(&self.name).1
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

impl AsRef<str> for FileName {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

impl FromStr for FileName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl Fetched {
    /// The day, in UTC.
    #[must_use]
    pub fn date(self) -> Date {
        match self {
            Self::At(instant) => instant.date(),
            Self::On(date) => date,
        }
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > MAX_LEN {
        Some("it is longer than 200 bytes")
    } else if name.starts_with('.') {
        Some("it begins with a dot")
    } else if name.contains(['/', '\\']) {
        Some("it contains a path separator")
    } else if name.contains(char::is_control) {
        Some("it contains a control character")
    } else if is_partial(name) {
        Some("it is an unfinished write (.partial)")
    } else {
        None
    }
}

pub(crate) fn is_partial(name: &str) -> bool {
    // Folded, since a file system may fold case.
    name.to_ascii_lowercase().ends_with(PARTIAL)
}

fn split_extension(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((stem, ext))
            if (1..=MAX_EXTENSION).contains(&ext.len())
                && ext.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            (stem, Some(ext))
        }
        _ => (name, None),
    }
}

/// Whether a stem ends in what [`FileName::with_fingerprint`] adds.
fn is_fingerprinted(stem: &str) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    stem.rsplit_once(FINGERPRINT_MARK)
        .is_some_and(|(_, hex)| hex.len() == 2 * FINGERPRINT_BYTES && hex.bytes().all(digit))
}

fn vendor_prefix(text: &str) -> Option<(Vendor, &str)> {
    let (vendor, rest) = text.split_once('_')?;
    Some((vendor.parse().ok()?, rest))
}

/// A part of the shape of a date or an instant; `None` where it has neither.
fn read_fetched(name: &str, part: &str) -> Result<Option<Fetched>, NameError> {
    let shaped = |shape: &str| {
        part.len() == shape.len()
            && part.bytes().zip(shape.bytes()).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                form => byte == form,
            })
    };
    let fetched = if shaped("0000-00-00") {
        part.parse().ok().map(Fetched::On)
    } else if shaped("0000-00-00T000000Z") {
        let mut text = part.to_owned();
        text.insert(15, ':');
        text.insert(13, ':');
        text.parse().ok().map(Fetched::At)
    } else {
        return Ok(None);
    };
    match fetched {
        Some(fetched) => Ok(Some(fetched)),
        None => Err(NameError::NotADate { name: excerpt(name), part: part.to_owned() }),
    }
}

fn read_symbol(name: &str, part: &str) -> Result<Symbol, NameError> {
    let not_a_symbol =
        |source| NameError::NotASymbol { name: excerpt(name), part: excerpt(part), source };
    let decoded = percent_decode_str(part).decode_utf8().map_err(|_| not_a_symbol(None))?;
    Symbol::parse(&decoded).map_err(|error| not_a_symbol(Some(error)))
}

/// A text short enough for a message.
fn excerpt(text: &str) -> String {
    const LIMIT: usize = 80;
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    text.chars().take(LIMIT).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
