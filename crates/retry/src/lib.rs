//! Trying again: how long to wait, and when to give up.
//!
//! A [`Policy`] waits between attempts for a time drawn at random between nothing and a bound that
//! doubles with each attempt ("full jitter": Marc Brooker, "Exponential Backoff And Jitter", AWS
//! Architecture Blog, 2015), so that many who wait for the same thing do not all come back at
//! once. It gives up when its time is over, or its attempts are used up.
//!
//! ```
//! use std::time::Duration;
//! use cream_retry::{Policy, Verdict};
//!
//! let policy = Policy { first: Duration::from_millis(1), ..Policy::default() };
//! let mut failures = 2;
//! let result = policy.run(
//!     || if failures == 0 { Ok("there") } else { failures -= 1; Err("not yet") },
//!     |_error, _retry| Verdict::Retry,
//! );
//! assert_eq!(result, Ok("there"));
//! ```

use std::thread;
use std::time::{Duration, Instant};

/// When to try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The bound of the first wait.
    pub first: Duration,
    /// The bound never grows beyond this.
    pub longest: Duration,
    /// No attempt is begun so long after the first failure.
    pub total: Duration,
    /// At most so many attempts beyond the first; `None` for as many as the time allows.
    pub retries: Option<u32>,
}

impl Default for Policy {
    /// From 100 ms, doubling up to 5 s, for a minute.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(5),
            total: Duration::from_secs(60),
            retries: None,
        }
    }
}

/// What is to come after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Which attempt failed, from 1.
    pub attempt: u32,
    /// How long until the next one.
    pub delay: Duration,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt may succeed.
    Retry,
    /// Another attempt may succeed, but not before so long: what was asked said so itself.
    RetryAfter(Duration),
    /// It is final.
    GiveUp,
}

/// While waiting, the caller is asked this often whether it still wants to.
const SLICE: Duration = Duration::from_millis(50);

impl Policy {
    /// Attempts `work` until it succeeds, its failure is final, or the time is over; then the last
    /// failure is returned. `judge` sees each failure that could be followed by another attempt.
    ///
    /// # Errors
    ///
    /// The last failure of `work`.
    pub fn run<T, E>(
        &self,
        work: impl FnMut() -> Result<T, E>,
        judge: impl FnMut(&E, Retry) -> Verdict,
    ) -> Result<T, E> {
        self.run_while(|| true, work, judge)
    }

    /// As [`Policy::run`], but gives up as soon as `wanted` says no.
    ///
    /// # Errors
    ///
    /// The last failure of `work`.
    pub fn run_while<T, E>(
        &self,
        wanted: impl Fn() -> bool,
        mut work: impl FnMut() -> Result<T, E>,
        mut judge: impl FnMut(&E, Retry) -> Verdict,
    ) -> Result<T, E> {
        let mut first_failure = None;
        let mut attempt = 0_u32;
        loop {
            let error = match work() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            // An attempt may itself have waited for long.
            let start = *first_failure.get_or_insert_with(Instant::now);
            let delay = self.delay(attempt, fastrand::f64());
            attempt = attempt.saturating_add(1);
            let is_over = |delay| start.elapsed().saturating_add(delay) >= self.total;
            if self.retries.is_some_and(|retries| attempt > retries) || is_over(delay) {
                return Err(error);
            }
            let delay = match judge(&error, Retry { attempt, delay }) {
                Verdict::Retry => delay,
                Verdict::RetryAfter(least) => delay.max(least),
                Verdict::GiveUp => return Err(error),
            };
            if is_over(delay) || !sleep_while(delay, &wanted) {
                return Err(error);
            }
        }
    }

    /// The wait after the attempt of this number, counted from 0; `draw` is within 0 and 1.
    fn delay(&self, attempt: u32, draw: f64) -> Duration {
        let factor = 1_u32.checked_shl(attempt).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest).mul_f64(draw.clamp(0.0, 1.0))
    }
}

/// Sleeps as long as that is wanted; tells whether it was to the end.
pub fn sleep_while(delay: Duration, wanted: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if !wanted() {
            return false;
        }
        let left = delay.saturating_sub(start.elapsed());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(SLICE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const QUICK: Policy = Policy {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
        total: Duration::from_secs(600),
        retries: None,
    };

    #[test]
    fn the_bound_doubles_up_to_the_longest() {
        let policy = Policy { longest: Duration::from_millis(500), ..Policy::default() };
        let bounds: Vec<u128> =
            (0..5).map(|attempt| policy.delay(attempt, 1.0).as_millis()).collect();
        assert_eq!(bounds, [100, 200, 400, 500, 500]);
        assert_eq!(policy.delay(2, 0.25).as_millis(), 100);
        assert_eq!(policy.delay(u32::MAX, 1.0).as_millis(), 500);
        assert_eq!(policy.delay(3, 0.0), Duration::ZERO);
    }

    #[test]
    fn what_fails_for_good_is_not_tried_again() {
        let calls = Cell::new(0);
        let work = || -> Result<(), &str> {
            calls.set(calls.get() + 1);
            Err("no")
        };
        let mut seen = Vec::new();
        let result = QUICK.run(work, |error, retry| {
            seen.push((*error, retry.attempt));
            if retry.attempt < 3 { Verdict::Retry } else { Verdict::GiveUp }
        });
        assert_eq!((result, calls.get()), (Err("no"), 3));
        assert_eq!(seen, [("no", 1), ("no", 2), ("no", 3)]);
    }

    #[test]
    fn retries_are_counted() {
        for retries in 0..4 {
            let calls = Cell::new(0);
            let policy = Policy { retries: Some(retries), ..QUICK };
            let work = || -> Result<(), ()> {
                calls.set(calls.get() + 1);
                Err(())
            };
            let mut judged = 0;
            let result = policy.run(work, |(), _| {
                judged += 1;
                Verdict::Retry
            });
            assert_eq!((result, calls.get(), judged), (Err(()), retries + 1, retries));
        }
    }

    #[test]
    fn what_says_when_is_not_asked_before() {
        let start = Instant::now();
        let mut failures = 1;
        let mut work = || {
            failures -= 1;
            if failures < 0 { Ok(()) } else { Err(()) }
        };
        let least = Duration::from_millis(30);
        assert_eq!(QUICK.run(&mut work, |(), _| Verdict::RetryAfter(least)), Ok(()));
        assert!(start.elapsed() >= least);
        let start = Instant::now();
        let work = || -> Result<(), ()> { Err(()) };
        let later = QUICK.run(work, |(), _| Verdict::RetryAfter(QUICK.total));
        assert_eq!(later, Err(()), "the time would be over by then");
        assert!(start.elapsed() < QUICK.total);
    }

    #[test]
    fn an_end_is_an_end() {
        let calls = Cell::new(0);
        let work = || -> Result<(), ()> {
            calls.set(calls.get() + 1);
            Err(())
        };
        let none = Policy { total: Duration::ZERO, ..QUICK };
        assert_eq!(none.run(work, |(), _| Verdict::Retry), Err(()));
        assert_eq!(calls.take(), 1, "one attempt there always is");
        let short = Policy { total: Duration::from_millis(20), ..QUICK };
        assert_eq!(short.run(work, |(), _| Verdict::Retry), Err(()));
        assert!(calls.take() > 1);
        let long = Policy { first: QUICK.total / 4, longest: QUICK.total / 4, ..QUICK };
        let unwanted = long.run_while(|| false, work, |(), _| Verdict::Retry);
        assert_eq!((unwanted, calls.get()), (Err(()), 1), "nobody waits for it any more");
    }
}
