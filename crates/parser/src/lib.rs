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
//! [`formats`] has a page for each: what is read, what is refused, and where it is described.
//!
//! - [Yahoo's v8 chart answer](formats::yahoo_chart), JSON.
//! - [Yahoo's history page](formats::yahoo_page). The chart answer embedded in it is read first; the
//!   price table is a fallback, and where both are there each cell is compared.
//! - [Tiingo](formats::tiingo): end-of-day prices, with dividends and splits in their rows.
//! - [Alpha Vantage](formats::alpha_vantage): the daily series, plain or adjusted.
//! - [Massive](formats::massive), once Polygon: daily aggregates, splits and dividends.
//! - [EODHD](formats::eodhd): end-of-day prices, splits and dividends.
//! - [Nasdaq](formats::nasdaq): historical quotes and dividends.
//! - [Stooq](formats::stooq): CSV of its site and of its bulk files.
//! - [CSV of the user's own](formats::csv), columns mapped by the names in its header.
//! - [An archived pull](pull), which holds all answers to one question.
//!
//! # Options
//!
//! [`parse`] finds the format, [`parse_as`] is told it, [`detect`] names it. [`ParseOptions`] say what is
//! known beside the bytes, how much is read at most, and whether a warning is an [error](Strictness).
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
//! of the input. There is no unsafe code.
//!
//! # Features
//!
//! None is on. `serde`: a [`PriceHistory`] and what is in it are `Serialize`, prices as exact decimal text.
//! `chrono`: [`Date`] and [`Timestamp`] from and to `NaiveDate` and `DateTime<Utc>`.
//!
//! # Speed
//!
//! One pass, nothing allocated a cell. `cargo bench -p cream-parser` in the repository measures it beside
//! `serde_json` and a plain search of the same bytes.

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
mod format;
pub mod formats;
mod html;
mod json;
mod keys;
mod number;
mod page;
pub mod pull;
mod record;
mod refusals;
mod rows;
mod sniff;
mod table;
mod values;
mod warnings;
mod words;
mod zone;

pub use cream_models as models;
pub use cream_models::{
    ActionKind, ActionKinds, Bar, BarField, BarFlags, CorporateAction, CorporateEvent, Coverage,
    Date, DateRange, Instrument, Price, PriceBasis, PriceHistory, SplitRatio, Symbol, Timestamp,
    Vendor, Warning, WarningKind,
};
pub use error::ParseError;
pub use format::Format;

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
/// assert_eq!((options.max_rows, options.max_warnings), (200_000, 1000));
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
    /// What the response is written in: nothing else is tried. Absent, the content tells.
    pub format: Option<Format>,
    /// Whose response it is, where that is known. It decides where the content does not tell, as
    /// some CSV looks the same from several vendors.
    pub vendor: Option<Vendor>,
    /// How many rows are read, and how many corporate actions, before the response is refused as
    /// no daily history.
    pub max_rows: usize,
    /// How many warnings are kept; the rest is counted.
    pub max_warnings: usize,
    /// What a warning does.
    pub strictness: Strictness,
}

/// What becomes of a response in which something is odd, though it can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strictness {
    /// It is read, and the oddities are told in [`PriceHistory::warnings`].
    #[default]
    Collect,
    /// The first oddity, in the order of the response, is the error [`ParseError::Warned`].
    Stop,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            fetched_on: None,
            asked: None,
            asked_events: None,
            format: None,
            vendor: None,
            max_rows: finish::MAX_ROWS,
            max_warnings: 1000,
            strictness: Strictness::Collect,
        }
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

    /// The same options with the format.
    #[must_use]
    pub const fn with_format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// The same options with the vendor.
    #[must_use]
    pub const fn with_vendor(mut self, vendor: Vendor) -> Self {
        self.vendor = Some(vendor);
        self
    }

    /// The same options with another limit of rows.
    #[must_use]
    pub const fn with_max_rows(mut self, limit: usize) -> Self {
        self.max_rows = limit;
        self
    }

    /// The same options with another limit of warnings.
    #[must_use]
    pub const fn with_max_warnings(mut self, limit: usize) -> Self {
        self.max_warnings = limit;
        self
    }

    /// The same options with what a warning does.
    #[must_use]
    pub const fn with_strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
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

/// Reads a response of this format, and of no other.
///
/// ```
/// use cream_parser::{Vendor, parse_as};
/// let csv = b"Date,Open,High,Low,Close,Volume\r\n2025-06-13,199.73,200.37,195.7,196.45,51447349\r\n";
/// let history = parse_as(Vendor::Stooq, csv)?;
/// assert_eq!(history.bars[0].close(), Some("196.45".parse()?));
/// assert!(parse_as(Vendor::Tiingo, b"<html>").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Where the response cannot be read as a whole; see [`ParseError`].
pub fn parse_as(format: impl Into<Format>, bytes: &[u8]) -> Result<PriceHistory, ParseError> {
    parse_with(bytes, &ParseOptions::default().with_format(format.into()))
}

/// Reads a response with what else is known about it.
///
/// # Errors
///
/// Where the response cannot be read as a whole; see [`ParseError`].
pub fn parse_with(bytes: &[u8], options: &ParseOptions) -> Result<PriceHistory, ParseError> {
    let (shape, start) = sniff::shape(bytes)?;
    let is_strict = options.strictness == Strictness::Stop;
    let mut warnings = Warnings::new(options.max_warnings.max(usize::from(is_strict)));
    let format = match options.format {
        Some(format) => format,
        None if shape == Shape::Pull => Format::Pull,
        None => Format::Vendor(sniffed(bytes, shape, start, options.vendor)?),
    };
    let mut history = match format {
        Format::Pull => pulled(bytes, start, options, &mut warnings)?,
        Format::Vendor(vendor) => {
            let answer = Answer::alone(bytes, start);
            of(vendor, start)?.read(&[answer], &Ask::of(options), &mut warnings)?
        }
    };
    let mut warnings = warnings.into_vec();
    if is_strict && !warnings.is_empty() {
        return Err(ParseError::Warned { warning: warnings.swap_remove(0) });
    }
    history.warnings = warnings;
    Ok(history)
}

/// Whose format a response is of; where the content does not tell, who sent it decides.
fn sniffed(
    bytes: &[u8],
    shape: Shape,
    start: usize,
    hint: Option<Vendor>,
) -> Result<Vendor, ParseError> {
    match (hint, sniff::format(bytes, shape, start)) {
        (Some(hint), Err(_)) => Ok(hint),
        (Some(hint), Ok(_)) if shape == Shape::Text => Ok(hint),
        // A page is Yahoo's only where nobody else is said to have sent it.
        (Some(hint), Ok(_)) if shape == Shape::Markup && hint != Vendor::YahooChart => Ok(hint),
        (_, found) => Ok(found?.vendor()),
    }
}

/// How to read a vendor's answers.
fn of(vendor: Vendor, start: usize) -> Result<&'static dyn formats::Source, ParseError> {
    formats::of(vendor).ok_or_else(|| ParseError::UnknownFormat {
        found: vendor.to_string(),
        position: error::at(start),
    })
}

/// Reads an archived pull, which tells what was asked.
fn pulled(
    file: &[u8],
    start: usize,
    options: &ParseOptions,
    warnings: &mut Warnings,
) -> Result<PriceHistory, ParseError> {
    let Opened { question, answers } = Opened::read(file, start)?;
    let format = of(question.vendor, start)?;
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
        ..Ask::of(options)
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

/// Finds the format by content, without reading the rows.
///
/// Markup that is no refusal counts as Yahoo's page: whether it holds prices is found by
/// [reading](parse) it.
///
/// # Errors
///
/// Where the response is of no known format, or says itself that it is no answer.
pub fn detect(bytes: &[u8]) -> Result<Format, ParseError> {
    let (shape, start) = sniff::shape(bytes)?;
    match shape {
        Shape::Pull => Ok(Format::Pull),
        shape => Ok(Format::Vendor(sniff::format(bytes, shape, start)?.vendor())),
    }
}
