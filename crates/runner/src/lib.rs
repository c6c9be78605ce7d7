//! The worker on its own: it claims what is due, pulls it, processes what waits, retries dead
//! letters, and tells how it is, for as long as nobody stops it.
//!
//! Any number of them share a database. Whoever finds a row due claims it with a lease, keeps the
//! lease while it works, and settles the row only while it holds it; so nobody leads, and nobody is
//! missed. See the architecture page of the project for the whole.
//!
//! - [`Runner::start`] runs it in the background until [`Running::stop`];
//! - [`Runner::run_once`] does once what there is to do.

mod archive_check;
mod disk;
mod error;
mod heart;
mod journal;
mod lanes;
mod lasting;
mod observe;
mod options;
mod presence;
mod pulls;
mod rest;
mod running;
mod tasks;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use cream_models::{Clock, Timestamp};
use cream_processor::Cancel;
use cream_processor::pull::Puller;
use cream_tasks::{Outcome, Run, Scheduler};

pub use disk::{DiskError, check_folder};
pub use error::{RunError, StartError};
pub use options::{RunnerOptions, Schedules};
pub use running::{Ended, Running};

use crate::heart::Heart;
use crate::journal::StoreJournal;
use crate::tasks::Troubles;
use crate::worker::Worker;

/// A worker.
pub struct Runner {
    worker: Arc<Worker>,
}

/// What [`Runner::run_once`] did.
#[derive(Clone, Debug)]
pub struct Once {
    /// What each task did, in the order in which they were run.
    pub runs: Vec<Run>,
    /// Symbols without new prices, and files that are not loaded.
    pub troubles: u64,
}

impl Once {
    /// Whether everything was done, and went well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.troubles == 0 && self.runs.iter().all(|run| run.outcome == Some(Outcome::Done))
    }
}

impl Runner {
    /// A worker that pulls by this puller, into what its processor works on.
    #[must_use]
    pub fn new(puller: Puller, clock: Arc<dyn Clock>, options: RunnerOptions) -> Self {
        Self { worker: Arc::new(Worker::new(puller, clock, options)) }
    }

    /// Runs it in the background, until it is stopped or `cancel` asks it to.
    ///
    /// # Errors
    ///
    /// Where the database cannot be used, or metrics cannot be served.
    pub fn start(self, cancel: &Cancel) -> Result<Running, StartError> {
        Running::start(self.worker, cancel)
    }

    /// Does once what there is to do by the clock: processes what waits, pulls what is due, gives
    /// dead letters another try that are due for it, sweeps; and compares the archive with the
    /// database where that was not done within its interval.
    ///
    /// # Errors
    ///
    /// Where the database cannot be used; how single tasks ended is told in [`Once`].
    pub fn run_once(&self, cancel: &Cancel) -> Result<Once, StartError> {
        let worker = &self.worker;
        let name = worker.presence.enlist(worker.store(), worker.clock.now())?;
        let troubles = Arc::new(Troubles::default());
        let tasks = tasks::tasks(worker, &name, cancel, &troubles)?;
        let journal = journal(worker);
        let heart = Heart::start(worker, &journal, cancel)?;
        let scheduler = Scheduler::new(tasks, Arc::clone(&worker.clock), journal)?;
        let runs = scheduler.run_due();
        drop(heart);
        worker.presence.end(worker.store(), worker.clock.now())?;
        Ok(Once { runs, troubles: troubles.count() })
    }
}

fn journal(worker: &Worker) -> Arc<StoreJournal> {
    Arc::new(StoreJournal::new(
        worker.store().clone(),
        Arc::clone(&worker.presence),
        Arc::clone(&worker.observer),
    ))
}

/// Whole seconds, as instants are counted on.
fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// How long from one instant to another; nothing where that is past.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(to.micros().saturating_sub(from.micros())).unwrap_or(0))
}
