//! How often a vendor is asked, by all who ask it together.
//!
//! A [`Gate`] counts requests and remembers how a vendor fares. [`MemoryGate`] does so for one
//! program; where a database does so for all workers, it is behind the same trait. What is to be
//! done about a failure is decided here for both: a gate only keeps what it is told.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cream_models::{RateLimit, Timestamp, Vendor};

/// Whether a request may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Now; it is counted.
    Now,
    /// Not before then; nothing is counted. Others may be faster, so that it is to be asked again.
    At(Timestamp),
}

/// How a vendor fares, as all who ask it know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Requests in a row that failed by the vendor's fault.
    pub failures: u32,
    /// No request is made before then.
    pub blocked_until: Option<Timestamp>,
    /// Why, for a person.
    pub reason: Option<String>,
}

/// Why a gate cannot say.
#[derive(Debug, thiserror::Error)]
#[error("how often a vendor was asked is not known: {0}")]
pub struct GateError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Counts the requests to vendors and remembers how each vendor fares.
pub trait Gate: Send + Sync {
    /// Asks for leave to make a request. It is granted, and counted at once, where the vendor is
    /// not blocked and each limit admits it. All who ask name the same limits for a vendor.
    ///
    /// # Errors
    ///
    /// Where that cannot be known.
    fn take(
        &self,
        vendor: Vendor,
        now: Timestamp,
        limits: &[RateLimit],
    ) -> Result<Grant, GateError>;

    /// How the vendor fares.
    ///
    /// # Errors
    ///
    /// Where that cannot be known.
    fn standing(&self, vendor: Vendor) -> Result<Standing, GateError>;

    /// Changes how the vendor fares. No one else changes it between the reading of what `change`
    /// is given and the writing of what it leaves; where it changes nothing, nothing need be
    /// written.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    fn update(
        &self,
        vendor: Vendor,
        change: &mut dyn FnMut(&mut Standing),
    ) -> Result<(), GateError>;
}

/// A [`Gate`] for the threads of one program, with exact sliding windows.
///
/// ```
/// use cream_models::{RateLimit, Timestamp, Vendor};
/// use cream_retriever::{Gate, Grant, MemoryGate};
///
/// let gate = MemoryGate::default();
/// let limits = [RateLimit { requests: 2, seconds: 60 }];
/// let at = Timestamp::from_seconds;
/// assert_eq!(gate.take(Vendor::Tiingo, at(0), &limits)?, Grant::Now);
/// assert_eq!(gate.take(Vendor::Tiingo, at(10), &limits)?, Grant::Now);
/// assert_eq!(gate.take(Vendor::Tiingo, at(59), &limits)?, Grant::At(at(60)));
/// assert_eq!(gate.take(Vendor::Tiingo, at(60), &limits)?, Grant::Now);
/// # Ok::<(), cream_retriever::GateError>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryGate {
    vendors: Mutex<HashMap<Vendor, Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// When requests were granted, ascending.
    granted: VecDeque<Timestamp>,
    standing: Standing,
}

impl MemoryGate {
    fn with<T>(&self, vendor: Vendor, work: impl FnOnce(&mut Known) -> T) -> T {
        // Nothing is left half done where a thread panics.
        let mut vendors = self.vendors.lock().unwrap_or_else(PoisonError::into_inner);
        work(vendors.entry(vendor).or_default())
    }
}

impl Gate for MemoryGate {
    fn take(
        &self,
        vendor: Vendor,
        now: Timestamp,
        limits: &[RateLimit],
    ) -> Result<Grant, GateError> {
        Ok(self.with(vendor, |known| known.take(now, limits)))
    }

    fn standing(&self, vendor: Vendor) -> Result<Standing, GateError> {
        Ok(self.with(vendor, |known| known.standing.clone()))
    }

    fn update(
        &self,
        vendor: Vendor,
        change: &mut dyn FnMut(&mut Standing),
    ) -> Result<(), GateError> {
        self.with(vendor, |known| change(&mut known.standing));
        Ok(())
    }
}

impl Known {
    fn take(&mut self, now: Timestamp, limits: &[RateLimit]) -> Grant {
        while self.granted.back().is_some_and(|last| is_absurd(*last, now)) {
            self.granted.pop_back();
        }
        // A clock that goes back does not make an order of its own.
        let at = self.granted.back().map_or(now, |last| now.max(*last));
        let longest = limits.iter().map(|limit| limit.seconds).max().unwrap_or(0);
        while self.granted.front().is_some_and(|first| first.plus_seconds(longest.into()) <= at) {
            self.granted.pop_front();
        }
        let mut free = self.standing.blocked_until.filter(|blocked| !is_absurd(*blocked, now));
        for limit in limits {
            let admits = match usize::try_from(limit.requests).unwrap_or(usize::MAX) {
                0 => Some(now.plus_seconds(i64::from(limit.seconds.max(1)))),
                // The request that has to be out of the window before the next one.
                count => {
                    let index = self.granted.len().checked_sub(count);
                    let before = index.and_then(|index| self.granted.get(index));
                    before.map(|before| before.plus_seconds(limit.seconds.into()))
                }
            };
            free = free.max(admits.filter(|free| *free > at));
        }
        if let Some(free) = free.filter(|free| *free > now) {
            return Grant::At(free);
        }
        if longest > 0 {
            self.granted.push_back(at);
        }
        Grant::Now
    }
}

/// So many failures in a row, and a vendor is left alone.
pub(crate) const PATIENCE: u32 = 5;
/// The shortest time for which a vendor is left alone; it doubles up to [`LONGEST_REST`].
pub(crate) const SHORTEST_REST: Duration = Duration::from_secs(60);
/// The longest time for which a vendor is left alone on our own account.
pub(crate) const LONGEST_REST: Duration = Duration::from_secs(3600);
/// The longest time that a vendor can ask for.
pub(crate) const LONGEST_WISH: Duration = Duration::from_secs(7 * 86_400);

/// Whether a moment lies so far ahead that the clock was wrong which it was taken from. It would
/// hold for years.
fn is_absurd(moment: Timestamp, now: Timestamp) -> bool {
    until(now, moment) > LONGEST_WISH.saturating_add(Duration::from_secs(86_400))
}

fn rest(doublings: u32) -> Duration {
    SHORTEST_REST.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(LONGEST_REST)
}

/// What a request says about its vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The vendor answered, if only that it knows no such symbol.
    Answered,
    /// It failed by the vendor's fault. It may have said when to come back.
    Failed { wish: Option<Duration>, reason: String },
    /// It wants to be asked less often.
    Limited { wish: Option<Duration>, reason: String },
    /// Nothing more is given before then.
    Spent { until: Timestamp, reason: String },
}

impl Standing {
    /// Whether the next request is one to see whether the vendor is back.
    pub(crate) const fn is_tested(&self) -> bool {
        self.failures >= PATIENCE
    }

    /// Claims the request that is to see whether the vendor is back: nobody else asks until
    /// `until`. False where somebody else claimed it.
    pub(crate) fn claim(&mut self, now: Timestamp, until: Timestamp) -> bool {
        let blocked = self.blocked_until.filter(|blocked| !is_absurd(*blocked, now));
        if blocked.is_some_and(|blocked| blocked > now) {
            return false;
        }
        self.blocked_until = Some(until);
        true
    }

    /// What follows from a request. `claimed` is the end of the claim that the request had.
    pub(crate) fn learn(&mut self, now: Timestamp, claimed: Option<Timestamp>, outcome: &Outcome) {
        if claimed.is_some() && self.blocked_until == claimed {
            self.blocked_until = None;
        }
        self.blocked_until = self.blocked_until.filter(|blocked| !is_absurd(*blocked, now));
        let (block, reason) = match outcome {
            Outcome::Answered => {
                // A block that somebody else's request brought stays.
                if self.blocked_until.is_none_or(|blocked| blocked <= now) {
                    *self = Self::default();
                }
                return;
            }
            Outcome::Failed { wish, reason } => {
                self.failures = self.failures.saturating_add(1);
                let own = self.failures.checked_sub(PATIENCE).map(rest);
                (own.max(wish.map(|wish| wish.min(LONGEST_WISH))), reason)
            }
            Outcome::Limited { wish, reason } => {
                self.failures = self.failures.saturating_add(1);
                let own = rest(self.failures - 1);
                let wish = wish.map(|wish| wish.min(LONGEST_WISH));
                // Who says again and again that it will be soon is not believed.
                let is_believed = self.failures < PATIENCE;
                (wish.filter(|wish| is_believed || *wish > own).or(Some(own)), reason)
            }
            Outcome::Spent { until, reason } => {
                self.blocked_until = self.blocked_until.max(Some(*until));
                (None, reason)
            }
        };
        self.blocked_until = self.blocked_until.max(block.map(|block| later(now, block)));
        self.reason = Some(reason.clone());
    }
}

/// So much later, in whole microseconds.
pub(crate) fn later(now: Timestamp, by: Duration) -> Timestamp {
    let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.micros().saturating_add(micros))
}

/// How long it is until then; nothing where that is past.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> Duration {
    let micros = then.micros().saturating_sub(now.micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
