//! Periodic tasks and their scheduler: when, how often, and what became of it.
//!
//! A [`PeriodicTask`] has a name, a [`Schedule`] and its work. A [`Scheduler`] runs each task on a
//! thread of its own, never twice at the same time. What fails or panics is logged and recorded as
//! the failure of that run, and the task goes on being scheduled. A [`Journal`] is told of each
//! [`Run`], so that the last one can be kept where others see it; this crate knows of no database.
//!
//! ```
//! use std::sync::Arc;
//! use cream_models::Timestamp;
//! use cream_tasks::{NoJournal, Outcome, PeriodicTask, Schedule, Scheduler};
//!
//! let tasks = vec![
//!     PeriodicTask::new("process", Schedule::parse("300s")?, |_is_wanted| Ok("3 files".to_owned()))
//!         .at_start(),
//!     PeriodicTask::new("report", Schedule::parse("0 22 * * 1-5 America/New_York")?, |_| {
//!         Err("the printer is on fire".into())
//!     }),
//! ];
//! // A clock that stands still; a program takes `SystemClock`.
//! let clock: Timestamp = "2025-06-16T21:30:00Z".parse()?;
//! let scheduler = Scheduler::new(tasks, Arc::new(clock), Arc::new(NoJournal))?;
//!
//! let runs = scheduler.run_due(); // `scheduler.run(&stop)` goes on until it is stopped
//! assert_eq!(runs.len(), 1); // the report is not due before 22:00 in New York
//! assert_eq!((runs[0].task, runs[0].outcome), ("process", Some(Outcome::Done)));
//! assert_eq!(runs[0].message.as_deref(), Some("3 files"));
//!
//! let runs = scheduler.run_each(&|| true);
//! assert_eq!(runs[1].outcome, Some(Outcome::Failed));
//! assert_eq!(runs[1].message.as_deref(), Some("the printer is on fire"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **When the next run comes.** An interval counts from the end of the run before, so runs that
//! take long do not pile up, and is drawn up to 10 % shorter; a cron time is kept up to 30 s
//! late, never early. So many workers that started together do not stay together. A clock that
//! jumps forwards makes a task due once, not once for each time that was passed; one that jumps back
//! leaves an interval as much to wait as it had before, and a cron task to the times that now lie
//! ahead.

mod cron;
mod error;
mod run;
mod schedule;
mod scheduler;
mod stop;
mod task;
mod turn;

pub use cron::Cron;
pub use error::{ScheduleError, SchedulerError};
pub use run::{Journal, NoJournal, Outcome, Run};
pub use schedule::Schedule;
pub use scheduler::Scheduler;
pub use stop::Stop;
pub use task::{PeriodicTask, WorkError};
