//! Who works, and what runs from time to time.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use cream_store::{
    Beat, NewWorker, Store, StoreError, StoreOptions, TaskOutcome, TaskState, WorkerState,
};

use crate::harness::{Database, instant};

/// A worker that starts at a second, and takes whoever was silent for a minute for dead.
fn new(pid: i64, now: i64) -> NewWorker {
    NewWorker {
        base: "host".to_owned(),
        host: "host.example".to_owned(),
        pid,
        version: "0.1.0".to_owned(),
        now: instant(now),
        stale_before: instant(now - 60),
    }
}

fn enlist(store: &Store, worker: &NewWorker) -> String {
    store.write(|w| w.enlist_worker(worker)).unwrap()
}

fn beat(name: &str, pid: i64, started_at: i64, now: i64) -> Beat<'_> {
    let (started_at, now) = (instant(started_at), instant(now));
    Beat { name, pid, started_at, now, in_hand: 0, is_stopping: false }
}

fn is_alive(store: &Store, beat: &Beat<'_>) -> bool {
    store.write_loosely(|w| w.beat(beat)).unwrap()
}

fn workers(store: &Store) -> Vec<WorkerState> {
    store.read(|r| r.workers()).unwrap()
}

fn task(worker: &str, name: &str) -> TaskState {
    TaskState {
        worker: worker.to_owned(),
        task: name.to_owned(),
        schedule: "every 10 s".to_owned(),
        is_running: true,
        last_started_at: Some(instant(30)),
        last_ended_at: Some(instant(25)),
        outcome: Some(TaskOutcome::Failed),
        message: Some("the vendor is away".to_owned()),
        failures: 2,
        runs: 3,
        next_run_at: Some(instant(40)),
    }
}

pub(crate) fn a_name_stays_with_whoever_is_alive(database: &dyn Database) {
    let store = database.store();
    assert_eq!(workers(store), []);
    assert_eq!(enlist(store, &new(1, 100)), "host");
    assert_eq!(enlist(store, &new(2, 110)), "host-2");
    let first = WorkerState {
        name: "host".to_owned(),
        host: "host.example".to_owned(),
        pid: 1,
        version: "0.1.0".to_owned(),
        started_at: instant(100),
        seen_at: instant(100),
        ended_at: None,
        in_hand: 0,
        is_stopping: false,
    };
    assert_eq!(workers(store)[0], first);

    let busy = Beat { in_hand: 7, is_stopping: true, ..beat("host", 1, 100, 150) };
    assert!(is_alive(store, &busy));
    let seen =
        WorkerState { seen_at: instant(150), in_hand: 7, is_stopping: true, ..first.clone() };
    assert_eq!(workers(store)[0], seen);
    for other in [beat("host", 2, 100, 160), beat("host", 1, 101, 160), beat("guest", 1, 100, 160)]
    {
        assert!(!is_alive(store, &other));
    }
    assert_eq!(workers(store)[0], seen);

    // The second was silent for too long, and finds out; the first was not.
    assert_eq!(enlist(store, &new(4, 170)), "host-3", "seen a minute ago is not before that");
    let third = NewWorker { version: "0.2.0".to_owned(), ..new(3, 171) };
    assert_eq!(enlist(store, &third), "host-2");
    assert!(!is_alive(store, &beat("host-2", 2, 110, 171)));
    assert!(is_alive(store, &beat("host-2", 3, 171, 172)));
    assert_eq!(workers(store)[1].version, "0.2.0");
    // It cannot end what it no longer is, either.
    store.write(|w| w.worker_ended("host-2", instant(110), instant(173))).unwrap();
    assert_eq!(workers(store)[1].ended_at, None);

    store.write(|w| w.worker_ended("host", instant(100), instant(180))).unwrap();
    let ended = WorkerState {
        seen_at: instant(180),
        ended_at: Some(instant(180)),
        in_hand: 0,
        is_stopping: false,
        ..first
    };
    assert_eq!(workers(store)[0], ended);
    assert!(!is_alive(store, &beat("host", 1, 100, 181)), "it said that it ends");
    assert_eq!(workers(store)[0], ended);
    assert_eq!(enlist(store, &new(5, 181)), "host", "free at once");
    assert_eq!((workers(store)[0].ended_at, workers(store)[0].pid), (None, 5));
}

pub(crate) fn eight_that_start_at_once_get_eight_names(database: &dyn Database) {
    let another = database.another(&StoreOptions::default());
    // One that died, whose name is free for one of them.
    assert_eq!(enlist(database.store(), &new(99, 1)), "host");
    let barrier = Barrier::new(8);
    let names: Vec<String> = thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|pid| {
                let store = if pid % 2 == 0 { database.store() } else { &another };
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    enlist(store, &new(pid, 1_000 + pid))
                })
            })
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let expected: BTreeSet<String> = std::iter::once("host".to_owned())
        .chain((2..=8).map(|number| format!("host-{number}")))
        .collect();
    assert_eq!(BTreeSet::from_iter(names), expected);
}

pub(crate) fn what_a_worker_says_of_itself_is_bounded(database: &dyn Database) {
    let store = database.store();
    let long = "ü\0".repeat(500);
    let worker = NewWorker {
        base: long.clone(),
        host: long.clone(),
        version: long.clone(),
        pid: -1,
        ..new(1, 100)
    };
    let (first, second) = (enlist(store, &worker), enlist(store, &worker));
    assert_eq!((first.chars().count(), second), (100, format!("{first}-2")));
    let state = workers(store).remove(0);
    assert_eq!((state.host.chars().count(), state.version.chars().count()), (255, 64));
    assert_eq!(state.pid, 0);
    let odd = Beat { in_hand: -1, ..beat(&first, -1, 100, 101) };
    assert!(is_alive(store, &odd));

    let odd = TaskState {
        schedule: long.clone(),
        message: Some(long.clone()),
        failures: -1,
        runs: -1,
        ..task(&long, &long)
    };
    store.write_loosely(|w| w.set_task(&odd)).unwrap();
    let kept = store.read(|r| r.tasks()).unwrap().remove(0);
    let lengths = [&kept.worker, &kept.task, &kept.schedule].map(|text| text.chars().count());
    assert_eq!(lengths, [128, 64, 255]);
    assert_eq!(kept.message.map(|text| text.chars().count()), Some(1_000));
    assert_eq!((kept.failures, kept.runs), (0, 0));

    let nameless = NewWorker { base: String::new(), ..new(1, 100) };
    let error = store.write(|w| w.enlist_worker(&nameless)).unwrap_err();
    assert!(matches!(error, StoreError::Constraint { .. }), "{error}");
    for wrong in [
        task("", "pull"),
        task("host", ""),
        TaskState { last_started_at: None, ..task("host", "pull") },
        TaskState { outcome: None, ..task("host", "pull") },
        TaskState { last_ended_at: None, ..task("host", "pull") },
    ] {
        let error = store.write(|w| w.set_task(&wrong)).unwrap_err();
        assert!(matches!(error, StoreError::Constraint { .. }), "{error}");
    }
}

pub(crate) fn a_task_is_written_over_and_goes_with_its_worker(database: &dyn Database) {
    let store = database.store();
    let set = |state: &TaskState| store.write_loosely(|w| w.set_task(state)).unwrap();
    let tasks = || store.read(|r| r.tasks()).unwrap();
    for (pid, name) in [(1, "host"), (2, "host-2")] {
        assert_eq!(enlist(store, &new(pid, 100)), name);
    }
    let never = TaskState {
        is_running: false,
        last_started_at: None,
        last_ended_at: None,
        outcome: None,
        message: None,
        failures: 0,
        runs: 0,
        next_run_at: None,
        ..task("host", "sweep")
    };
    let running = task("host", "pull");
    let other = TaskState { outcome: Some(TaskOutcome::Panicked), ..task("host-2", "pull") };
    for state in [&other, &never, &running] {
        set(state);
    }
    assert_eq!(tasks(), [running.clone(), never.clone(), other.clone()]);
    let done = TaskState {
        schedule: "every 20 s".to_owned(),
        is_running: false,
        last_started_at: Some(instant(41)),
        last_ended_at: Some(instant(42)),
        outcome: Some(TaskOutcome::Done),
        message: None,
        failures: 0,
        runs: 4,
        next_run_at: None,
        ..running.clone()
    };
    set(&done);
    assert_eq!(tasks()[0], done);
    set(&running);

    // Whoever has the name now does not run what the one before it ran when it died.
    assert_eq!(enlist(store, &new(3, 200)), "host");
    assert_eq!(tasks()[0], TaskState { is_running: false, ..running });
    assert_eq!(tasks()[2], other, "of another worker");

    assert_eq!(store.write(|w| w.sweep_workers(instant(100))).unwrap(), 0);
    assert_eq!(store.write(|w| w.sweep_workers(instant(101))).unwrap(), 1);
    let names: Vec<String> = workers(store).into_iter().map(|worker| worker.name).collect();
    assert_eq!(names, ["host"]);
    assert!(tasks().iter().all(|task| task.worker == "host") && tasks().len() == 2);
    assert!(!is_alive(store, &beat("host-2", 2, 100, 300)), "forgotten");
    assert_eq!(store.write(|w| w.sweep_workers(instant(900))).unwrap(), 1);
    assert_eq!((workers(store), tasks()), (vec![], vec![]));
}
