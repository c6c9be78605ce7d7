//! A turn to make a request: waited for, and told of when it is over.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cream_models::Timestamp;

use crate::error::Failure;
use crate::fetch::Fetch;
use crate::gate::{Grant, LONGEST_WISH, Outcome, Standing, later, until};

/// A turn to make a request.
#[must_use]
pub(crate) struct Turn {
    /// The end of the claim to see whether the vendor is back, where this request is to see it.
    claimed: Option<Timestamp>,
    /// Whether the vendor failed before.
    is_stained: bool,
}

/// A claim holds so much longer than a request takes.
const MARGIN: Duration = Duration::from_secs(30);

impl Turn {
    /// Waits for a turn.
    pub(crate) fn take(fetch: &Fetch<'_>) -> Result<Self, Failure> {
        Self::count(fetch)?;
        let (retriever, vendor) = (fetch.retriever, fetch.vendor.source.about().vendor);
        let standing = retriever.gate.standing(vendor)?;
        if !standing.is_tested() {
            let is_stained = standing != Standing::default();
            return Ok(Self { claimed: None, is_stained });
        }
        let now = retriever.clock.now();
        let end = later(now, retriever.options.request_timeout.saturating_add(MARGIN));
        let mut is_claimed = false;
        let mut after = Standing::default();
        retriever.gate.update(vendor, &mut |standing| {
            // It may have recovered in between.
            is_claimed = !standing.is_tested() || standing.claim(now, end);
            after = standing.clone();
        })?;
        if is_claimed {
            let claimed = after.is_tested().then_some(end);
            return Ok(Self { claimed, is_stained: true });
        }
        Err(blocked(&after, after.blocked_until.unwrap_or(now), now, false))
    }

    /// Waits until a request may be made, and counts it.
    fn count(fetch: &Fetch<'_>) -> Result<(), Failure> {
        let (retriever, vendor) = (fetch.retriever, fetch.vendor.source.about().vendor);
        let start = Instant::now();
        let options = &retriever.options;
        let first_wait = options.first_wait.filter(|_| !fetch.is_begun.get());
        let max_wait = first_wait.unwrap_or(options.max_wait);
        loop {
            if !(fetch.wanted)() {
                return Err(Failure::Cancelled);
            }
            let now = retriever.clock.now();
            let then = match retriever.gate.take(vendor, now, &fetch.vendor.limits)? {
                Grant::Now => {
                    fetch.is_begun.set(true);
                    fetch.vendor.requests.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Grant::At(then) => then,
            };
            // Not to ask in a tight loop where a clock is coarse.
            let wait = until(now, then).max(Duration::from_millis(1));
            if start.elapsed().saturating_add(wait) > max_wait {
                let standing = retriever.gate.standing(vendor)?;
                return Err(blocked(&standing, then, now, fetch.is_begun.get()));
            }
            let (until, symbol, pull_id) = (then.to_string(), fetch.symbol(), fetch.pull_id());
            log::debug!(
                vendor = vendor.name(), symbol, pull_id, until = until.as_str();
                "waiting for a turn"
            );
            if !cream_retry::sleep_while(wait, fetch.wanted) {
                return Err(Failure::Cancelled);
            }
        }
    }

    /// Waits until one more request may be made within this turn, and counts it.
    ///
    /// What this turn has claimed is in the way of everybody, itself included, and is given up for
    /// the moment of counting.
    pub(crate) fn count_more(&self, fetch: &Fetch<'_>) -> Result<(), Failure> {
        let Some(end) = self.claimed else { return Self::count(fetch) };
        let (gate, vendor) = (&fetch.retriever.gate, fetch.vendor.source.about().vendor);
        gate.update(vendor, &mut |standing| {
            standing.blocked_until = standing.blocked_until.filter(|blocked| *blocked != end);
        })?;
        let counted = Self::count(fetch);
        gate.update(vendor, &mut |standing| {
            standing.blocked_until = standing.blocked_until.max(Some(end));
        })?;
        counted
    }

    /// The vendor answered.
    pub(crate) fn answered(self, fetch: &Fetch<'_>) -> Result<(), Failure> {
        if self.is_stained {
            self.tell(fetch, &Outcome::Answered)?;
        }
        Ok(())
    }

    /// It failed. Gives the failure back, with the time until which the vendor is left alone.
    pub(crate) fn failed(
        self,
        fetch: &Fetch<'_>,
        failure: Failure,
        wish: Option<Duration>,
    ) -> Result<Failure, Failure> {
        let now = fetch.retriever.clock.now();
        let reason = failure.to_string();
        match failure {
            Failure::RateLimited { .. } => {
                let reason = "it wants to be asked less often (429)".to_owned();
                let standing = self.tell(fetch, &Outcome::Limited { wish, reason })?;
                Ok(Failure::RateLimited { until: standing.blocked_until.unwrap_or(now) })
            }
            Failure::QuotaSpent { words, .. } => {
                let renewed = fetch.vendor.source.renewed(now, &words);
                let until = wish.map_or(renewed, |wish| later(now, wish.min(LONGEST_WISH)));
                let reason = format!("its quota is spent: {words}");
                self.tell(fetch, &Outcome::Spent { until, reason })?;
                Ok(Failure::QuotaSpent { until, words })
            }
            // Nobody was asked.
            Failure::CircuitOpen { .. }
            | Failure::Limited { .. }
            | Failure::Gate(_)
            | Failure::Cancelled => Ok(failure),
            failure if failure.is_vendors_fault() => {
                self.tell(fetch, &Outcome::Failed { wish, reason })?;
                Ok(failure)
            }
            failure => self.answered(fetch).map(|()| failure),
        }
    }

    fn tell(&self, fetch: &Fetch<'_>, outcome: &Outcome) -> Result<Standing, Failure> {
        let (retriever, vendor) = (fetch.retriever, fetch.vendor.source.about().vendor);
        let now = retriever.clock.now();
        let mut after = Standing::default();
        retriever.gate.update(vendor, &mut |standing| {
            standing.learn(now, self.claimed, outcome);
            after = standing.clone();
        })?;
        if after.blocked_until.is_some_and(|blocked| blocked > now) {
            let until = after.blocked_until.unwrap_or(now).to_string();
            let reason = after.reason.as_deref().unwrap_or_default();
            let failures = after.failures;
            log::warn!(
                vendor = vendor.name(), pull_id = fetch.pull_id(), until = until.as_str(), failures,
                reason;
                "the vendor is left alone"
            );
        }
        Ok(after)
    }
}

/// Why there is no turn before `then`.
fn blocked(standing: &Standing, then: Timestamp, now: Timestamp, is_begun: bool) -> Failure {
    match &standing.blocked_until {
        Some(blocked) if *blocked >= then && *blocked > now => Failure::CircuitOpen {
            until: *blocked,
            reason: standing.reason.clone().unwrap_or_else(|| "it failed before".to_owned()),
        },
        _ => Failure::Limited { until: then, is_begun },
    }
}
