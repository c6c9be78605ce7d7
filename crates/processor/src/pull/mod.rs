//! From a vendor into the database: what to ask for, the answer into the archive, and on as with
//! any other response.

mod ask;
mod gate;
mod overlap;
mod record;
mod report;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use cream_archive::FileName;
use cream_models::{Date, Symbol, Vendor};
use cream_parser::pull::{Pull, PullId};
use cream_retriever::{Ask, Failure, Fetched, FetchedPull, RetrievalError, Retriever};
use cream_store::PullRecord;
use log::info;

pub use gate::StoreGate;
pub use overlap::Rewritten;
pub use report::{ClaimedPull, PullAttempt, PullOutcome, PullReport};

use crate::batch::unless_panicked;
use crate::{Cancel, Error, FileReport, Outcome, Processor};
use ask::gap;

/// Which dates to pull.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Span {
    /// What is missing: the last days where there are bars, and else the whole history.
    #[default]
    Missing,
    /// The whole history.
    Whole,
    /// From a date on, up to another or to now.
    Dates {
        /// The first; `None` for the beginning. Where that is behind the last bar, the pull begins
        /// as that of what is missing does, so that there is no gap.
        from: Option<Date>,
        /// The last; `None` for today.
        to: Option<Date>,
    },
}

/// What to pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The instrument.
    pub symbol: Symbol,
    /// Its symbol in the first vendor's own spelling, where that does not follow.
    pub vendor_symbol: Option<String>,
    /// Who is asked, and who is asked next where one fails. Each has a series of its own.
    pub vendors: Vec<Vendor>,
    /// Which dates.
    pub span: Span,
}

/// How pulls are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullOptions {
    /// How many symbols are pulled at once, at least 1.
    pub max_concurrent: usize,
    /// How many days before the last bar a pull of the last days begins.
    pub overlap_days: u16,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self { max_concurrent: 4, overlap_days: 10 }
    }
}

/// Whom a pull would ask, and with which requests, or why it cannot.
pub type Plan = (Vendor, Result<Vec<String>, RetrievalError>);

/// Pulls from vendors into the archive and the database.
pub struct Puller {
    processor: Processor,
    retriever: Retriever,
    options: PullOptions,
}

impl Puller {
    /// Pulls by this retriever, into what this processor works on.
    #[must_use]
    pub const fn new(processor: Processor, retriever: Retriever, options: PullOptions) -> Self {
        Self { processor, retriever, options }
    }

    /// The retriever.
    #[must_use]
    pub const fn retriever(&self) -> &Retriever {
        &self.retriever
    }

    /// The processor.
    #[must_use]
    pub const fn processor(&self) -> &Processor {
        &self.processor
    }

    /// Pulls many symbols on a bounded number of threads. `watch` is told of each as soon as its
    /// fate is known; one failure stops no other, but where the database or the disk is gone.
    pub fn pull_all(
        &self,
        targets: &[Target],
        cancel: &Cancel,
        watch: &(dyn Fn(&PullReport) + Sync),
    ) {
        let next = AtomicUsize::new(0);
        let halted = AtomicBool::new(false);
        let threads = self.options.max_concurrent.clamp(1, targets.len().max(1));
        let work = || {
            while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                let is_wanted = || !cancel.is_cancelled() && !halted.load(Ordering::Relaxed);
                let report = self.pull(target, &is_wanted);
                if report.attempts.iter().any(|attempt| attempt.outcome.stops_all()) {
                    halted.store(true, Ordering::Relaxed);
                }
                watch(&report);
            }
        };
        self.processor.leases.while_renewing(|| {
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(work);
                }
            });
        });
    }

    /// Pulls one symbol from the first of its vendors that gives it, and records how that ended.
    pub fn pull(&self, target: &Target, is_wanted: &(dyn Fn() -> bool + Sync)) -> PullReport {
        self.run(target, is_wanted, Recording::All).report
    }

    /// Pulls for a row of what is tracked that is claimed: asks its vendor, the first of the
    /// target's, then, where that fails, the others, whose pulls are recorded as usual. Nobody is
    /// asked in place of a vendor whose turn has not come. Of the first one nothing is recorded:
    /// what there is to record is returned, for whoever holds the claim.
    pub fn pull_claimed(
        &self,
        target: &Target,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> ClaimedPull {
        self.run(target, is_wanted, Recording::AllButFirst)
    }

    fn run(
        &self,
        target: &Target,
        is_wanted: &(dyn Fn() -> bool + Sync),
        recording: Recording,
    ) -> ClaimedPull {
        let start = Instant::now();
        let (mut attempts, mut claimed) = (Vec::new(), None);
        for (index, &vendor) in target.vendors.iter().enumerate() {
            let (begun, pull_id) = (Instant::now(), draw());
            let vendor_symbol = target.vendor_symbol.as_deref().filter(|_| index == 0);
            let pull = || match is_wanted() {
                true => self.pull_from(vendor, target, vendor_symbol, pull_id, is_wanted),
                false => (PullOutcome::Cancelled, None),
            };
            let (mut outcome, record) =
                unless_panicked(|| self.processor.leases.while_renewing(pull)).unwrap_or_else(
                    |message| (PullOutcome::Failed(Error::Panicked(message)), None),
                );
            if index == 0 && recording == Recording::AllButFirst {
                claimed = record;
            } else if let Some(Err(error)) = record.map(|record| self.write_record(&record)) {
                // What was loaded stays loaded, but the next pull would not know of this one.
                outcome = PullOutcome::Failed(error);
            }
            // A claimed row whose vendor's turn has not come has not failed: it is pulled later.
            let is_for_later = index == 0
                && recording == Recording::AllButFirst
                && matches!(&outcome, PullOutcome::Refused { error, .. } if error.is_for_later());
            let is_last = outcome.is_success()
                || is_for_later
                || matches!(outcome, PullOutcome::Failed(_) | PullOutcome::Cancelled);
            let attempt = PullAttempt { vendor, pull_id, outcome, took: begun.elapsed() };
            record::log(target.symbol.as_str(), &attempt);
            attempts.push(attempt);
            if is_last {
                break;
            }
        }
        let pull_id = attempts.first().map_or_else(draw, |attempt| attempt.pull_id);
        let symbol = target.symbol.clone();
        let report = PullReport { symbol, pull_id, attempts, took: start.elapsed() };
        ClaimedPull { report, record: claimed }
    }

    /// The requests that a pull would begin with, without secrets; nothing is sent.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn plan(&self, target: &Target) -> Result<Vec<Plan>, Error> {
        let mut plans = Vec::new();
        for (index, &vendor) in target.vendors.iter().enumerate() {
            let known = self.known(&target.symbol, vendor)?;
            let vendor_symbol = target.vendor_symbol.as_deref().filter(|_| index == 0);
            let ask = self.ask(vendor, target, vendor_symbol, &known);
            plans.push((vendor, self.retriever.plan(&ask)));
        }
        Ok(plans)
    }

    /// Asks one vendor, and tells what there is to record of it.
    fn pull_from(
        &self,
        vendor: Vendor,
        target: &Target,
        vendor_symbol: Option<&str>,
        pull_id: PullId,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> (PullOutcome, Option<PullRecord>) {
        let known = match self.known(&target.symbol, vendor) {
            Ok(known) => known,
            Err(error) => return (PullOutcome::Failed(error), None),
        };
        let mut ask = self.ask(vendor, target, vendor_symbol, &known);
        ask.pull_id = Some(pull_id);
        let mut why = None;
        let fetched = self.retriever.fetch_while(&ask, is_wanted).and_then(|fetched| {
            let Fetched::Pull(pulled) = &fetched else { return Ok(Ok(fetched)) };
            match self.rewritten(&ask, &known, pulled) {
                Ok(None) => Ok(Ok(fetched)),
                Ok(Some(found)) => {
                    info!(
                        symbol = target.symbol.as_str(), vendor = vendor.name(),
                        pull_id = pull_id.to_string().as_str(),
                        reason = found.to_string().as_str();
                        "history was rewritten, all of it is pulled"
                    );
                    why = Some(found);
                    // Also where older dates were asked for: what is newer is as old.
                    let to = ask.to.max(self.today());
                    let is_continued = true;
                    ask = Ask { from: None, to, validators: None, is_continued, ..ask.clone() };
                    self.retriever.fetch_while(&ask, is_wanted).map(Ok)
                }
                Err(error) => Ok(Err(error)),
            }
        });
        self.processor.steps.at("pull.answered");
        let (validators, outcome) = match fetched {
            Ok(Ok(Fetched::Pull(pulled))) => {
                let gap = gap(&known, &pulled.history);
                let FetchedPull { pull, validators, .. } = *pulled;
                let file = self.file(pull, pull_id, is_wanted);
                let is_whole = ask.from.is_none();
                (validators, PullOutcome::Filed { is_whole, rewritten: why, gap, file })
            }
            Ok(Ok(Fetched::Unchanged)) => (known.validators, PullOutcome::Unchanged),
            Ok(Err(error)) => (None, PullOutcome::Failed(error)),
            Err(error) => {
                let outcome = match error {
                    RetrievalError { failure: Failure::Cancelled, .. } => PullOutcome::Cancelled,
                    RetrievalError { failure: Failure::NotUnderstood { ref pull, .. }, .. } => {
                        // Whoever looks into it finds what came, among the dead letters.
                        let file = self.file(pull.as_ref().clone(), pull_id, is_wanted);
                        PullOutcome::Refused { error, file: Some(file) }
                    }
                    error => PullOutcome::Refused { error, file: None },
                };
                (None, outcome)
            }
        };
        self.processor.steps.at("pull.filed");
        match self.record_of(&ask, validators, &outcome) {
            Ok(record) => (outcome, record),
            // What was loaded stays loaded, but the next pull would not know of this one.
            Err(error) => (PullOutcome::Failed(error), None),
        }
    }

    /// Archives a pull and takes it on its way.
    fn file(
        &self,
        mut pull: Pull,
        pull_id: PullId,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> FileReport {
        loop {
            let name = FileName::canonical(&pull.symbol, pull.fetched_at, pull.vendor, "warc");
            // Only whoever pulls the same symbol twice in a second meets its own name.
            let is_taken = matches!(self.processor.archive.find(&name), Ok(Some(_)));
            if is_taken {
                pull.fetched_at = pull.fetched_at.plus_seconds(1);
                continue;
            }
            let bytes = pull.to_bytes(pull_id.0);
            let report = self.processor.take_in_patiently(&name, &bytes, is_wanted);
            // Another worker may pull the same symbol in the same second, and have been faster.
            let is_late = matches!(report.outcome, Outcome::Refused(_))
                && matches!(self.processor.archive.find(&name), Ok(Some(_)));
            if !is_late {
                return report;
            }
        }
    }
}

/// A new identifier.
fn draw() -> PullId {
    PullId(u128::from(fastrand::u64(..)) << 64 | u128::from(fastrand::u64(..)))
}

/// Which pulls are recorded at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recording {
    All,
    /// What there is to record of the first vendor is for whoever holds a claim.
    AllButFirst,
}
