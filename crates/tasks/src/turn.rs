//! When one task's turn comes: the plan, the jitter, and clocks that jump. No threads here.

use std::time::Duration;

use cream_models::Timestamp;

use crate::Schedule;
use crate::schedule::plus;

/// An interval is drawn shorter by up to this share of its length, and never longer: what is to be
/// done once a day by a program that is started once a day is done each time.
const SPREAD: f64 = 0.1;
/// A cron time is kept up to so much later.
const LATEST: Duration = Duration::from_secs(30);

/// The plan of one task.
#[derive(Debug)]
pub(crate) struct Turn {
    /// When it is due; `None` where time ends.
    next: Option<Timestamp>,
    /// What the clock said when it was last looked at.
    seen: Timestamp,
    draws: fastrand::Rng,
}

impl Turn {
    /// A task that is due at once.
    pub(crate) fn due(now: Timestamp, draws: fastrand::Rng) -> Self {
        Self { next: Some(now), seen: now, draws }
    }

    /// A task whose last run ended at a moment that is not after `now`.
    pub(crate) fn after(
        schedule: &Schedule,
        ended_at: Timestamp,
        now: Timestamp,
        draws: fastrand::Rng,
    ) -> Self {
        let mut turn = Self { next: None, seen: now, draws };
        turn.next = turn.draw(schedule, ended_at);
        turn
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// Looks at the clock: how long until it is due, nothing where it is; `None` for ever.
    pub(crate) fn wait(&mut self, schedule: &Schedule, now: Timestamp) -> Option<Duration> {
        if now < self.seen {
            self.next = match schedule {
                // As much is left to wait as before.
                Schedule::Every(_) => self.next.map(|next| {
                    let back = self.seen.micros().saturating_sub(now.micros());
                    Timestamp::from_micros(next.micros().saturating_sub(back))
                }),
                // The times that now lie ahead count, some of them anew.
                Schedule::Cron(_) => self.draw(schedule, now),
            };
        }
        self.seen = now;
        let left = self.next?.micros().saturating_sub(now.micros());
        Some(Duration::from_micros(u64::try_from(left).unwrap_or(0)))
    }

    /// A run has ended now: plans the next one.
    pub(crate) fn ended(&mut self, schedule: &Schedule, now: Timestamp) {
        self.seen = now;
        self.next = self.draw(schedule, now);
    }

    fn draw(&mut self, schedule: &Schedule, after: Timestamp) -> Option<Timestamp> {
        let draw = self.draws.f64();
        let next = schedule.next(after)?;
        match schedule {
            Schedule::Every(_) => {
                let interval = next.micros().saturating_sub(after.micros());
                let interval = Duration::from_micros(u64::try_from(interval).unwrap_or(0));
                plus(after, interval.mul_f64(1.0 - SPREAD * draw))
            }
            Schedule::Cron(_) => plus(next, LATEST.mul_f64(draw)),
        }
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
