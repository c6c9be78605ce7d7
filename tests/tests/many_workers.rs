//! Five workers on one PostgreSQL, of which one is killed and one stands still for longer than its
//! lease: every symbol is pulled once a period, by whoever holds it, and the vendors' limits are kept
//! by all together.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on stops, and tells what it met"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cream_models::{Clock, SystemClock, Timestamp, Vendor};
use cream_store::{PullStatus, Store};
use cream_testkit::postgres::{self, TestDatabase};
use cream_testkit::vendors::{Instrument, Seen, VendorServer};
use cream_testkit::{Listing, ReadyProcess, Scenario, Signal};
use cream_tests::{PATIENCE, Site};

const WORKERS: usize = 5;

/// How many symbols are pulled at once by a worker, as a number and as a setting.
const AT_ONCE: (usize, &str) = (4, "4");

/// How many symbols of each vendor are tracked.
const SYMBOLS: [(Vendor, usize); 3] =
    [(Vendor::YahooChart, 1000), (Vendor::Stooq, 850), (LIMITED, 150)];

/// The vendor that is asked so often in a second at most.
const LIMITED: Vendor = Vendor::Tiingo;
const LIMIT: usize = 15;

const LEASE: Duration = Duration::from_secs(2);

/// How long a worker stands still.
const STOPPED: Duration = Duration::from_secs(5);

/// How late a request may come that was granted, where nobody stands still.
const LATE: Duration = Duration::from_millis(500);

/// Writes down who claims, gives back and finishes what.
const LOG_CLAIMS: &str = "
    CREATE TABLE claim_log (id bigserial, stock_id bigint, before text, after text, is_pull boolean);
    CREATE FUNCTION log_claim() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO claim_log (stock_id, before, after, is_pull) VALUES (NEW.stock_id,
            OLD.lease_token, NEW.lease_token, NEW.last_pull_at IS DISTINCT FROM OLD.last_pull_at);
        RETURN NEW;
    END $$;
    CREATE TRIGGER log_claims AFTER UPDATE ON tracked_stock FOR EACH ROW
        WHEN (OLD.lease_token IS DISTINCT FROM NEW.lease_token
            OR OLD.last_pull_at IS DISTINCT FROM NEW.last_pull_at)
        EXECUTE FUNCTION log_claim()";

struct World {
    site: Site,
    store: Store,
    database: TestDatabase,
    server: VendorServer,
    workers: Vec<ReadyProcess>,
}

fn symbols() -> impl Iterator<Item = (Vendor, String)> {
    SYMBOLS.into_iter().flat_map(|(vendor, count)| {
        let prefix = vendor.name().replace('-', "").to_ascii_uppercase();
        (0..count).map(move |number| (vendor, format!("{prefix}{number}")))
    })
}

/// Gives every symbol so many trading days.
fn serve(server: &VendorServer, days: usize) {
    for (seed, (_, symbol)) in (1..).zip(symbols()) {
        let listing = Listing::us_stock(&symbol, "Cream Dairies, Inc.");
        let first = "2026-01-05".parse().unwrap();
        let series = Scenario::new(listing, seed).starting(first, days).dividend(5, 0.25).build();
        server.serve(Instrument::new(&symbol, series));
    }
}

impl World {
    fn new(database: TestDatabase) -> Self {
        let server = VendorServer::start();
        serve(&server, 20);
        // One archive for all, as where all are on one machine.
        let site = Site::on(database.url())
            .asking(&server)
            .pulling_once()
            .with("RUST_LOG", "info")
            .with("STOCK_DATA_TIINGO_RATE_LIMIT", format!("{LIMIT}/s"))
            .with("STOCK_DATA_LEASE_SECONDS", LEASE.as_secs().to_string())
            .with("STOCK_DATA_MAX_CONCURRENT_PULLS", AT_ONCE.1)
            .with("STOCK_DATA_PULL_SCHEDULE", "1s")
            .with("STOCK_DATA_PROCESS_SCHEDULE", "2s")
            .with("STOCK_DATA_SWEEP_SCHEDULE", "1s");
        for (vendor, _) in SYMBOLS {
            let own = symbols().filter(|(of, _)| *of == vendor);
            let list: String = own.map(|(_, symbol)| symbol + "\n").collect();
            let list = site.folder.write("symbols", list);
            let list = list.to_str().unwrap();
            let _ = site.worker_ok(&["track", "--vendor", vendor.name(), "--from-file", list]);
        }
        database.sql(LOG_CLAIMS).unwrap();
        let store = site.store();
        Self { site, store, database, server, workers: Vec::new() }
    }

    /// How many symbols are due or in hand.
    fn left(&self) -> i64 {
        let counts = self.store.read(|reader| reader.tracked_counts(SystemClock.now())).unwrap();
        counts.iter().map(|(_, counts)| counts.due + counts.in_hand).sum()
    }

    fn await_left(&mut self, most: i64) {
        let deadline = Instant::now() + PATIENCE;
        while self.left() > most {
            assert!(Instant::now() < deadline, "{} are left", self.left());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything that is due is pulled by five workers, of which one is killed and one stands still.
    fn period(&mut self, name: &str) {
        let started = Instant::now();
        while self.workers.len() < WORKERS {
            self.workers.push(self.site.start_worker(&["run"]));
        }
        self.await_left(1500);
        // In the middle of its work, as likely as not.
        self.workers.remove(0).signal(Signal::Kill);
        self.workers[0].signal(Signal::Stop);
        let stopped = Instant::now();
        std::thread::sleep(STOPPED);
        self.workers[0].signal(Signal::Continue);
        let continued = Instant::now();
        let left = self.left();
        self.await_left(0);
        println!("{name}: {:?}; {left} were left when the one went on", started.elapsed());
        for worker in &mut self.workers {
            assert!(worker.is_running(), "{}", worker.stderr());
        }
        self.assert_once(name);
        self.assert_limited(stopped, continued);
        self.server.forget_requests();
    }

    /// Every symbol was asked for once, but for those that one began and another did again, and
    /// was finished once, by whoever held it.
    fn assert_once(&self, name: &str) {
        let rows = self.database.sql(
            "SELECT symbol || '|' || coalesce(before, '') || '|' || coalesce(after, '') || '|' || is_pull
             FROM claim_log JOIN stock ON stock.id = stock_id ORDER BY claim_log.id",
        );
        let rows = rows.unwrap();
        self.database.sql("TRUNCATE claim_log").unwrap();
        let mut claims: BTreeMap<&str, Claims> = BTreeMap::new();
        for row in rows.lines() {
            let [symbol, before, after, is_pull] = row.split('|').collect::<Vec<_>>()[..] else {
                panic!("{row}")
            };
            let own = claims.entry(symbol).or_default();
            assert_eq!(before, own.holder, "{symbol}: {rows}");
            if is_pull == "true" {
                assert!(!before.is_empty() && after.is_empty(), "nobody held {symbol}: {row}");
                own.finished += 1;
            }
            own.claimed += usize::from(!after.is_empty());
            own.holder = after;
        }
        let mut asked: BTreeMap<String, usize> = BTreeMap::new();
        for seen in self.server.requests() {
            *asked.entry(symbol_of(&seen)).or_default() += 1;
        }
        let (mut again, mut twice) = (0, Vec::new());
        for (vendor, symbol) in symbols() {
            let own = claims.get(symbol.as_str()).expect(&symbol);
            let asked = asked.remove(&symbol).unwrap_or(0);
            assert_eq!(own.finished, 1, "how often {symbol} of {vendor} was finished: {own:?}");
            assert_eq!(own.holder, "", "{symbol} of {vendor} is in hand");
            // Claims on the limited vendor are given back as well.
            again += usize::from(own.claimed > 1 && vendor != LIMITED);
            if asked != 1 {
                let told = format!("{symbol} of {vendor} was asked for {asked} times: {own:?}");
                assert!(asked > 1 && asked <= own.claimed, "{told}");
                twice.push(told);
            }
        }
        assert!(asked.is_empty(), "these are nobody's: {asked:?}");
        println!(
            "{name}: {again} of the dead and the stopped worker were claimed again; {twice:#?}"
        );
        // Both had something in hand. What waited there had not been asked for yet.
        assert!(again > 1, "the workers had nothing in hand");
        let most = 2 * AT_ONCE.0;
        assert!(twice.len() <= most, "{again} were claimed again, and pulled twice: {twice:#?}");
    }

    /// In no second more requests came than may, but for those that the stopped worker had been
    /// granted before.
    fn assert_limited(&self, stopped: Instant, continued: Instant) {
        let mut times: Vec<Instant> =
            self.server.requests_of(LIMITED).iter().map(|seen| seen.request.at).collect();
        // The record is in the order of the answers.
        times.sort_unstable();
        let window = Duration::from_secs(1) - LATE;
        let mut most = 0;
        for (index, from) in times.iter().enumerate() {
            let count = times[index..].iter().take_while(|at| **at - *from < window).count();
            let around = *from <= continued + LATE && *from + window >= continued;
            let late = if around { AT_ONCE.0 } else { 0 };
            assert!(count <= LIMIT + late, "{count} requests in {window:?} (late ones: {late})");
            most = most.max(count);
        }
        // It has bound: more were due than came in the first seconds.
        let took = *times.last().unwrap() - times[0];
        let least = Duration::from_secs((times.len() / LIMIT) as u64 - 1);
        let stood = continued - stopped;
        println!("{} requests of {LIMITED} in {took:?}, at most {most} in {window:?}", times.len());
        assert!(took >= least, "{} requests in {took:?} (stopped for {stood:?})", times.len());
    }
}

/// What became of a symbol's claims.
#[derive(Debug, Default)]
struct Claims<'a> {
    /// The token that it is claimed with.
    holder: &'a str,
    finished: usize,
    claimed: usize,
}

/// The symbol that a request is about.
fn symbol_of(seen: &Seen) -> String {
    let segments = seen.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments[..] {
        ["v8", "finance", "chart", symbol] | ["tiingo", "daily", symbol, "prices"] => symbol.into(),
        ["q", "d", "l", ..] => {
            let spelled = seen.query("s").unwrap().to_ascii_uppercase();
            spelled.strip_suffix(".US").unwrap().to_owned()
        }
        _ => panic!("{}", seen.path_and_query),
    }
}

fn all_in_time(world: &World, since: Timestamp) {
    for (symbol, tracked) in world.site.tracked() {
        assert_eq!(tracked.last_pull_status, PullStatus::Success, "{symbol}: {tracked:?}");
        assert!(tracked.last_pull_at.is_some_and(|at| at >= since), "{symbol}: {tracked:?}");
        assert_eq!((tracked.failures, tracked.lease_until), (0, None), "{symbol}");
    }
}

#[test]
fn every_symbol_is_pulled_once_a_period_by_five_workers() {
    let Some(cluster) = postgres::shared() else { return };
    let started = Instant::now();
    let mut world = World::new(cluster.empty_database());
    println!("made: {:?}", started.elapsed());
    let first = SystemClock.now();
    world.period("first period");
    all_in_time(&world, first);
    // A trading day later.
    serve(&world.server, 21);
    let second = SystemClock.now();
    world.site.make_due(second);
    world.period("second period");
    all_in_time(&world, second);

    for worker in &world.workers {
        worker.signal(Signal::Terminate);
    }
    for worker in world.workers.drain(..) {
        let ended = worker.wait(PATIENCE).unwrap();
        assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
    }
    let ended = world.site.worker(&["process"]);
    assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
    println!("{:?}", world.site.assert_settled());

    let fresh = Site::new().asking(&world.server).with("STOCK_DATA_MAX_CONCURRENT_PULLS", "4");
    for (vendor, _) in SYMBOLS {
        let own: Vec<String> =
            symbols().filter(|(of, _)| *of == vendor).map(|(_, symbol)| symbol).collect();
        let mut arguments = vec!["fetch", "--full", "--vendor", vendor.name()];
        arguments.extend(own.iter().map(String::as_str));
        let _ = fresh.worker_ok(&arguments);
    }
    assert_eq!(world.site.digest_now(), fresh.digest_now(), "a fresh site");
    println!("all: {:?}", started.elapsed());
}
