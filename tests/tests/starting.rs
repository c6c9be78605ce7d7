//! What keeps a worker or a server from starting is told at once, all of it, a line each.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::net::TcpListener;

use cream_testkit::{Exited, ReadyProcess};
use cream_tests::{PATIENCE, Site, on_both};
use insta::assert_snapshot;

fn run(site: &Site, binary: &str, arguments: &[&str]) -> Exited {
    ReadyProcess::run(&mut site.command(binary, arguments), PATIENCE).unwrap()
}

/// What a start that must fail says, without what differs from one to another.
fn refused(site: &Site, binary: &str, arguments: &[&str], address: &str) -> String {
    let ended = run(site, binary, arguments);
    assert_eq!((ended.code(), ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    let said = ended.stderr.replace(site.folder.path().to_str().unwrap(), "SITE");
    let said = said.replace(address, "ADDRESS");
    let mut lines = Vec::new();
    for line in said.lines() {
        let line =
            match line.split_once("only ").map(|(before, rest)| (before, rest.split_once(' '))) {
                Some((before, Some((_, rest)))) => format!("{before}only N {rest}"),
                _ => line.to_owned(),
            };
        lines.push(line);
    }
    format!("{binary} {}\n{}", arguments[0], lines.join("\n"))
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let worker = ["run", "--metrics", &address];
    let server = ["serve", "--with-worker", "--listen", &address];

    let machine = Site::on("sqlite:nowhere/at/all.db").with("STOCK_DATA_MIN_FREE_MB", "1000000");
    machine.folder.write("raw", "a file");
    let mut said = vec![
        refused(&machine, "worker", &worker, &address),
        refused(&machine, "api-server", &server, &address),
    ];
    assert!(!machine.folder.names("").iter().any(|name| name.ends_with(".db")));

    // With settings that are not usable too, of which nothing is made.
    let all = Site::on("sqlite:nowhere/at/all.db")
        .with("STOCK_DATA_MIN_FREE_MB", "1000000")
        .with("STOCK_DATA_LEASE_SECONDS", "soon")
        .with("STOCK_DATA_PULL_SHEDULE", "10s");
    all.folder.write("raw", "a file");
    said.push(refused(&all, "worker", &worker, &address));
    said.push(refused(&all, "api-server", &server, &address));
    assert_eq!(all.folder.names(""), ["raw"]);

    // Folders that cannot be created.
    let folders = Site::on("sqlite:nowhere/at/all.db").with("STOCK_DATA_MIN_FREE_MB", "0");
    let folders = folders.with("STOCK_DATA_RAW_RESPONSES_DIR", "file/of/mine");
    folders.folder.write("file", "a file");
    said.push(refused(&folders, "worker", &["run"], &address));
    let folders = folders.with("DATABASE_URL", "sqlite:cream.db");
    said.push(refused(&folders, "worker", &["run"], &address));

    // What one of them stands for says nothing of the rest.
    let alone = Site::new().with("DATABASE_URL", "cream.db").with("STOCK_DATA_MIN_FREE_MB", "much");
    said.push(refused(&alone, "worker", &["run", "--once"], &address));
    let settings =
        Site::new().with("STOCK_DATA_MIN_FREE_MB", "much").with("STOCK_DATA_BATCH_SIZ", "1");
    said.push(refused(&settings, "worker", &["run"], &address));
    assert!(settings.folder.names("").is_empty());
    assert_snapshot!(said.join("\n---\n"));
}

#[test]
fn a_server_that_is_away_and_a_folder_that_is_none_are_told_together() {
    // No server listens on that port.
    let site = Site::on("postgres://me:hunter2@127.0.0.1:1/x")
        .with("DATABASE_CONNECT_TIMEOUT_SECONDS", "2")
        .with("DATABASE_ACQUIRE_TIMEOUT_SECONDS", "1");
    site.folder.write("dead", "a file");
    let said = refused(&site, "worker", &["run"], "ADDRESS");
    let problems: Vec<_> = said.lines().skip(1).collect();
    assert_eq!(problems.len(), 3, "{said}");
    assert_eq!(problems[0], "error: 2 things keep it from starting:");
    assert!(problems[2].contains("SITE/dead, set for the deadletter responses"), "{said}");
    assert!(
        problems[1].contains("cannot reach the database postgres://me@127.0.0.1:1/x"),
        "{said}"
    );
}

#[test]
fn a_key_that_is_missing_is_a_warning() {
    on_both(|site| {
        let site = site.with("LOG_FORMAT", "text").with("STOCK_DATA_MAX_RETRIES", "0");
        let _ = site.worker_ok(&["track", "--vendor", "tiingo", "KEY1", "KEY2"]);
        let ended = site.worker(&["run", "--once"]);
        assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
        let said = ended.stderr;
        assert!(said.contains("2 symbols of tiingo will not be pulled here"), "{said}");
        assert!(said.contains("STOCK_DATA_TIINGO_API_KEY"), "{said}");
        assert!(!said.contains("EODHD"), "nobody wants anything of it: {said}");
        let set = site
            .with("STOCK_DATA_TIINGO_API_KEY", "hunter2")
            .with("STOCK_DATA_TIINGO_BASE_URL", "http://127.0.0.1:1");
        let ended = set.worker(&["run", "--once"]);
        assert!(!ended.stderr.contains("will not be pulled"), "{}", ended.stderr);
    });
}
