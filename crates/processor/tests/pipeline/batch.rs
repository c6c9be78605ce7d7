//! Many files at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use cream_models::{Clock, Timestamp};
use cream_processor::Cancel;
use cream_testkit::failures;

use crate::support::{LEASE, Run, Site, chart_name, series, start};

#[test]
fn bad_files_stop_no_other_and_tell_why() {
    let site = Site::new();
    for (name, bytes) in failures::all() {
        site.put("raw", &format!("{}_2025-06-16.html", name.replace('_', "-")), bytes);
    }
    let bad = u64::try_from(failures::all().len()).unwrap();
    for number in 0..5 {
        let symbol = format!("GOOD{number}");
        site.put("raw", &chart_name(&symbol, 16), series(&symbol, 30).chart_json());
    }
    let run = site.process();
    assert_eq!(run.counts(), [5, 0, bad, 0, 0, 0, 0], "{}", run.lines());
    assert_eq!(site.bars(), 150);
    assert_eq!(site.folder.names("raw").len(), 0);
    for told in &run.told {
        if told.reason.is_some() {
            assert_eq!(site.response(&told.file).unwrap().error, told.reason);
        }
    }
}

/// Panics when it is asked while it is armed, once.
#[derive(Clone, Default)]
struct Trap(Arc<AtomicBool>);

impl Clock for Trap {
    fn now(&self) -> Timestamp {
        assert!(!self.0.swap(false, Ordering::SeqCst), "the trap");
        start()
    }
}

#[test]
fn a_panic_is_the_failure_of_one_file() {
    let mut site = Site::new();
    site.options.max_concurrent_files = 1;
    for symbol in ["A1", "B1", "C1"] {
        site.put("raw", &chart_name(symbol, 16), series(symbol, 30).chart_json());
    }
    let trap = Trap::default();
    let processor = site.processor_with(trap.clone());
    let run = Run::of(|watch| {
        processor
            .process_all(&Cancel::default(), &|report| {
                trap.0.store(report.file.starts_with("A1"), Ordering::SeqCst);
                watch(report);
            })
            .unwrap()
    });
    assert_eq!(run.counts(), [2, 0, 0, 0, 0, 0, 1], "{}", run.lines());
    let name = chart_name("B1", 16);
    let expected =
        format!("{name}: failed, left for the next run: internal error while processing: the trap");
    assert_eq!(run.told[1].line, expected);
    assert_eq!(site.folder.names("raw"), [name]);
    assert_eq!(site.process().counts(), [1, 0, 0, 0, 0, 0, 0]);
}

/// How many threads are in hand of the clock, and the most there ever were.
#[derive(Default)]
struct Crowd {
    present: usize,
    most: usize,
}

/// Holds whoever asks until so many are there, and a little longer, for one more to come.
struct Gate {
    expected: usize,
    crowd: Arc<(Mutex<Crowd>, Condvar)>,
    open: Arc<AtomicBool>,
}

impl Clock for Gate {
    fn now(&self) -> Timestamp {
        if !self.open.load(Ordering::SeqCst) {
            return start();
        }
        let (crowd, changed) = &*self.crowd;
        let mut crowd = crowd.lock().unwrap();
        crowd.present += 1;
        crowd.most = crowd.most.max(crowd.present);
        changed.notify_all();
        let enough = |crowd: &mut Crowd| crowd.most < self.expected;
        let (crowd, _) = changed.wait_timeout_while(crowd, Duration::from_secs(5), enough).unwrap();
        let (mut crowd, _) = changed
            .wait_timeout_while(crowd, Duration::from_millis(20), |crowd| {
                crowd.most <= self.expected
            })
            .unwrap();
        crowd.present -= 1;
        start()
    }
}

#[test]
fn so_many_files_are_in_hand_at_once_and_no_more() {
    for expected in [1, 3] {
        let mut site = Site::new();
        site.options.max_concurrent_files = expected;
        for number in 0..9 {
            site.put("raw", &format!("N{number}_2025-06-16.html"), "Will be right back");
        }
        let crowd = Arc::<(Mutex<Crowd>, Condvar)>::default();
        let open = Arc::new(AtomicBool::new(false));
        let gate = Gate { expected, crowd: Arc::clone(&crowd), open: Arc::clone(&open) };
        let processor = site.processor_with(gate);
        open.store(true, Ordering::SeqCst);
        let run = Run::of(|watch| processor.process_all(&Cancel::default(), watch).unwrap());
        assert_eq!(run.counts(), [0, 0, 9, 0, 0, 0, 0]);
        assert_eq!(crowd.0.lock().unwrap().most, expected);
    }
}

#[test]
fn files_of_one_symbol_run_one_by_one_oldest_first() {
    let site = Site::new();
    let days = [14, 11, 15, 12, 16, 13];
    for symbol in ["IN1", "IN2", "IN3"] {
        for day in days {
            site.put("raw", &chart_name(symbol, day), series(symbol, 30).chart_json());
        }
    }
    let run = site.process();
    assert_eq!(run.summary.loaded, 18);
    let mut by_symbol = BTreeMap::<_, Vec<_>>::new();
    for report in &run.told {
        let (symbol, rest) = report.file.split_once('_').unwrap();
        by_symbol.entry(symbol.to_owned()).or_default().push(rest.to_owned());
    }
    for (symbol, files) in by_symbol {
        assert!(files.len() == days.len() && files.is_sorted(), "{symbol}: {files:?}");
    }
}

#[test]
fn what_was_not_begun_when_asked_to_stop_waits_for_the_next_run() {
    let mut site = Site::new();
    site.options.max_concurrent_files = 1;
    for number in 0..6 {
        let symbol = format!("STOP{number}");
        site.put("raw", &chart_name(&symbol, 16), series(&symbol, 30).chart_json());
    }
    let cancel = Cancel::default();
    let summary = site.processor().process_all(&cancel, &|_| cancel.cancel()).unwrap();
    assert_eq!((summary.loaded, summary.not_begun, summary.files()), (1, 5, 6));
    assert_eq!(site.files().map(|names| names.len()), [5, 1, 0]);
    assert_eq!(site.process().counts(), [5, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn many_files_are_each_told_once() {
    let site = Site::new();
    for number in 0..300 {
        site.put("raw", &format!("not a name of ours {number}.txt"), [0xff, 0x00]);
    }
    let run = site.process();
    assert_eq!(run.counts(), [0, 0, 300, 0, 0, 0, 0]);
    assert_eq!(site.files().map(|names| names.len()), [0, 0, 300]);
    site.clock.set(start().plus_seconds(LEASE));
    assert_eq!(site.process().counts(), [0; 7]);
}

/// By the time of fetching, whatever the symbol is called.
#[test]
fn what_was_fetched_first_comes_first() {
    let mut site = Site::new();
    site.options.max_concurrent_files = 1;
    let mut expected = Vec::new();
    for (symbol, day) in [("C", 11), ("A", 12), ("D", 13), ("B", 14)] {
        let symbol = format!("ORDER{symbol}");
        let name = chart_name(&symbol, day);
        site.put("raw", &name, series(&symbol, 30).chart_json());
        expected.push(name);
    }
    let run = site.process();
    let files: Vec<_> = run.told.iter().map(|told| &told.file).collect();
    assert_eq!(files, expected.iter().collect::<Vec<_>>());
}

/// Another worker that has moved a file on is not waited for.
#[test]
fn what_another_was_done_with_meanwhile_is_told_as_such() {
    let mut site = Site::new();
    site.options.patience = Duration::from_secs(600);
    site.options.max_concurrent_files = 1;
    for (symbol, day) in [("FIRST1", 13), ("THEN1", 14)] {
        site.put("raw", &chart_name(symbol, day), series(symbol, 30).chart_json());
    }
    let site = Arc::new(site);
    let shared = Arc::clone(&site);
    let is_done = AtomicBool::new(false);
    // While this one works on the first, the other loads the second and waits for nothing.
    let processor = site.processor().with_steps(Arc::new(move |step| {
        if step == "process.claimed" && !is_done.swap(true, Ordering::SeqCst) {
            let other = shared.processor_of(Duration::ZERO);
            let summary = other.process_all(&Cancel::default(), &|_| {}).unwrap();
            assert_eq!((summary.loaded, summary.in_other_hands), (1, 1));
        }
    }));
    let run = Run::of(|watch| processor.process_all(&Cancel::default(), watch).unwrap());
    assert_eq!(run.counts(), [1, 1, 0, 0, 0, 0, 0], "{}", run.lines());
}
