//! A database that does not answer, for as long as it likes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use cream_models::SystemClock;
use cream_models::Vendor::YahooChart;
use cream_processor::Cancel;
use cream_runner::{Ended, Running};
use cream_store::{PullStatus, Store, StoreError, StoreOptions, TaskOutcome};
use cream_testkit::postgres::{Cluster, Mode, Options};

use crate::support::{Site, on_both};

/// For what takes moments, on however busy a machine.
const LONG: Duration = Duration::from_secs(120);

/// A worker that waits longer for its only connection than any test, and everybody else's store.
fn start(mut site: Site) -> (Site, Store, Running) {
    let options = StoreOptions {
        max_connections: 1,
        acquire_timeout: Duration::from_secs(3600),
        busy_timeout: Duration::from_secs(3600),
        ..StoreOptions::default()
    };
    let theirs = Store::open(site.store.url(), &options).unwrap();
    let ours = std::mem::replace(&mut site.store, theirs);
    let runner = site.runner_with(Arc::new(SystemClock), |options, _| {
        options.shutdown = Duration::from_millis(200);
        options.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    });
    let running = runner.start(&Cancel::default()).unwrap();
    (site, ours, running)
}

/// While the worker gets no answer from the database.
fn while_away<T>(site: &Site, work: impl FnOnce() -> T) -> T {
    site.store.read(|_| Ok::<_, StoreError>(work())).unwrap()
}

fn scrape(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the scrape waits for the database");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer
}

const DEPTH: &str = "\ncream_queue_depth{";

#[test]
fn a_stop_does_not_wait_for_it() {
    on_both(|site| {
        let (site, ours, running) = start(site);
        let name = running.name().to_owned();
        let ended = while_away(&site, || {
            let (tell, told) = channel();
            std::thread::spawn(move || tell.send(running.stop()));
            told.recv_timeout(LONG).expect("the stop waits for the database")
        });
        assert!(matches!(ended, Ended::Finished | Ended::GivenBack(0)), "{ended:?}");
        // What it had to say is said when it is back, and it does not rise again.
        let deadline = Instant::now() + LONG;
        let is_known = || {
            let workers = ours.read(|reader| reader.workers()).unwrap();
            assert_eq!(workers.len(), 1, "{workers:?}");
            workers.iter().any(|worker| worker.name == name && worker.ended_at.is_some())
        };
        while !is_known() {
            assert!(Instant::now() < deadline, "nobody is told of its end");
            std::thread::sleep(Duration::from_millis(10));
        }
    });
}

#[test]
fn metrics_are_served_without_it() {
    on_both(|site| {
        let (site, _ours, running) = start(site);
        let address = running.metrics_address().unwrap();
        let answer = while_away(&site, || scrape(address));
        assert!(answer.contains("\ncream_build_info{"), "{answer}");
        assert!(answer.contains("\ncream_in_hand "), "{answer}");
        let deadline = Instant::now() + LONG;
        while !scrape(address).contains(DEPTH) {
            assert!(Instant::now() < deadline, "the queues do not come back");
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = running.stop();
    });
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn when_a_server_is_back_the_worker_goes_on_by_itself() {
    let Some(mut cluster) = Cluster::start_if_installed(&Options::default()) else { return };
    let database = cluster.empty_database();
    let mut site = Site::new(&database.url());
    let options = StoreOptions {
        acquire_timeout: Duration::from_millis(200),
        connect_timeout: Duration::from_millis(200),
        ..StoreOptions::default()
    };
    site.store = Store::open(site.store.url(), &options).unwrap();
    site.lease = Duration::from_secs(1);
    site.track("CREAM1", YahooChart);
    let runner = site.runner_with(Arc::new(SystemClock), |options, _| {
        options.patience = Duration::from_millis(300);
        options.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    });
    let running = runner.start(&Cancel::default()).unwrap();
    let address = running.metrics_address().unwrap();
    let is_pulled = |symbol: &str| {
        let tracked = site.tracked(symbol, YahooChart);
        tracked.last_pull_status == PullStatus::Success && tracked.lease_until.is_none()
    };
    until("the first is pulled", || is_pulled("CREAM1"));

    // With a crash, the last moments would be forgotten, and a pull of them done again.
    cluster.stop(Mode::Fast).unwrap();
    let failed = "\ncream_task_runs_total{task=\"pull\",outcome=\"failed\"} ";
    let is_met = |text: &str| {
        let count = text.split(failed).nth(1).and_then(|rest| rest.lines().next());
        count.and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| count >= 2)
    };
    until("it is noticed", || is_met(&scrape(address)));
    cluster.start_again().unwrap();

    until("the server answers", || site.store.read(|reader| reader.totals()).is_ok());
    let workers = || site.store.read(|reader| reader.workers()).unwrap();
    let before = workers()[0].seen_at;
    site.track("CREAM2", YahooChart);
    until("what is tracked then is pulled", || is_pulled("CREAM2"));
    until("it beats", || workers()[0].seen_at > before);
    assert_eq!(workers().len(), 1);
    let is_done = || {
        let tasks = site.store.read(|reader| reader.tasks()).unwrap();
        tasks.iter().all(|task| task.outcome.is_none_or(|outcome| outcome == TaskOutcome::Done))
    };
    until("its tasks are done again", is_done);
    assert_eq!(running.stop(), Ended::Finished);
    assert_eq!((site.asked(YahooChart), site.bars()), (2, 120));
}
