//! What a worker counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cream_metrics::{
    BarCounts, PullOutcome, Queue, Queues, ResponseOutcome, TaskOutcome, Tracked, WorkerMetrics,
    registry, render,
};
use cream_models::Vendor;
use proptest::prelude::*;

use crate::openmetrics::Exposition;

fn read(metrics: &WorkerMetrics) -> Exposition {
    let text = metrics.render().unwrap();
    Exposition::parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

/// Something of everything.
fn busy() -> WorkerMetrics {
    let metrics = WorkerMetrics::new("1.2.3");
    metrics.pull(Vendor::Tiingo, PullOutcome::Loaded, Duration::from_millis(700), 1000);
    metrics.pull(Vendor::Tiingo, PullOutcome::Refused, Duration::from_secs(3600), 24);
    metrics.pull(Vendor::Tiingo, PullOutcome::GivenBack, Duration::from_secs(9), 0);
    metrics.set_vendor_totals(Vendor::Tiingo, 7, 2);
    metrics.bars(&BarCounts { inserted: 1, updated: 2, unchanged: 3, withdrawn: 4 });
    metrics.response(ResponseOutcome::AlreadyLoaded);
    metrics.dead_letter("truncated");
    metrics.set_lease_losses(5);
    metrics.task("pull", TaskOutcome::Done, Duration::from_millis(20));
    metrics.set_queues(&Queues {
        pulls: Some(Queue { depth: 11, oldest_age: Some(Duration::from_millis(1500)) }),
        responses: Some(Queue { depth: 0, oldest_age: None }),
        tracked: Some(Tracked { active: 10_000, due: 11, failing: 3, disabled: 1 }),
        in_hand: Some(5),
        workers: Some(2),
    });
    metrics
}

#[test]
fn everything_is_told_under_its_name() {
    let told = read(&busy());
    for (name, labels, value) in [
        ("cream_pulls_total", &[("vendor", "tiingo"), ("outcome", "loaded")][..], 1.0),
        ("cream_pulls_total", &[("vendor", "tiingo"), ("outcome", "refused")], 1.0),
        ("cream_pulls_total", &[("vendor", "tiingo"), ("outcome", "given_back")], 1.0),
        ("cream_pulls_total", &[("vendor", "tiingo"), ("outcome", "failed")], 0.0),
        ("cream_pulls_total", &[("vendor", "eodhd"), ("outcome", "dead_letter")], 0.0),
        ("cream_pull_duration_seconds_count", &[("vendor", "tiingo")], 2.0),
        ("cream_pull_duration_seconds_sum", &[("vendor", "tiingo")], 3600.7),
        ("cream_pull_duration_seconds_bucket", &[("vendor", "tiingo"), ("le", "0.5")], 0.0),
        ("cream_pull_duration_seconds_bucket", &[("vendor", "tiingo"), ("le", "1.0")], 1.0),
        ("cream_pull_duration_seconds_bucket", &[("vendor", "tiingo"), ("le", "+Inf")], 2.0),
        ("cream_pull_bytes_total", &[("vendor", "tiingo")], 1024.0),
        ("cream_vendor_requests_total", &[("vendor", "tiingo")], 7.0),
        ("cream_vendor_requests_total", &[("vendor", "stooq")], 0.0),
        ("cream_vendor_retries_total", &[("vendor", "tiingo")], 2.0),
        ("cream_bars_total", &[("change", "inserted")], 1.0),
        ("cream_bars_total", &[("change", "updated")], 2.0),
        ("cream_bars_total", &[("change", "unchanged")], 3.0),
        ("cream_bars_total", &[("change", "withdrawn")], 4.0),
        ("cream_responses_total", &[("outcome", "already_loaded")], 1.0),
        ("cream_responses_total", &[("outcome", "loaded")], 0.0),
        ("cream_dead_letters_total", &[("reason", "truncated")], 1.0),
        ("cream_lease_losses_total", &[], 5.0),
        ("cream_task_runs_total", &[("task", "pull"), ("outcome", "done")], 1.0),
        ("cream_task_runs_total", &[("task", "pull"), ("outcome", "panicked")], 0.0),
        ("cream_task_duration_seconds_count", &[("task", "pull")], 1.0),
        ("cream_queue_depth", &[("queue", "pulls")], 11.0),
        ("cream_queue_depth", &[("queue", "responses")], 0.0),
        ("cream_queue_oldest_age_seconds", &[("queue", "pulls")], 1.5),
        ("cream_tracked", &[("state", "active")], 10_000.0),
        ("cream_tracked", &[("state", "due")], 11.0),
        ("cream_tracked", &[("state", "failing")], 3.0),
        ("cream_tracked", &[("state", "disabled")], 1.0),
        ("cream_in_hand", &[], 5.0),
        ("cream_workers", &[], 2.0),
        ("cream_build_info", &[("version", "1.2.3")], 1.0),
    ] {
        let found =
            told.value(name, labels).unwrap_or_else(|| panic!("{name}{labels:?} is missing"));
        assert!((found - value).abs() < 1e-9, "{name}{labels:?}: {found}, expected {value}");
    }
    // An empty queue has no oldest.
    assert_eq!(told.value("cream_queue_oldest_age_seconds", &[("queue", "responses")]), None);
}

#[test]
fn families_have_help_type_and_the_base_unit_of_their_name() {
    let told = read(&busy());
    for (name, family) in &told.0 {
        assert!(name.starts_with("cream_") || name.starts_with("process_"), "{name}");
        let (first, last) =
            (family.help.chars().next().unwrap(), family.help.chars().last().unwrap());
        assert!(
            first.is_uppercase() && last == '.' && !family.help.ends_with(".."),
            "{}",
            family.help
        );
        let unit =
            ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(&format!("_{unit}")));
        assert_eq!(family.unit.as_deref(), unit, "{name}");
    }
    let kinds: BTreeSet<&str> = told.0.values().map(|family| family.kind.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["counter", "gauge", "histogram", "info"]));
}

#[test]
fn the_documentation_lists_each_family_with_its_labels() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("\n## Metrics\n").expect("a section Metrics");
    let section = section.split("\n## ").next().unwrap();
    let documented: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect();

    let mut told = BTreeSet::new();
    for (name, family) in &read(&busy()).0 {
        let suffix = match family.kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let labels: BTreeSet<&str> = family
            .samples
            .iter()
            .flat_map(|(_, labels, _)| labels.keys())
            .map(String::as_str)
            .filter(|label| *label != "le")
            .collect();
        let mut labels: Vec<&str> = labels.into_iter().collect();
        // As a reader expects them: whose, then what.
        labels.sort_by_key(|label| *label == "outcome");
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        told.insert(format!("{name}{suffix}{labels}"));
    }
    assert_eq!(documented, told);
    // So do the values of labels that are enums.
    for value in PullOutcome::ALL
        .map(PullOutcome::name)
        .into_iter()
        .chain(ResponseOutcome::ALL.map(ResponseOutcome::name))
        .chain(TaskOutcome::ALL.map(TaskOutcome::name))
    {
        assert!(section.contains(&format!("`{value}`")), "{value} is not documented");
    }
}

#[test]
fn what_is_not_known_is_left_out() {
    let metrics = busy();
    metrics.set_queues(&Queues { in_hand: Some(1), ..Queues::default() });
    let told = read(&metrics);
    assert_eq!(told.value("cream_in_hand", &[]), Some(1.0));
    for family in
        ["cream_queue_depth", "cream_queue_oldest_age_seconds", "cream_tracked", "cream_workers"]
    {
        assert!(!told.0.contains_key(family), "{family}");
    }
}

#[test]
fn totals_never_fall() {
    let metrics = WorkerMetrics::new("1");
    let requests = |metrics: &WorkerMetrics| {
        read(metrics).value("cream_vendor_requests_total", &[("vendor", "massive")]).unwrap()
    };
    for (told, expected) in [(5, 5.0), (5, 5.0), (3, 5.0), (9, 9.0), (0, 9.0)] {
        metrics.set_vendor_totals(Vendor::Massive, told, 0);
        assert!((requests(&metrics) - expected).abs() < 1e-9, "{told}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_is_told_of() {
    let told = Exposition::parse(&render(&registry("0"), "").unwrap()).unwrap();
    assert!(told.value("process_resident_memory_bytes", &[]).unwrap() > 1e5);
    assert!(told.value("process_cpu_seconds_total", &[]).is_some());
    assert!(told.value("process_start_time_seconds", &[]).unwrap() > 1.5e9);
    assert_eq!(told.0.len(), 4);
}

#[test]
fn events_of_many_threads_are_all_counted_while_the_text_is_made() {
    const THREADS: u32 = 8;
    const EVENTS: u32 = 500;
    let metrics = Arc::new(WorkerMetrics::new("1"));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for count in 0..EVENTS {
                    metrics.pull(Vendor::Stooq, PullOutcome::Loaded, Duration::from_millis(1), 2);
                    metrics.task("sweep", TaskOutcome::Failed, Duration::ZERO);
                    metrics.dead_letter("suspicious");
                    metrics.set_lease_losses(u64::from(count));
                }
            });
        }
        for _ in 0..50 {
            read(&metrics);
        }
    });
    let told = read(&metrics);
    let all = f64::from(THREADS * EVENTS);
    for (name, labels, value) in [
        ("cream_pulls_total", &[("vendor", "stooq"), ("outcome", "loaded")][..], all),
        ("cream_pull_bytes_total", &[("vendor", "stooq")], 2.0 * all),
        ("cream_pull_duration_seconds_count", &[("vendor", "stooq")], all),
        ("cream_task_runs_total", &[("task", "sweep"), ("outcome", "failed")], all),
        ("cream_dead_letters_total", &[("reason", "suspicious")], all),
        ("cream_lease_losses_total", &[], f64::from(EVENTS - 1)),
    ] {
        assert_eq!(told.value(name, labels), Some(value), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_events_make_a_text_that_parsers_take(
        version in any::<String>(),
        reason in prop::sample::select(vec!["truncated", "a\"b\\c\nd", "", "}", "é"]),
        pulls in prop::collection::vec((0..Vendor::ALL.len(), 0..PullOutcome::ALL.len(), any::<Duration>(), 0..1_u64 << 40), 0..30),
        ages in prop::collection::vec(prop::option::of(any::<Duration>()), 2),
        depths in prop::collection::vec(prop::option::of(any::<i64>()), 3),
    ) {
        let metrics = WorkerMetrics::new(&version);
        let mut counts = BTreeMap::<(usize, usize), u32>::new();
        for (vendor, outcome, took, bytes) in pulls {
            metrics.pull(Vendor::ALL[vendor], PullOutcome::ALL[outcome], took, bytes);
            *counts.entry((vendor, outcome)).or_default() += 1;
        }
        metrics.dead_letter(reason);
        metrics.set_queues(&Queues {
            pulls: depths[0].map(|depth| Queue { depth, oldest_age: ages[0] }),
            responses: Some(Queue { depth: 1, oldest_age: ages[1] }),
            in_hand: depths[1],
            workers: depths[2],
            tracked: None,
        });
        let text = metrics.render().unwrap();
        let told = Exposition::parse(&text).map_err(TestCaseError::fail)?;
        prop_assert_eq!(told.value("cream_build_info", &[("version", &version)]), Some(1.0));
        prop_assert_eq!(told.value("cream_dead_letters_total", &[("reason", reason)]), Some(1.0));
        for ((vendor, outcome), count) in counts {
            let labels = [("vendor", Vendor::ALL[vendor].name()), ("outcome", PullOutcome::ALL[outcome].name())];
            prop_assert_eq!(told.value("cream_pulls_total", &labels), Some(f64::from(count)));
        }
        prop_assert_eq!(told.value("cream_in_hand", &[]).is_some(), depths[1].is_some());
    }
}
