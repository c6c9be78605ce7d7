//! What became of a run, and who is told.

use cream_models::Timestamp;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As intended.
    Done,
    /// The work returned an error.
    Failed,
    /// The work panicked.
    Panicked,
}

/// A task's state when a run begins or has ended: all that there is to keep of it.
///
/// While a run goes on, `ended_at`, `outcome`, `message`, `runs` and `failures_in_a_row` still tell
/// of the run before; they are `None` and 0 in the first one. Runs are counted since the scheduler
/// was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The task's name.
    pub task: &'static str,
    /// Its schedule, as text.
    pub schedule: String,
    /// Whether the run goes on.
    pub is_running: bool,
    /// When the run began.
    pub started_at: Timestamp,
    /// When it ended, never before it began; while it goes on, when the run before ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What happened, for a person: what the work said, or the error with its causes, or the
    /// panic's message. At most 1,000 characters and an ellipsis.
    pub message: Option<String>,
    /// When the next run is planned; `None` while one goes on.
    pub next_run_at: Option<Timestamp>,
    /// Runs that have ended.
    pub runs: u32,
    /// How many of the last runs failed or panicked, without one that was done in between.
    pub failures_in_a_row: u32,
}

/// Who is told of runs, such as a table of the database. Called on the task's thread, first
/// `began`, then `ended`, for each run. Must not fail: what goes wrong in it, it logs itself.
pub trait Journal: Send + Sync {
    /// A run has begun.
    fn began(&self, run: &Run);
    /// A run has ended.
    fn ended(&self, run: &Run);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn began(&self, _run: &Run) {}
    fn ended(&self, _run: &Run) {}
}
