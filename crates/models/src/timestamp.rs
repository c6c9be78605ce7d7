//! Instants.

use std::fmt;
use std::str::FromStr;

use crate::price::excerpt;
use crate::{Date, DateError};

/// An instant: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// ```
/// use cream_models::Timestamp;
/// let fetched: Timestamp = "2025-06-16T21:30:00Z".parse()?;
/// assert_eq!(fetched.to_string(), "2025-06-16T21:30:00Z");
/// assert_eq!(fetched.date().to_string(), "2025-06-16");
/// # Ok::<(), cream_models::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is not a [`Timestamp`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an instant: expected YYYY-MM-DDTHH:MM:SS[.ffffff]Z")]
pub struct TimestampError {
    text: String,
    #[source]
    source: Option<DateError>,
}

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;

impl Timestamp {
    /// The instant of `micros` microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The instant of `seconds` since 1970-01-01T00:00:00Z, held within what can be represented.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// The first instant of a day in UTC.
    #[must_use]
    pub fn start_of(date: Date) -> Self {
        Self(i64::from(date.days()) * DAY * MICROS)
    }

    /// The day in UTC, held within the range of [`Date`].
    #[must_use]
    pub fn date(self) -> Date {
        Date::from_days_saturating(self.seconds().div_euclid(DAY))
    }

    /// The instant `seconds` later, held within what can be represented.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(MICROS)))
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC; a fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.seconds().rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}", self.date())?;
        match self.0.rem_euclid(MICROS) {
            0 => write!(f, "Z"),
            micros => write!(f, ".{micros:06}Z"),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let bad = |source| TimestampError { text: excerpt(text), source };
        let (date, time) =
            text.strip_suffix('Z').and_then(|t| t.split_once('T')).ok_or_else(|| bad(None))?;
        let date: Date = date.parse().map_err(|error| bad(Some(error)))?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = clock.split(':').map(|part| {
            if part.len() == 2 && digits(part) { part.parse::<i64>().ok() } else { None }
        });
        let mut next = |limit: i64| parts.next().flatten().filter(|value| *value < limit);
        let (Some(hour), Some(minute), Some(second)) = (next(24), next(60), next(60)) else {
            return Err(bad(None));
        };
        if parts.next().is_some() || !(1..=6).contains(&fraction.len()) || !digits(fraction) {
            return Err(bad(None));
        }
        let micros: i64 = format!("{fraction:0<6}").parse().map_err(|_| bad(None))?;
        Ok(Self::start_of(date).plus_seconds(hour * 3600 + minute * 60 + second))
            .map(|start| Self(start.0.saturating_add(micros)))
    }
}

#[cfg(feature = "chrono")]
mod chrono_impl {
    use chrono::{DateTime, Utc};

    use super::{Timestamp, TimestampError};

    /// To the microsecond; what is finer is cut off.
    impl From<DateTime<Utc>> for Timestamp {
        fn from(instant: DateTime<Utc>) -> Self {
            Self::from_micros(instant.timestamp_micros())
        }
    }

    /// Of the years that `chrono` knows, some 262,000 before and after now.
    impl TryFrom<Timestamp> for DateTime<Utc> {
        type Error = TimestampError;

        fn try_from(instant: Timestamp) -> Result<Self, TimestampError> {
            Self::from_timestamp_micros(instant.micros())
                .ok_or_else(|| TimestampError { text: instant.to_string(), source: None })
        }
    }
}

#[cfg(feature = "serde")]
mod serde_impl {
    use super::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    impl Serialize for Timestamp {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for Timestamp {
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
    fn reads_and_refuses() {
        let instant: Timestamp = "2025-06-16T21:30:00.25Z".parse().unwrap();
        assert_eq!(instant.micros(), 1_750_109_400_250_000);
        assert_eq!(instant.to_string(), "2025-06-16T21:30:00.250000Z");
        for bad in [
            "",
            "2025-06-16",
            "2025-06-16T21:30:00",
            "2025-06-16T24:00:00Z",
            "2025-02-30T00:00:00Z",
            "2025-06-16T21:60:00Z",
            "2025-06-16T21:30:00.Z",
            "2025-06-16T21:30:00.1234567Z",
            "2025-06-16T+1:30:00Z",
            "2025-06-16T21:30:00:00Z",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(micros in -62_135_596_800_000_000i64..=253_402_300_799_999_999) {
            let instant = Timestamp(micros);
            prop_assert_eq!(instant.to_string().parse::<Timestamp>(), Ok(instant));
        }

        #[test]
        fn nothing_panics(micros: i64, text in "\\PC*") {
            let _ = Timestamp(micros).to_string();
            let _ = text.parse::<Timestamp>();
        }
    }
}
