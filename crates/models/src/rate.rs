//! How often a vendor may be asked.

use std::fmt;
use std::str::FromStr;

use crate::price::excerpt;

/// At most so many requests within so many seconds, whichever seconds these are.
///
/// ```
/// use cream_models::RateLimit;
/// let limit: RateLimit = "50/h".parse()?;
/// assert_eq!((limit.requests, limit.seconds), (50, 3600));
/// assert_eq!(limit.to_string(), "50/h");
/// # Ok::<(), cream_models::RateLimitError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateLimit {
    /// How many requests; 0 for none at all, which no text says.
    pub requests: u32,
    /// The length of the window, at least 1 second.
    pub seconds: u32,
}

/// Why a text is not a [`RateLimit`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a rate limit: expected requests and a unit, such as 5/min (s, min, h, d)")]
pub struct RateLimitError {
    text: String,
}

/// The units, the longest first.
const UNITS: [(&str, u32); 4] = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, seconds)| self.seconds.is_multiple_of(*seconds));
        let (unit, length) = unit.copied().unwrap_or(("s", 1));
        match self.seconds / length {
            1 => write!(f, "{}/{unit}", self.requests),
            count => write!(f, "{}/{count}{unit}", self.requests),
        }
    }
}

impl FromStr for RateLimit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        read(text).ok_or_else(|| RateLimitError { text: excerpt(text) })
    }
}

fn read(text: &str) -> Option<RateLimit> {
    let number = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|number: &u32| plain && *number > 0)
    };
    let (requests, window) = text.split_once('/')?;
    let split = window.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = window.split_at_checked(split)?;
    let count = if count.is_empty() { 1 } else { number(count)? };
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(RateLimit { requests: number(requests)?, seconds: length.checked_mul(count)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_are_read_or_refused() {
        for (text, requests, seconds) in
            [("5/min", 5, 60), ("1000/d", 1000, 86_400), ("2/s", 2, 1), ("30/10s", 30, 10)]
        {
            assert_eq!(text.parse(), Ok(RateLimit { requests, seconds }));
        }
        for text in [
            "",
            "5",
            "5/",
            "/min",
            "0/min",
            "5/0min",
            "5/m",
            "-5/h",
            "+5/h",
            "5/ h",
            "9999999999/s",
            "1/99999d",
        ] {
            let error = text.parse::<RateLimit>().unwrap_err().to_string();
            assert!(error.contains("such as 5/min"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(requests in 1..=u32::MAX, seconds in 1..=u32::MAX) {
            let limit = RateLimit { requests, seconds };
            prop_assert_eq!(limit.to_string().parse(), Ok(limit));
        }
    }
}
