//! An SQLite database that another process holds locked in the middle of the work.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use cream_testkit::{ReadyProcess, Signal};
use cream_tests::{PATIENCE, Responses, Site};

/// Another process that holds the database's one lock for writers; it ends with the value.
struct Lock {
    process: Child,
    /// Open as long as the lock is held.
    _input: ChildStdin,
}

impl Lock {
    /// `None` where somebody else holds it.
    fn take(site: &Site) -> Option<Self> {
        let mut process = Command::new("sqlite3")
            .args(["-batch", "-bail", "-init", "/dev/null"])
            .arg(site.folder.join("cream.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = process.stdin.take().unwrap();
        let _ = input.write_all(b"BEGIN IMMEDIATE;\nSELECT 'locked';\n");
        let output = BufReader::new(process.stdout.take().unwrap());
        let lock = Self { process, _input: input };
        output.lines().map_while(Result::ok).any(|line| line == "locked").then_some(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether there is the program; where not, a line says so.
fn has_sqlite3() -> bool {
    let found = Command::new("sqlite3").arg("-version").output().is_ok();
    if !found {
        // Not `eprintln!`: the test harness keeps that of a passing test to itself.
        let line = b"skipped: the program sqlite3 is absent; no database can be locked with it\n";
        let _ = std::io::stderr().write_all(line);
    }
    found
}

/// Waits until some of the files are loaded, and takes the lock while others are not.
fn lock_in_the_middle(site: &Site, worker: &mut ReadyProcess, files: usize) -> Lock {
    site.await_some(worker);
    loop {
        // It would write file after file while the other program starts and asks.
        worker.signal(Signal::Stop);
        let lock = Lock::take(site);
        let parsed = site.archived("parsed").len();
        worker.signal(Signal::Continue);
        assert!(parsed < files, "all files were loaded before the lock was taken");
        match lock {
            Some(lock) => return lock,
            // It was stopped while it held the lock itself.
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

#[test]
fn files_wait_for_a_database_that_is_locked() {
    if !has_sqlite3() {
        return;
    }
    let site = Site::new().with("DATABASE_LOCK_TIMEOUT_SECONDS", "1");
    let responses = Responses::charts(400, 300);
    responses.write(&site, "raw");
    let mut worker = site.start_worker(&["process"]);
    let lock = lock_in_the_middle(&site, &mut worker, 400);
    // Beyond the time that the database itself waits.
    let _ = worker.wait_for("trying again", PATIENCE).unwrap();
    assert!(worker.is_running(), "{}", worker.stderr());
    responses.assert_kept(&site, "raw");
    drop(lock);

    let ended = worker.wait(PATIENCE).unwrap();
    assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("failed"), "{}", ended.stdout);
    responses.assert_loaded(&site, &responses.digest());
}

#[test]
fn a_database_that_stays_locked_ends_the_import_early_and_loses_nothing() {
    if !has_sqlite3() {
        return;
    }
    let site = Site::new()
        .with("DATABASE_LOCK_TIMEOUT_SECONDS", "1")
        .with("DATABASE_PATIENCE_SECONDS", "1");
    let responses = Responses::charts(400, 300);
    let inbox = responses.write(&site, "in");
    let arguments = ["import", inbox.to_str().unwrap()];
    let mut worker = site.start_worker(&arguments);
    let lock = lock_in_the_middle(&site, &mut worker, 400);
    let ended = worker.wait(PATIENCE).unwrap();
    assert_eq!(ended.code(), Some(3), "{}\n{}", ended.stdout, ended.stderr);
    for part in ["stopped early", "Nothing is lost", "the database is locked by another writer"] {
        assert!(ended.stdout.contains(part), "{part} in {}", ended.stdout);
    }
    responses.assert_kept(&site, "in");
    drop(lock);

    site.let_leases_run_out();
    let out = site.worker_ok(&arguments);
    assert!(out.contains("loaded before"), "{out}");
    responses.assert_loaded(&site, &responses.digest());
}
