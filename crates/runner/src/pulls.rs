//! Pulling what is due: claimed, pulled, and settled until the next time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cream_models::{Timestamp, Vendor};
use cream_processor::pull::{ClaimedPull, PullAttempt, PullOutcome, Span, Target};
use cream_processor::{Hold, Outcome, chain};
use cream_retry::{Policy, Verdict};
use cream_store::{ClaimedStock, FinishedPull, Lease, NextPull, PullRecord, StoreError, Tracked};

use crate::disk;
use crate::error::RunError;
use crate::lanes::{Lanes, Turn};
use crate::observe::Label;
use crate::worker::{Worker, is_ahead};

/// So many seconds is a vendor waited for that will be free again; for longer, the next run looks.
const PATIENCE: i64 = 30;

/// A waiting thread looks again after so long at the latest.
const SLICE: Duration = Duration::from_millis(500);

/// So many rows at most wait claimed, for each thread and vendor.
const AHEAD: u32 = 4;

/// After so many failures in a row a symbol is pulled once a day, and other vendors are asked again.
const RARELY: i32 = 9;

/// How long a vendor is left alone by this worker that refuses its key, in seconds.
const KEY_REFUSED: i64 = 15 * 60;

/// A row in hand.
#[derive(Debug)]
struct Job {
    stock: ClaimedStock,
    hold: Hold,
}

/// What a run of the task did.
#[derive(Debug, Default)]
pub(crate) struct PullTally(Mutex<BTreeMap<Label, u64>>);

impl PullTally {
    fn add(&self, label: Label) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(label).or_default() += 1;
    }

    /// Symbols without new prices, but for those that were given back.
    pub(crate) fn failed(&self) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = counts.iter().filter(|(label, _)| !label.is_success());
        failed.map(|(_, count)| count).sum()
    }

    /// What was done, and who is left alone, for a person.
    fn told(&self, closed: &[(Vendor, Timestamp)]) -> String {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |label: &Label| counts.get(label).copied().unwrap_or(0);
        let not_done = [Label::GivenBack, Label::Cancelled].iter().map(of).sum::<u64>();
        let pulled = counts.values().sum::<u64>().saturating_sub(not_done);
        let mut text = match pulled {
            0 if closed.is_empty() && counts.is_empty() => return "nothing is due".to_owned(),
            count => format!("{count} pulled"),
        };
        for (label, count) in &*counts {
            text.push_str(&format!(", {count} {}", label.words()));
        }
        for (vendor, until) in closed {
            text.push_str(&format!("; {vendor} is left alone until {until}"));
        }
        text
    }
}

/// What the threads of a run share.
struct Shared<'w> {
    worker: &'w Worker,
    lanes: Mutex<Lanes<Job>>,
    changed: Condvar,
    halted: AtomicBool,
    error: Mutex<Option<RunError>>,
    tally: &'w PullTally,
    is_wanted: &'w (dyn Fn() -> bool + Sync),
}

impl Worker {
    /// Pulls what is due until nothing is, and tells how it went.
    pub(crate) fn pull_due(
        &self,
        tally: &PullTally,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<String, RunError> {
        let now = self.clock.now();
        let lanes = self.lanes(now)?;
        let threads = self.options.max_concurrent_pulls.max(1);
        if lanes.is_idle(now, now.plus_seconds(PATIENCE)) {
            return Ok(tally.told(&lanes.closed(now)));
        }
        if let Some(until) = self.rest.until(now) {
            return Err(RunError::Resting(until));
        }
        let shared = Shared {
            worker: self,
            lanes: Mutex::new(lanes),
            changed: Condvar::new(),
            halted: AtomicBool::new(false),
            error: Mutex::default(),
            tally,
            is_wanted,
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| shared.work());
            }
        });
        let left = shared.lock().take_all();
        self.give_back(left);
        let error = shared.error.into_inner().unwrap_or_else(PoisonError::into_inner);
        let lanes = shared.lanes.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.widths.lock().unwrap_or_else(PoisonError::into_inner) = lanes.widths();
        match &error {
            Some(RunError::Halted) => self.rest.halted(self.clock.now()),
            Some(_) => {}
            None => self.rest.went_well(),
        }
        match error {
            Some(error) => Err(error),
            None => Ok(tally.told(&lanes.closed(self.clock.now()))),
        }
    }

    /// The lanes of the vendors that can be asked; of those without due rows it is known already.
    fn lanes(&self, now: Timestamp) -> Result<Lanes<Job>, StoreError> {
        let askable = &self.askable;
        let (states, due) = self.store().read(|reader| {
            let states = reader.vendor_states()?;
            let mut due = Vec::new();
            for vendor in askable {
                due.push((*vendor, reader.next_due(*vendor)?));
            }
            Ok::<_, StoreError>((states, due))
        })?;
        let widths = self.widths.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let threads = self.options.max_concurrent_pulls;
        let mut lanes = Lanes::new(askable.iter().copied(), threads, &widths);
        for (vendor, next) in due {
            if next.is_none_or(|next| next > now) {
                // Nothing, so that there is nothing to give back.
                lanes.claimed(vendor, Vec::new(), now);
            }
        }
        let blocked = states.into_iter().filter_map(|(vendor, state)| {
            Some((vendor, state.blocked_until.filter(|until| *until > now)?))
        });
        let limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (vendor, until) in blocked.chain(limited) {
            if askable.contains(&vendor) && is_ahead(until, now) {
                lanes.close(vendor, until);
            }
        }
        Ok(lanes)
    }

    fn claim(&self, vendor: Vendor, now: Timestamp) -> Result<Vec<Job>, RunError> {
        // Each time: a run may take hours.
        disk::check(self.archive(), self.options.min_free_bytes)?;
        let leases = self.leases();
        let until = leases.lease_until(now);
        let token = self.token();
        let lease = Lease { token: &token, from: now, until };
        let threads = u32::try_from(self.options.max_concurrent_pulls).unwrap_or(u32::MAX);
        let limit = threads.saturating_mul(AHEAD);
        let claimed =
            self.store().write_loosely(|writer| writer.claim_due(vendor, limit, &lease))?;
        let job = |stock: ClaimedStock| {
            let hold = leases.hold(stock.token.clone(), until);
            Job { stock, hold }
        };
        Ok(claimed.into_iter().map(job).collect())
    }

    /// Gives claims back, so that nobody has to wait for their end.
    fn give_back(&self, jobs: Vec<Job>) {
        jobs.iter().for_each(|job| self.release(job));
    }

    fn release(&self, job: &Job) {
        let release =
            |token: &str| self.store().write_loosely(|writer| writer.release_leases(&[token]));
        if let Err(error) = job.hold.finish(release) {
            let (symbol, error) = (job.stock.symbol.as_str(), chain(&error));
            log::warn!(symbol, error = error.as_str(); "a claim is not given back, others take it over when it ends");
        }
    }

    /// Pulls a claimed row and settles when it is due again.
    fn pull(&self, job: &Job, is_wanted: &(dyn Fn() -> bool + Sync)) -> Settled {
        let tracked = &job.stock.tracked;
        let vendor = tracked.vendor;
        let mut vendors = vec![vendor];
        // Not at each of many attempts: whoever is asked in place of another was asked today.
        if tracked.failures == 0 || tracked.failures >= RARELY {
            let others = self.options.fallback_vendors.iter();
            vendors
                .extend(others.filter(|other| **other != vendor && self.askable.contains(other)));
        }
        let target = Target {
            symbol: job.stock.symbol.clone(),
            vendor_symbol: None,
            vendors,
            span: Span::Missing,
        };
        let ours = || is_wanted() && job.hold.is_held();
        let ClaimedPull { report, record } = self.puller.pull_claimed(&target, &ours);
        let label = self.observer.pull(&report);
        let Some(PullAttempt { outcome, .. }) = report.attempts.first() else {
            self.release(job);
            return Settled::default();
        };
        let not_before = outcome.not_before().or_else(|| {
            outcome.is_refused_key().then(|| self.clock.now().plus_seconds(KEY_REFUSED))
        });
        let record = record
            .or_else(|| is_own_failure(outcome).then(|| self.failure(job, outcome.to_string())));
        let halt = report.attempts.iter().any(|attempt| is_everybodys_failure(&attempt.outcome));
        match record {
            None => self.release(job),
            Some(record) => {
                let is_unknown = record.result.is_err() && outcome.is_unknown_symbol();
                let pull_id = report.pull_id.to_string();
                self.settle(job, record, is_unknown, &pull_id, not_before);
            }
        }
        Settled { not_before, halt, label: Some(label) }
    }

    /// What there is to record of a pull that failed by itself.
    fn failure(&self, job: &Job, why: String) -> PullRecord {
        let Tracked { stock_id, vendor, ref vendor_symbol, .. } = job.stock.tracked;
        let vendor_symbol = vendor_symbol.clone();
        PullRecord { stock_id, vendor, vendor_symbol, at: self.clock.now(), result: Err(why) }
    }

    fn settle(
        &self,
        job: &Job,
        record: PullRecord,
        is_unknown: bool,
        pull_id: &str,
        not_before: Option<Timestamp>,
    ) {
        let (symbol, vendor) = (job.stock.symbol.as_str(), record.vendor.name());
        let next = self.next(job, &record, is_unknown, not_before);
        if let NextPull::Disabled { reason } = &next {
            log::warn!(pull_id, symbol, vendor, reason = reason.as_str(); "the symbol is pulled no more");
        }
        let finished = FinishedPull { record, next, is_unknown };
        let policy = Policy { total: self.options.patience, ..Policy::default() };
        let finish =
            |token: &str| self.store().write_loosely(|writer| writer.finish_pull(&finished, token));
        let judge = |error: &StoreError, _| {
            if error.is_transient() { Verdict::Retry } else { Verdict::GiveUp }
        };
        let written = policy.run(|| job.hold.finish(finish), judge);
        match written {
            Ok(()) => {}
            Err(StoreError::LeaseLost { .. }) => {
                log::warn!(pull_id, symbol, vendor; "another worker has taken the pull over");
            }
            Err(error) => {
                let error = chain(&error);
                log::warn!(pull_id, symbol, vendor, error = error.as_str(); "the pull is not settled, and done again when its lease ends");
            }
        }
    }

    /// When a row is due again.
    fn next(
        &self,
        job: &Job,
        record: &PullRecord,
        is_unknown: bool,
        not_before: Option<Timestamp>,
    ) -> NextPull {
        let (tracked, now) = (&job.stock.tracked, self.clock.now());
        let Err(message) = &record.result else {
            return NextPull::At(self.after_success(job, now));
        };
        if is_unknown {
            let since = tracked.unknown_since.unwrap_or(now);
            let days = self.options.unknown_days;
            if now >= since.plus_seconds(i64::from(days).saturating_mul(86_400)) {
                let reason = format!(
                    "unknown for {days} days, since {since}; `worker track` takes it up again: {message}"
                );
                return NextPull::Disabled { reason };
            }
        }
        let failures = u32::try_from(tracked.failures).unwrap_or(0).saturating_add(1);
        let at = self.options.times.after_failure(failures, now, fastrand::f64());
        NextPull::At(not_before.map_or(at, |not_before| at.max(not_before)))
    }

    fn after_success(&self, job: &Job, now: Timestamp) -> Timestamp {
        let (symbol, tracked) = (&job.stock.symbol, &job.stock.tracked);
        let series = self.store().read(|reader| reader.series(tracked.stock_id, tracked.vendor));
        let series = series.unwrap_or_else(|error| {
            // Then the symbol has to tell its market.
            log::debug!(symbol = symbol.as_str(), error:% = error; "the series is not to be read");
            None
        });
        let said = series.as_ref().map(|series| &series.description);
        let exchange = said.and_then(|said| said.exchange.as_ref()).map(|said| said.text.as_str());
        let time_zone = series.as_ref().and_then(|series| series.time_zone());
        self.options.times.after_success(symbol, tracked.vendor, exchange, time_zone, now)
    }
}

/// Whether a pull of which nothing is recorded failed by itself. Given back like what is the
/// moment's fault, it would be claimed and pulled again at once, and so on without end.
fn is_own_failure(outcome: &PullOutcome) -> bool {
    match outcome {
        PullOutcome::Refused { error, .. } => !error.is_for_later(),
        PullOutcome::Failed(error) => !error.stops_all(),
        PullOutcome::Filed { file, .. } => {
            matches!(&file.outcome, Outcome::Failed(error) if !error.stops_all())
        }
        _ => false,
    }
}

/// Whether every other pull would fail too. A vendor that is not asked now, without a time for it,
/// is one of which the database cannot say whether it may be asked.
fn is_everybodys_failure(outcome: &PullOutcome) -> bool {
    outcome.stops_all()
        || matches!(
            outcome,
            PullOutcome::Refused { error, .. } if error.is_for_later() && error.until().is_none()
        )
}

/// What a pull means for those after it.
#[derive(Debug, Default)]
struct Settled {
    label: Option<Label>,
    not_before: Option<Timestamp>,
    /// The machine or the database fails, and every other pull would too.
    halt: bool,
}

impl Shared<'_> {
    fn lock(&self) -> MutexGuard<'_, Lanes<Job>> {
        // It is whole after each change.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn goes_on(&self) -> bool {
        (self.is_wanted)() && !self.halted.load(Ordering::Relaxed)
    }

    fn halt(&self, error: Option<RunError>) {
        self.halted.store(true, Ordering::Relaxed);
        if let Some(error) = error {
            self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        self.changed.notify_all();
    }

    /// The lanes are never locked while the database or a vendor is waited for: whoever has work
    /// goes on.
    fn work(&self) {
        while self.goes_on() {
            let now = self.worker.clock.now();
            let mut lanes = self.lock();
            let turn = lanes.next(now, now.plus_seconds(PATIENCE));
            match turn {
                Turn::Work(job) => {
                    drop(lanes);
                    let vendor = job.stock.tracked.vendor;
                    let settled = self.run(&job);
                    drop(job);
                    self.ended(vendor, &settled);
                }
                Turn::Claim(vendor) => {
                    drop(lanes);
                    self.claim(vendor, now);
                }
                Turn::Wait(_) => {
                    let waited = self.changed.wait_timeout(lanes, SLICE);
                    drop(waited.unwrap_or_else(PoisonError::into_inner));
                }
                Turn::End => break,
            }
        }
    }

    fn ended(&self, vendor: Vendor, settled: &Settled) {
        let mut lanes = self.lock();
        lanes.ended(vendor, settled.label.is_some_and(Label::is_through));
        let waiting = settled.not_before.map(|until| lanes.close(vendor, until));
        drop(lanes);
        if let Some(until) = settled.not_before {
            self.worker.limit(vendor, until);
        }
        if settled.halt {
            self.halt(Some(RunError::Halted));
        }
        self.changed.notify_all();
        self.worker.give_back(waiting.unwrap_or_default());
    }

    fn claim(&self, vendor: Vendor, now: Timestamp) {
        let claim = || self.worker.claim(vendor, now);
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(claim)) {
            Ok(Ok(jobs)) => {
                let closed = self.lock().claimed(vendor, jobs, now);
                self.changed.notify_all();
                self.worker.give_back(closed);
            }
            Ok(Err(error)) => self.halt(Some(error)),
            Err(panic) => {
                // The others would wait for what it claims.
                self.halt(None);
                std::panic::resume_unwind(panic);
            }
        }
    }

    /// A panic is that pull's failure: were it not settled as one, the symbol would be asked for
    /// again each time that its lease ends.
    fn run(&self, job: &Job) -> Settled {
        let (worker, tracked) = (self.worker, &job.stock.tracked);
        let settled = unless_panicked(job, || worker.pull(job, self.is_wanted));
        let settled = settled.unwrap_or_else(|| {
            let why = "failed: the program panicked while the pull was settled".to_owned();
            let settle = || worker.settle(job, worker.failure(job, why), false, "", None);
            if unless_panicked(job, settle).is_none() {
                log::debug!(vendor = tracked.vendor.name(); "the lease ends by itself");
            }
            Settled::default()
        });
        self.tally.add(settled.label.unwrap_or(Label::Failed));
        settled
    }
}

fn unless_panicked<T>(job: &Job, work: impl FnOnce() -> T) -> Option<T> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    if done.is_err() {
        let (symbol, vendor) = (job.stock.symbol.as_str(), job.stock.tracked.vendor.name());
        log::error!(symbol, vendor; "panic while a pull was settled");
    }
    done.ok()
}
