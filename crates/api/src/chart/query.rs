//! What a client asks for, in Yahoo's words.

use cream_models::{ActionKind, ActionKinds, Date, DateRange, Interval, Vendor};

use super::session::Session;
use crate::cursor::Fingerprint;
use crate::params::Params;
use crate::problem::ApiError;

/// The ranges that clients offer their users. Others of the same form are served as well.
pub(super) const RANGES: [&str; 11] =
    ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"];

/// A range where neither range nor period is given, as Yahoo has it.
const DEFAULT_RANGE: (&str, Range) = ("1d", Range::Bars(1));

/// A query, read.
pub(super) struct ChartQuery {
    /// The freshest where it is `None`. No client of Yahoo's sends it.
    pub(super) vendor: Option<Vendor>,
    pub(super) interval: Interval,
    asked: Asked,
    /// The kinds of corporate action asked for.
    pub(super) events: ActionKinds,
    pub(super) with_adjusted_close: bool,
    /// The range's text, empty where instants were given: what the answer repeats.
    pub(super) range: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Range(Range),
    /// From `start` on, up to `end` without it, in seconds since 1970.
    Period {
        start: Option<i64>,
        end: Option<i64>,
    },
}

/// How far back from the last bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// So many bars.
    Bars(u32),
    /// The same day of the week, so many weeks before.
    Weeks(u32),
    /// The same day of the month, so many months before; the month's last, where there is none.
    Months(u32),
    /// The first of January.
    YearToDate,
    Max,
}

/// Of which bars an answer consists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    None,
    Dates(DateRange),
    /// So many last ones.
    Last(u32),
}

impl Window {
    /// The dates of the events beside the bars, where the first bar and the last of the series
    /// are of these dates.
    pub(super) fn dates(self, first: Option<Date>, last: Option<Date>) -> Option<DateRange> {
        match self {
            Self::None => None,
            Self::Dates(range) => Some(range),
            Self::Last(_) => DateRange::new(first?, last?).ok(),
        }
    }
}

impl ChartQuery {
    pub(super) fn read(mut params: Params) -> Result<Self, ApiError> {
        let vendor = params.vendor();
        let intervals = Interval::ALL.map(|interval| (interval.name(), interval));
        let interval = params.word("interval", &intervals).unwrap_or_default();
        let start = seconds(&mut params, "period1");
        let end = seconds(&mut params, "period2");
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            let message = "start date cannot be after end date";
            params.wrong("period1", &start.to_string(), format!("{message} {end}"));
        }
        let range = params.text("range").filter(|text| !text.is_empty());
        let (range, asked) = match range {
            // Instants say more than a range does.
            _ if start.is_some() || end.is_some() => (String::new(), Asked::Period { start, end }),
            Some(text) => match text.parse() {
                Ok(range) => (text, Asked::Range(range)),
                Err(NoRange) => {
                    let ranges = RANGES.join(", ");
                    params.wrong("range", &text, format!("expected one of {ranges}"));
                    (String::new(), Asked::Range(DEFAULT_RANGE.1))
                }
            },
            None => (DEFAULT_RANGE.0.to_owned(), Asked::Range(DEFAULT_RANGE.1)),
        };
        let events = params.text("events").map_or(ActionKinds::NONE, |text| kinds(&text));
        let given = params.text("includeAdjustedClose");
        let with_adjusted_close =
            given.is_none_or(|text| !matches!(text.to_ascii_lowercase().as_str(), "false" | "0"));
        params.finish_leniently()?;
        Ok(Self { vendor, interval, asked, events, with_adjusted_close, range })
    }

    /// Adds everything that makes a difference to the answer, but for the vendor.
    pub(super) fn fingerprint(&self, state: Fingerprint) -> Fingerprint {
        let bytes = |seconds: Option<i64>| seconds.map(i64::to_le_bytes);
        let state = match self.asked {
            Asked::Range(_) => state.part(&self.range),
            Asked::Period { start, end } => {
                state.part("").optional(bytes(start)).optional(bytes(end))
            }
        };
        let state = state.part(self.interval.name());
        state.part(self.events.to_string()).number(i64::from(self.with_adjusted_close))
    }

    /// The bars asked for, of a series whose last bar is of this date.
    pub(super) fn window(&self, session: &Session, last: Option<Date>) -> Window {
        let dates = |first, last| DateRange::new(first, last).map_or(Window::None, Window::Dates);
        match (self.asked, last) {
            (Asked::Period { start, end }, _) => {
                let first = start.map_or(Some(Date::MIN), |start| session.first_from(start));
                let last = end.map_or(Some(Date::MAX), |end| session.last_before(end));
                first.zip(last).map_or(Window::None, |(first, last)| dates(first, last))
            }
            (Asked::Range(_), None) => Window::None,
            (Asked::Range(Range::Bars(count)), _) => Window::Last(count),
            (Asked::Range(range), Some(last)) => dates(range.first(last), last),
        }
    }
}

impl Range {
    /// The first date of the range that ends on `last`.
    fn first(self, last: Date) -> Date {
        match self {
            Self::Bars(_) => last,
            Self::Weeks(weeks) => {
                Date::from_days_saturating(i64::from(last.days()) - 7 * i64::from(weeks))
            }
            Self::Months(months) => months_before(last, months),
            Self::YearToDate => Date::from_ymd(last.year(), 1, 1).unwrap_or(Date::MIN),
            Self::Max => Date::MIN,
        }
    }
}

fn months_before(date: Date, months: u32) -> Date {
    let (year, month, day) = date.ymd();
    let months = i64::from(year) * 12 + i64::from(month) - 1 - i64::from(months);
    let year = i32::try_from(months.div_euclid(12)).unwrap_or(0);
    let month = u8::try_from(months.rem_euclid(12) + 1).unwrap_or(1);
    // Every month has a 28th.
    let mut days = (28..=day.max(28)).rev().map(|last| last.min(day));
    days.find_map(|day| Date::from_ymd(year, month, day)).unwrap_or(Date::MIN)
}

/// A text that is no [`Range`].
struct NoRange;

impl std::str::FromStr for Range {
    type Err = NoRange;

    fn from_str(text: &str) -> Result<Self, NoRange> {
        match text {
            "max" => return Ok(Self::Max),
            "ytd" => return Ok(Self::YearToDate),
            _ => {}
        }
        let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let digits = text.strip_suffix(unit).unwrap_or_default();
        if digits.len() > 4 || digits.starts_with('0') {
            return Err(NoRange);
        }
        let count: u32 = digits.parse().map_err(|_| NoRange)?;
        match unit {
            "d" => Ok(Self::Bars(count)),
            "wk" => Ok(Self::Weeks(count)),
            "mo" => Ok(Self::Months(count)),
            "y" => Ok(Self::Months(count * 12)),
            _ => Err(NoRange),
        }
    }
}

fn seconds(params: &mut Params, name: &'static str) -> Option<i64> {
    let text = params.text(name).filter(|text| !text.is_empty())?;
    let seconds = text.parse().ok();
    if seconds.is_none() {
        params.wrong(name, &text, "expected whole seconds since 1970-01-01T00:00:00Z");
    }
    seconds
}

/// The kinds that a list names, between commas or bars. Clients differ in the plural, and name
/// kinds that are not served here, such as earnings.
fn kinds(text: &str) -> ActionKinds {
    let words = text.split([',', '|']).map(|word| word.trim().to_ascii_lowercase());
    words.fold(ActionKinds::NONE, |kinds, word| match word.trim_end_matches('s') {
        "div" | "dividend" => kinds.with(ActionKind::Dividend),
        "split" => kinds.with(ActionKind::Split),
        "capitalgain" => kinds.with(ActionKind::CapitalGain),
        _ => kinds,
    })
}
