//! Reads market-data vendors' responses into exact, typed price histories.
//!
//! Bytes go in, a [`PriceHistory`] comes out: daily bars and corporate actions with exact decimal
//! prices, the dates for which the response decides, and a warning for whatever was odd. The
//! format is found by content, never by a name.
//!
//! ```
//! let chart = br#"{"chart":{"result":[{
//!     "meta":{"currency":"USD","symbol":"TSLA","exchangeTimezoneName":"America/New_York"},
//!     "timestamp":[1277818200],
//!     "events":{},
//!     "indicators":{"quote":[{"open":[1.2666670083999634],"close":[1.5926669836044312],
//!                             "high":[1.6666669845581055],"low":[1.1693329811096191],
//!                             "volume":[281494500]}]}}],"error":null}}"#;
//! let history = cream_parser::parse(chart)?;
//! let bar = &history.bars[0];
//! assert_eq!(bar.date().to_string(), "2010-06-29"); // at the exchange
//! assert_eq!(bar.close().unwrap().to_string(), "1.592667"); // what the vendor's float stands for
//! assert_eq!(history.instrument.currency.as_deref(), Some("USD"));
//! # Ok::<(), cream_parser::ParseError>(())
//! ```
//!
//! # Formats
//!
//! - [`Format::YahooChart`]: Yahoo's v8 chart answer, JSON.
//! - [`Format::YahooPage`]: Yahoo's history page. The chart answer embedded in it is read first;
//!   the price table is a fallback, and where both are there each cell is compared.
//!
//! # What is refused, and what is not
//!
//! A response that is not what it should be (a consent page, a page cut off, too many unreadable
//! rows) is a [`ParseError`] with the place and the expectation. One unreadable row is a warning,
//! and its date stays [undecided](cream_models::Coverage). A bar that is odd but readable is kept
//! as delivered and [flagged](cream_models::BarFlags).
//!
//! Columns and sections of the chart that come twice are an error. No input panics, and memory is bounded
//! by a small multiple of the input.

mod cells;
mod chart;
mod check;
mod columns;
mod error;
mod events;
mod finish;
mod html;
mod json;
mod number;
mod page;
mod refusals;
mod table;
mod values;
mod warnings;
mod zone;

use std::fmt;

use cream_models::{Date, DateRange, PriceHistory, Vendor};

pub use error::ParseError;

use error::{at, excerpt};
use json::Reader;
use warnings::Warnings;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Yahoo's history page, HTML.
    YahooPage,
    /// Yahoo's v8 chart answer, JSON.
    YahooChart,
}

impl Format {
    /// Whose format it is.
    #[must_use]
    pub const fn vendor(self) -> Vendor {
        match self {
            Self::YahooPage => Vendor::YahooPage,
            Self::YahooChart => Vendor::YahooChart,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.vendor().name())
    }
}

/// What is known about a response beside its bytes.
///
/// ```
/// use cream_parser::ParseOptions;
/// let options = ParseOptions::default().with_asked("2025-01-01..2025-06-15".parse()?);
/// assert_eq!(options.max_warnings, 1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseOptions {
    /// The day in UTC on which the response was fetched. In a page that has only its table, rows
    /// from that day on are not final; where it is unknown, the newest row is not.
    pub fetched_on: Option<Date>,
    /// The dates that were asked for. The response decides for them even where it has no row.
    pub asked: Option<DateRange>,
    /// Whether dividends, splits and capital gains were asked for. Where that is unknown and the
    /// response shows none, it decides nothing about them.
    pub asked_events: Option<bool>,
    /// How many warnings are kept; the rest is counted.
    pub max_warnings: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { fetched_on: None, asked: None, asked_events: None, max_warnings: 1000 }
    }
}

impl ParseOptions {
    /// The same options with the day of the fetch.
    #[must_use]
    pub const fn with_fetched_on(mut self, date: Date) -> Self {
        self.fetched_on = Some(date);
        self
    }

    /// The same options with the dates asked for.
    #[must_use]
    pub const fn with_asked(mut self, range: DateRange) -> Self {
        self.asked = Some(range);
        self
    }

    /// The same options with whether events were asked for.
    #[must_use]
    pub const fn with_asked_events(mut self, asked: bool) -> Self {
        self.asked_events = Some(asked);
        self
    }

    /// The same options with another limit of warnings.
    #[must_use]
    pub const fn with_max_warnings(mut self, limit: usize) -> Self {
        self.max_warnings = limit;
        self
    }
}

/// Reads a response of any known format.
///
/// # Errors
///
/// Where the response cannot be read as a whole; see [`ParseError`].
pub fn parse(bytes: &[u8]) -> Result<PriceHistory, ParseError> {
    parse_with(bytes, &ParseOptions::default())
}

/// Reads a response of any known format, with what else is known about it.
///
/// # Errors
///
/// Where the response cannot be read as a whole; see [`ParseError`].
pub fn parse_with(bytes: &[u8], options: &ParseOptions) -> Result<PriceHistory, ParseError> {
    let (shape, start) = shape(bytes)?;
    let body = bytes.get(start..).unwrap_or_default();
    let moved = |position: u64| position.saturating_add(at(start));
    match shape {
        // Reading tells more exactly than looking whether it is one.
        Shape::Object => {
            let ask =
                chart::Ask { range: options.asked, period: None, events: options.asked_events };
            let mut warnings = Warnings::new(options.max_warnings);
            let mut history = chart::read(body, Vendor::YahooChart, &ask, &mut warnings)
                .map_err(|error| error.moved(moved))?;
            warnings.move_positions(moved);
            history.warnings = warnings.into_vec();
            Ok(history)
        }
        Shape::Markup => page::read(bytes, options),
    }
}

/// Finds the format by content, without reading the rows.
///
/// Markup that is no refusal counts as Yahoo's page: whether it holds prices is found by
/// [reading](parse) it.
///
/// # Errors
///
/// Where the response is of no known format, or says itself that it is no answer.
pub fn detect(bytes: &[u8]) -> Result<Format, ParseError> {
    let (shape, start) = shape(bytes)?;
    match shape {
        Shape::Markup => Ok(Format::YahooPage),
        Shape::Object => {
            let mut reader = Reader::new(bytes, start);
            let mut members = reader.object("an object")?;
            while let Some(key) = reader.next_key(&mut members)? {
                if matches!(key.as_ref(), b"chart" | b"finance") {
                    return Ok(Format::YahooChart);
                }
                reader.skip()?;
            }
            Err(unknown(bytes, start))
        }
    }
}

/// What a response looks like from its first byte.
enum Shape {
    /// A JSON object.
    Object,
    /// HTML.
    Markup,
}

/// The shape and where it begins, behind a byte order mark and white space.
fn shape(bytes: &[u8]) -> Result<(Shape, usize), ParseError> {
    let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let start = bytes.len() - body.len();
    match body.first() {
        None => Err(ParseError::Empty),
        Some(b'{') => Ok((Shape::Object, start)),
        Some(b'<') => Ok((Shape::Markup, start)),
        Some(_) => Err(refusals::of_text(body)
            .map(|error| error.moved(|position| position + at(start)))
            .unwrap_or_else(|| unknown(bytes, start))),
    }
}

fn unknown(bytes: &[u8], start: usize) -> ParseError {
    let found = excerpt(bytes.get(start..).unwrap_or_default());
    ParseError::UnknownFormat { found, position: at(start) }
}
