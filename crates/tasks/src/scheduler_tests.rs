use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc;

use cream_models::Timestamp;

use super::*;
use crate::{NoJournal, Schedule, ScheduleError, WorkError};

/// A clock that a test sets.
#[derive(Default)]
struct Hands(AtomicI64);

impl Hands {
    fn set(&self, seconds: i64) {
        self.0.store(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A clock on which each look takes a minute, so that threads need not wait in earnest.
#[derive(Default)]
struct Racing(AtomicI64);

impl Clock for Racing {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(60 * self.0.fetch_add(1, Ordering::SeqCst))
    }
}

#[derive(Default)]
struct Kept(Mutex<Vec<(&'static str, Run)>>);

impl Journal for Kept {
    fn began(&self, run: &Run) {
        self.0.lock().unwrap().push(("began", run.clone()));
    }
    fn ended(&self, run: &Run) {
        self.0.lock().unwrap().push(("ended", run.clone()));
    }
}

fn every(seconds: u64) -> Schedule {
    Schedule::Every(Duration::from_secs(seconds))
}

fn task(
    name: &'static str,
    seconds: u64,
    work: impl Fn() -> Result<String, WorkError> + Send + Sync + 'static,
) -> PeriodicTask {
    PeriodicTask::new(name, every(seconds), move |_| work())
}

fn quiet(name: &'static str, seconds: u64) -> PeriodicTask {
    task(name, seconds, || Ok(String::new()))
}

fn scheduler(tasks: Vec<PeriodicTask>, clock: Arc<dyn Clock>) -> Scheduler {
    Scheduler::seeded(tasks, clock, Arc::new(NoJournal), 1).unwrap()
}

/// Threads that look at the clock often, since it does not go with the machine's.
fn hasty(tasks: Vec<PeriodicTask>, clock: Arc<dyn Clock>) -> Scheduler {
    Scheduler { longest_sleep: Duration::from_millis(1), ..scheduler(tasks, clock) }
}

fn names(runs: &[Run]) -> Vec<&'static str> {
    runs.iter().map(|run| run.task).collect()
}

#[test]
fn what_cannot_be_scheduled_is_refused() {
    let refused = |tasks| {
        let clock = Arc::new(Hands::default());
        Scheduler::new(tasks, clock, Arc::new(NoJournal)).err().unwrap()
    };
    let twice = refused(vec![quiet("pull", 1), quiet("sweep", 1), quiet("pull", 2)]);
    assert_eq!(
        twice.to_string(),
        "there are two tasks named \"pull\": expected a name of its own for each"
    );
    for name in ["", "two words", "naïve", "nul\0", &*"x".repeat(65).leak()] {
        assert!(matches!(refused(vec![quiet(name, 1)]), SchedulerError::Name { .. }), "{name}");
    }
    let zero = refused(vec![quiet("zero", 0)]);
    assert!(matches!(
        zero,
        SchedulerError::Schedule { task: "zero", source: ScheduleError::Interval { .. } }
    ));
}

#[test]
fn what_is_due_is_run_once_in_the_order_given() {
    let clock = Arc::new(Hands::default());
    let tasks = vec![quiet("b", 1000), quiet("a", 100).at_start(), quiet("c", 100)];
    let scheduler = scheduler(tasks, Arc::clone(&clock) as _);
    assert_eq!(names(&scheduler.run_due()), ["a"], "the others' intervals begin now");
    assert!(scheduler.run_due().is_empty(), "once");
    clock.set(89);
    assert!(scheduler.run_due().is_empty(), "no interval is cut by more than a tenth");
    clock.set(111);
    assert_eq!(names(&scheduler.run_due()), ["a", "c"]);
    clock.set(1_000_000_000);
    assert_eq!(names(&scheduler.run_due()), ["b", "a", "c"], "once, however often it was missed");
    assert!(scheduler.run_due().is_empty());
    clock.set(0);
    assert!(scheduler.run_due().is_empty(), "the clock was wrong");
    clock.set(111);
    assert_eq!(names(&scheduler.run_due()), ["a", "c"], "nobody waits until it is right again");
}

#[test]
fn an_interval_goes_on_over_a_restart() {
    let at = Timestamp::from_seconds;
    let clock = Arc::new(Hands::default());
    clock.set(1000);
    let tasks = vec![
        quiet("overdue", 100).last_ended_at(at(800)),
        quiet("soon", 100).last_ended_at(at(950)),
        quiet("future", 100).last_ended_at(at(1_000_000)),
    ];
    let scheduler = scheduler(tasks, Arc::clone(&clock) as _);
    assert_eq!(names(&scheduler.run_due()), ["overdue"]);
    clock.set(1061);
    assert_eq!(names(&scheduler.run_due()), ["soon"]);
    clock.set(1111);
    assert_eq!(names(&scheduler.run_due()), ["overdue", "future"]);
}

#[test]
fn the_next_run_counts_from_the_end_of_the_last() {
    let clock = Arc::new(Hands::default());
    let slow = Arc::clone(&clock);
    let tasks = vec![task("slow", 100, move || {
        slow.set(5000);
        Ok(String::new())
    })];
    let scheduler = scheduler(tasks, Arc::clone(&clock) as _);
    clock.set(111);
    let run = scheduler.run_due().remove(0);
    assert_eq!(run.started_at, Timestamp::from_seconds(111));
    assert_eq!(run.ended_at, Some(Timestamp::from_seconds(5000)));
    let next = run.next_run_at.unwrap().seconds();
    assert!((5090..=5110).contains(&next), "{next}");
    assert!(scheduler.run_due().is_empty());
}

#[test]
fn a_run_does_not_end_before_it_began() {
    let clock = Arc::new(Hands::default());
    let back = Arc::clone(&clock);
    let tasks = vec![task("back", 100, move || {
        back.set(10);
        Ok(String::new())
    })];
    let scheduler = scheduler(tasks, Arc::clone(&clock) as _);
    clock.set(5000);
    let run = scheduler.run_due().remove(0);
    assert_eq!(run.ended_at, Some(run.started_at));
    let next = run.next_run_at.unwrap().seconds();
    assert!((100..=120).contains(&next), "planned by the clock as it is now: {next}");
}

#[derive(Debug, thiserror::Error)]
#[error("the database is away")]
struct Away(#[source] std::io::Error);

#[test]
fn failures_and_panics_are_recorded_and_the_task_goes_on() {
    let turn = AtomicUsize::new(0);
    let work = move || match turn.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Box::new(Away(std::io::Error::other("no route"))) as WorkError),
        1 => panic!("a {}", "bug"),
        2 => panic!("still"),
        3 => std::panic::panic_any(7),
        4 => Ok("x".repeat(5000)),
        _ => Err("again".into()),
    };
    let kept = Arc::new(Kept::default());
    let clock = Arc::new(Hands::default());
    let tasks = vec![task("all", 60, work), quiet("other", 60)];
    let scheduler = Scheduler::seeded(tasks, clock, Arc::clone(&kept) as _, 1).unwrap();
    for _ in 0..6 {
        assert_eq!(names(&scheduler.run_each(&|| true)), ["all", "other"]);
    }
    let kept: Vec<_> =
        kept.0.lock().unwrap().iter().filter(|(_, run)| run.task == "all").cloned().collect();
    let ended: Vec<_> = kept
        .iter()
        .filter(|(when, _)| *when == "ended")
        .map(|(_, run)| {
            let message = run.message.as_deref().unwrap();
            (run.outcome.unwrap(), message, run.runs, run.failures_in_a_row)
        })
        .collect();
    use Outcome::{Done, Failed, Panicked};
    let long = "x".repeat(1000) + "…";
    assert_eq!(
        ended,
        [
            (Failed, "the database is away: no route", 1, 1),
            (Panicked, "a bug", 2, 2),
            (Panicked, "still", 3, 3),
            (Panicked, "no message", 4, 4),
            (Done, long.as_str(), 5, 0),
            (Failed, "again", 6, 1),
        ]
    );
    // What begins tells of the run before, but for what is new.
    assert_eq!(kept.len(), 12);
    let mut before: Option<Run> = None;
    for pair in kept.chunks(2) {
        let [("began", began), ("ended", ended)] = pair else { panic!("{pair:?}") };
        assert!(began.is_running && !ended.is_running);
        assert!(began.next_run_at.is_none() && ended.next_run_at.is_some());
        assert_eq!((began.started_at, &*began.schedule), (ended.started_at, "1m"));
        assert_eq!(began.ended_at, before.as_ref().and_then(|run| run.ended_at));
        assert_eq!(began.outcome, before.as_ref().and_then(|run| run.outcome));
        assert_eq!(began.message, before.as_ref().and_then(|run| run.message.clone()));
        let counts = before.as_ref().map_or((0, 0), |run| (run.runs, run.failures_in_a_row));
        assert_eq!((began.runs, began.failures_in_a_row), counts);
        before = Some(ended.clone());
    }
}

#[test]
fn run_each_ends_when_it_is_not_wanted() {
    let wanted = Arc::new(AtomicBool::new(true));
    let last = Arc::clone(&wanted);
    let stops = PeriodicTask::new("stops", every(60), move |is_wanted| {
        last.store(false, Ordering::SeqCst);
        Ok(format!("wanted: {}", is_wanted()))
    });
    let clock = Arc::new(Hands::default());
    let scheduler = scheduler(vec![quiet("first", 60), stops, quiet("never", 60)], clock);
    let runs = scheduler.run_each(&|| wanted.load(Ordering::SeqCst));
    assert_eq!(names(&runs), ["first", "stops"]);
    assert_eq!(runs[1].message.as_deref(), Some("wanted: false"));
}

struct Bad;

impl Journal for Bad {
    fn began(&self, _: &Run) {
        panic!("began");
    }
    fn ended(&self, _: &Run) {
        panic!("ended");
    }
}

#[test]
fn a_journal_that_panics_ends_no_task() {
    let clock = Arc::new(Hands::default());
    let scheduler = Scheduler::new(vec![quiet("a", 60)], clock, Arc::new(Bad)).unwrap();
    assert_eq!(scheduler.run_each(&|| true)[0].runs, 1);
    assert_eq!(scheduler.run_each(&|| true)[0].runs, 2);
}

#[test]
fn threads_run_each_task_again_and_again_without_overlap() {
    let stop = Stop::new();
    let (sender, runs) = mpsc::channel();
    let overlapped = Arc::new(AtomicBool::new(false));
    let work = |name: &'static str| {
        let (sender, at_once) = (Mutex::new(sender.clone()), AtomicUsize::new(0));
        let overlapped = Arc::clone(&overlapped);
        task(name, 60, move || {
            if at_once.fetch_add(1, Ordering::SeqCst) > 0 {
                overlapped.store(true, Ordering::SeqCst);
            }
            thread::yield_now();
            at_once.fetch_sub(1, Ordering::SeqCst);
            let _ = sender.lock().unwrap().send(name);
            if name == "b" { panic!("always") } else { Ok(String::new()) }
        })
    };
    let scheduler = hasty(vec![work("a"), work("b")], Arc::new(Racing::default()));
    thread::scope(|scope| {
        let threads = scope.spawn(|| scheduler.run(&stop));
        let mut counts = BTreeMap::new();
        while counts.len() < 2 || counts.values().any(|count| *count < 5) {
            *counts.entry(runs.recv().unwrap()).or_insert(0) += 1;
            // From another thread too.
            scheduler.run_due();
            scheduler.run_each(&|| true);
        }
        stop.stop();
        threads.join().unwrap().unwrap();
    });
    assert!(!overlapped.load(Ordering::SeqCst));
    let last = scheduler.run_each(&|| true);
    assert_eq!(last[1].outcome, Some(Outcome::Panicked));
    assert_eq!(last[1].message.as_deref(), Some("always"));
}

#[test]
fn a_stop_wakes_who_sleeps_tells_who_works_and_waits_for_them() {
    let stop = Stop::new();
    let (sender, begun) = mpsc::channel();
    let sender = Mutex::new(sender);
    let works = PeriodicTask::new("works", every(60), move |is_wanted| {
        sender.lock().unwrap().send(())?;
        while is_wanted() {
            thread::yield_now();
        }
        Ok("stopped half way".to_owned())
    });
    let kept = Arc::new(Kept::default());
    let tasks = vec![works.at_start(), quiet("sleeps", 366 * 86_400)];
    let scheduler =
        Scheduler::new(tasks, Arc::new(Hands::default()), Arc::clone(&kept) as _).unwrap();
    // Nobody would wake the sleeper in this test's time.
    let scheduler = Scheduler { longest_sleep: Duration::from_secs(86_400), ..scheduler };
    thread::scope(|scope| {
        let threads = scope.spawn(|| scheduler.run(&stop));
        begun.recv().unwrap();
        assert!(scheduler.run_due().is_empty(), "what runs is not due");
        stop.stop();
        threads.join().unwrap().unwrap();
    });
    let kept = kept.0.lock().unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[1].1.message.as_deref(), Some("stopped half way"));
    scheduler.run(&stop).unwrap(); // comes back at once
}

#[test]
fn where_a_thread_cannot_be_started_nothing_is_run() {
    let ran = Arc::new(AtomicBool::new(false));
    let sees = Arc::clone(&ran);
    let first = task("first", 60, move || {
        sees.store(true, Ordering::SeqCst);
        Ok(String::new())
    });
    let tasks = vec![first.at_start(), quiet("second", 60), quiet("third", 60)];
    let scheduler = scheduler(tasks, Arc::new(Hands::default()));
    let started = AtomicUsize::new(0);
    let error = scheduler.run_on(&Stop::new(), || match started.fetch_add(1, Ordering::SeqCst) {
        0 => thread::Builder::new(),
        // No machine has so much memory for a stack.
        _ => thread::Builder::new().stack_size(1 << 60),
    });
    let error = error.unwrap_err();
    assert!(matches!(error, SchedulerError::Thread { task: "second", .. }), "{error:?}");
    assert_eq!(started.load(Ordering::SeqCst), 2);
    assert!(!ran.load(Ordering::SeqCst));
}
