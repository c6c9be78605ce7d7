//! A worker that was paused past its lease finishes nothing that another has taken over.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cream_archive::Folder;
use cream_models::Vendor;
use cream_store::{Lease, ResponseStatus, StoreError};

use crate::support::{HookClock, LEASE, Run, Site, chart_name, series, start};
use cream_processor::Cancel;

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

#[test]
fn what_was_taken_over_is_not_loaded_twice() {
    let name = "PAUSED1_2025-06-16T120000Z_yahoo-chart.json";
    let bytes = series("PAUSED1", 4000).chart_json();
    // The other must come between the claim and the commit: with a long response it nearly
    // always does.
    for _ in 0..20 {
        let site = Site::new();
        site.put("raw", name, &bytes);
        let (run, taken) = thread::scope(|scope| {
            let other = scope.spawn(|| {
                let deadline = Instant::now() + Duration::from_secs(10);
                while site.response(name).is_none_or(|known| known.attempts == 0) {
                    assert!(Instant::now() < deadline);
                    thread::yield_now();
                }
                take_over(&site, name)
            });
            (site.process(), other.join().unwrap())
        });
        if !taken {
            assert_eq!(run.counts(), [1, 0, 0, 0, 0, 0, 0]);
            continue;
        }
        assert_eq!(run.counts(), [0, 0, 0, 0, 1, 0, 0], "{}", run.lines());
        assert_eq!(site.bars(), 0, "the load was not rolled back");
        assert!(site.holds(Folder::Raw, name));
        assert_eq!(site.status(name), Some(ResponseStatus::Pending));

        site.clock.set(start().plus_seconds(2 * LEASE));
        let run = site.process();
        assert_eq!(run.counts(), [1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(run.summary.report.bars.inserted, 4000);
        return;
    }
    panic!("in 20 tries the other never came between claim and commit");
}

#[test]
fn what_was_taken_over_is_not_buried() {
    let site = Arc::new(Site::new());
    let name = "PAUSED1_2025-06-16.html";
    site.put("raw", name, "Will be right back");
    let shared = Arc::clone(&site);
    // The clock is asked when the worker is made, when it claims, and when it buries.
    let clock = HookClock::new(move |asked| {
        if asked == 2 {
            assert!(take_over(&shared, name));
        }
    });
    let run =
        Run::of(|watch| site.processor_with(clock).process_all(&Cancel::default(), watch).unwrap());
    assert_eq!(run.counts(), [0, 0, 0, 0, 1, 0, 0], "{}", run.lines());
    assert_eq!(site.status(name), Some(ResponseStatus::Pending));
    assert!(site.holds(Folder::Raw, name));
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
