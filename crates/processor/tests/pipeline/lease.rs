//! A worker that was paused past its lease finishes nothing that another has taken over.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use cream_archive::Folder;
use cream_models::Vendor;
use cream_processor::{Cancel, Processor};
use cream_store::{Lease, ResponseStatus, StoreError};

use crate::support::{LEASE, Run, Site, TestClock, chart_name, series, start};

/// Takes a response over, as a worker does when the lease is over. False where it is settled.
fn take_over(site: &Site, name: &str) -> bool {
    let later = start().plus_seconds(LEASE);
    site.another_store(Duration::from_secs(10))
        .write(|writer| -> Result<_, StoreError> {
            let id = writer.response(name)?.unwrap().id;
            let until = later.plus_seconds(LEASE);
            let lease = Lease { token: "other", from: later, until };
            Ok(writer.claim_response(id, &lease)?.is_some())
        })
        .unwrap()
}

/// Does something once, when a step is reached.
fn once_at(step: &'static str, act: impl Fn() + Send + Sync + 'static) -> Told {
    let done = AtomicBool::new(false);
    Arc::new(move |at| {
        if at == step && !done.swap(true, Ordering::SeqCst) {
            act();
        }
    })
}

type Told = Arc<dyn Fn(&'static str) + Send + Sync>;

fn process(processor: &Processor) -> Run {
    Run::of(|watch| processor.process_all(&Cancel::default(), watch).unwrap())
}

#[test]
fn what_was_taken_over_is_not_loaded_twice() {
    let name = "PAUSED1_2025-06-16T120000Z_yahoo-chart.json";
    let site = Arc::new(Site::new());
    site.put("raw", name, series("PAUSED1", 50).chart_json());
    let shared = Arc::clone(&site);
    let told = once_at("process.parsed", move || assert!(take_over(&shared, name)));
    let run = process(&site.processor().with_steps(told));
    assert_eq!(run.counts(), [0, 0, 0, 0, 1, 0, 0], "{}", run.lines());
    assert_eq!(site.bars(), 0, "the load was not rolled back");
    assert!(site.holds(Folder::Raw, name));
    assert_eq!(site.status(name), Some(ResponseStatus::Pending));

    site.clock.set(start().plus_seconds(2 * LEASE));
    let run = site.process();
    assert_eq!(run.counts(), [1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(run.summary.report.bars.inserted, 50);
}

#[test]
fn what_was_taken_over_is_not_buried() {
    let name = "PAUSED1_2025-06-16.html";
    let site = Arc::new(Site::new());
    site.put("raw", name, "Will be right back");
    let shared = Arc::clone(&site);
    let told = once_at("process.burying", move || assert!(take_over(&shared, name)));
    let run = process(&site.processor().with_steps(told));
    assert_eq!(run.counts(), [0, 0, 0, 0, 1, 0, 0], "{}", run.lines());
    assert_eq!(site.status(name), Some(ResponseStatus::Pending));
    assert!(site.holds(Folder::Raw, name));
}

/// Whether the pause is seen by the worker's own clock, or not, as where clocks differ; and
/// wherever it comes: it ends as the other left it.
#[test]
fn what_another_finished_during_a_pause_stays_as_it_is() {
    let good = series("PAUSED1", 50).chart_json();
    let cases: [(&str, &[u8], Folder); 4] = [
        ("process.claimed", &good, Folder::Parsed),
        ("process.parsed", &good, Folder::Parsed),
        ("process.claimed", b"Will be right back", Folder::Deadletter),
        ("process.burying", b"Will be right back", Folder::Deadletter),
    ];
    for (step, bytes, folder) in cases {
        for is_noticed in [true, false] {
            let name = chart_name("PAUSED1", 16);
            let site = Arc::new(Site::new());
            site.put("raw", &name, bytes);
            let left = Arc::new(Mutex::new(None));
            let (shared, leave, file) = (Arc::clone(&site), Arc::clone(&left), name.clone());
            let pause = move || {
                let later = start().plus_seconds(LEASE);
                if is_noticed {
                    shared.clock.set(later);
                }
                let run = process(&shared.processor_with(TestClock::at(later)));
                assert_eq!(run.summary.loaded + run.summary.dead_letters, 1, "{}", run.lines());
                *leave.lock().unwrap() = shared.response(&file);
            };
            let paused = site.processor().with_steps(once_at(step, pause));
            let run = process(&paused);
            assert_eq!(run.counts(), [0, 0, 0, 0, 1, 0, 0], "{step}: {}", run.lines());
            // Neither state nor counts are those of a second load.
            let left = left.lock().unwrap().take().unwrap();
            assert_eq!(site.response(&name), Some(left), "{step}");
            assert!(site.holds(folder, &name), "{step}");
            assert_eq!((paused.leases().lost(), paused.leases().in_hand()), (1, 0), "{step}");
        }
    }
}

#[test]
fn two_workers_over_one_archive_load_each_file_once() {
    let site = Site::new();
    for number in 0..10 {
        let symbol = format!("TWO{number}");
        let name = format!("{symbol}_2025-06-16T120000Z_yahoo-chart.json");
        site.put("raw", &name, series(&symbol, 60).chart_json());
    }
    let runs = thread::scope(|scope| {
        let workers = [(); 3].map(|()| scope.spawn(|| site.process()));
        workers.map(|worker| worker.join().unwrap())
    });
    let total = |at: usize| runs.iter().map(|run| run.counts()[at]).sum::<u64>();
    let lines: String = runs.iter().map(Run::lines).collect();
    assert_eq!((total(0), total(2), total(5), total(6)), (10, 0, 0, 0), "{lines}");
    assert_eq!(site.bars(), 600);
    assert_eq!(site.files().map(|names| names.len()), [0, 10, 0]);
}

#[test]
fn two_workers_on_one_series_end_as_one_does() {
    // Each response is a day's, and says otherwise about some day than the one before.
    let truth = series("SAME1", 300);
    let put = |site: &Site| -> Vec<PathBuf> {
        (1..=16_u32)
            .map(|day| {
                let gone = truth.rows[usize::try_from(day).unwrap() * 7].date;
                let bytes = truth.clone().without_row(gone).chart_json();
                site.put("in", &chart_name("SAME1", day), bytes)
            })
            .collect()
    };
    let alone = Site::new();
    for path in put(&alone) {
        assert_eq!(alone.import(&[path]).summary.loaded, 1);
    }
    let site = Site::new();
    let paths = put(&site);
    thread::scope(|scope| {
        // The one from the oldest on, the other from the newest.
        let (old, new) = paths.split_at(8);
        let importer = |paths: Vec<PathBuf>| {
            let site = &site;
            move || {
                for path in paths {
                    let run = site.import(&[path]);
                    assert_eq!(run.counts(), [1, 0, 0, 0, 0, 0, 0], "{}", run.lines());
                }
            }
        };
        scope.spawn(importer(old.to_vec()));
        scope.spawn(importer(new.iter().rev().cloned().collect()));
    });
    assert_eq!(site.digest(), alone.digest());
    let held = |site: &Site| {
        let series = site.series("SAME1", Vendor::YahooChart).unwrap();
        (series.bars, series.first_date, series.last_date)
    };
    assert_eq!(held(&site), held(&alone));
}
