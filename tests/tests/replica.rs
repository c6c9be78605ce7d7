//! An API server that reads from a replica, and from the primary while there is none.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use cream_testkit::postgres::{self, Cluster, Mode, Options};
use cream_testkit::{Listing, Scenario};
use cream_tests::{Api, PATIENCE, Site};

/// A database that holds one symbol, so that its answers tell which database gave them.
fn fill(url: &str, symbol: &str) {
    let site = Site::on(url);
    let series = Scenario::new(Listing::us_stock(symbol, "Test, Inc."), 1)
        .ending("2025-06-13".parse().unwrap(), 20)
        .build();
    let name = format!("in/{symbol}_2025-06-16T213000Z_yahoo-chart.json");
    let path = site.folder.write(name, series.chart_json());
    assert_eq!(site.import(&[&path]).code(), Some(0));
}

/// The symbols that a server knows.
fn symbols(api: &Api) -> Vec<String> {
    let listed = api.json("/stock-data");
    let symbol = |stock: &serde_json::Value| stock["symbol"].as_str().unwrap().to_owned();
    listed["stocks"].as_array().unwrap().iter().map(symbol).collect()
}

fn assert_primary_answers(api: &Api) {
    for _ in 0..12 {
        assert_eq!(symbols(api), ["PRIMARY1"]);
    }
    assert_eq!(api.json("/stock-data/PRIMARY1/history")["bars"].as_array().unwrap().len(), 20);
    assert_eq!(api.json("/health/ready")["status"], "ready");
}

#[test]
fn a_server_reads_from_its_replica_and_while_that_is_away_from_the_primary() {
    let Some(primary) = postgres::shared() else { return };
    let Some(mut other) = Cluster::start_if_installed(&Options::default()) else { return };
    let (primary, replica) = (primary.empty_database(), other.empty_database());
    fill(&primary.url(), "PRIMARY1");
    fill(&replica.url(), "REPLICA1");
    let site = Site::on(primary.url()).with("DATABASE_REPLICA_URL", replica.url());

    let api = site.serve(&[]);
    assert_eq!(symbols(&api), ["REPLICA1"]);
    assert_eq!(api.json("/stock-data/REPLICA1/history")["bars"].as_array().unwrap().len(), 20);
    assert_eq!(api.json("/stock-data/REPLICA1/actions")["actions"].as_array().unwrap().len(), 0);
    assert_eq!(api.get("/stock-data/PRIMARY1/history").0, 404);

    // Its connections were used a moment ago; no answer fails for one that is cut.
    other.stop(Mode::Immediate).unwrap();
    assert_primary_answers(&api);
    let late = site.serve(&[]);
    assert_primary_answers(&late);

    other.start_again().unwrap();
    for api in [&api, &late] {
        let deadline = Instant::now() + PATIENCE;
        while symbols(api) != ["REPLICA1"] {
            assert!(Instant::now() < deadline, "the replica is not asked again");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    other.stop(Mode::Fast).unwrap();
    assert_primary_answers(&api);
    assert_primary_answers(&late);
    let said = api.process.stderr();
    assert!(said.contains("the replica cannot be read; the primary answers"), "{said}");
    assert!(said.contains("the replica of the database is back"), "{said}");
}

#[test]
fn a_replica_that_takes_connections_and_says_nothing_is_passed_over() {
    let Some(primary) = postgres::shared() else { return };
    let primary = primary.empty_database();
    fill(&primary.url(), "PRIMARY1");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://me@{}/x", silent.local_addr().unwrap());
    let site = Site::on(primary.url()).with("DATABASE_REPLICA_URL", url);
    let api = site.serve(&[]);
    assert_primary_answers(&api);
}

#[test]
fn workers_and_migrations_leave_the_replica_alone() {
    let Some(cluster) = postgres::shared() else { return };
    let (primary, replica) = (cluster.empty_database(), cluster.empty_database());
    let site = Site::on(primary.url()).with("DATABASE_REPLICA_URL", replica.url());
    let _ = site.worker_ok(&["migrate", "up"]);
    let _ = site.worker_ok(&["status"]);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(replica.sql(tables).unwrap(), "0");
    let empty = site.digest();
    fill(&primary.url(), "PRIMARY1");
    assert_ne!(site.digest(), empty);
}

#[test]
fn a_wrong_url_of_the_replica_is_refused_without_its_password() {
    let site = Site::new().with("DATABASE_REPLICA_URL", "mysql://me:hunter2@host/db");
    let ended = site.worker(&["digest"]);
    assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
    assert!(ended.stderr.contains("DATABASE_REPLICA_URL"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}
