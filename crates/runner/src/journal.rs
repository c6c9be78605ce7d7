//! What periodic tasks did, kept in the database for `worker status`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cream_models::Timestamp;
use cream_store::{Store, TaskOutcome, TaskState};
use cream_tasks::{Journal, Outcome, Run};

use crate::lasting::Lasting;
use crate::observe::Observer;
use crate::presence::Presence;

/// A run that ended as the one before is written down when so much time has passed, in
/// microseconds: an idle worker looks for work every few seconds.
const REPEAT: i64 = 60_000_000;

/// Keeps the last run of each task in the database.
pub(crate) struct StoreJournal {
    store: Store,
    presence: Arc<Presence>,
    observer: Arc<Observer>,
    tasks: Mutex<BTreeMap<&'static str, Entry>>,
    writing: Lasting,
}

struct Entry {
    run: Run,
    is_running: bool,
    /// When it was last written down, and what.
    written: Option<(Timestamp, Outcome, Option<String>)>,
    /// Whether the database says that it runs.
    is_written_running: bool,
}

impl StoreJournal {
    pub(crate) fn new(store: Store, presence: Arc<Presence>, observer: Arc<Observer>) -> Self {
        // The runs themselves are in the log.
        let writing = Lasting::new("what tasks do is not written down");
        Self { store, presence, observer, tasks: Mutex::default(), writing }
    }

    /// Writes down which tasks are running: what takes a moment only, nobody needs to see.
    pub(crate) fn write_running(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in tasks.values_mut().filter(|entry| entry.is_running) {
            if !entry.is_written_running {
                entry.is_written_running = self.write(entry);
            }
        }
    }

    fn write(&self, entry: &Entry) -> bool {
        let Run { task, ref schedule, .. } = entry.run;
        let run = &entry.run;
        let state = TaskState {
            worker: self.presence.name(),
            task: task.to_owned(),
            schedule: schedule.clone(),
            is_running: entry.is_running,
            last_started_at: Some(run.started_at),
            last_ended_at: run.ended_at,
            outcome: run.outcome.map(outcome),
            message: run.message.clone(),
            failures: i64::from(run.failures_in_a_row),
            runs: i64::from(run.runs),
            next_run_at: run.next_run_at,
        };
        let written = self.store.write_loosely(|writer| writer.set_task(&state));
        self.writing.tell(&written);
        written.is_ok()
    }
}

impl Journal for StoreJournal {
    fn began(&self, run: &Run) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let before = tasks.remove(run.task);
        let (written, is_written_running) =
            before.map_or((None, false), |entry| (entry.written, entry.is_written_running));
        let entry = Entry { run: run.clone(), is_running: true, written, is_written_running };
        tasks.insert(run.task, entry);
    }

    fn ended(&self, run: &Run) {
        self.observer.task(run);
        let (Some(ended_at), Some(outcome)) = (run.ended_at, run.outcome) else { return };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = tasks.get_mut(run.task) else { return };
        entry.run = run.clone();
        entry.is_running = false;
        let is_known = entry.written.as_ref().is_some_and(|(at, known, message)| {
            let age = ended_at.micros().saturating_sub(at.micros());
            *known == outcome && *message == run.message && (0..REPEAT).contains(&age)
        });
        if is_known && !entry.is_written_running {
            return;
        }
        if self.write(entry) {
            entry.written = Some((ended_at, outcome, run.message.clone()));
            entry.is_written_running = false;
        }
    }
}

const fn outcome(outcome: Outcome) -> TaskOutcome {
    match outcome {
        Outcome::Done => TaskOutcome::Done,
        Outcome::Failed => TaskOutcome::Failed,
        Outcome::Panicked => TaskOutcome::Panicked,
    }
}
