//! A worker on its own, as a process: it pulls what is tracked, stops when it is told to, and what
//! it leaves behind is mended by the next. So does the one in the API server.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use cream_models::{Symbol, Vendor};
use cream_store::WorkerState;
use cream_testkit::vendors::{Fault, Instrument, Times, VendorServer};
use cream_testkit::{Exited, Listing, ReadyProcess, Scenario, Signal};
use cream_tests::{PATIENCE, Site, assert_no_key_in, on_both};
use serde_json::Value;

const BARS: usize = 60;

fn serve(server: &VendorServer, symbol: &str) {
    let scenario = Scenario::new(Listing::us_stock(symbol, "Cream Dairies, Inc."), 3)
        .starting("2025-01-06".parse().unwrap(), BARS)
        .dividends(20, 0.26);
    server.serve(Instrument::new(symbol, scenario.build()));
}

/// One that asks this server for a tracked symbol, as soon as it is started.
fn tracking(site: Site, server: &VendorServer, symbol: &str) -> Site {
    serve(server, symbol);
    let site = site.asking(server).with("STOCK_DATA_PULL_SCHEDULE", "1s");
    let told = site.worker_ok(&["track", symbol]);
    assert!(told.contains(&format!("{symbol}: yahoo-chart: tracked")), "{told}");
    site
}

fn bars(site: &Site, symbol: &str) -> usize {
    site.served(&Symbol::parse(symbol).unwrap(), Vendor::YahooChart).0.len()
}

fn workers(site: &Site) -> Vec<WorkerState> {
    site.store().read(|reader| reader.workers()).unwrap()
}

/// Whether somebody has claimed a symbol.
fn is_claimed(site: &Site, symbol: &str) -> bool {
    let symbol = Symbol::parse(symbol).unwrap();
    let read = site.store().read(|reader| {
        let stock = reader.stock(&symbol)?.unwrap();
        reader.tracked(stock.id, Vendor::YahooChart)
    });
    let tracked = read.map_err(|error: cream_store::StoreError| error).unwrap().unwrap();
    tracked.lease_until.is_some()
}

/// Waits until something is so, as long as a process runs.
fn until(process: &mut ReadyProcess, what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        let goes_on = process.is_running() && Instant::now() < deadline;
        assert!(goes_on, "{what}\n{}\n{}", process.stdout(), process.stderr());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ended(process: ReadyProcess, code: i32) -> Exited {
    let ended = process.wait(PATIENCE).unwrap();
    assert_eq!(ended.code(), Some(code), "{}\n{}", ended.stdout, ended.stderr);
    for text in [&ended.stdout, &ended.stderr] {
        assert_no_key_in("what was written", text.as_bytes());
    }
    ended
}

fn get(url: &str) -> String {
    ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
}

/// Nothing answers within any time that a test has.
const NEVER: Fault = Fault::SlowHeaders(Duration::from_secs(86_400));

/// Lets a worker wait for a vendor that never answers, and for that when it is to stop.
fn waiting_for_ever(site: Site) -> Site {
    ["STOCK_DATA_TIMEOUT_SECONDS", "STOCK_DATA_READ_TIMEOUT_SECONDS", "STOCK_DATA_SHUTDOWN_SECONDS"]
        .into_iter()
        .fold(site, |site, setting| site.with(setting, "3600"))
}

#[test]
fn a_worker_pulls_what_is_tracked_and_stops_on_either_signal() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = tracking(site, &server, "RUN1").with("STOCK_DATA_WORKER_NAME", "tester");
        for (signal, symbol) in [(Signal::Terminate, "RUN1"), (Signal::Interrupt, "RUN2")] {
            if symbol == "RUN2" {
                serve(&server, symbol);
                let _ = site.worker_ok(&["track", symbol]);
            }
            let mut worker = site.start_worker(&["run"]);
            let line = worker.wait_for("worker tester runs on ", PATIENCE).unwrap();
            let count = if symbol == "RUN1" { "1 symbol" } else { "2 symbols" };
            assert!(line.ends_with(&format!(": {count} tracked")), "{line}");
            until(&mut worker, "bars", || {
                bars(&site, symbol) == BARS && !is_claimed(&site, symbol)
            });
            worker.signal(signal);
            let ended = ended(worker, 0);
            assert!(ended.stdout.ends_with("worker tester has stopped\n"), "{}", ended.stdout);
            let known = workers(&site);
            assert!(known.len() == 1 && known[0].ended_at.is_some(), "{known:?}");
        }
        assert_eq!(site.archived("raw"), [""; 0]);
        assert_eq!(site.archived("parsed").len(), 2, "each is pulled once");
        site.assert_no_key();
    });
}

#[test]
fn a_second_signal_ends_it_at_once_and_the_next_one_mends() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = waiting_for_ever(tracking(site, &server, "HANG1"))
            .with("STOCK_DATA_LEASE_SECONDS", "1");
        server.misbehave(Vendor::YahooChart, NEVER, Times::Always);
        let mut worker = site.start_worker(&["run"]);
        until(&mut worker, "a request", || server.request_count() > 0);
        worker.signal(Signal::Terminate);
        until(&mut worker, "is stopping", || workers(&site)[0].is_stopping);
        worker.signal(Signal::Interrupt);
        let _ = ended(worker, 130);
        assert!(is_claimed(&site, "HANG1") && bars(&site, "HANG1") == 0);

        server.behave(Vendor::YahooChart);
        let deadline = Instant::now() + PATIENCE;
        while bars(&site, "HANG1") < BARS {
            assert!(Instant::now() < deadline, "the lease ended after a second");
            let _ = site.worker_ok(&["run", "--once"]);
        }
        assert_eq!(site.archived("raw"), [""; 0]);
        let left = workers(&site);
        assert!(left.iter().filter(|worker| worker.ended_at.is_none()).count() <= 1, "{left:?}");
    });
}

#[test]
fn what_is_not_finished_in_time_is_given_back_and_not_waited_for() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = waiting_for_ever(tracking(site, &server, "BACK1"))
            .with("STOCK_DATA_SHUTDOWN_SECONDS", "0");
        server.misbehave(Vendor::YahooChart, NEVER, Times::Always);
        let mut worker = site.start_worker(&["run"]);
        until(&mut worker, "a request", || server.request_count() > 0);
        worker.signal(Signal::Terminate);
        let ended = ended(worker, 0);
        assert!(ended.stdout.contains("1 claim was given back"), "{}", ended.stdout);
        assert!(!is_claimed(&site, "BACK1"));

        // Nobody has to wait for the end of a lease, which takes a minute.
        server.behave(Vendor::YahooChart);
        let told = site.worker_ok(&["run", "--once"]);
        assert!(told.contains("1 pulled, 1 loaded"), "{told}");
        assert_eq!(bars(&site, "BACK1"), BARS);
    });
}

/// Were it waited for, this would take an hour.
#[test]
fn a_vendor_whose_limit_is_used_up_is_left_alone_while_others_go_on() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = tracking(site, &server, "LIMIT1")
            .with("STOCK_DATA_YAHOO_CHART_RATE_LIMIT", "1/h")
            .with("STOCK_DATA_MAX_WAIT_SECONDS", "7200")
            .with("STOCK_DATA_MAX_CONCURRENT_PULLS", "1");
        for symbol in ["LIMIT2", "LIMIT3"] {
            serve(&server, symbol);
        }
        let _ = site.worker_ok(&["track", "LIMIT2", "LIMIT3"]);
        let _ = site.worker_ok(&["track", "--vendor", "tiingo", "LIMIT2"]);
        let told = site.worker_ok(&["run", "--once"]);
        assert!(told.contains("2 loaded") && told.contains("yahoo-chart is left alone"), "{told}");
        let pulled = ["LIMIT1", "LIMIT2", "LIMIT3"].map(|symbol| bars(&site, symbol));
        assert_eq!(pulled.iter().sum::<usize>(), BARS, "{pulled:?}");
        assert!(pulled.contains(&BARS));
        assert!(!["LIMIT1", "LIMIT2", "LIMIT3"].iter().any(|symbol| is_claimed(&site, symbol)));
    });
}

#[test]
fn metrics_are_served_and_count_what_was_done() {
    let server = VendorServer::start();
    let site = tracking(Site::new(), &server, "METER1");
    let mut worker = site.start_worker(&["run", "--metrics", "127.0.0.1:0"]);
    let line = worker.wait_for("metrics at http://127.0.0.1:", PATIENCE).unwrap();
    let url = line.trim_start_matches("metrics at ").to_owned();
    let pulled = "cream_pulls_total{vendor=\"yahoo-chart\",outcome=\"loaded\"} 1\n";
    until(&mut worker, "a pull", || get(&url).contains(pulled));
    // The queues are looked at every few seconds.
    let empty = "cream_queue_depth{queue=\"pulls\"} 0\n";
    until(&mut worker, "an empty queue", || get(&url).contains(empty));
    let text = get(&url);
    for part in [
        "cream_bars_total{change=\"inserted\"} 60\n",
        "cream_pulls_total{vendor=\"yahoo-chart\",outcome=\"refused\"} 0\n",
        "cream_build_info{version=\"0.1.0\"} 1\n",
        "# EOF\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    worker.signal(Signal::Terminate);
    let _ = ended(worker, 0);
    let address = url.trim_start_matches("http://").trim_end_matches("/metrics");
    assert!(TcpStream::connect(address).is_err(), "nobody is there any more");
}

#[test]
fn the_server_pulls_what_it_serves_where_it_has_a_worker() {
    on_both(|site| {
        let is_file = site.database().is_none();
        let server = VendorServer::start();
        let site = tracking(site, &server, "API1");
        // The default: a worker where the database is a file, and none on a server.
        for (options, has_worker) in [
            (&["serve"][..], is_file),
            (&["serve", "--without-worker"], false),
            (&["serve", "--with-worker"], true),
        ] {
            let mut api = site.serve(options);
            assert_eq!(api.json("/health/ready")["status"], "ready");
            let begun = workers(&site).iter().filter(|worker| worker.ended_at.is_none()).count();
            assert_eq!(begun, usize::from(has_worker), "{options:?}");
            if has_worker {
                let is_there = || {
                    let (status, body) = get_from(&api.url, "/stock-data/API1/history");
                    status == 200 && body.contains("2025-01-06")
                };
                until(&mut api.process, "prices", is_there);
                assert_eq!(
                    api.json("/stock-data/API1/history")["bars"].as_array().unwrap().len(),
                    BARS
                );
            }
            api.process.signal(Signal::Terminate);
            let _ = ended(api.process, 0);
            assert!(workers(&site).iter().all(|worker| worker.ended_at.is_some()));
        }
        assert_eq!(server.request_count(), 1);
    });
}

#[test]
fn the_servers_worker_serves_its_metrics_where_the_settings_say() {
    let server = VendorServer::start();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let site = tracking(Site::new(), &server, "METER1");
    let site = site.with("STOCK_DATA_METRICS_LISTEN", free.to_string());
    let mut api = site.serve(&["serve"]);
    let url = format!("http://{free}");
    let is_pulled = || {
        let (status, body) = get_from(&url, "/metrics");
        assert_eq!(status, 200, "{body}");
        body.contains(r#"cream_pulls_total{vendor="yahoo-chart",outcome="loaded"} 1"#)
    };
    until(&mut api.process, "a pull is counted", is_pulled);
    api.process.signal(Signal::Terminate);
    let _ = ended(api.process, 0);
    let api = site.serve(&["serve", "--without-worker"]);
    assert!(TcpStream::connect(free).is_err(), "without a worker there is nothing to count");
    drop(api);
}

fn get_from(url: &str, path: &str) -> (u16, String) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("{url}{path}")).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

#[test]
fn the_server_ends_before_its_worker_and_a_second_signal_ends_both() {
    let server = VendorServer::start();
    let site = waiting_for_ever(tracking(Site::new(), &server, "ORDER1"));
    server.misbehave(Vendor::YahooChart, NEVER, Times::Always);
    let mut api = site.serve(&["serve"]);
    until(&mut api.process, "a request", || server.request_count() > 0);
    api.process.signal(Signal::Terminate);
    let address = api.url.trim_start_matches("http://").to_owned();
    until(&mut api.process, "no more connections", || TcpStream::connect(&address).is_err());
    // The worker waits for what it has in hand.
    until(&mut api.process, "is stopping", || workers(&site)[0].is_stopping);
    assert!(api.process.is_running() && is_claimed(&site, "ORDER1"));
    api.process.signal(Signal::Interrupt);
    let _ = ended(api.process, 130);
}

#[test]
fn one_pull_id_follows_a_response_through_the_log() {
    on_both(|site| {
        let server = VendorServer::start();
        let site = tracking(site, &server, "LOG1").with("LOG_FORMAT", "json");
        serve(&server, "LOG2");
        let _ = site.worker_ok(&["track", "LOG2"]);
        let ended = site.worker(&["run", "--once"]);
        assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
        let mut pulls: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in ended.stderr.lines() {
            let record: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
            if let Some(id) = record["pull_id"].as_str() {
                pulls.entry(id.to_owned()).or_default().push(record);
            }
        }
        assert_eq!(pulls.len(), 2, "{}", ended.stderr);
        let mut symbols: Vec<_> = pulls
            .values()
            .map(|records| {
                let said: Vec<_> =
                    records.iter().map(|it| it["message"].as_str().unwrap()).collect();
                let told = ["asking", "answered", "response loaded", "pulled"];
                let places = told.map(|told| said.iter().position(|said| *said == told));
                assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said:?}");
                let symbol = records[0]["symbol"].as_str().unwrap();
                assert!(records.iter().all(|it| it["symbol"].is_null() || it["symbol"] == symbol));
                symbol.to_owned()
            })
            .collect();
        symbols.sort_unstable();
        assert_eq!(symbols, ["LOG1", "LOG2"]);
        for id in pulls.keys() {
            assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        }
    });
}

#[test]
fn once_tells_how_it_went_and_its_code_says_it_too() {
    let server = VendorServer::start();
    let site = tracking(Site::new(), &server, "ONCE1");
    let told = site.worker_ok(&["run", "--once"]);
    assert_eq!(told.lines().count(), 6, "{told}");
    for part in ["process ", "pull ", "retry-dead-letters ", "sweep ", "check-archive "] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(told.contains("1 pulled, 1 loaded"), "{told}");

    let _ = site.worker_ok(&["track", "NOBODY1"]);
    let ended = site.worker(&["run", "--once"]);
    assert_eq!(ended.code(), Some(3), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("1 symbol or file without success"), "{}", ended.stdout);

    // Of a response that the database says is loaded nobody knows where it is.
    std::fs::remove_file(site.archive("parsed").join(&site.archived("parsed")[0])).unwrap();
    let site = site.with("STOCK_DATA_ARCHIVE_CHECK_SCHEDULE", "1s");
    std::thread::sleep(Duration::from_secs(1));
    let ended = site.worker(&["run", "--once"]);
    assert_eq!(ended.code(), Some(1), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("FAILED"), "{}", ended.stdout);
    assert!(ended.stderr.contains("not done: check-archive"), "{}", ended.stderr);
}
