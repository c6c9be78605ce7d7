//! A market's days and their ends.

use std::time::Duration;

use cream_models::{Date, Timestamp};
use jiff::tz::{Offset, TimeZone};

/// The days of the week on which a market trades: one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// Monday to Friday.
    pub const MONDAY_TO_FRIDAY: Self = Self(0b001_1111);
    /// Sunday to Thursday.
    pub const SUNDAY_TO_THURSDAY: Self = Self(0b100_1111);
    /// All seven.
    pub const ALL: Self = Self(0b111_1111);

    /// Whether there is trading on the day of the week of `date`.
    #[must_use]
    pub fn includes(self, date: Date) -> bool {
        self.has_day(i128::from(date.days()))
    }

    /// The same for days since 1970-01-01, a Thursday.
    pub(crate) const fn has_day(self, day: i128) -> bool {
        self.0 >> (day + 3).rem_euclid(7) & 1 == 1
    }
}

/// Where and when a symbol is traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// The exchange's MIC (ISO 10383), or what else it is well known by.
    pub name: &'static str,
    /// The exchange's time zone.
    pub time_zone: TimeZone,
    /// When trading ends, the closing auction with it, in minutes since midnight there, 0 to 1440:
    /// 1440 is the first moment of the next day.
    pub close: u16,
    /// The days of the week on which trading ends so.
    pub days: Days,
}

/// A day, in microseconds.
const DAY: i128 = 86_400 * SECOND;
/// A second, in microseconds.
const SECOND: i128 = 1_000_000;
/// No zone is a day away from UTC, and a close is at most a day after the start of its date. So the
/// close of the day before yesterday, as UTC counts, is past, that of the day after tomorrow is not.
const MARGIN: i128 = 1;

impl Market {
    /// The first moment after `after` at which a trading day of this market is over and `settle`
    /// has passed.
    ///
    /// A close that the clocks leap over (a gap) counts as that much later, one that comes twice (a
    /// fold) as the first of the two. Beyond the years -9999 to 9999 the time zone counts as UTC.
    /// Where the moment is too late to be represented, it is the last that can be.
    #[must_use]
    pub fn next_settled(&self, after: Timestamp, settle: Duration) -> Timestamp {
        let (after, settle) = (i128::from(after.micros()), micros(settle));
        let start = after.saturating_sub(settle);
        let day = start.div_euclid(DAY);
        let mut closes = (day - MARGIN..=day + MARGIN + 7).filter_map(|day| self.closed(day));
        let close = closes.find(|close| *close > start).unwrap_or(i128::MAX);
        saturated(close.saturating_add(settle))
    }

    /// The last moment up to `before`, itself included, at which a trading day of this market was
    /// over and `settle` had passed.
    ///
    /// As [`Market::next_settled`]; where the moment is too early to be represented, it is the first
    /// that can be.
    #[must_use]
    pub fn last_settled(&self, before: Timestamp, settle: Duration) -> Timestamp {
        let (before, settle) = (i128::from(before.micros()), micros(settle));
        let end = before.saturating_sub(settle);
        let day = end.div_euclid(DAY);
        let mut closes = (day - MARGIN - 7..=day + MARGIN).rev().filter_map(|day| self.closed(day));
        let close = closes.find(|close| *close <= end).unwrap_or(i128::MIN);
        saturated(close.saturating_add(settle))
    }

    /// When the trading day `day` ends, in microseconds since 1970 UTC; `None` without trading.
    fn closed(&self, day: i128) -> Option<i128> {
        if !self.days.has_day(day) {
            return None;
        }
        let local = day * DAY + i128::from(self.close.min(1440)) * 60 * SECOND;
        let at = jiff_instant(local).and_then(|at| {
            let at = Offset::UTC.to_datetime(at);
            self.time_zone.to_ambiguous_timestamp(at).compatible().ok()
        });
        Some(at.map_or(local, |at| i128::from(at.as_microsecond())))
    }
}

fn jiff_instant(micros: i128) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(i64::try_from(micros).ok()?).ok()
}

fn micros(duration: Duration) -> i128 {
    i128::try_from(duration.as_micros()).unwrap_or(i128::MAX)
}

fn saturated(micros: i128) -> Timestamp {
    let end = if micros < 0 { i64::MIN } else { i64::MAX };
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(end))
}
