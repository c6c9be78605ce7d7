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
//! - [`Vendor::YahooChart`]: Yahoo's v8 chart answer, JSON.
//! - [`Vendor::YahooPage`]: Yahoo's history page. The chart answer embedded in it is read first;
//!   the price table is a fallback, and where both are there each cell is compared.
//! - [`Vendor::Tiingo`]: Tiingo's end-of-day prices, with dividends and splits in their rows.
//! - [`Vendor::AlphaVantage`]: Alpha Vantage's daily series, plain or adjusted.
//! - [`Vendor::Massive`]: daily aggregates, splits and dividends of Massive, once Polygon.
//! - [`Vendor::Eodhd`]: EODHD's end-of-day prices, splits and dividends.
//! - [`Vendor::Nasdaq`]: Nasdaq's historical quotes and dividends.
//! - [`Vendor::Stooq`]: Stooq's CSV.
//! - [`Vendor::Csv`]: a CSV file of the user's own, columns mapped by the names in its header.
//! - [`pull`]: an archived pull, which holds all answers to one question.
//!
//! # What is refused, and what is not
//!
//! A response that is not what it should be (a consent page, a page cut off, too many unreadable
//! rows) is a [`ParseError`] with the place and the expectation. One unreadable row is a warning,
//! and its date stays [undecided](cream_models::Coverage). A bar that is odd but readable is kept
//! as delivered and [flagged](cream_models::BarFlags).
//!
//! Columns and sections of the chart that come twice are an error, and so are known keys that come twice in
//! a row. Splits or dividends that come alone decide nothing about prices. What a vendor says in words
//! instead of prices is quoted without API keys. No input panics, and memory is bounded by a small multiple
//! of the input.

mod answer;
mod ask;
mod cells;
mod chart;
mod check;
mod columns;
mod csv;
mod error;
mod events;
mod exact;
mod finish;
mod html;
mod json;
mod number;
mod page;
pub mod pull;
mod record;
mod refusals;
mod rows;
mod sniff;
mod table;
mod values;
mod vendors;
mod warnings;
mod words;
mod zone;

use cream_models::{Date, DateRange, PriceHistory, Vendor};

pub use error::ParseError;

use answer::Answer;
use ask::Ask;
use pull::Opened;
use sniff::Shape;
use warnings::Warnings;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

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
    /// Whose response it is, where that is known. Some CSV looks the same from several vendors.
    pub vendor: Option<Vendor>,
    /// How many warnings are kept; the rest is counted.
    pub max_warnings: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { fetched_on: None, asked: None, asked_events: None, vendor: None, max_warnings: 1000 }
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

    /// The same options with the vendor.
    #[must_use]
    pub const fn with_vendor(mut self, vendor: Vendor) -> Self {
        self.vendor = Some(vendor);
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
    let (shape, start) = sniff::shape(bytes)?;
    let mut warnings = Warnings::new(options.max_warnings);
    let mut history = if shape == Shape::Pull {
        pulled(bytes, start, options, &mut warnings)?
    } else {
        // Where the content does not tell, who sent it decides how it is read.
        let hint = options.vendor.and_then(vendors::of);
        let format = match (hint, sniff::format(bytes, shape, start)) {
            (Some(hint), Err(_)) => hint,
            (Some(hint), Ok(_)) if shape == Shape::Text => hint,
            // A page is Yahoo's only where nobody else is said to have sent it.
            (Some(hint), Ok(_))
                if shape == Shape::Markup && hint.vendor() != Vendor::YahooChart =>
            {
                hint
            }
            (_, found) => found?,
        };
        let answer = Answer::alone(bytes, start);
        format.read(&[answer], &Ask::of(options), &mut warnings)?
    };
    history.warnings = warnings.into_vec();
    Ok(history)
}

/// Reads an archived pull, which tells what was asked.
fn pulled(
    file: &[u8],
    start: usize,
    options: &ParseOptions,
    warnings: &mut Warnings,
) -> Result<PriceHistory, ParseError> {
    let Opened { question, answers } = Opened::read(file, start)?;
    let format = vendors::of(question.vendor).ok_or_else(|| ParseError::UnknownFormat {
        found: question.vendor.to_string(),
        position: error::at(start),
    })?;
    let mut bodies = Vec::with_capacity(answers.len());
    for answer in &answers {
        if !(200..300).contains(&answer.status) {
            return Err(ParseError::VendorError {
                code: answer.status.to_string(),
                description: "an HTTP status other than success".to_owned(),
                position: error::at(answer.body),
            });
        }
        let up_to_its_end = file.get(..answer.end).unwrap_or_default();
        bodies.push(Answer::to(answer.url, up_to_its_end, answer.body));
    }
    let ask = Ask {
        from: question.from,
        to: Some(question.to),
        events: Some(question.actions),
        fetched_on: options.fetched_on.or(Some(question.fetched_at.date())),
        ..Ask::default()
    };
    let mut history = format.read(&bodies, &ask, warnings)?;
    if let Some(found) = &history.vendor_symbol
        && !format.is_same_symbol(&question.vendor_symbol, found)
    {
        return Err(ParseError::WrongSymbol {
            asked: error::excerpt(question.vendor_symbol.as_bytes()),
            found: error::excerpt(found.as_bytes()),
            position: bodies.first().map_or(0, |answer| error::at(answer.start())),
        });
    }
    history.symbol = Some(question.symbol);
    history.vendor_symbol = Some(question.vendor_symbol);
    history.fetched_no_earlier_than =
        history.fetched_no_earlier_than.max(Some(question.fetched_at));
    Ok(history)
}

/// Finds the vendor by content, without reading the rows.
///
/// Markup that is no refusal counts as Yahoo's page: whether it holds prices is found by
/// [reading](parse) it.
///
/// # Errors
///
/// Where the response is of no known format, or says itself that it is no answer.
pub fn detect(bytes: &[u8]) -> Result<Vendor, ParseError> {
    let (shape, start) = sniff::shape(bytes)?;
    match shape {
        Shape::Pull => Ok(Opened::read(bytes, start)?.question.vendor),
        shape => Ok(sniff::format(bytes, shape, start)?.vendor()),
    }
}
