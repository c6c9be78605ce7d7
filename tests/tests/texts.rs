//! What the binaries tell a person, word for word: their help, and why a response is a dead letter.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use cream_testkit::{Listing, PageOptions, ReadyProcess, Scenario, failures};
use cream_tests::{PATIENCE, Site};
use insta::assert_snapshot;

fn help(binary: &str, arguments: &[&str]) -> String {
    let site = Site::new();
    let ended = ReadyProcess::run(&mut site.command(binary, arguments), PATIENCE).unwrap();
    assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    ended.stdout
}

#[test]
fn the_help_of_the_worker() {
    assert_snapshot!(help("worker", &["--help"]));
}

#[test]
fn the_help_of_the_workers_commands() {
    let commands = [
        "run",
        "track",
        "untrack",
        "fetch",
        "vendors",
        "import",
        "process",
        "deadletters",
        "retry",
        "digest",
        "rebuild",
        "status",
        "migrate",
    ];
    let texts = commands.map(|command| help("worker", &[command, "--help"]));
    assert_snapshot!(texts.join("\n---\n"));
}

#[test]
fn the_help_of_the_api_server() {
    assert_snapshot!(help("api-server", &["--help"]));
}

#[test]
fn the_help_of_the_api_servers_commands() {
    let texts = ["serve", "demo"].map(|command| help("api-server", &[command, "--help"]));
    assert_snapshot!(texts.join("\n---\n"));
}

#[test]
fn the_table_of_vendors() {
    let plain = Site::new();
    let set = Site::new()
        .with("STOCK_DATA_VENDOR", "tiingo")
        .with("STOCK_DATA_FALLBACK_VENDORS", "stooq,nasdaq")
        .with("STOCK_DATA_TIINGO_API_KEY", "hunter2-tiingo")
        .with("STOCK_DATA_STOOQ_API_KEY", "hunter2-stooq")
        .with("STOCK_DATA_TIINGO_RATE_LIMIT", "5/s,100/h")
        .with("STOCK_DATA_NASDAQ_RATE_LIMIT", "none")
        .with("STOCK_DATA_EODHD_BASE_URL", "https://own.example/eodhd");
    let tables = [&plain, &set].map(|site| {
        let ended = site.worker(&["vendors"]);
        assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""));
        assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
        assert!(site.folder.names("").is_empty(), "nothing is made for it");
        ended.stdout
    });
    assert_snapshot!(tables.join("\n---\n"));
}

#[test]
fn the_reasons_of_dead_letters() {
    let site = Site::new();
    let series = Scenario::new(Listing::us_stock("CREAM9", "Own, Inc."), 9)
        .ending("2025-06-13".parse().unwrap(), 30)
        .build();
    let page = series.history_page(&PageOptions::bare_table());
    let chart = series.chart_json();
    let mut responses = failures::all();
    responses.extend([
        ("table_without_rows", failures::table_without_rows(&series)),
        ("truncated_page", page[..page.len() / 2].to_vec()),
        ("truncated_chart", chart[..chart.len() / 2].to_vec()),
        ("not_found_page", b"<!doctype html><title>404 - Own page</title><p>Not here".to_vec()),
        ("other_vendor", b"Date,Open,High,Low,Close\n2025-06-13,1,2,1,2\n".to_vec()),
    ]);
    for (name, bytes) in responses {
        site.folder.write(format!("in/{name}.html"), bytes);
    }
    let ended = site.import(&[&site.folder.join("in")]);
    assert_eq!(ended.code(), Some(3), "{}", ended.stderr);
    let (_, reasons) = ended.stdout.split_once("not loaded:\n").unwrap();
    assert_snapshot!(reasons);
}
