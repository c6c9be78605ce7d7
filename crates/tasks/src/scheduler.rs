//! Runs tasks when their turn comes.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cream_models::Clock;

use crate::error::excerpt;
use crate::task::panic_message;
use crate::turn::Turn;
use crate::{Journal, Outcome, PeriodicTask, Run, SchedulerError, Stop};

/// No sleep is longer, so that a clock that jumped, or a machine that slept, is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
const LONGEST_NAME: usize = 64;

/// Runs periodic tasks, each when its turn comes and never twice at the same time.
pub struct Scheduler {
    tasks: Vec<Scheduled>,
    clock: Arc<dyn Clock>,
    journal: Arc<dyn Journal>,
    longest_sleep: Duration,
}

struct Scheduled {
    task: PeriodicTask,
    /// Held during a run, so that there is no other.
    state: Mutex<State>,
}

struct State {
    turn: Turn,
    last: Option<Run>,
}

impl Scheduler {
    /// A scheduler of these tasks. The clock decides what is due: from now on, their first
    /// intervals pass.
    ///
    /// # Errors
    ///
    /// [`SchedulerError::Duplicate`] where two tasks have one name, [`SchedulerError::Name`] where
    /// one is not fit for logs, [`SchedulerError::Schedule`] where an interval is out of bounds.
    pub fn new(
        tasks: Vec<PeriodicTask>,
        clock: Arc<dyn Clock>,
        journal: Arc<dyn Journal>,
    ) -> Result<Self, SchedulerError> {
        Self::seeded(tasks, clock, journal, fastrand::u64(..))
    }

    /// As [`Scheduler::new`], with jitter that is drawn the same way for the same seed.
    ///
    /// # Errors
    ///
    /// As [`Scheduler::new`].
    pub fn seeded(
        tasks: Vec<PeriodicTask>,
        clock: Arc<dyn Clock>,
        journal: Arc<dyn Journal>,
        seed: u64,
    ) -> Result<Self, SchedulerError> {
        let mut names = BTreeSet::new();
        for task in &tasks {
            check_name(task.name)?;
            if !names.insert(task.name) {
                return Err(SchedulerError::Duplicate { name: task.name });
            }
            let refused = |source| SchedulerError::Schedule { task: task.name, source };
            task.schedule.check().map_err(refused)?;
        }
        let now = clock.now();
        let mut seeds = fastrand::Rng::with_seed(seed);
        let scheduled = |task: PeriodicTask| {
            let draws = seeds.fork();
            let turn = if task.is_due_at_start {
                Turn::due(now, draws)
            } else {
                let ended_at = task.last_ended_at.filter(|last| *last <= now).unwrap_or(now);
                Turn::after(&task.schedule, ended_at, now, draws)
            };
            Scheduled { task, state: Mutex::new(State { turn, last: None }) }
        };
        let tasks = tasks.into_iter().map(scheduled).collect();
        Ok(Self { tasks, clock, journal, longest_sleep: LONGEST_SLEEP })
    }

    /// Runs each task on a thread of its own whenever it is due, until stopped; returns when all
    /// runs have ended. A stop wakes whoever sleeps, and tells the work through its `is_wanted`.
    ///
    /// # Errors
    ///
    /// [`SchedulerError::Thread`] where a thread cannot be started; then no task has been run.
    pub fn run(&self, stop: &Stop) -> Result<(), SchedulerError> {
        self.run_on(stop, thread::Builder::new)
    }

    fn run_on(
        &self,
        stop: &Stop,
        new_thread: impl Fn() -> thread::Builder,
    ) -> Result<(), SchedulerError> {
        // Nobody begins before all are there, so that a failure leaves nothing half done.
        let may_begin = OnceLock::new();
        thread::scope(|scope| {
            let all = self.tasks.iter().try_for_each(|scheduled| {
                let task = scheduled.task.name;
                let body = || {
                    if *may_begin.wait() {
                        self.go_on(scheduled, stop);
                    }
                };
                let started = new_thread().name(task.to_owned()).spawn_scoped(scope, body);
                started.map(drop).map_err(|source| SchedulerError::Thread { task, source })
            });
            let _ = may_begin.set(all.is_ok());
            all
        })
    }

    /// A task's thread.
    fn go_on(&self, scheduled: &Scheduled, stop: &Stop) {
        let mut sleep = Duration::ZERO;
        while !stop.wait(sleep) {
            let mut state = scheduled.lock();
            let wait = state.turn.wait(&scheduled.task.schedule, self.clock.now());
            if wait.is_some_and(|wait| wait.is_zero()) {
                self.run_once(scheduled, &mut state, &|| !stop.is_stopped());
                sleep = Duration::ZERO;
            } else {
                sleep = wait.unwrap_or(Duration::MAX).min(self.longest_sleep);
            }
        }
    }

    /// Runs what is due by the clock now, one after another in the order given, each at most once.
    /// Returns what became of them. A task that runs on another thread is not due.
    pub fn run_due(&self) -> Vec<Run> {
        let run = |scheduled: &Scheduled| {
            let mut state = scheduled.try_lock()?;
            let wait = state.turn.wait(&scheduled.task.schedule, self.clock.now());
            let is_due = wait.is_some_and(|wait| wait.is_zero());
            is_due.then(|| self.run_once(scheduled, &mut state, &|| true))
        };
        self.tasks.iter().filter_map(run).collect()
    }

    /// Runs each task once, in the order given, whether it is due or not, as long as that is
    /// wanted. Returns what became of them. Waits for a task that runs on another thread.
    pub fn run_each(&self, is_wanted: &dyn Fn() -> bool) -> Vec<Run> {
        let wanted = self.tasks.iter().take_while(|_| is_wanted());
        wanted.map(|scheduled| self.run_once(scheduled, &mut scheduled.lock(), is_wanted)).collect()
    }

    fn run_once(
        &self,
        Scheduled { task, .. }: &Scheduled,
        state: &mut State,
        is_wanted: &dyn Fn() -> bool,
    ) -> Run {
        let (started_at, started) = (self.clock.now(), Instant::now());
        let last = state.last.take();
        let mut run = Run {
            task: task.name,
            schedule: task.schedule.to_string(),
            is_running: true,
            started_at,
            ended_at: last.as_ref().and_then(|last| last.ended_at),
            outcome: last.as_ref().and_then(|last| last.outcome),
            message: last.as_ref().and_then(|last| last.message.clone()),
            next_run_at: None,
            runs: last.as_ref().map_or(0, |last| last.runs),
            failures_in_a_row: last.as_ref().map_or(0, |last| last.failures_in_a_row),
        };
        self.tell(task.name, |journal| journal.began(&run));
        let (outcome, message) = task.attempt(is_wanted);
        let took = started.elapsed().as_secs_f64();
        let (name, said) = (task.name, message.as_str());
        match outcome {
            Outcome::Done => log::debug!(task = name, message = said, seconds = took; "task done"),
            Outcome::Failed => log::warn!(task = name, error = said, seconds = took; "task failed"),
            Outcome::Panicked => {
                log::error!(task = name, error = said, seconds = took; "task panicked");
            }
        }
        let now = self.clock.now();
        state.turn.ended(&task.schedule, now);
        run.is_running = false;
        run.ended_at = Some(now.max(started_at));
        run.outcome = Some(outcome);
        run.message = Some(message);
        run.next_run_at = state.turn.next();
        run.runs = run.runs.saturating_add(1);
        run.failures_in_a_row = match outcome {
            Outcome::Done => 0,
            Outcome::Failed | Outcome::Panicked => run.failures_in_a_row.saturating_add(1),
        };
        self.tell(task.name, |journal| journal.ended(&run));
        state.last = Some(run.clone());
        run
    }

    /// A journal that panics, though it must not, ends no task.
    fn tell(&self, task: &str, what: impl FnOnce(&dyn Journal)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| what(self.journal.as_ref()))) {
            log::error!(task = task, error = panic_message(panic.as_ref()); "journal panicked");
        }
    }
}

impl Scheduled {
    /// Nothing panics while the state is half changed, so a poisoned lock holds nothing broken.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` while another thread runs the task.
    fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }
}

/// A name goes into logs, tables and the names of threads.
fn check_name(name: &str) -> Result<(), SchedulerError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_plain) {
        return Err(SchedulerError::Name { name: excerpt(name, LONGEST_NAME) });
    }
    Ok(())
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
