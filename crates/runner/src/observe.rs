//! What the worker tells Prometheus.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cream_metrics::{
    BarCounts, PullOutcome as Label_, Queue, Queues, ResponseOutcome, TaskOutcome, Tracked,
    WorkerMetrics,
};
use cream_models::Timestamp;
use cream_processor::pull::{PullAttempt, PullOutcome, PullReport};
use cream_processor::{FileReport, Outcome};
use cream_store::StoreError;
use cream_tasks::Run;

use crate::between;
use crate::lasting::Lasting;
use crate::running::spawn;
use crate::worker::Worker;

/// However often it is scraped, the database is asked no more often.
const FRESH: Duration = Duration::from_secs(2);

/// Nor does counting what is tracked take more than this part of the time, however much it is.
const SHARE: u32 = 50;

/// How long a scrape waits for the database. What is counted in the process is told without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counts what happens.
pub(crate) struct Observer {
    metrics: WorkerMetrics,
    queues: Mutex<Reading>,
    reading: Lasting,
}

/// The last look at the queues.
#[derive(Default)]
struct Reading {
    /// Until when it is good enough.
    until: Option<Instant>,
    under_way: Option<Receiver<Look>>,
}

/// What a look at the queues gave, and how long it took.
struct Look {
    queues: Option<Queues>,
    took: Duration,
}

/// How a pull ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    Loaded,
    Unchanged,
    DeadLetter,
    Refused,
    Failed,
    Cancelled,
    GivenBack,
}

impl Label {
    pub(crate) const fn is_success(self) -> bool {
        matches!(self, Self::Loaded | Self::Unchanged | Self::Cancelled | Self::GivenBack)
    }

    /// Whether the vendor gave what it was asked for.
    pub(crate) const fn is_through(self) -> bool {
        matches!(self, Self::Loaded | Self::Unchanged | Self::DeadLetter)
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Unchanged => "unchanged",
            Self::DeadLetter => "dead letters",
            Self::Refused => "without prices",
            Self::Failed => "failed",
            Self::Cancelled => "stopped",
            Self::GivenBack => "given back",
        }
    }

    const fn metric(self) -> Label_ {
        match self {
            Self::Loaded => Label_::Loaded,
            Self::Unchanged => Label_::Unchanged,
            Self::DeadLetter => Label_::DeadLetter,
            Self::Refused => Label_::Refused,
            Self::Failed => Label_::Failed,
            Self::Cancelled => Label_::Cancelled,
            Self::GivenBack => Label_::GivenBack,
        }
    }

    fn of(outcome: &PullOutcome) -> Self {
        match outcome {
            outcome if outcome.is_success() => {
                if matches!(outcome, PullOutcome::Unchanged) {
                    Self::Unchanged
                } else {
                    Self::Loaded
                }
            }
            PullOutcome::Filed { file, .. } if matches!(file.outcome, Outcome::Failed(_)) => {
                Self::Failed
            }
            PullOutcome::Filed { .. } | PullOutcome::Refused { file: Some(_), .. } => {
                Self::DeadLetter
            }
            PullOutcome::Refused { error, .. } if error.is_for_later() => Self::GivenBack,
            PullOutcome::Refused { .. } => Self::Refused,
            PullOutcome::Cancelled => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

impl Observer {
    pub(crate) fn new(version: &str) -> Self {
        let reading = Lasting::new("the queues are not known");
        Self { metrics: WorkerMetrics::new(version), queues: Mutex::default(), reading }
    }

    /// A pull ended; tells how, as far as its first vendor is concerned.
    pub(crate) fn pull(&self, report: &PullReport) -> Label {
        for PullAttempt { vendor, outcome, took, .. } in &report.attempts {
            let file = match outcome {
                PullOutcome::Filed { file, .. } => Some(file),
                PullOutcome::Refused { file, .. } => file.as_ref(),
                _ => None,
            };
            let bytes = file.map_or(0, |file| file.bytes);
            self.metrics.pull(*vendor, Label::of(outcome).metric(), *took, bytes);
            if let Some(file) = file {
                self.file(file);
            }
        }
        report.attempts.first().map_or(Label::Cancelled, |attempt| Label::of(&attempt.outcome))
    }

    /// A file was worked on.
    pub(crate) fn file(&self, report: &FileReport) {
        let outcome = match &report.outcome {
            Outcome::Loaded(loaded) => {
                let bars = &loaded.report.bars;
                self.metrics.bars(&BarCounts {
                    inserted: bars.inserted,
                    updated: bars.updated,
                    unchanged: bars.unchanged,
                    withdrawn: bars.withdrawn,
                });
                ResponseOutcome::Loaded
            }
            Outcome::AlreadyLoaded => ResponseOutcome::AlreadyLoaded,
            Outcome::DeadLetter { kind, .. } => {
                self.metrics.dead_letter(kind);
                ResponseOutcome::DeadLetter
            }
            Outcome::AlreadyDead(_) => ResponseOutcome::AlreadyDead,
            Outcome::InOtherHands => ResponseOutcome::InOtherHands,
            Outcome::Refused(_) => ResponseOutcome::Refused,
            _ => ResponseOutcome::Failed,
        };
        self.metrics.response(outcome);
    }

    /// A task ran.
    pub(crate) fn task(&self, run: &Run) {
        let outcome = match run.outcome {
            Some(cream_tasks::Outcome::Done) => TaskOutcome::Done,
            Some(cream_tasks::Outcome::Failed) => TaskOutcome::Failed,
            Some(cream_tasks::Outcome::Panicked) => TaskOutcome::Panicked,
            None => return,
        };
        let took = run.ended_at.map_or(Duration::ZERO, |ended| between(run.started_at, ended));
        self.metrics.task(run.task, outcome, took);
    }

    /// The text of a scrape. Where the database does not answer, it is without the queues.
    pub(crate) fn render(&self, worker: &Arc<Worker>) -> String {
        self.gather(worker);
        self.metrics.render().unwrap_or_default()
    }

    /// The worker's part of a scrape that another server answers.
    pub(crate) fn families(&self, worker: &Arc<Worker>) -> String {
        self.gather(worker);
        self.metrics.families().unwrap_or_default()
    }

    fn gather(&self, worker: &Arc<Worker>) {
        for (vendor, counters) in worker.puller.retriever().counters() {
            self.metrics.set_vendor_totals(vendor, counters.requests, counters.retries);
        }
        self.metrics.set_lease_losses(worker.leases().lost());
        self.look(worker);
    }

    /// Looks at the queues, on a thread of its own: a database that is away is waited for longer
    /// than whoever scrapes waits for an answer.
    fn look(&self, worker: &Arc<Worker>) {
        let mut reading = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if reading.under_way.is_none() {
            if reading.until.is_some_and(|until| Instant::now() < until) {
                return;
            }
            let (tell, told) = channel();
            let this = Arc::clone(worker);
            let read = move || {
                let begun = Instant::now();
                let queues = queues(&this);
                this.observer.reading.tell(&queues);
                let look = Look { queues: queues.ok(), took: begun.elapsed() };
                if tell.send(look).is_err() {
                    log::debug!("nobody waits for the queues any more");
                }
            };
            match spawn("queues", read) {
                Ok(_) => reading.under_way = Some(told),
                Err(error) => self.reading.met(&error),
            }
        }
        let look = reading.under_way.as_ref().map(|told| told.recv_timeout(PATIENCE));
        let is_under_way = matches!(look, Some(Err(RecvTimeoutError::Timeout)));
        let queues = match look {
            Some(Ok(look)) => {
                reading.until = Instant::now().checked_add(fresh_for(look.took));
                look.queues.unwrap_or_default()
            }
            _ => Queues::default(),
        };
        if !is_under_way {
            reading.under_way = None;
        }
        let in_hand = i64::try_from(worker.leases().in_hand()).ok();
        self.metrics.set_queues(&Queues { in_hand, ..queues });
    }
}

/// For how long a look at the queues is good enough that took so long.
fn fresh_for(took: Duration) -> Duration {
    took.saturating_mul(SHARE).max(FRESH)
}

/// What waits, over all workers.
fn queues(worker: &Worker) -> Result<Queues, StoreError> {
    let now = worker.clock.now();
    let (counts, pending, workers) = worker.store().read(|reader| {
        let counts = reader.tracked_counts(now)?;
        Ok::<_, StoreError>((counts, reader.pending_queue()?, reader.workers()?))
    })?;
    let age = |since: Option<Timestamp>| since.map(|since| between(since, now));
    let mut tracked = Tracked::default();
    let mut oldest: Option<Timestamp> = None;
    for (_, count) in counts {
        tracked.active += count.active;
        tracked.due += count.due;
        tracked.failing += count.failing;
        tracked.disabled += count.disabled;
        oldest = match (oldest, count.oldest_due) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    let running = workers.iter().filter(|worker| worker.ended_at.is_none()).count();
    Ok(Queues {
        pulls: Some(Queue { depth: tracked.due, oldest_age: age(oldest) }),
        responses: Some(Queue { depth: pending.pending, oldest_age: age(pending.oldest) }),
        tracked: Some(tracked),
        in_hand: None,
        workers: i64::try_from(running).ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_read_less_often() {
        assert_eq!(fresh_for(Duration::from_millis(3)), FRESH);
        assert_eq!(fresh_for(Duration::from_millis(300)), Duration::from_secs(15));
        assert_eq!(fresh_for(Duration::MAX), Duration::MAX);
    }
}
