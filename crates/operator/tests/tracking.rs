//! What is tracked, and what the status tells of it and of the workers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

mod support;

use cream_config::Secret;
use cream_models::{Symbol, Timestamp, Vendor};
use cream_operator::{Operator, Track, Untrack};
use cream_processor::Cancel;
use cream_store::{
    Beat, FinishedPull, Lease, NewWorker, NextPull, PullRecord, StoreError, TaskOutcome, TaskState,
    TrackedQuery, VendorState,
};
use insta::assert_snapshot;
use serde_json::Value;

use support::Site;

fn symbols(list: &str) -> Vec<Symbol> {
    list.split_whitespace().map(|text| text.parse().unwrap()).collect()
}

/// When it is.
const NOW: &str = "2025-06-16T21:30:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Site {
    fn then(&self) -> Operator {
        self.operator().with_clock(at(NOW))
    }

    fn status_then(&self) -> String {
        self.answer(|out| self.then().status(false, out))
    }

    fn track(&self, list: &str, vendor: Option<Vendor>, spelling: Option<&str>) -> String {
        let vendor_symbol = spelling.map(str::to_owned);
        let track = Track { symbols: symbols(list), vendor, vendor_symbol };
        self.answer(|out| self.then().track(&track, &Cancel::default(), out))
    }

    fn untrack(&self, list: &str, vendor: Option<Vendor>) -> String {
        let untrack = Untrack { symbols: symbols(list), vendor };
        self.answer(|out| self.operator().untrack(&untrack, &Cancel::default(), out))
    }

    /// What is tracked: symbol, vendor, spelling, whether it is active, whether it is due.
    fn tracked(&self) -> Vec<String> {
        let now = at(NOW);
        let store = self.operator().store().clone();
        let list = store.read(|it| it.tracked_list(&TrackedQuery::default())).unwrap();
        let line = |(symbol, it): (Symbol, cream_store::Tracked)| {
            let is_due = it.next_pull_at.is_some_and(|due| due <= now);
            let (active, due) =
                (if it.is_active { "active" } else { "-" }, if is_due { "due" } else { "-" });
            format!("{symbol} {} {} {active} {due}", it.vendor, it.vendor_symbol)
        };
        list.into_iter().map(line).collect()
    }

    /// Ends a pull of what is due from a vendor.
    fn pulled(&self, vendor: Vendor, now: Timestamp, error: &str, next: NextPull) {
        let store = self.operator().store().clone();
        let lease = Lease { token: "w-", from: now, until: now.plus_seconds(60) };
        store
            .write(|writer| {
                for claimed in writer.claim_due(vendor, 10, &lease)? {
                    let record = PullRecord {
                        stock_id: claimed.tracked.stock_id,
                        vendor,
                        vendor_symbol: claimed.tracked.vendor_symbol,
                        at: now,
                        result: Err(error.to_owned()),
                    };
                    let pull = FinishedPull { record, next: next.clone(), is_unknown: true };
                    writer.finish_pull(&pull, &claimed.token)?;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}

#[test]
fn symbols_are_tracked_once_each_and_told_how_they_are_spelled() {
    let site = Site::new();
    assert_snapshot!(site.track("AAPL BRK-B aapl", None, None), @r#"
    AAPL: yahoo-chart: tracked
    BRK-B: yahoo-chart: tracked
    track: 2 symbols
      tracked                    2
    [Done]
    "#);
    assert_snapshot!(site.track("BRK-B ^GSPC BAC-PL", Some(Vendor::Stooq), None), @r#"
    BRK-B: stooq: tracked, as brk-b.us
    ^GSPC: stooq: tracked, as ^spx
    BAC-PL: stooq: refused: how stooq spells BAC-PL is not known; give the vendor's own spelling, or ask another vendor
    track: 3 symbols
      tracked                    2
      refused                    1
    [Incomplete]
    "#);
    assert_snapshot!(site.track("AAPL MSFT", None, None), @r#"
    AAPL: yahoo-chart: already tracked
    MSFT: yahoo-chart: tracked
    track: 2 symbols
      tracked                    1
      already tracked            1
    [Done]
    "#);
    assert_snapshot!(site.tracked().join("\n"), @r#"
    AAPL yahoo-chart AAPL active due
    BRK-B yahoo-chart BRK-B active due
    BRK-B stooq brk-b.us active due
    MSFT yahoo-chart MSFT active due
    ^GSPC stooq ^spx active due
    "#);
}

#[test]
fn a_spelling_that_was_given_is_kept_and_may_be_given_anew() {
    let site = Site::new();
    assert_snapshot!(site.track("BAC-PL", Some(Vendor::Stooq), Some("bac_l.us")), @r#"
    BAC-PL: stooq: tracked, as bac_l.us
    track: 1 symbol
      tracked                    1
    [Done]
    "#);
    assert_snapshot!(site.track("BAC-PL", Some(Vendor::Stooq), None), @r#"
    BAC-PL: stooq: already tracked, as bac_l.us
    track: 1 symbol
      already tracked            1
    [Done]
    "#);
    assert_snapshot!(site.track("BAC-PL", Some(Vendor::Stooq), Some("bac-l.us")), @r#"
    BAC-PL: stooq: already tracked, as bac-l.us
    track: 1 symbol
      already tracked            1
    [Done]
    "#);
    assert_snapshot!(site.track("BAC-PL", Some(Vendor::Stooq), Some("a b\u{1b}[2J")), @r#"
    BAC-PL: stooq: refused: "a b\u{1b}[2J" is no vendor's spelling: expected 1 to 64 printable ASCII characters without spaces
    track: 1 symbol
      refused                    1
    [Incomplete]
    "#);
    assert_snapshot!(site.track("A B", Some(Vendor::Stooq), Some("ab")), @r#"
    error: one spelling is given for 2 symbols: expected one symbol
    "#);
    assert_snapshot!(site.tracked().join("\n"), @r#"
    BAC-PL stooq bac-l.us active due
    "#);
}

#[test]
fn a_vendor_without_its_key_is_warned_of_and_one_that_cannot_be_asked_refused() {
    let mut site = Site::new();
    assert_snapshot!(site.track("AAPL", Some(Vendor::Tiingo), None), @r#"
    AAPL: tiingo: tracked
    track: 1 symbol
      tracked                    1
    tiingo answers nothing without a key: nothing is pulled until STOCK_DATA_TIINGO_API_KEY is set where the worker runs; it is not set here
    [Done]
    "#);
    assert_snapshot!(site.track("AAPL", Some(Vendor::Csv), None), @r#"
    error: csv cannot be asked, so that nothing can be tracked from it
    "#);
    let tiingo = site.settings.vendors.get_mut(&Vendor::Tiingo).unwrap();
    tiingo.api_key = Some(Secret::new("hunter2-tiingo"));
    let told = site.track("AAPL", Some(Vendor::Tiingo), None);
    assert!(!told.contains("key") && !told.contains("hunter2"), "{told}");
}

#[test]
fn what_is_not_tracked_is_told_when_it_is_untracked() {
    let site = Site::new();
    let _ = site.track("AAPL MSFT", None, None);
    let _ = site.track("AAPL", Some(Vendor::Stooq), None);
    assert_snapshot!(site.untrack("MSFT NEVER", Some(Vendor::Stooq)), @r#"
    MSFT: stooq: was not tracked
    NEVER: stooq: was not tracked
    untrack: 2 symbols
      were not tracked           2
    [Incomplete]
    "#);
    assert_snapshot!(site.untrack("AAPL AAPL", None), @r#"
    AAPL: yahoo-chart: tracked no more
    AAPL: stooq: tracked no more
    untrack: 1 symbol
      tracked no more            1
    [Done]
    "#);
    assert_snapshot!(site.untrack("AAPL", None), @r#"
    AAPL: was not tracked
    untrack: 1 symbol
      were not tracked           1
    [Incomplete]
    "#);
    assert_snapshot!(site.track("AAPL", Some(Vendor::Stooq), None), @r#"
    AAPL: stooq: tracked again, as aapl.us
    track: 1 symbol
      tracked again              1
    [Done]
    "#);
    assert_snapshot!(site.tracked().join("\n"), @r#"
    AAPL yahoo-chart AAPL - -
    AAPL stooq aapl.us active due
    MSFT yahoo-chart MSFT active due
    "#);
}

#[test]
fn an_interrupted_list_says_what_was_not_begun() {
    let site = Site::new();
    let cancel = Cancel::default();
    cancel.cancel();
    let track = Track { symbols: symbols("AAPL MSFT"), ..Track::default() };
    let told = site.answer(|out| site.operator().track(&track, &cancel, out));
    assert_snapshot!(told, @r#"
    track: 2 symbols
      not begun                  2
    [Interrupted]
    "#);
    assert!(site.tracked().is_empty());
}

/// Everything that can be told, at known times.
fn busy_site() -> Site {
    let site = Site::new();
    let now = at(NOW);
    let _ = site.track("AAPL BRK-B ^GSPC", None, None);
    let _ = site.track("GONE", Some(Vendor::Stooq), None);
    let _ = site.track("ODD", Some(Vendor::Tiingo), None);
    let disabled = NextPull::Disabled { reason: "unknown to stooq for 7 days".to_owned() };
    site.pulled(Vendor::Stooq, now, "stooq knows no GONE", disabled);
    let next = NextPull::At(at("2025-06-17T21:30:00Z"));
    site.pulled(Vendor::Tiingo, now, "HTTP 500:\nforged \u{1b}[2J", next);
    let store = site.operator().store().clone();
    store
        .write(|writer| {
            for (base, host, in_hand, seen) in [
                ("web", "web.example", 7, at("2025-06-16T21:29:58Z")),
                ("web", "web.example", 0, at("2025-06-16T21:29:00Z")),
                ("old", "old.example", 3, at("2025-06-16T21:00:00Z")),
            ] {
                let started_at = at("2025-06-16T20:00:00Z");
                let new = NewWorker {
                    base: base.to_owned(),
                    host: host.to_owned(),
                    pid: 7,
                    version: "0.1.0".to_owned(),
                    now: started_at,
                    stale_before: at("2025-06-16T19:00:00Z"),
                };
                let name = writer.enlist_worker(&new)?;
                let is_stopping = in_hand == 7;
                let beat =
                    Beat { name: &name, pid: 7, started_at, now: seen, in_hand, is_stopping };
                assert!(writer.beat(&beat)?);
                if in_hand == 0 {
                    writer.worker_ended(&name, started_at, seen)?;
                }
            }
            let task = TaskState {
                worker: "web".to_owned(),
                task: "pull".to_owned(),
                schedule: "10s".to_owned(),
                is_running: false,
                last_started_at: Some(now),
                last_ended_at: Some(now.plus_seconds(2)),
                outcome: Some(TaskOutcome::Failed),
                message: Some("the disk is full\nreally".to_owned()),
                failures: 2,
                runs: 9,
                next_run_at: Some(now.plus_seconds(12)),
            };
            writer.set_task(&task)?;
            let running = TaskState {
                task: "process".to_owned(),
                is_running: true,
                last_ended_at: None,
                outcome: None,
                message: None,
                next_run_at: None,
                ..task
            };
            writer.set_task(&running)?;
            let blocked = VendorState {
                failures: 3,
                blocked_until: Some(at("2999-01-01T00:00:00Z")),
                reason: Some("HTTP 429".to_owned()),
            };
            writer.set_vendor_state(Vendor::Tiingo, &blocked)?;
            Ok::<_, StoreError>(())
        })
        .unwrap();
    site
}

#[test]
fn the_status_tells_what_is_tracked_and_who_works() {
    let site = busy_site();
    assert_snapshot!(site.status_then(), @r#"
    database           sqlite:[FOLDER]/cream.db
    migrations         8 applied
    stocks             5
    series             0
    bars               0
    corporate actions  0
    responses          0 parsed, 0 pending, 0 dead letters
    raw                0 files in [FOLDER]/raw
    parsed             0 files in [FOLDER]/parsed
    dead letters       0 files in [FOLDER]/dead
    left alone         tiingo until 2999-01-01T00:00:00Z: HTTP 429
    tracked:
      vendor       active  due  in hand  failing  disabled  oldest due            next due
      yahoo-chart       3    3        0        0         0  2025-06-16T21:30:00Z  2025-06-16T21:30:00Z
      tiingo            1    0        0        1         0  none                  2025-06-17T21:30:00Z
      stooq             0    0        0        0         1  none                  none
    failing:
      ODD: tiingo: failed once, next try 2025-06-17T21:30:00Z: HTTP 500:\nforged \u{1b}[2J
    disabled:
      GONE: stooq: failed once: unknown to stooq for 7 days
    vendors:
      vendor       API key          asked                     failures  left alone
      yahoo-chart  none needed      0 of 60/min, 0 of 2000/h         0  no
      tiingo       needed, NOT SET  0 of 50/h, 0 of 1000/d           3  until 2999-01-01T00:00:00Z: HTTP 429
    workers:
      name   host         version  state     in hand  seen
      web    web.example  0.1.0    stopping        7  2 s ago
      old    old.example  0.1.0    silent          3  30 min ago
      web-2  web.example  0.1.0    ended           0  60 s ago
    tasks:
      worker  task     schedule  last run              next run              runs  outcome
      web     process  10s       2025-06-16T21:30:00Z  none                     9  running
      web     pull     10s       2025-06-16T21:30:00Z  2025-06-16T21:30:12Z     9  failed: the disk is full\nreally
    [Done]
    "#);
}

#[test]
fn the_status_as_json_has_the_names_that_are_promised() {
    let site = busy_site();
    let told = site.answer(|out| site.then().status(true, out));
    let (json, end) = told.split_once('\n').unwrap();
    assert_eq!(end, "[Done]");
    let status: Value = serde_json::from_str(json).unwrap();
    // Every name, however deep.
    fn names(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    names(value, &format!("{path}.{name}"), found);
                }
            }
            Value::Array(list) if !list.is_empty() => names(&list[0], &format!("{path}[]"), found),
            _ => found.push(path.trim_start_matches('.').to_owned()),
        }
    }
    let mut found = Vec::new();
    names(&status, "", &mut found);
    found.sort();
    assert_snapshot!(found.join("\n"), @r#"
    archive[].error
    archive[].files
    archive[].folder
    archive[].path
    at
    bars
    corporate_actions
    database
    dead_letters
    disabled[].failures
    disabled[].last_pull_at
    disabled[].next_pull_at
    disabled[].reason
    disabled[].symbol
    disabled[].unknown_since
    disabled[].vendor
    disabled[].vendor_symbol
    failing[].failures
    failing[].last_pull_at
    failing[].next_pull_at
    failing[].reason
    failing[].symbol
    failing[].unknown_since
    failing[].vendor
    failing[].vendor_symbol
    migrations.applied
    migrations.pending
    responses.dead_letters
    responses.oldest_pending_at
    responses.parsed
    responses.pending
    series
    stocks
    tasks[].failures
    tasks[].is_running
    tasks[].last_ended_at
    tasks[].last_started_at
    tasks[].message
    tasks[].next_run_at
    tasks[].outcome
    tasks[].runs
    tasks[].schedule
    tasks[].task
    tasks[].worker
    tracked[].active
    tracked[].disabled
    tracked[].due
    tracked[].failing
    tracked[].in_hand
    tracked[].inactive
    tracked[].next_due_at
    tracked[].oldest_due_at
    tracked[].vendor
    vendors[].blocked_reason
    vendors[].blocked_until
    vendors[].failures
    vendors[].key
    vendors[].limits[].limit
    vendors[].limits[].requests
    vendors[].limits[].seconds
    vendors[].limits[].used
    vendors[].vendor
    workers[].ended_at
    workers[].host
    workers[].in_hand
    workers[].name
    workers[].pid
    workers[].seen_at
    workers[].seen_seconds_ago
    workers[].started_at
    workers[].state
    workers[].version
    "#);
    assert_eq!(status["tracked"][0]["vendor"], "yahoo-chart");
    assert_eq!(status["tracked"][0]["due"], 3);
    assert_eq!(status["workers"][0]["state"], "stopping");
    assert_eq!(status["tasks"][1]["outcome"], "failed");
    // What is promised to programs is told to people who write them.
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("### The status as JSON").unwrap();
    for name in found.iter().flat_map(|path| path.split('.')) {
        let name = name.trim_end_matches("[]");
        assert!(section.contains(&format!("`{name}`")), "{name} is not told in docs/operations.md");
    }
}

#[test]
fn a_database_to_be_migrated_has_no_contents() {
    let site = Site::new();
    let told = site.answer(|out| Operator::open_as_is(&site.settings)?.status(true, out));
    let status: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!(status["migrations"]["applied"], 0);
    assert!(status["migrations"]["pending"].as_i64().unwrap() > 0);
    assert!(status.get("tracked").is_none(), "{status}");
}
