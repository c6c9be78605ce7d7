//! What a worker counts.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cream_models::Vendor;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::labels::{PullOutcome, ResponseOutcome, TaskOutcome};
use crate::queues::{QueueCollector, Queues};
use crate::{PREFIX, registry, render};

/// Labels and their values, none of which is made while the program runs.
type Labels<const N: usize> = [(&'static str, &'static str); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Histograms = Family<Labels<1>, Histogram>;

/// Upper bounds of the buckets of pulls, in seconds: from an answer of a server nearby to one that
/// waited for its turn.
const PULL_SECONDS: [f64; 13] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// Those of runs of tasks: from a look that finds nothing to a walk through the whole archive.
const TASK_SECONDS: [f64; 10] = [0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0];

/// What became of bars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarCounts {
    /// New ones.
    pub inserted: u64,
    /// Written over.
    pub updated: u64,
    /// The same as before.
    pub unchanged: u64,
    /// The vendor no longer has them.
    pub withdrawn: u64,
}

/// What a worker counts since its start, and how its queues stand.
///
/// Each method may be called by many threads at once, and waits for nothing but a lock that is held for
/// the time of a look-up.
#[derive(Debug)]
pub struct WorkerMetrics {
    /// What any process tells.
    process: Registry,
    registry: Registry,
    pulls: Counters<2>,
    pull_seconds: Histograms,
    pull_bytes: Counters<1>,
    vendor_requests: Counters<1>,
    vendor_retries: Counters<1>,
    bars: Counters<1>,
    responses: Counters<1>,
    dead_letters: Counters<1>,
    lease_losses: Counter,
    task_runs: Counters<2>,
    task_seconds: Histograms,
    queues: QueueCollector,
}

impl WorkerMetrics {
    /// Nothing counted yet, and no queue known. `version` is the program's.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut metrics = Self {
            process: registry(version),
            registry: Registry::default(),
            pulls: Family::default(),
            pull_seconds: Family::new_with_constructor(|| Histogram::new(PULL_SECONDS)),
            pull_bytes: Family::default(),
            vendor_requests: Family::default(),
            vendor_retries: Family::default(),
            bars: Family::default(),
            responses: Family::default(),
            dead_letters: Family::default(),
            lease_losses: Counter::default(),
            task_runs: Family::default(),
            task_seconds: Family::new_with_constructor(|| Histogram::new(TASK_SECONDS)),
            queues: QueueCollector::default(),
        };
        metrics.begin_at_zero();
        metrics.register();
        metrics
    }

    /// Makes the series whose labels are known, so that their first event is seen as an increase.
    fn begin_at_zero(&self) {
        for vendor in Vendor::ALL {
            for outcome in PullOutcome::ALL {
                drop(self.pulls.get_or_create(&pull(vendor, outcome)));
            }
            for family in [&self.pull_bytes, &self.vendor_requests, &self.vendor_retries] {
                drop(family.get_or_create(&of(vendor)));
            }
        }
        for outcome in ResponseOutcome::ALL {
            drop(self.responses.get_or_create(&[("outcome", outcome.name())]));
        }
        self.bars(&BarCounts::default());
    }

    fn register(&mut self) {
        let registry = self.registry.sub_registry_with_prefix(PREFIX);
        let help = "Pulls by vendor and what came of them";
        registry.register("pulls", help, self.pulls.clone());
        let help = "How long pulls took that came to an end, waiting for their turn included";
        let seconds = self.pull_seconds.clone();
        registry.register_with_unit("pull_duration", help, Unit::Seconds, seconds);
        let help = "Bytes of the files that pulls wrote into the archive";
        registry.register_with_unit("pull", help, Unit::Bytes, self.pull_bytes.clone());
        let help = "Requests sent to vendors";
        registry.register("vendor_requests", help, self.vendor_requests.clone());
        let help = "Requests to vendors that were a further attempt";
        registry.register("vendor_retries", help, self.vendor_retries.clone());
        let help = "Bars of loaded responses by what became of them";
        registry.register("bars", help, self.bars.clone());
        let help = "Files of responses by what became of them";
        registry.register("responses", help, self.responses.clone());
        let help = "Responses that were filed as dead letters, by reason";
        registry.register("dead_letters", help, self.dead_letters.clone());
        let help = "Leases that were lost while the work went on";
        registry.register("lease_losses", help, self.lease_losses.clone());
        let help = "Runs of periodic tasks by how they ended";
        registry.register("task_runs", help, self.task_runs.clone());
        let help = "How long runs of periodic tasks took";
        let seconds = self.task_seconds.clone();
        registry.register_with_unit("task_duration", help, Unit::Seconds, seconds);
        registry.register_collector(Box::new(self.queues.clone()));
    }

    /// A pull ended: how, how long it took, and how many bytes it wrote into the archive (0 where
    /// none). The time counts where the pull came to its end: not for
    /// [`PullOutcome::Cancelled`] and [`PullOutcome::GivenBack`].
    pub fn pull(&self, vendor: Vendor, outcome: PullOutcome, took: Duration, bytes: u64) {
        self.pulls.get_or_create(&pull(vendor, outcome)).inc();
        self.pull_bytes.get_or_create(&of(vendor)).inc_by(bytes);
        if outcome.is_end() {
            self.pull_seconds.get_or_create(&of(vendor)).observe(took.as_secs_f64());
        }
    }

    /// How many requests a vendor was sent since the start of the process, and how many of them were
    /// retries. The totals are kept by whoever asks: telling the same again, or an older total after
    /// a newer one, changes nothing.
    pub fn set_vendor_totals(&self, vendor: Vendor, requests: u64, retries: u64) {
        raise(&self.vendor_requests.get_or_create(&of(vendor)), requests);
        raise(&self.vendor_retries.get_or_create(&of(vendor)), retries);
    }

    /// A response was loaded, with this effect.
    pub fn bars(&self, counts: &BarCounts) {
        let changes = [
            ("inserted", counts.inserted),
            ("updated", counts.updated),
            ("unchanged", counts.unchanged),
            ("withdrawn", counts.withdrawn),
        ];
        for (change, count) in changes {
            self.bars.get_or_create(&[("change", change)]).inc_by(count);
        }
    }

    /// A response's file was worked on.
    pub fn response(&self, outcome: ResponseOutcome) {
        self.responses.get_or_create(&[("outcome", outcome.name())]).inc();
    }

    /// A response was filed as a dead letter. `reason` is one of a few, such as `truncated`.
    pub fn dead_letter(&self, reason: &'static str) {
        self.dead_letters.get_or_create(&[("reason", reason)]).inc();
    }

    /// How many leases were lost since the start of the process; as with
    /// [`set_vendor_totals`](Self::set_vendor_totals), a total.
    pub fn set_lease_losses(&self, total: u64) {
        raise(&self.lease_losses, total);
    }

    /// A run of a periodic task ended: how, and how long it took.
    pub fn task(&self, task: &'static str, outcome: TaskOutcome, took: Duration) {
        // With its siblings, so that a task's first failure is seen as an increase.
        for each in TaskOutcome::ALL {
            let count = u64::from(each == outcome);
            self.task_runs.get_or_create(&[("task", task), ("outcome", each.name())]).inc_by(count);
        }
        self.task_seconds.get_or_create(&[("task", task)]).observe(took.as_secs_f64());
    }

    /// How the queues stand, in place of what was known before: what is `None` is not known any more.
    /// To be called before each [`render`](Self::render), also where reading them failed:
    /// `Queues::default()` says that nothing is known.
    pub fn set_queues(&self, queues: &Queues) {
        self.queues.set(queues);
    }

    /// The text for Prometheus; its content type is [`CONTENT_TYPE`](crate::CONTENT_TYPE).
    ///
    /// # Errors
    ///
    /// As [`render`](crate::render).
    pub fn render(&self) -> Result<String, fmt::Error> {
        render(&self.process, &self.families()?)
    }

    /// The part of the text that is the worker's and not the process's, for another server to
    /// [`render`](crate::render) beside its own.
    ///
    /// # Errors
    ///
    /// As [`render`](crate::render).
    pub fn families(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        Ok(text)
    }
}

const fn of(vendor: Vendor) -> Labels<1> {
    [("vendor", vendor.name())]
}

const fn pull(vendor: Vendor, outcome: PullOutcome) -> Labels<2> {
    [("vendor", vendor.name()), ("outcome", outcome.name())]
}

/// Brings a counter up to a total that is kept elsewhere. It never falls, in whatever order threads
/// come with their readings.
fn raise(counter: &Counter, total: u64) {
    counter.inner().fetch_max(total, Ordering::Relaxed);
}
