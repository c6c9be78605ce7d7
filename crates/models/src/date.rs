//! Trading dates and ranges of them.

use std::fmt;
use std::str::FromStr;

use crate::price::excerpt;

/// A calendar date, 0001-01-01 to 9999-12-31, proleptic Gregorian: the trading date of a bar in
/// its exchange's time zone.
///
/// Held as days since 1970-01-01, so that it is four bytes, compares as a number and needs no
/// conversion on its way to the database.
///
/// ```
/// use cream_models::Date;
/// let date: Date = "2024-02-29".parse()?;
/// assert_eq!((date.year(), date.month(), date.day()), (2024, 2, 29));
/// assert_eq!(date.next().map(|next| next.to_string()).as_deref(), Some("2024-03-01"));
/// # Ok::<(), cream_models::DateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// Why a text or a number is not a [`Date`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a date: expected YYYY-MM-DD between 0001-01-01 and 9999-12-31")]
pub struct DateError(String);

impl Date {
    /// 0001-01-01.
    pub const MIN: Self = Self(-719_162);
    /// 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// The date `days` after 1970-01-01 (before, where negative), or `None` out of range.
    #[must_use]
    pub const fn from_days(days: i32) -> Option<Self> {
        if days < Self::MIN.0 || days > Self::MAX.0 { None } else { Some(Self(days)) }
    }

    /// The date `days` after 1970-01-01, held within [`Date::MIN`] and [`Date::MAX`].
    #[must_use]
    pub fn from_days_saturating(days: i64) -> Self {
        let days = days.clamp(i64::from(Self::MIN.0), i64::from(Self::MAX.0));
        Self(i32::try_from(days).unwrap_or(0))
    }

    /// The date of a year (1 to 9999), month and day, or `None` where there is no such day.
    ///
    /// Method: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
    #[must_use]
    pub const fn from_ymd(year: i32, month: u8, day: u8) -> Option<Self> {
        if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 {
            return None;
        }
        if day > days_in_month(year, month) {
            return None;
        }
        let (month, day) = (month as i32, day as i32);
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(Self(era * 146_097 + day_of_era - 719_468))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.0
    }

    /// Year, month and day. Method: `civil_from_days` of the same source.
    #[must_use]
    pub const fn ymd(self) -> (i32, u8, u8) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a month is 1 to 12 and a day 1 to 31"
        )]
        let (month, day) = (month as u8, day as u8);
        (year, month, day)
    }

    /// The year, 1 to 9999.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.ymd().0
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.ymd().1
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.ymd().2
    }

    /// The following day, or `None` after [`Date::MAX`].
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::from_days(self.0 + 1)
    }

    /// The day before, or `None` before [`Date::MIN`].
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        Self::from_days(self.0 - 1)
    }

    /// Appends `YYYY-MM-DD` to `out`.
    pub fn write_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text());
    }

    fn text(self) -> [u8; 10] {
        let (year, month, day) = self.ymd();
        let digit = |value: i32| b'0' + u8::try_from(value.rem_euclid(10)).unwrap_or(0);
        let (month, day) = (i32::from(month), i32::from(day));
        [
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(month / 10),
            digit(month),
            b'-',
            digit(day / 10),
            digit(day),
        ]
    }
}

const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Date {
    type Err = DateError;

    /// Reads `YYYY-MM-DD`, nothing else.
    fn from_str(text: &str) -> Result<Self, DateError> {
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_i32, |sum, byte| {
                byte.is_ascii_digit().then(|| sum * 10 + i32::from(byte - b'0'))
            })
        };
        let read = || match text.as_bytes() {
            [year @ .., b'-', m1, m2, b'-', d1, d2] if year.len() == 4 => {
                let month = u8::try_from(number(&[*m1, *m2])?).ok()?;
                let day = u8::try_from(number(&[*d1, *d2])?).ok()?;
                Self::from_ymd(number(year)?, month, day)
            }
            _ => None,
        };
        read().ok_or_else(|| DateError(excerpt(text)))
    }
}

/// A range of dates, inclusive at both ends, never empty.
///
/// ```
/// use cream_models::DateRange;
/// let june: DateRange = "2025-06-01..2025-06-30".parse()?;
/// assert!(june.contains("2025-06-30".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateRange {
    first: Date,
    last: Date,
}

/// Why two dates, or a text, are not a [`DateRange`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DateRangeError {
    /// The first date is after the last.
    #[error("the range begins on {first}, after its end {last}")]
    Reversed {
        /// The first date given.
        first: Date,
        /// The last date given.
        last: Date,
    },
    /// An end is not a date.
    #[error(transparent)]
    Date(#[from] DateError),
}

impl DateRange {
    /// Every date there is.
    pub const ALL: Self = Self { first: Date::MIN, last: Date::MAX };

    /// The range from `first` to `last`, both included.
    ///
    /// # Errors
    ///
    /// Where `first` is after `last`.
    pub fn new(first: Date, last: Date) -> Result<Self, DateRangeError> {
        if first <= last {
            Ok(Self { first, last })
        } else {
            Err(DateRangeError::Reversed { first, last })
        }
    }

    /// The range of one day.
    #[must_use]
    pub const fn single(date: Date) -> Self {
        Self { first: date, last: date }
    }

    /// The first date in it.
    #[must_use]
    pub const fn first(self) -> Date {
        self.first
    }

    /// The last date in it.
    #[must_use]
    pub const fn last(self) -> Date {
        self.last
    }

    /// Whether the date lies in it.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// Whether the two share a date.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for DateRange {
    /// `2020-01-03..2020-01-07`, or the date alone where the range is one day.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}..{}", self.first, self.last)
        }
    }
}

impl FromStr for DateRange {
    type Err = DateRangeError;

    fn from_str(text: &str) -> Result<Self, DateRangeError> {
        match text.split_once("..") {
            Some((first, last)) => Self::new(first.parse()?, last.parse()?),
            None => Ok(Self::single(text.parse()?)),
        }
    }
}

#[cfg(feature = "chrono")]
mod chrono_impl {
    use chrono::{Datelike as _, NaiveDate};

    use super::{Date, DateError};

    /// Days from the day before 0001-01-01 to 1970-01-01.
    const EPOCH: i32 = 719_163;

    impl From<Date> for NaiveDate {
        fn from(date: Date) -> Self {
            // Its years reach far beyond 1 to 9999.
            Self::from_num_days_from_ce_opt(date.days() + EPOCH).unwrap_or(Self::MAX)
        }
    }

    /// Of the years 1 to 9999.
    impl TryFrom<NaiveDate> for Date {
        type Error = DateError;

        fn try_from(date: NaiveDate) -> Result<Self, DateError> {
            let days = date.num_days_from_ce().checked_sub(EPOCH);
            days.and_then(Self::from_days).ok_or_else(|| DateError(date.to_string()))
        }
    }
}

#[cfg(feature = "serde")]
mod serde_impl {
    use super::{Date, DateRange};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    impl Serialize for Date {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for Date {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        }
    }

    impl Serialize for DateRange {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for DateRange {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_are_what_they_say() {
        assert_eq!(Date::from_ymd(1, 1, 1), Some(Date::MIN));
        assert_eq!(Date::from_ymd(9999, 12, 31), Some(Date::MAX));
        assert_eq!(Date::from_ymd(1970, 1, 1).map(Date::days), Some(0));
        assert_eq!(Date::from_ymd(2000, 2, 29).map(Date::days), Some(11_016));
        assert_eq!(Date::MAX.next(), None);
        assert_eq!(Date::MIN.previous(), None);
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for bad in [
            "2023-02-29",
            "1900-02-29",
            "2023-13-01",
            "2023-00-10",
            "2023-04-31",
            "2023-1-1",
            "0000-01-01",
            "10000-01-01",
            "2023/01/01",
            "",
            "2023-01-01 ",
            "-001-01-01",
        ] {
            assert!(bad.parse::<Date>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_reversed_range_says_so() {
        let error = "2025-02-01..2025-01-01".parse::<DateRange>().unwrap_err();
        assert_eq!(error.to_string(), "the range begins on 2025-02-01, after its end 2025-01-01");
    }

    proptest! {
        #[test]
        fn days_and_text_read_back(days in Date::MIN.0..=Date::MAX.0) {
            let date = Date(days);
            let (year, month, day) = date.ymd();
            prop_assert_eq!(Date::from_ymd(year, month, day), Some(date));
            prop_assert_eq!(date.to_string().parse::<Date>(), Ok(date));
        }

        #[test]
        fn nothing_panics(text in "\\PC*", days: i32, far: i64) {
            let _ = text.parse::<Date>();
            let _ = text.parse::<DateRange>();
            let _ = Date::from_days(days).map(|date| date.to_string());
            let _ = Date::from_days_saturating(far).to_string();
        }
    }
}
