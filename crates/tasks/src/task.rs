//! A task: a name, a schedule, and its work.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cream_models::Timestamp;

use crate::error::excerpt;
use crate::{Outcome, Schedule};

/// Why a task's work failed.
pub type WorkError = Box<dyn Error + Send + Sync>;

type Work = dyn Fn(&dyn Fn() -> bool) -> Result<String, WorkError> + Send + Sync;

/// A message is kept up to so many characters.
const LONGEST_MESSAGE: usize = 1000;

/// Work to be done again and again.
pub struct PeriodicTask {
    pub(crate) name: &'static str,
    pub(crate) schedule: Schedule,
    pub(crate) is_due_at_start: bool,
    pub(crate) last_ended_at: Option<Timestamp>,
    work: Box<Work>,
}

impl PeriodicTask {
    /// A task whose first run comes after its first interval, or at its first cron time.
    ///
    /// The work is given `is_wanted`, to be asked between its steps: as soon as that says no, the
    /// work should end, leaving what it has not begun. It returns what happened, for a person.
    pub fn new(
        name: &'static str,
        schedule: Schedule,
        work: impl Fn(&dyn Fn() -> bool) -> Result<String, WorkError> + Send + Sync + 'static,
    ) -> Self {
        let work = Box::new(work);
        Self { name, schedule, is_due_at_start: false, last_ended_at: None, work }
    }

    /// The first run comes at once.
    #[must_use]
    pub fn at_start(mut self) -> Self {
        self.is_due_at_start = true;
        self
    }

    /// The first run comes when the schedule says, counted from a run that ended before this
    /// program started; at once where that time has passed. Without it, a program that is started
    /// anew each day would never come to a task of every 24 hours. A moment in the future, which
    /// tells of a clock that was wrong, counts for nothing.
    #[must_use]
    pub fn last_ended_at(mut self, moment: Timestamp) -> Self {
        self.last_ended_at = Some(moment);
        self
    }

    /// Does the work once; a panic is an outcome like others. The message is bounded.
    pub(crate) fn attempt(&self, is_wanted: &dyn Fn() -> bool) -> (Outcome, String) {
        // An error's own text may panic too. The state that the work shares is its own care.
        let done = catch_unwind(AssertUnwindSafe(|| match (self.work)(is_wanted) {
            Ok(message) => (Outcome::Done, excerpt(&message, LONGEST_MESSAGE)),
            Err(error) => (Outcome::Failed, excerpt(&chain(error.as_ref()), LONGEST_MESSAGE)),
        }));
        done.unwrap_or_else(|panic| {
            (Outcome::Panicked, excerpt(panic_message(panic.as_ref()), LONGEST_MESSAGE))
        })
    }
}

impl fmt::Debug for PeriodicTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PeriodicTask");
        shown.field("name", &self.name).field("schedule", &self.schedule).finish_non_exhaustive()
    }
}

/// An error with its causes, those left out that it quotes itself.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
