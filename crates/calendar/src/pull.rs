//! When a symbol is pulled.

use std::time::Duration;

use cream_models::{Symbol, Timestamp, Vendor};
use twox_hash::XxHash3_128;

use crate::{market_of, settle_time};

/// The longest wait after a first failure.
const FIRST: Duration = Duration::from_secs(5 * 60);
/// The longest wait after any number of failures.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A delay of the symbol's own, from nothing up to, not including, `over`.
///
/// It is always the same for a symbol, a vendor and an `over`, on every machine and in every version
/// of the program, and evenly spread: of many symbols of one market as many are due in one minute
/// as in the next. With another `over` it is the same part of it.
///
/// ```
/// use std::time::Duration;
/// use cream_models::{Symbol, Vendor};
/// let half_an_hour = Duration::from_secs(1800);
/// let delay = cream_calendar::spread(&Symbol::parse("AAPL")?, Vendor::Tiingo, half_an_hour);
/// assert!(delay < half_an_hour);
/// # Ok::<(), cream_models::SymbolError>(())
/// ```
#[must_use]
pub fn spread(symbol: &Symbol, vendor: Vendor, over: Duration) -> Duration {
    let mut text = vendor.code().to_le_bytes().to_vec();
    text.extend_from_slice(symbol.as_str().as_bytes());
    let part = XxHash3_128::oneshot(&text) >> 64;
    let over = u64::try_from(over.as_micros()).unwrap_or(u64::MAX);
    // Below 2^64 times below 2^64; what is left after the shift is less than `over`.
    let delay = (part * u128::from(over)) >> 64;
    Duration::from_micros(u64::try_from(delay).unwrap_or(over))
}

/// How long to wait after `failures` in a row: the longest wait is 5 minutes, doubled with each
/// failure after the first, up to 24 hours; the actual one lies between half of it and all of it, as
/// `draw` does between 0 and 1.
///
/// No failure counts as one. A draw beyond 0 and 1 counts as the nearer of them, NaN as 0.
///
/// ```
/// use cream_calendar::back_off;
/// assert_eq!(back_off(1, 0.0).as_secs(), 150);
/// assert_eq!(back_off(3, 1.0).as_secs(), 20 * 60);
/// assert_eq!(back_off(u32::MAX, 1.0).as_secs(), 24 * 3600);
/// ```
#[must_use]
pub fn back_off(failures: u32, draw: f64) -> Duration {
    let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let longest = FIRST.saturating_mul(doubled).min(LONGEST);
    let draw = if draw.is_nan() { 0.0 } else { draw.clamp(0.0, 1.0) };
    let part = 0.5 + draw / 2.0;
    Duration::try_from_secs_f64(longest.as_secs_f64() * part).unwrap_or(longest)
}

/// When a symbol is due next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullTimes {
    /// How long after the end of a trading day to pull, instead of the vendor's [`settle_time`].
    pub settle: Option<Duration>,
    /// Over how long the symbols of a market are [`spread`]; less than a day.
    pub spread: Duration,
}

impl PullTimes {
    /// After a pull that brought prices: after the first trading day that settles after `now`. So
    /// there is one pull a trading day, and one that came late counts for the days it covered.
    ///
    /// `exchange` and `time_zone` are what the series of this vendor says of itself
    /// ([`market_of`]).
    #[must_use]
    pub fn after_success(
        &self,
        symbol: &Symbol,
        vendor: Vendor,
        exchange: Option<&str>,
        time_zone: Option<&str>,
        now: Timestamp,
    ) -> Timestamp {
        let settle = self.settle.unwrap_or_else(|| settle_time(vendor));
        let settled = market_of(symbol, exchange, time_zone).next_settled(now, settle);
        plus(settled, spread(symbol, vendor, self.spread))
    }

    /// After a pull that failed, the `failures`-th in a row: after [`back_off`].
    #[must_use]
    pub fn after_failure(&self, failures: u32, now: Timestamp, draw: f64) -> Timestamp {
        plus(now, back_off(failures, draw))
    }
}

fn plus(at: Timestamp, wait: Duration) -> Timestamp {
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(at.micros().saturating_add(micros))
}
