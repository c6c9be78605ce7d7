//! Weekly and monthly bars, made of daily ones.

use std::fmt;
use std::str::FromStr;

use crate::price::excerpt;
use crate::{Bar, BarField, BarFlags, Date, DateRange};

/// How long a bar is.
///
/// ```
/// use cream_models::Interval;
/// let week = Interval::Week.period("2025-01-01".parse()?);
/// assert_eq!(week.to_string(), "2024-12-30..2025-01-05");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// A trading day.
    #[default]
    Day,
    /// Monday to Sunday, as ISO 8601 has it, over the ends of years.
    Week,
    /// A calendar month.
    Month,
}

impl Interval {
    /// Every interval, the shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The name in queries and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "1d",
            Self::Week => "1wk",
            Self::Month => "1mo",
        }
    }

    /// The most days that a period has.
    #[must_use]
    pub const fn max_days(self) -> u8 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
        }
    }

    /// The period that holds the date; at the end of what a [`Date`] can be, as much of it as
    /// there is.
    #[must_use]
    pub fn period(self, date: Date) -> DateRange {
        let to = |days: i32| Date::from_days_saturating(i64::from(days));
        let (first, last) = match self {
            Self::Day => (date, date),
            Self::Week => {
                // 1970-01-01 was a Thursday.
                let monday = date.days() - (date.days() + 3).rem_euclid(7);
                (to(monday), to(monday + 6))
            }
            Self::Month => {
                let first = to(date.days() - i32::from(date.day()) + 1);
                let (year, month, _) = date.ymd();
                let next = match month {
                    12 => Date::from_ymd(year + 1, 1, 1),
                    _ => Date::from_ymd(year, month + 1, 1),
                };
                (first, next.and_then(Date::previous).unwrap_or(Date::MAX))
            }
        };
        // The date itself lies between the two.
        DateRange::new(first, last).unwrap_or(DateRange::single(date))
    }

    /// The range with the whole of each period of which it holds a day.
    #[must_use]
    pub fn widen(self, range: DateRange) -> DateRange {
        self.period(range.first()).hull(self.period(range.last()))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that is no [`Interval`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an interval; expected 1d, 1wk or 1mo")]
pub struct UnknownInterval(String);

impl FromStr for Interval {
    type Err = UnknownInterval;

    fn from_str(text: &str) -> Result<Self, UnknownInterval> {
        Self::ALL
            .into_iter()
            .find(|interval| interval.name() == text)
            .ok_or_else(|| UnknownInterval(excerpt(text)))
    }
}

/// Makes one bar of the daily bars of a period.
///
/// - A day of which the vendor delivered no price is passed over. Where there is no other, there
///   is no bar.
/// - `date` is the first calendar day of the period, whether or not it was a trading day.
/// - `open` is that of the first day, `close` and `adj_close` those of the last, `high` the
///   greatest, `low` the least, `volume` the sum. Where a number that one of these needs is not
///   known, it is not known either, and so is a sum beyond 64 bits.
/// - `flags` are those of all its days, and [`BarFlags::MIXED_SHARE_COUNTS`] where the share count
///   changed between two of them.
/// - It is final once all its days are, those passed over too, and the series has reached the end
///   of the period.
///
/// ```
/// use cream_models::{Aggregator, Bar, Interval};
/// let day = |date: &str, low: &str, close: &str| -> Result<Bar, Box<dyn std::error::Error>> {
///     Ok(Bar::new(date.parse()?).with_low(low.parse()?).with_close(close.parse()?))
/// };
/// let days = [day("2024-12-31", "1.5", "2")?, day("2025-01-02", "1", "3")?];
/// let weekly = Aggregator { interval: Interval::Week, last_date: days[1].date(), splits: &[] };
/// let week = weekly.bar(days.iter().map(|day| (day, day))).ok_or("no day has a price")?;
/// assert_eq!(week.date(), "2024-12-30".parse()?);
/// assert_eq!((week.low(), week.close()), (Some("1".parse()?), Some("3".parse()?)));
/// assert_eq!(week.open(), None);
/// assert!(!week.is_final());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Aggregator<'a> {
    /// How long the periods are.
    pub interval: Interval,
    /// The date of the series' last bar.
    pub last_date: Date,
    /// The ex-dates of the splits over which the prices are not on one share count, in any order;
    /// none where all are on the count of the last bar.
    pub splits: &'a [Date],
}

impl Aggregator<'_> {
    /// The bar of a period; `None` where none of its days has a price.
    ///
    /// Of each day it takes the bar as the vendor delivered it, which tells whether the day is
    /// passed over, and the bar that is to be served, whose numbers may be adjusted and unknown
    /// for that. The days are those of one period, the oldest first.
    #[must_use]
    pub fn bar<'b>(&self, days: impl IntoIterator<Item = (&'b Bar, &'b Bar)>) -> Option<Bar> {
        let mut is_final = true;
        let mut sum: Option<i128> = Some(0);
        let mut whole: Option<(Bar, Date, Date)> = None;
        for (delivered, day) in days {
            is_final &= delivered.is_final();
            if !delivered.has_price() {
                continue;
            }
            sum = sum.zip(day.volume()).map(|(sum, volume)| sum.saturating_add(volume.into()));
            whole = Some(match whole {
                None => (*day, day.date(), day.date()),
                Some((bar, first, _)) => (joined(bar, day), first, day.date()),
            });
        }
        let (mut bar, first, last) = whole?;
        bar.set(BarField::Volume, sum.and_then(|sum| i64::try_from(sum).ok()));
        if self.splits.iter().any(|split| first < *split && *split <= last) {
            bar = bar.with_flags(bar.flags() | BarFlags::MIXED_SHARE_COUNTS);
        }
        let period = self.interval.period(first);
        Some(bar.with_date(period.first()).with_final(is_final && self.last_date >= period.last()))
    }
}

/// The bar of the days before, with that of the next; volume, date and finality are not its task.
fn joined(bar: Bar, day: &Bar) -> Bar {
    let extreme = |field: BarField, choose: fn(i64, i64) -> i64| {
        bar.value(field).zip(day.value(field)).map(|(held, new)| choose(held, new))
    };
    let mut joined = bar.with_flags(bar.flags() | day.flags());
    joined.set(BarField::High, extreme(BarField::High, i64::max));
    joined.set(BarField::Low, extreme(BarField::Low, i64::min));
    joined.set(BarField::Close, day.value(BarField::Close));
    joined.set(BarField::AdjClose, day.value(BarField::AdjClose));
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn weeks_go_over_the_ends_of_years_and_months_know_leap_years() {
        for (date, week, month) in [
            ("2024-12-31", "2024-12-30..2025-01-05", "2024-12-01..2024-12-31"),
            ("2025-01-05", "2024-12-30..2025-01-05", "2025-01-01..2025-01-31"),
            ("2025-01-06", "2025-01-06..2025-01-12", "2025-01-01..2025-01-31"),
            // Of these years ISO 8601 counts 53 weeks; the last one reaches into the next year.
            ("2021-01-03", "2020-12-28..2021-01-03", "2021-01-01..2021-01-31"),
            ("2016-01-01", "2015-12-28..2016-01-03", "2016-01-01..2016-01-31"),
            ("2024-02-29", "2024-02-26..2024-03-03", "2024-02-01..2024-02-29"),
            ("2023-02-28", "2023-02-27..2023-03-05", "2023-02-01..2023-02-28"),
            ("1900-02-28", "1900-02-26..1900-03-04", "1900-02-01..1900-02-28"),
            ("1969-12-31", "1969-12-29..1970-01-04", "1969-12-01..1969-12-31"),
            ("0001-01-01", "0001-01-01..0001-01-07", "0001-01-01..0001-01-31"),
            ("9999-12-31", "9999-12-27..9999-12-31", "9999-12-01..9999-12-31"),
        ] {
            assert_eq!(Interval::Week.period(day(date)).to_string(), week, "{date}");
            assert_eq!(Interval::Month.period(day(date)).to_string(), month, "{date}");
            assert_eq!(Interval::Day.period(day(date)).to_string(), date);
        }
    }

    #[test]
    fn names_read_back_and_others_are_refused() {
        for interval in Interval::ALL {
            assert_eq!(interval.name().parse(), Ok(interval));
            assert_eq!(interval.to_string(), interval.name());
        }
        let error = "1h".parse::<Interval>().unwrap_err();
        assert_eq!(error.to_string(), "\"1h\" is not an interval; expected 1d, 1wk or 1mo");
    }

    proptest! {
        #[test]
        fn periods_follow_each_other_without_a_gap(days in Date::MIN.days()..=Date::MAX.days()) {
            let date = Date::from_days(days).unwrap();
            for interval in Interval::ALL {
                let period = interval.period(date);
                prop_assert!(period.contains(date));
                let length = period.last().days() - period.first().days() + 1;
                prop_assert!((1..=i32::from(interval.max_days())).contains(&length));
                prop_assert_eq!(interval.period(period.first()), period);
                prop_assert_eq!(interval.period(period.last()), period);
                if let Some(next) = period.last().next() {
                    prop_assert_eq!(interval.period(next).first(), next);
                }
            }
        }

        #[test]
        fn a_widened_range_is_made_of_whole_periods(first in 0_i32..800, length in 0_i32..800) {
            let date = |days| Date::from_days(19_000 + days).unwrap();
            let range = DateRange::new(date(first), date(first + length)).unwrap();
            for interval in Interval::ALL {
                let widened = interval.widen(range);
                prop_assert_eq!(interval.period(range.first()).first(), widened.first());
                prop_assert_eq!(interval.period(range.last()).last(), widened.last());
                prop_assert_eq!(interval.widen(widened), widened);
            }
        }
    }
}
