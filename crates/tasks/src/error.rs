//! What is refused, and why.

use std::io;

/// Why a text or an interval is not a [`Schedule`](crate::Schedule). Names the text, shortened
/// where it is long.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Neither an interval nor a cron expression.
    #[error(
        "{text:?} is not a schedule: expected an interval such as 90 (seconds), 300s, 5m, 24h or 7d, \
         or a cron expression such as \"0 22 * * 1-5\" or \"0 22 * * 1-5 America/New_York\""
    )]
    Syntax {
        /// What was read.
        text: String,
    },
    /// An interval that is too short, too long, or not of whole seconds.
    #[error(
        "{text} is not an interval: expected whole seconds, from 1s to 366d, such as 300s, 5m or 24h"
    )]
    Interval {
        /// What was read.
        text: String,
    },
    /// One of the five fields cannot be read.
    #[error(
        "{field:?} is not {what} in the cron expression {text:?}: expected {expected}, lists of them \
         (1,15), ranges (1-5) or steps (*/2, 1-31/2), such as \"0 22 * * 1-5\""
    )]
    Field {
        /// The expression.
        text: String,
        /// The field.
        field: String,
        /// Which of the five it is.
        what: &'static str,
        /// What may stand there.
        expected: &'static str,
    },
    /// The sixth field is no time zone.
    #[error(
        "{zone:?} is not a time zone in the cron expression {text:?}: expected a name of the IANA \
         time zone database, such as America/New_York or Europe/London; without one it is UTC"
    )]
    Zone {
        /// The expression.
        text: String,
        /// What should be a time zone.
        zone: String,
    },
    /// A day that no year has.
    #[error("the cron expression {text:?} names a day that never comes, such as 30 February")]
    Never {
        /// The expression.
        text: String,
    },
}

/// Why a [`Scheduler`](crate::Scheduler) cannot be made, or cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchedulerError {
    /// A task's name is not fit for logs and tables.
    #[error("{name:?} is not a task's name: expected 1 to 64 letters, digits, '-', '_' or '.'")]
    Name {
        /// The name, shortened where it is long.
        name: String,
    },
    /// Two tasks have one name.
    #[error("there are two tasks named {name:?}: expected a name of its own for each")]
    Duplicate {
        /// The name.
        name: &'static str,
    },
    /// A task's schedule was not read from a text, and is out of bounds.
    #[error("task {task:?} has no valid schedule")]
    Schedule {
        /// The task.
        task: &'static str,
        /// Why.
        #[source]
        source: ScheduleError,
    },
    /// The system has no thread left for a task. None was run.
    #[error("no thread can be started for task {task:?}; no task was run")]
    Thread {
        /// The task.
        task: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// The start of a text, for messages: what comes from outside may be long.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit).chain(std::iter::once('…')).collect(),
    }
}
