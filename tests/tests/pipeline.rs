//! Files to database to HTTP: what goes in comes out, once, in any order, and again from the
//! archive alone.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::path::{Path, PathBuf};

use cream_models::{Bar, Price};
use cream_testkit::{Listing, PageOptions, Scenario, Signal, SyntheticSeries, failures, story};
use cream_tests::{PATIENCE, Site};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../files/samples")
}

fn series(symbol: &str, seed: u64) -> SyntheticSeries {
    Scenario::new(Listing::us_stock(symbol, "Test, Inc."), seed)
        .ending("2025-06-13".parse().unwrap(), 400)
        .dividends(60, 0.26)
        .split(200, 3, 2)
        .null_row(33)
        .build()
}

/// One bar as the API's CSV has it, without flags and the instant of fetching.
fn fields(bar: &Bar) -> Vec<String> {
    let price = |price: Option<Price>| price.map_or_else(String::new, |price| price.to_string());
    vec![
        bar.date().to_string(),
        price(bar.open()),
        price(bar.high()),
        price(bar.low()),
        price(bar.close()),
        price(bar.adj_close()),
        bar.volume().map_or_else(String::new, |volume| volume.to_string()),
        bar.is_final().to_string(),
    ]
}

#[test]
fn every_bar_and_action_that_goes_in_comes_out() {
    let site = Site::new();
    let chart = series("CHART1", 1);
    let page = series("PAGE1", 2);
    site.folder.write("in/CHART1_2025-06-16T213000Z_yahoo-chart.json", chart.chart_json());
    site.folder.write("in/PAGE1_2025-06-16.html", page.history_page(&PageOptions::default()));
    let ended = site.import(&[&site.folder.join("in")]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stdout);

    let api = site.serve(&[]);
    for series in [&chart, &page] {
        let symbol = series.listing.symbol.to_string();
        let served: Vec<Vec<String>> = api
            .csv(&format!("/stock-data/{symbol}/history?format=csv"))
            .into_iter()
            .map(|row| row[..8].to_vec())
            .collect();
        let expected: Vec<_> = series.bars().iter().map(fields).collect();
        assert_eq!(served, expected, "{symbol}");
        let actions = api.json(&format!("/stock-data/{symbol}/actions"));
        assert_eq!(actions["actions"].as_array().unwrap().len(), series.actions.len());
    }
    // Pages of a page: the cursor leads through all bars, once.
    let (mut path, mut seen) = ("/stock-data/CHART1/history?limit=90".to_owned(), Vec::new());
    loop {
        let page = api.json(&path);
        let bars = page["bars"].as_array().unwrap();
        seen.extend(bars.iter().map(|bar| bar["date"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(cursor) => {
                path = format!("/stock-data/CHART1/history?limit=90&cursor={cursor}");
            }
            None => break,
        }
    }
    let expected: Vec<_> = chart.bars().iter().map(|bar| bar.date().to_string()).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_second_import_changes_nothing() {
    let site = Site::new();
    let first = site.import(&[&samples()]);
    assert_eq!(first.code(), Some(3), "one sample is broken: {}", first.stdout);
    assert!(first.stdout.contains("CREAM7_2025-06-16.html: dead letter: "), "{}", first.stdout);
    let digest = site.digest();
    let listing = || ["raw", "parsed", "dead"].map(|folder| site.folder.names(folder));
    let files = listing();
    assert!(files[0].is_empty(), "{files:?}");
    assert!(files[2].contains(&"CREAM7_2025-06-16.html".to_owned()), "{files:?}");

    let second = site.import(&[&samples()]);
    assert_eq!(second.code(), Some(0), "{}", second.stdout);
    assert!(second.stdout.contains("0 inserted, 0 updated, 0 unchanged, 0 withdrawn"));
    assert!(second.stdout.contains("still a dead letter: "), "{}", second.stdout);
    assert_eq!((site.digest(), listing()), (digest, files));
    let status = site.worker_ok(&["status"]);
    assert!(status.contains("CREAM7_2025-06-16.html: "), "{status}");
}

#[test]
fn the_digest_is_the_same_in_any_order_and_after_a_rebuild() {
    let responses = story("STORY1", 11, 9);
    let site = Site::new();
    let paths: Vec<PathBuf> = responses
        .iter()
        .map(|told| site.folder.write(format!("in/{}", told.name), &told.bytes))
        .collect();
    // None is so different that the guard, which looks at what was loaded before, refuses it.
    assert_eq!(site.import(&[&site.folder.join("in")]).code(), Some(0));
    let digest = site.digest();

    let other = Site::new();
    for path in paths.iter().rev() {
        assert_eq!(other.import(&[path]).code(), Some(0));
    }
    assert_eq!(other.digest(), digest, "newest first");

    // An empty database beside the same archive.
    let rebuilt = site.folder.join("rebuilt.db");
    let url = format!("sqlite:{}", rebuilt.display());
    for (command, want) in [("rebuild", None), ("digest", Some(&digest))] {
        let ended = cream_testkit::ReadyProcess::run(
            site.command("worker", &[command]).env("DATABASE_URL", &url),
            PATIENCE,
        )
        .unwrap();
        assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
        if let Some(want) = want {
            assert_eq!(ended.stdout.trim(), want);
        }
    }
    let refused = site.worker(&["rebuild"]);
    assert_eq!(refused.code(), Some(1));
    assert!(refused.stderr.contains("a rebuild fills an empty database"), "{}", refused.stderr);
}

#[test]
fn one_bad_file_stops_no_other_and_says_why() {
    let site = Site::new();
    for (name, bytes) in failures::all() {
        site.folder.write(format!("in/{name}_2025-06-16.html"), bytes);
    }
    site.folder.write(
        "in/GOOD1_2025-06-16.html",
        series("GOOD1", 3).history_page(&PageOptions::default()),
    );
    site.folder.write(
        "in/WRONG1_2025-06-16.html",
        series("OTHER1", 4).history_page(&PageOptions::default()),
    );
    site.folder.write("in/README.md", "Not a response at all.");
    let ended = site.import(&[&site.folder.join("in")]);
    assert_eq!(ended.code(), Some(3));
    assert!(ended.stdout.contains("the file name says WRONG1, but the response is about OTHER1"));
    let parsed = site.folder.names("parsed");
    assert_eq!(parsed, ["GOOD1_2025-06-16.html"], "{}", ended.stdout);
    let lost = site.folder.names("in").len() - parsed.len() - site.folder.names("dead").len();
    assert_eq!(lost, 0, "{}", ended.stdout);
}

#[test]
fn files_dropped_by_hand_are_processed_and_names_that_mean_two_things_are_kept_apart() {
    let site = Site::new();
    let name = "HAND1_2025-06-16.html";
    let page = |seed| series("HAND1", seed).history_page(&PageOptions::default());
    site.folder.write(format!("raw/{name}"), page(5));
    let out = site.worker_ok(&["process"]);
    assert!(out.contains("HAND1 from yahoo-page"), "{out}");
    let digest = site.digest();

    site.folder.write(format!("raw/{name}"), page(6));
    let ended = site.worker(&["process"]);
    assert_eq!(ended.code(), Some(3), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("registered before with other content"), "{}", ended.stdout);
    assert_eq!(site.digest(), digest);
    assert!(site.folder.names("raw").is_empty());
    let dead = site.folder.names("dead");
    assert!(dead.len() == 1 && dead[0].starts_with("HAND1_2025-06-16~"), "{dead:?}");
    assert_eq!(std::fs::read(site.folder.join("dead").join(&dead[0])).unwrap(), page(6));
}

#[test]
fn two_workers_on_the_same_files_load_each_once() {
    let site = Site::new();
    for seed in 0..12 {
        let series = series(&format!("BOTH{seed}"), seed);
        let name = format!("in/BOTH{seed}_2025-06-16T213000Z_yahoo-chart.json");
        site.folder.write(name, series.chart_json());
    }
    let alone = Site::new();
    alone.import(&[&site.folder.join("in")]);
    // Both would create the database: the first alone, so that the test is about the files.
    let _ = site.worker_ok(&["migrate", "up"]);
    let inbox = site.folder.join("in");
    let start = || {
        let arguments = ["import", inbox.to_str().unwrap()];
        cream_testkit::ReadyProcess::start(&mut site.command("worker", &arguments))
    };
    let both = [start(), start()];
    for worker in both {
        let ended = worker.wait(PATIENCE).unwrap();
        assert!(matches!(ended.code(), Some(0 | 3)), "{}\n{}", ended.stdout, ended.stderr);
    }
    let _ = site.worker_ok(&["process"]);
    assert_eq!(site.digest(), alone.digest());
    assert_eq!(site.folder.names("parsed").len(), 12);
    assert!(site.folder.names("raw").is_empty(), "{:?}", site.folder.names("raw"));
}

#[test]
fn an_interrupted_import_says_so_and_the_next_one_completes_it() {
    let site = Site::new();
    for seed in 0..60 {
        let series = series(&format!("INT{seed}"), seed);
        let options = PageOptions { filler_bytes: 200_000, ..PageOptions::default() };
        site.folder.write(format!("in/INT{seed}_2025-06-16.html"), series.history_page(&options));
    }
    let inbox = site.folder.join("in");
    let arguments = ["import", inbox.to_str().unwrap()];
    let mut command = site.command("worker", &arguments);
    command.env("STOCK_DATA_MAX_CONCURRENT_FILES", "1");
    let worker = cream_testkit::ReadyProcess::start(&mut command);
    let _ = worker.wait_for("INT0", PATIENCE).unwrap();
    worker.signal(Signal::Interrupt);
    let ended = worker.wait(PATIENCE).unwrap();
    assert_eq!(ended.code(), Some(130), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("not begun"), "{}", ended.stdout);
    assert!(site.folder.names("raw").is_empty(), "what was begun was finished");

    let _ = site.worker_ok(&arguments);
    assert_eq!(site.folder.names("parsed").len(), 60);
}

#[test]
fn memory_does_not_grow_with_the_number_of_files() {
    let site = Site::new();
    for seed in 0..24 {
        let series = series(&format!("BIG{seed}"), seed);
        let options = PageOptions { filler_bytes: 3_000_000, ..PageOptions::default() };
        site.folder.write(format!("in/BIG{seed}_2025-06-16.html"), series.history_page(&options));
    }
    let inbox = site.folder.join("in");
    let mut worker = cream_testkit::ReadyProcess::start(
        &mut site.command("worker", &["import", inbox.to_str().unwrap()]),
    );
    let mut peak = 0;
    while worker.is_running() {
        peak = peak.max(worker.peak_memory().unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(worker.wait(PATIENCE).unwrap().code(), Some(0));
    assert!(peak < 200 << 20, "{} MiB", peak >> 20);
}
