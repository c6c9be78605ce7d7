//! Who works, and what runs from time to time.

use cream_models::Timestamp;

/// A worker that starts.
///
/// Texts that are longer than the schema takes are cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorker {
    /// The name it would have, of 1 to 100 characters.
    pub base: String,
    /// The host it runs on, of up to 255 characters.
    pub host: String,
    /// Its process there, at least 0.
    pub pid: i64,
    /// The program's version, of up to 64 characters.
    pub version: String,
    /// The present moment: from now on it counts as started.
    pub now: Timestamp,
    /// A worker that was not seen since then is gone, and its name free.
    pub stale_before: Timestamp,
}

/// A sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat<'a> {
    /// The name that [`Writer::enlist_worker`](crate::Writer::enlist_worker) gave.
    pub name: &'a str,
    /// The process, as it was enlisted.
    pub pid: i64,
    /// When it started, as it was enlisted.
    pub started_at: Timestamp,
    /// The present moment.
    pub now: Timestamp,
    /// How many claims it holds, at least 0.
    pub in_hand: i64,
    /// Whether it claims nothing more and ends soon.
    pub is_stopping: bool,
}

/// A worker, as it was heard of last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerState {
    /// Its name, which is unique.
    pub name: String,
    /// The host it runs on.
    pub host: String,
    /// Its process there.
    pub pid: i64,
    /// The program's version.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it was heard of last.
    pub seen_at: Timestamp,
    /// When it ended; `None` while it runs, and of one that died.
    pub ended_at: Option<Timestamp>,
    /// How many claims it held when it was heard of last.
    pub in_hand: i64,
    /// Whether it claims nothing more and ends soon.
    pub is_stopping: bool,
}

impl WorkerState {
    /// How it is at a moment. One that was not seen for longer than a lease lasts, in seconds, has
    /// lost what it had in hand, and counts as gone.
    #[must_use]
    pub fn condition(&self, now: Timestamp, lease: i64) -> WorkerCondition {
        let unseen = now.seconds().saturating_sub(self.seen_at.seconds());
        match (self.ended_at, self.is_stopping) {
            (Some(_), _) => WorkerCondition::Ended,
            (None, _) if unseen > lease => WorkerCondition::Silent,
            (None, true) => WorkerCondition::Stopping,
            (None, false) => WorkerCondition::Running,
        }
    }
}

/// How a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkerCondition {
    /// It works.
    Running,
    /// It claims nothing more and ends soon.
    Stopping,
    /// It did not end, and gives no sign of life any more: killed, cut off or paused.
    Silent,
    /// It said that it ends.
    Ended,
}

impl WorkerCondition {
    /// The name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Silent => "silent",
            Self::Ended => "ended",
        }
    }
}

/// What a worker does from time to time, and how that went last.
///
/// Texts that are longer than the schema takes are cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskState {
    /// The worker's name, of 1 to 128 characters.
    pub worker: String,
    /// The task's name, of 1 to 64 characters, unique within the worker.
    pub task: String,
    /// When it runs, for a person, of up to 255 characters.
    pub schedule: String,
    /// Whether it runs now.
    pub is_running: bool,
    /// When it was started last; there where it runs or has ended.
    pub last_started_at: Option<Timestamp>,
    /// When it ended last.
    pub last_ended_at: Option<Timestamp>,
    /// How it ended last: there together with `last_ended_at`.
    pub outcome: Option<TaskOutcome>,
    /// What happened, for a person, of up to 1,000 characters.
    pub message: Option<String>,
    /// Runs in a row that did not do what they are for, at least 0.
    pub failures: i64,
    /// Runs since the worker started, at least 0.
    pub runs: i64,
    /// When it runs next.
    pub next_run_at: Option<Timestamp>,
}

/// How a run of a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskOutcome {
    /// It did what it is for.
    Done,
    /// It said why it could not.
    Failed,
    /// It stopped in the middle, by a fault of the program.
    Panicked,
}

impl TaskOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::Panicked];

    /// The name in the database and in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
        }
    }

    /// The outcome of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_read_back() {
        for outcome in TaskOutcome::ALL {
            assert_eq!(TaskOutcome::from_name(outcome.name()), Some(outcome));
        }
        assert_eq!(TaskOutcome::from_name("skipped"), None);
    }
}
