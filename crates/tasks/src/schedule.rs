//! When a task is to be run.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use cream_models::Timestamp;

use crate::error::excerpt;
use crate::{Cron, ScheduleError};

/// When a task is to be run: at an interval, or at times of the day.
///
/// ```
/// use cream_tasks::Schedule;
/// let nightly: Schedule = "0 22 * * 1-5 America/New_York".parse()?;
/// let friday = "2025-06-20T12:00:00Z".parse()?;
/// assert_eq!(nightly.next(friday), Some("2025-06-21T02:00:00Z".parse()?)); // 22:00 in New York
/// assert_eq!("300s".parse::<Schedule>()?.to_string(), "5m");
/// assert!("5 minutes".parse::<Schedule>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// So long after the end of the run before: whole seconds, from [`Schedule::SHORTEST`] to
    /// [`Schedule::LONGEST`].
    Every(Duration),
    /// At times of the wall clock.
    Cron(Cron),
}

/// Units of an interval, the longest first, with their seconds.
const UNITS: [(&str, u64); 3] = [("h", 3600), ("m", 60), ("s", 1)];
const DAY: u64 = 86_400;

/// So much of a text goes into an error.
pub(crate) const EXCERPT: usize = 80;

impl Schedule {
    /// The shortest interval: a second.
    pub const SHORTEST: Duration = Duration::from_secs(1);
    /// The longest interval: 366 days.
    pub const LONGEST: Duration = Duration::from_secs(366 * DAY);

    /// Reads an interval (`300s`, `5m`, `24h`, `7d`, or `90` for seconds), or five cron fields with
    /// a time zone or without one, which is UTC (`0 22 * * 1-5 America/New_York`; see [`Cron`]).
    ///
    /// # Errors
    ///
    /// Names the text and what was expected; an interval must be within a second and 366 days.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim_ascii();
        if text.contains(|c: char| c.is_ascii_whitespace()) {
            return Cron::parse(text).map(Self::Cron);
        }
        let syntax = || ScheduleError::Syntax { text: excerpt(text, EXCERPT) };
        let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(syntax());
        }
        let seconds = match text.strip_prefix(digits).unwrap_or_default() {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => DAY,
            _ => return Err(syntax()),
        };
        let out_of_range = || ScheduleError::Interval { text: excerpt(text, EXCERPT) };
        // Digits alone: what cannot be read is too large.
        let count: u64 = digits.parse().map_err(|_| out_of_range())?;
        let seconds = count.checked_mul(seconds).ok_or_else(out_of_range)?;
        let schedule = Self::Every(Duration::from_secs(seconds));
        schedule.check().map_err(|_| out_of_range())?;
        Ok(schedule)
    }

    /// Whether an interval that was not read from a text is within bounds.
    pub(crate) fn check(&self) -> Result<(), ScheduleError> {
        match self {
            Self::Every(interval)
                if interval.subsec_nanos() != 0
                    || !(Self::SHORTEST..=Self::LONGEST).contains(interval) =>
            {
                Err(ScheduleError::Interval { text: format!("{interval:?}") })
            }
            Self::Every(_) | Self::Cron(_) => Ok(()),
        }
    }

    /// The next time after a moment, without jitter; an interval out of bounds counts as the
    /// nearest one within them. `None` where time ends: no clock shows it.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(interval) => plus(after, (*interval).clamp(Self::SHORTEST, Self::LONGEST)),
            Self::Cron(cron) => cron.next(after),
        }
    }
}

/// A moment so much later; `None` beyond what can be represented.
pub(crate) fn plus(moment: Timestamp, time: Duration) -> Option<Timestamp> {
    let micros = i64::try_from(time.as_micros()).ok()?;
    moment.micros().checked_add(micros).map(Timestamp::from_micros)
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        Self::parse(text)
    }
}

impl fmt::Display for Schedule {
    /// As [`Schedule::parse`] reads it, an interval in the longest unit up to hours that fits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => {
                let seconds = interval.as_secs();
                let unit = UNITS.into_iter().find(|(_, unit)| seconds % unit == 0);
                let (name, unit) = unit.unwrap_or(("s", 1));
                write!(f, "{}{name}", seconds / unit)
            }
            Self::Cron(cron) => cron.fmt(f),
        }
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
