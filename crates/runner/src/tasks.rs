//! The tasks of a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cream_models::Timestamp;
use cream_processor::{Cancel, Summary};
use cream_store::StoreError;
use cream_tasks::PeriodicTask;

use crate::pulls::PullTally;
use crate::worker::Worker;

/// The names of the tasks, in the order in which they are run once.
pub(crate) const PROCESS: &str = "process";
pub(crate) const PULL: &str = "pull";
pub(crate) const RETRY: &str = "retry-dead-letters";
pub(crate) const SWEEP: &str = "sweep";
pub(crate) const CHECK: &str = "check-archive";

/// How much did not go well, over all runs.
#[derive(Debug, Default)]
pub(crate) struct Troubles(AtomicU64);

impl Troubles {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, summary: &Summary) {
        let count =
            summary.dead_letters.saturating_add(summary.failed).saturating_add(summary.refused);
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

/// The tasks, which stop early where `cancel` says so.
///
/// # Errors
///
/// Where it cannot be read when they were done last.
pub(crate) fn tasks(
    worker: &Arc<Worker>,
    name: &str,
    cancel: &Cancel,
    troubles: &Arc<Troubles>,
) -> Result<Vec<PeriodicTask>, StoreError> {
    let states = worker.store().read(|reader| reader.tasks())?;
    let last = |task: &str| {
        let known = states.iter().find(|state| state.worker == name && state.task == task);
        known.and_then(|state| state.last_ended_at)
    };
    // However often a worker is started, what is rare stays rare.
    let rare = |task: PeriodicTask, last: Option<Timestamp>| match last {
        Some(last) => task.last_ended_at(last),
        None => task.at_start(),
    };
    let schedules = worker.options.schedules.clone();
    let parts = || (Arc::clone(worker), cancel.clone(), Arc::clone(troubles));

    let (this, stop, bad) = parts();
    // First what waits already: it may be what is due.
    let process = PeriodicTask::new(PROCESS, schedules.process, move |_| {
        let (summary, told) = this.process(&stop)?;
        bad.add(&summary);
        Ok(told)
    });
    let (this, stop, bad) = parts();
    let pull = PeriodicTask::new(PULL, schedules.pull, move |_| {
        let tally = PullTally::default();
        let told = this.pull_due(&tally, &|| !stop.is_cancelled());
        bad.0.fetch_add(tally.failed(), Ordering::Relaxed);
        Ok(told?)
    });
    let (this, stop, bad) = parts();
    let retry = PeriodicTask::new(RETRY, schedules.dead_letters, move |_| {
        let (summary, told) = this.retry(&stop)?;
        bad.add(&summary);
        Ok(told)
    });
    let (this, _, _) = parts();
    let sweep = PeriodicTask::new(SWEEP, schedules.sweep, move |_| Ok(this.sweep()?));
    let (this, stop, _) = parts();
    let check = PeriodicTask::new(CHECK, schedules.archive_check, move |is_wanted| {
        Ok(this.check_archive(&|| is_wanted() && !stop.is_cancelled())?)
    });
    Ok(vec![
        process.at_start(),
        pull.at_start(),
        rare(retry, last(RETRY)),
        sweep.at_start(),
        rare(check, last(CHECK)),
    ])
}
