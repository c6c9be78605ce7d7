//! Dead letters, tried again.

use std::sync::{Arc, Mutex};

use cream_archive::{FileName, Folder};
use cream_models::Timestamp;
use cream_processor::{Cancel, Processor};
use cream_store::{DueLetters, Lease, ResponseStatus};

use crate::support::{LEASE, Run, Site, chart_name, series, start};

/// Seconds until a dead letter is due again.
const AGAIN: i64 = 20 * 3600;

fn after(seconds: i64) -> Timestamp {
    start().plus_seconds(seconds)
}

/// What is due is tried again.
fn retry_due(site: &Site) -> Run {
    Run::of(|watch| {
        site.processor().retry_dead_letters(DueLetters::All, &Cancel::default(), watch).unwrap()
    })
}

/// A person has a response tried again.
fn retry(site: &Site, name: &str, accept: bool) -> Run {
    retry_by(&site.processor(), name, accept)
}

fn retry_by(processor: &Processor, name: &str, accept: bool) -> Run {
    let names = [FileName::parse(name).unwrap()];
    Run::of(|watch| processor.retry(&names, accept, &Cancel::default(), watch))
}

/// A series of 400 days, and a response that withdraws ten of them: a dead letter.
fn put_suspicious(site: &Site, symbol: &str) -> String {
    let truth = series(symbol, 400);
    let lacking = truth.rows[100..110].iter().fold(truth.clone(), |s, row| s.without_row(row.date));
    let (good, bad) = (chart_name(symbol, 14), chart_name(symbol, 15));
    site.put("raw", &good, truth.chart_json());
    site.put("raw", &bad, lacking.chart_json());
    assert_eq!(site.process().counts(), [1, 0, 1, 0, 0, 0, 0]);
    bad
}

/// How often it was tried, and when it is due again.
fn tried(site: &Site, name: &str) -> (i32, Option<Timestamp>) {
    let known = site.response(name).unwrap();
    assert_eq!(known.status, ResponseStatus::Deadletter);
    assert!(known.error.is_some() && known.lease_until.is_none(), "{known:?}");
    assert!(site.holds(Folder::Deadletter, name));
    (known.attempts, known.next_attempt_at)
}

#[test]
fn what_is_due_is_tried_again_and_nothing_else() {
    let site = Site::new();
    let [first, second] = ["DUE1_2025-06-16.html", "DUE2_2025-06-16.html"];
    for (name, at) in [(first, start()), (second, after(3600))] {
        site.clock.set(at);
        site.put("raw", name, "Will be right back");
        assert_eq!(site.process().counts(), [0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(tried(&site, name), (1, Some(at.plus_seconds(AGAIN))));
    }
    site.clock.set(after(AGAIN - 1));
    assert_eq!(retry_due(&site).counts(), [0; 7]);
    site.clock.set(after(AGAIN));
    let run = retry_due(&site);
    assert_eq!(run.counts(), [0, 0, 0, 1, 0, 0, 0], "{}", run.lines());
    assert!(run.line().starts_with(first));
    assert_eq!(tried(&site, first), (2, Some(after(2 * AGAIN))));
    assert_eq!(tried(&site, second), (1, Some(after(AGAIN + 3600))));
}

#[test]
fn it_is_tried_so_often_and_then_left_to_a_person() {
    let mut site = Site::new();
    let name = chart_name("BOUND1", 16);
    site.put("raw", &name, series("BOUND1", 50).chart_json());
    let large = std::mem::replace(&mut site.options.max_response_bytes, 100);
    site.options.max_attempts = 3;
    assert_eq!(site.process().counts(), [0, 0, 1, 0, 0, 0, 0]);
    for (attempts, is_due_again) in [(2, true), (3, false)] {
        site.clock.set(after(10 * AGAIN * i64::from(attempts)));
        assert_eq!(retry_due(&site).counts(), [0, 0, 0, 1, 0, 0, 0]);
        let (tried, due) = tried(&site, &name);
        assert_eq!((tried, due.is_some()), (attempts, is_due_again));
    }
    site.clock.set(after(1000 * AGAIN));
    assert_eq!(retry_due(&site).counts(), [0; 7]);

    assert_eq!(retry(&site, &name, false).counts(), [0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(tried(&site, &name), (4, None));
    site.options.max_response_bytes = large;
    assert_eq!(retry_due(&site).counts(), [0; 7]);
    let run = retry(&site, &name, false);
    assert_eq!(run.counts(), [1, 0, 0, 0, 0, 0, 0], "{}", run.lines());
    assert!(site.holds(Folder::Parsed, &name));
    assert_eq!(site.bars(), 50);
    assert_eq!(site.response(&name).unwrap().error, None);

    // What is loaded stays as it is.
    let known = site.response(&name);
    assert_eq!(retry(&site, &name, true).counts(), [0, 1, 0, 0, 0, 0, 0]);
    assert_eq!(site.response(&name), known);
}

#[test]
fn what_can_be_read_by_now_is_loaded() {
    let mut site = Site::new();
    let names = ["MENDED1", "MENDED2"].map(|symbol| {
        let name = chart_name(symbol, 16);
        site.put("raw", &name, series(symbol, 50).chart_json());
        name
    });
    let large = std::mem::replace(&mut site.options.max_response_bytes, 100);
    assert_eq!(site.process().counts(), [0, 0, 2, 0, 0, 0, 0]);
    site.options.max_response_bytes = large;
    site.clock.set(after(AGAIN));
    assert_eq!(retry_due(&site).counts(), [2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(site.files(), [vec![], names.to_vec(), vec![]]);
    assert_eq!(site.bars(), 100);
}

#[test]
fn what_the_guard_refused_is_loaded_when_it_is_accepted() {
    let site = Site::new();
    let bad = put_suspicious(&site, "ACCEPT1");
    // Neither in time nor by a person who does not accept it.
    site.clock.set(after(AGAIN));
    assert_eq!(retry_due(&site).counts(), [0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(retry(&site, &bad, false).counts(), [0, 0, 0, 1, 0, 0, 0]);
    assert_eq!((site.bars(), tried(&site, &bad).0), (400, 3));

    let run = retry(&site, &bad, true);
    assert_eq!(run.counts(), [1, 0, 0, 0, 0, 0, 0], "{}", run.lines());
    assert_eq!(site.bars(), 390);
    assert!(site.holds(Folder::Parsed, &bad));
    let digest = site.digest();
    let rebuilt = site.beside_new_database();
    assert_eq!(rebuilt.rebuild().counts(), [2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(rebuilt.digest(), digest);
}

/// Whoever takes the file up after a worker that was killed knows nothing of the acceptance.
#[test]
fn what_was_accepted_and_cut_short_is_a_dead_letter_as_before() {
    let site = Site::new();
    let bad = put_suspicious(&site, "ACCEPT2");
    let known = site.response(&bad);
    for step in ["archive.moved", "process.begun", "process.parsed", "process.uncommitted"] {
        // As good as killed: nothing of the worker is heard any more.
        let told = Arc::new(move |at| assert_ne!(at, step, "the end"));
        let run = retry_by(&site.processor().with_steps(told), &bad, true);
        assert_eq!(run.counts(), [0, 0, 0, 0, 0, 0, 1], "{}", run.lines());
        assert_eq!(site.response(&bad), known, "{step}");
        // Nobody has to wait for a lease; the next run only moves the file.
        let run = site.process();
        assert_eq!(run.counts(), [0, 0, 0, 1, 0, 0, 0], "{step}: {}", run.lines());
        assert_eq!(site.response(&bad), known, "{step}");
        assert!(site.holds(Folder::Deadletter, &bad), "{step}");
    }
    assert_eq!(site.bars(), 400);
    // Killed after the commit, only the move is missing.
    let told = Arc::new(|at| assert_ne!(at, "process.loaded", "the end"));
    let run = retry_by(&site.processor().with_steps(told), &bad, true);
    assert_eq!(run.counts(), [0, 0, 0, 0, 0, 0, 1], "{}", run.lines());
    let loaded = site.response(&bad).unwrap();
    assert_eq!((loaded.status, loaded.attempts, site.bars()), (ResponseStatus::Parsed, 2, 390));
    assert_eq!((loaded.error, loaded.next_attempt_at, loaded.lease_until), (None, None, None));
    assert_eq!(site.process().counts(), [0, 1, 0, 0, 0, 0, 0]);
    assert!(site.holds(Folder::Parsed, &bad));
}

#[test]
fn what_is_accepted_waits_for_whoever_tries_it_already() {
    let site = Site::new();
    let bad = put_suspicious(&site, "ACCEPT3");
    let id = site.response(&bad).unwrap().id;
    let lease = Lease { token: "another", from: start(), until: after(LEASE) };
    let claimed = site.store.write(|writer| {
        writer.reopen_response(id)?;
        writer.claim_response(id, &lease)
    });
    assert!(claimed.unwrap().is_some());
    let run = retry(&site, &bad, true);
    assert_eq!(run.counts(), [0, 0, 0, 0, 1, 0, 0], "{}", run.lines());
    assert_eq!((site.bars(), site.status(&bad)), (400, Some(ResponseStatus::Pending)));
    site.clock.set(after(LEASE));
    assert_eq!(retry(&site, &bad, true).counts(), [1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(site.bars(), 390);
}

/// Another takes it up and is done with it while it is being loaded.
#[test]
fn what_is_accepted_is_loaded_by_one_alone() {
    let site = Site::new();
    let bad = put_suspicious(&site, "ACCEPT4");
    let other = Arc::new(Mutex::new(Some(site.processor())));
    let name = bad.clone();
    let told = Arc::new(move |at| {
        let other = if at == "process.parsed" { other.lock().unwrap().take() } else { None };
        if let Some(other) = other {
            assert_eq!(retry_by(&other, &name, true).counts(), [1, 0, 0, 0, 0, 0, 0]);
        }
    });
    let run = retry_by(&site.processor().with_steps(told), &bad, true);
    assert_eq!(run.counts(), [0, 0, 0, 0, 1, 0, 0], "{}", run.lines());
    assert_eq!((site.bars(), site.response(&bad).unwrap().attempts), (390, 2));
    assert!(site.holds(Folder::Parsed, &bad));
}

#[test]
fn what_lies_in_no_folder_here_is_another_archives() {
    let site = Site::new();
    let name = "GONE1_2025-06-16.html";
    site.put("raw", name, "Will be right back");
    let _ = site.process();
    let known = site.response(name);
    std::fs::remove_file(site.folder.join("dead").join(name)).unwrap();
    site.clock.set(after(AGAIN));
    assert_eq!(retry_due(&site).counts(), [0; 7]);
    let run = retry(&site, name, false);
    assert_eq!(run.counts(), [0, 0, 0, 0, 0, 0, 1], "{}", run.lines());
    assert!(run.line().contains("no such response in the archive"), "{}", run.line());
    assert_eq!(site.response(name), known);
}

/// What was kept apart for its name is never loaded, whoever says so.
#[test]
fn a_name_conflict_stays_one() {
    let site = Site::new();
    let name = chart_name("APART2", 16);
    site.put("raw", &name, series("APART2", 40).chart_json());
    let _ = site.process();
    site.put("raw", &name, series("APART2", 60).chart_json());
    assert_eq!(site.process().counts(), [0, 0, 1, 0, 0, 0, 0]);
    let [_, _, dead] = site.files();
    assert_eq!(tried(&site, &dead[0]), (1, None), "never due");
    assert_eq!(retry(&site, &dead[0], true).counts(), [0, 0, 0, 1, 0, 0, 0]);
    assert_eq!((tried(&site, &dead[0]), site.bars()), ((2, None), 40));
}
