//! What is the machine's fault makes no dead letter, and when it is gone the work is completed.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use cream_archive::Folder;
use cream_models::{Clock, Timestamp};
use cream_processor::Cancel;
use cream_store::{Lease, NewResponse, ResponseStatus, StoreError};

use crate::support::{LEASE, Run, Site, chart_name, put_some, series, start};

/// A clock that does something each time it is asked, told how many times it was asked before.
struct HookClock<F>(Mutex<usize>, F);

impl<F: Fn(usize) + Send + Sync> HookClock<F> {
    fn new(hook: F) -> Self {
        Self(Mutex::new(0), hook)
    }
}

impl<F: Fn(usize) + Send + Sync> Clock for HookClock<F> {
    fn now(&self) -> Timestamp {
        let mut count = self.0.lock().unwrap();
        let asked = *count;
        *count += 1;
        drop(count);
        (self.1)(asked);
        start()
    }
}

/// The digest of a run that nothing disturbed.
fn undisturbed() -> String {
    let site = Site::new();
    put_some(&site);
    assert_eq!(site.process().counts(), [4, 0, 1, 0, 0, 0, 0]);
    site.digest()
}

/// What every file would meet was met once or a few times, and the rest was not begun.
fn stopped_early(run: &Run) {
    let summary = run.summary;
    assert!(summary.halted && summary.failed > 0, "{}", run.lines());
    assert_eq!(summary.failed + summary.not_begun, 5, "{}", run.lines());
}

#[test]
fn a_database_locked_for_too_long_leaves_the_files_for_the_next_run() {
    let mut site = Site::new();
    put_some(&site);
    let blocker = site.store.clone();
    site.store = site.another_store(Duration::from_millis(40));
    let (locked, wait_locked) = mpsc::channel();
    let (release, wait_release) = mpsc::channel::<()>();
    let run = thread::scope(|scope| {
        scope.spawn(move || {
            let held = blocker.write(|_| -> Result<(), StoreError> {
                locked.send(()).unwrap();
                wait_release.recv().unwrap();
                Ok(())
            });
            held.unwrap();
        });
        wait_locked.recv().unwrap();
        let run = site.process();
        release.send(()).unwrap();
        run
    });
    stopped_early(&run);
    assert!(run.lines().contains("locked"), "{}", run.lines());
    assert_eq!(site.files().map(|names| names.len()), [5, 0, 0]);

    assert_eq!(site.process().counts(), [4, 0, 1, 0, 0, 0, 0]);
    assert_eq!(site.digest(), undisturbed());
}

#[test]
fn a_lock_that_goes_away_is_waited_for() {
    let mut site = Site::new();
    put_some(&site);
    let blocker = site.store.clone();
    site.store = site.another_store(Duration::from_millis(20));
    site.options.patience = Duration::from_secs(600);
    let (locked, wait_locked) = mpsc::channel();
    let run = thread::scope(|scope| {
        scope.spawn(move || {
            let held = blocker.write(|_| -> Result<(), StoreError> {
                locked.send(()).unwrap();
                // Far longer than one attempt waits.
                thread::sleep(Duration::from_millis(400));
                Ok(())
            });
            held.unwrap();
        });
        wait_locked.recv().unwrap();
        site.process()
    });
    assert_eq!(run.counts(), [4, 0, 1, 0, 0, 0, 0], "{}", run.lines());
    assert!(!run.summary.halted);
    assert_eq!(site.digest(), undisturbed());
}

#[test]
fn what_a_dead_worker_claimed_is_waited_for() {
    let mut site = Site::new();
    let name = chart_name("DEAD1", 16);
    site.put("raw", &name, series("DEAD1", 40).chart_json());
    let new = NewResponse {
        file_name: name.clone(),
        sha256: cream_archive::sha256(series("DEAD1", 40).chart_json().as_ref()),
        byte_len: 1,
        registered_at: start(),
    };
    let lease = Lease { token: "dead", from: start(), until: start().plus_seconds(LEASE) };
    site.store.write(|w| w.register_response(&new, Some(&lease))).unwrap();
    assert_eq!(site.process().counts(), [0, 0, 0, 0, 1, 0, 0], "without patience");
    site.options.patience = Duration::from_secs(600);
    let clock = site.clock.clone();
    let run = thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(300));
            clock.set(start().plus_seconds(LEASE));
        });
        site.process()
    });
    assert_eq!(run.counts(), [1, 0, 0, 0, 0, 0, 0], "{}", run.lines());
}

#[test]
fn a_lock_that_comes_between_claim_and_record_loses_nothing() {
    let mut site = Site::new();
    let name = "LOCK1_2025-06-16.html";
    site.put("raw", name, "Will be right back");
    let blocker = site.store.clone();
    site.store = site.another_store(Duration::from_millis(40));
    let (release, wait_release) = mpsc::channel::<()>();
    let wait_release = Mutex::new(Some(wait_release));
    // The clock is asked when the worker is made, when it claims, and when it buries.
    let clock = HookClock::new(move |asked| {
        if asked == 2 {
            let (locked, wait_locked) = mpsc::channel();
            let blocker = blocker.clone();
            let wait_release = wait_release.lock().unwrap().take().unwrap();
            thread::spawn(move || {
                let held = blocker.write(|_| -> Result<(), StoreError> {
                    locked.send(()).unwrap();
                    wait_release.recv().unwrap();
                    Ok(())
                });
                held.unwrap();
            });
            wait_locked.recv().unwrap();
        }
    });
    let run =
        Run::of(|watch| site.processor_with(clock).process_all(&Cancel::default(), watch).unwrap());
    release.send(()).unwrap();
    assert_eq!(run.counts(), [0, 0, 0, 0, 0, 0, 1], "{}", run.lines());
    assert_eq!(site.status(name), Some(ResponseStatus::Pending));
    assert!(site.holds(Folder::Raw, name));

    site.store = site.another_store(Duration::from_secs(10));
    site.clock.set(start().plus_seconds(LEASE));
    assert_eq!(site.process().counts(), [0, 0, 1, 0, 0, 0, 0]);
}

#[test]
fn a_lock_that_comes_before_the_load_makes_no_dead_letter() {
    let name = chart_name("LOCK2", 16);
    let bytes = series("LOCK2", 4000).chart_json();
    // The lock must come between the claim and the load: with a long response it nearly always
    // does.
    for _ in 0..20 {
        let mut site = Site::new();
        site.put("raw", &name, &bytes);
        let blocker = site.store.clone();
        site.store = site.another_store(Duration::from_millis(40));
        let (release, wait_release) = mpsc::channel::<()>();
        let never = Arc::new(|step| assert_ne!(step, "process.burying"));
        let run = thread::scope(|scope| {
            scope.spawn(|| {
                while site.response(&name).is_none_or(|known| known.attempts == 0) {
                    thread::yield_now();
                }
                let wait_release = wait_release;
                let held = blocker.write(|_| -> Result<(), StoreError> {
                    wait_release.recv().unwrap();
                    Ok(())
                });
                held.unwrap();
            });
            let run = Run::of(|watch| {
                let processor = site.processor().with_steps(never);
                processor.process_all(&Cancel::default(), watch).unwrap()
            });
            release.send(()).unwrap();
            run
        });
        if run.summary.loaded == 1 {
            continue;
        }
        assert_eq!(run.counts(), [0, 0, 0, 0, 0, 0, 1], "{}", run.lines());
        assert!(run.line().contains("locked"), "{}", run.line());
        assert_eq!(site.status(&name), Some(ResponseStatus::Pending));
        assert!(site.holds(Folder::Raw, &name));
        site.store = site.another_store(Duration::from_secs(10));
        site.clock.set(start().plus_seconds(LEASE));
        assert_eq!(site.process().counts(), [1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(site.bars(), 4000);
        return;
    }
    panic!("in 20 tries the lock never came between claim and load");
}

#[test]
fn a_folder_that_cannot_be_written_keeps_the_files_where_they_are() {
    for fault in ["a file in its place", "no folder at all"] {
        let site = Site::new();
        put_some(&site);
        for folder in ["parsed", "dead"] {
            std::fs::remove_dir(site.folder.join(folder)).unwrap();
            if fault.starts_with("a file") {
                site.folder.write(folder, "in the way");
            }
        }
        let run = site.process();
        if fault == "no folder at all" {
            stopped_early(&run);
        } else {
            assert_eq!(run.counts(), [0, 0, 0, 0, 0, 0, 5], "{fault}: {}", run.lines());
        }
        assert_eq!(site.folder.names("raw").len(), 5);

        for folder in ["parsed", "dead"] {
            if fault.starts_with("a file") {
                std::fs::remove_file(site.folder.join(folder)).unwrap();
            }
        }
        site.archive.create_folders().unwrap();
        // What was recorded is only moved.
        let run = site.process();
        let done = run.summary.loaded + run.summary.already_loaded;
        let dead = run.summary.dead_letters + run.summary.already_dead;
        assert_eq!((done, dead), (4, 1), "{fault}: {}", run.lines());
        assert!(run.summary.already_loaded + run.summary.already_dead > 0, "{fault}");
        assert_eq!(site.files().map(|names| names.len()), [0, 4, 1]);
        assert_eq!(site.digest(), undisturbed());
    }
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_keeps_the_files_where_they_are() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::new();
    let folder = site.folder.join("parsed");
    let allow = |mode| {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(0o555);
    if std::fs::write(folder.join("probe"), "").is_ok() {
        allow(0o755);
        eprintln!("skipped: this user may write to read-only folders");
        return;
    }
    let name = chart_name("RO1", 16);
    site.put("raw", &name, series("RO1", 30).chart_json());
    let run = site.process();
    allow(0o755);
    assert_eq!(run.counts(), [0, 0, 0, 0, 0, 0, 1], "{}", run.lines());
    assert!(run.line().contains("is not permitted"), "{}", run.line());
    assert_eq!(site.process().counts(), [0, 1, 0, 0, 0, 0, 0]);
}
