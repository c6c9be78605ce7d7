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
        let Some((rest, last)) = stem.rsplit_once('_') else { return Ok(known) };
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(text: &str) -> (Option<String>, Option<String>, Option<Vendor>) {
        let name = FileName::parse(text).unwrap();
        assert_eq!(name.as_str(), text);
        assert_eq!(text.parse::<FileName>().unwrap(), name);
        let fetched = name.fetched().map(|fetched| match fetched {
            Fetched::At(instant) => instant.to_string(),
            Fetched::On(date) => date.to_string(),
        });
        (name.symbol().map(ToString::to_string), fetched, name.vendor())
    }

    #[test]
    fn every_form_is_read() {
        let instant = Some("2025-06-16T21:30:00Z");
        let day = Some("2025-06-16");
        let (chart, page) = (Some(Vendor::YahooChart), Some(Vendor::YahooPage));
        for (text, symbol, fetched, vendor) in [
            ("TSLA_2025-06-16T213000Z_yahoo-chart.json", Some("TSLA"), instant, chart),
            ("%5EGSPC_2025-06-16T213000Z_yahoo-page.html", Some("^GSPC"), instant, page),
            ("A%5FB_2025-06-16T213000Z_yahoo-page.html", Some("A_B"), instant, page),
            ("BRK%2FB_2025-06-16T213000Z_yahoo-page.html", Some("BRK/B"), instant, page),
            // The vendor is missing, or is one that is not known.
            ("TSLA_2025-06-16T213000Z.json", Some("TSLA"), instant, None),
            ("TSLA_2025-06-16T213000Z_someone.json", Some("TSLA"), instant, None),
            ("TSLA_2025-06-16T213000Z_yahoo-chart.json.gz", Some("TSLA"), instant, None),
            // By hand.
            ("TSLA_2025-06-16.html", Some("TSLA"), day, None),
            ("TSLA_2025-06-16", Some("TSLA"), day, None),
            ("tsla_2025-06-16.HTML", Some("TSLA"), day, None),
            ("EURUSD=X_2025-06-16.json", Some("EURUSD=X"), day, None),
            ("^GSPC_2025-06-16.html", Some("^GSPC"), day, None),
            ("BHP.AX_2025-06-16.html", Some("BHP.AX"), day, None),
            ("BRK.B_2025-06-16", Some("BRK.B"), day, None),
            ("A_B_2025-06-16.html", Some("A_B"), day, None),
            ("TSLA_2025-06-16_yahoo-page.html", Some("TSLA"), day, page),
            ("yahoo-page_TSLA_2025-06-16.html", Some("TSLA"), day, page),
            ("yahoo-chart_GS2C.DE.json", Some("GS2C.DE"), None, chart),
            ("yahoo-chart_EURUSD=X.json", Some("EURUSD=X"), None, chart),
            ("yahoo-chart_A%5fB.json", Some("A_B"), None, chart),
            // Nothing is known.
            ("TSLA_2025-06-16~0123456789ab.html", None, None, None),
            ("TSLA_2025-06-16T213000Z_yahoo-chart~0123456789ab.json", None, None, None),
            ("no symbol_2025-06-16~0123456789ab.html", None, None, None),
            ("yahoo-chart_A_B.json", None, None, None),
            ("yahoo-chart_not a symbol.json", None, None, None),
            ("someone_AAPL.json", None, None, None),
            ("Tesla, Inc. (TSLA) history.html", None, None, None),
            ("2025-06-16.html", None, None, None),
            ("page", None, None, None),
            ("données.html", None, None, None),
            ("_", None, None, None),
        ] {
            let expected = (symbol.map(str::to_owned), fetched.map(str::to_owned), vendor);
            assert_eq!(known(text), expected, "{text}");
        }
    }

    #[test]
    fn what_names_no_response_is_refused_with_its_reason() {
        let long = "a".repeat(201);
        for (text, reason) in [
            ("", "it is empty"),
            (".", "begins with a dot"),
            ("..", "begins with a dot"),
            (".gitkeep", "begins with a dot"),
            ("a/b", "path separator"),
            ("/etc/passwd", "path separator"),
            ("..\\b", "begins with a dot"),
            ("a\\b", "path separator"),
            ("a\0b", "control character"),
            ("a\nb", "control character"),
            ("a\u{9b}b", "control character"),
            (long.as_str(), "longer than 200 bytes"),
            ("TSLA_2025-06-16.html.7-0.partial", "unfinished write"),
            ("x.PARTIAL", "unfinished write"),
            ("_2025-06-16.html", "\"\" before the date is not a symbol"),
            ("two words_2025-06-16.html", "\"two words\" before the date is not a symbol"),
            ("%2E%2E%2Fx_2025-06-16.html", "before the date is not a symbol"),
            ("A%ff_2025-06-16.html", "before the date is not a symbol"),
            ("A%2_2025-06-16.html", "before the date is not a symbol"),
            ("%2541_2025-06-16.html", "before the date is not a symbol"),
            ("-A_2025-06-16T213000Z_yahoo-chart.json", "before the date is not a symbol"),
            ("A_2025-02-30.html", "\"2025-02-30\" is not a day"),
            ("A_2025-06-16T250000Z_yahoo-chart.json", "\"2025-06-16T250000Z\" is not a day"),
        ] {
            let error = FileName::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
            assert!(!error.contains(char::is_control), "{error:?}");
            assert!(error.len() < 400, "{error}");
        }
        assert!(FileName::parse(&"a".repeat(200)).is_ok());
    }

    #[test]
    fn the_cause_of_a_bad_symbol_is_kept() {
        use std::error::Error as _;
        let error = FileName::parse("A..B_2025-06-16.html").unwrap_err();
        assert!(error.source().unwrap().to_string().contains("must not contain .."));
    }

    #[test]
    fn a_canonical_name_takes_any_extension_and_instant() {
        let symbol = Symbol::parse("I:SPX").unwrap();
        let instant = "2025-06-16T21:30:59.999999Z".parse().unwrap();
        for (ext, expected) in [
            ("JSON", "I%3ASPX_2025-06-16T213059Z_yahoo-chart.json"),
            ("../x", "I%3ASPX_2025-06-16T213059Z_yahoo-chart.x"),
            ("é", "I%3ASPX_2025-06-16T213059Z_yahoo-chart.bin"),
            ("partialpartial", "I%3ASPX_2025-06-16T213059Z_yahoo-chart.partialpar"),
        ] {
            let name = FileName::canonical(&symbol, instant, Vendor::YahooChart, ext);
            assert_eq!(name.as_str(), expected);
            assert_eq!(FileName::parse(expected).unwrap(), name);
        }
        for micros in [i64::MIN, i64::MAX] {
            let instant = Timestamp::from_micros(micros);
            let name = FileName::canonical(&symbol, instant, Vendor::YahooChart, "json");
            assert_eq!(FileName::parse(name.as_str()).unwrap(), name);
        }
    }

    #[test]
    fn the_longest_symbol_fits_beside_the_suffix_of_a_partial() {
        let symbol = Symbol::parse(&format!("^{}A", "=".repeat(30))).unwrap();
        let now = "2025-06-16T21:30:00Z".parse().unwrap();
        let name = FileName::canonical(&symbol, now, Vendor::YahooChart, "json");
        assert!(name.as_str().len() <= MAX_LEN, "{name}");
        assert!(MAX_LEN + ".4294967295-999".len() + PARTIAL.len() <= 255);
    }

    #[test]
    fn a_partial_extension_is_never_canonical() {
        let symbol = Symbol::parse("A").unwrap();
        let now = "2025-06-16T21:30:00Z".parse().unwrap();
        let name = FileName::canonical(&symbol, now, Vendor::YahooChart, "partial");
        assert_eq!(name.extension(), Some("bin"));
    }

    proptest! {
        #[test]
        fn a_name_with_a_fingerprint_reads_back(
            text in prop_oneof![
                "[A-Z]{1,4}_2025-06-16(T213000Z(_yahoo-chart)?)?[.]?[a-z]{0,5}",
                "yahoo-page_[A-Z]{1,3}[.][a-z]{1,4}",
                "[a-zé~_.0-9]{1,80}[.]?[a-z]{0,9}",
                "[A-Z]_2025-06-16_[a-zé]{150,190}[.]html",
            ],
            sha256: [u8; 32],
        ) {
            if let Ok(name) = FileName::parse(&text) {
                let own = name.with_fingerprint(&sha256);
                prop_assert_eq!(FileName::parse(own.as_str()), Ok(own));
            }
        }

        #[test]
        fn a_canonical_name_reads_back(
            symbol in "[A-Za-z0-9^][A-Za-z0-9.^=&:_/-]{0,30}[A-Za-z0-9]",
            micros in -62_135_596_800_000_000i64..=253_402_300_799_999_999,
            vendor in prop::sample::select(Vendor::ALL.to_vec()),
            ext in "\\PC{0,12}",
        ) {
            let Ok(symbol) = Symbol::parse(&symbol) else { return Ok(()) };
            let instant = Timestamp::from_micros(micros);
            let name = FileName::canonical(&symbol, instant, vendor, &ext);
            let read = FileName::parse(name.as_str()).unwrap();
            prop_assert_eq!(&read, &name);
            prop_assert_eq!(read.symbol(), Some(&symbol));
            let second = Timestamp::from_seconds(instant.seconds());
            prop_assert_eq!(read.fetched(), Some(Fetched::At(second)));
            prop_assert_eq!(read.vendor(), Some(vendor));
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_%".contains(&byte);
            prop_assert!(name.as_str().bytes().all(plain));
        }

        #[test]
        fn a_raw_symbol_is_read_as_it_is(
            symbol in "[A-Za-z0-9^][A-Za-z0-9.^=&:_-]{0,30}[A-Za-z0-9]",
            days in -719_162i32..=2_932_896,
        ) {
            let Ok(symbol) = Symbol::parse(&symbol) else { return Ok(()) };
            let date = Date::from_days(days).unwrap();
            let name = FileName::parse(&format!("{symbol}_{date}.html")).unwrap();
            prop_assert_eq!(name.symbol(), Some(&symbol));
            prop_assert_eq!(name.fetched(), Some(Fetched::On(date)));
        }

        #[test]
        fn no_text_panics_and_no_name_is_more_than_one_component(
            text in prop_oneof![
                "\\PC{0,60}",
                "[./\\\\%_0-9A-Za-z\\x00-\\x1f-]{0,60}",
                "[A-Z%./\\\\_]{0,9}_2025-0[0-9]-[0-3][0-9](T[0-9]{6}Z)?(_[a-z-]{0,12})?[.]?[a-z./]{0,6}",
            ],
        ) {
            if let Ok(name) = FileName::parse(&text) {
                let path = std::path::Path::new(name.as_str());
                let parts: Vec<_> = path.components().collect();
                prop_assert_eq!(parts, [std::path::Component::Normal(text.as_ref())]);
                prop_assert!(!text.contains(['/', '\\', '\0']));
                prop_assert!(text != "." && text != "..");
                let whole = match name.extension() {
                    Some(ext) => format!("{}.{ext}", name.stem()),
                    None => name.stem().to_owned(),
                };
                prop_assert_eq!(whole, text);
            }
        }
    }
}
