//! A database that does not answer, for as long as it likes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use cream_models::SystemClock;
use cream_processor::Cancel;
use cream_runner::{Ended, Running};
use cream_store::{Store, StoreError, StoreOptions};

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
