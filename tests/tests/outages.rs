//! A PostgreSQL server that goes away in the middle of the work, and comes back or does not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::time::Duration;

use cream_testkit::postgres::{Cluster, Mode, Options};
use cream_tests::{LET_LEASES_RUN_OUT, PATIENCE, Responses, Site};

/// A server of the test's own, that writes to the disk as one in production does.
fn cluster() -> Option<Cluster> {
    Cluster::start_if_installed(&Options { fsync: true, ..Options::default() })
}

/// The server was stopped before the work was done.
fn assert_some_wait(site: &Site, files: usize) {
    let parsed = site.archived("parsed").len();
    assert!(parsed < files, "all files were loaded before the server stopped");
}

/// Runs the command, and stops and starts the server in its middle.
fn assert_waits(mode: Mode, command: &str, source: &str) {
    let Some(mut cluster) = cluster() else { return };
    let database = cluster.empty_database();
    let site = Site::on(database.url());
    let responses = Responses::charts(400, 300);
    let inbox = responses.write(&site, source);
    let arguments = [command, inbox.to_str().unwrap()];
    let arguments = if command == "import" { &arguments[..] } else { &arguments[..1] };

    let mut worker = site.start_worker(arguments);
    site.await_some(&mut worker);
    cluster.stop(mode).unwrap();
    assert_some_wait(&site, 400);
    let _ = worker.wait_for("trying again", PATIENCE).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert!(worker.is_running(), "{}", worker.stderr());
    responses.assert_kept(&site, source);
    cluster.start_again().unwrap();

    let ended = worker.wait(PATIENCE).unwrap();
    assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("failed"), "{}", ended.stdout);
    responses.assert_loaded(&site, &responses.digest());
}

#[test]
fn an_import_waits_for_a_server_that_is_restarted() {
    assert_waits(Mode::Fast, "import", "in");
}

#[test]
fn files_wait_for_a_server_that_crashed() {
    assert_waits(Mode::Immediate, "process", "raw");
}

#[test]
fn a_server_that_stays_away_ends_the_import_early_and_loses_nothing() {
    let Some(mut cluster) = cluster() else { return };
    let database = cluster.empty_database();
    let site = Site::on(database.url())
        .with("DATABASE_PATIENCE_SECONDS", "1")
        .with("DATABASE_ACQUIRE_TIMEOUT_SECONDS", "1");
    let responses = Responses::charts(400, 300);
    let inbox = responses.write(&site, "in");
    let arguments = ["import", inbox.to_str().unwrap()];

    let mut worker = site.start_worker(&arguments);
    site.await_some(&mut worker);
    cluster.stop(Mode::Fast).unwrap();
    let ended = worker.wait(PATIENCE).unwrap();
    assert_some_wait(&site, 400);
    assert_eq!(ended.code(), Some(3), "{}\n{}", ended.stdout, ended.stderr);
    for part in ["stopped early", "Nothing is lost", "not begun", "Connection refused"] {
        assert!(ended.stdout.contains(part), "{part} in {}", ended.stdout);
    }
    responses.assert_kept(&site, "in");

    // While it is away, not even a start succeeds; the answer is one line.
    let refused = site.worker(&arguments);
    assert_eq!(refused.code(), Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("cannot reach the database"), "{}", refused.stderr);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);

    cluster.start_again().unwrap();
    database.sql(LET_LEASES_RUN_OUT).unwrap();
    let out = site.worker_ok(&arguments);
    assert!(out.contains("loaded before"), "{out}");
    responses.assert_loaded(&site, &responses.digest());
}

#[test]
fn an_api_server_outlives_its_database_and_answers_again() {
    let Some(mut cluster) = cluster() else { return };
    let database = cluster.empty_database();
    let site = Site::on(database.url()).with("DATABASE_ACQUIRE_TIMEOUT_SECONDS", "1");
    let inbox = Responses::charts(3, 40).write(&site, "in");
    assert_eq!(site.import(&[&inbox]).code(), Some(0));
    let api = site.serve(&[]);
    for mode in [Mode::Fast, Mode::Immediate] {
        assert_eq!(api.json("/stock-data")["stocks"].as_array().unwrap().len(), 3);
        cluster.stop(mode).unwrap();
        for path in ["/stock-data", "/stock-data/CHART0/history", "/health/ready"] {
            let (status, body) = api.get(path);
            assert_eq!(status, 503, "{path}: {body}");
            // Where the database is concerns nobody outside.
            assert!(!body.contains("postgres") && !body.contains("127.0.0.1"), "{body}");
        }
        assert_eq!(api.get("/health/live").0, 200);
        cluster.start_again().unwrap();
    }
    let history = api.json("/stock-data/CHART0/history");
    assert_eq!(history["bars"].as_array().unwrap().len(), 39);
}
