//! A loop of importing and pulling that is killed at any moment, again and again: at the end
//! nothing is lost or double, no file is stranded, and what is served is what an undisturbed site
//! serves.
//!
//! `CREAM_TEST_SEED` sets the seed, `CREAM_TEST_KILLS` how often a worker is killed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test that cannot go on stops, and tells what it met"
)]

mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use cream_models::{Timestamp, Vendor};
use cream_store::PullStatus;
use cream_testkit::vendors::VendorServer;
use cream_testkit::{Listing, PageOptions, Rng, Signal, chart_file_name, page_file_name, postgres};
use cream_tests::{Growing, PATIENCE, Site, VENDORS};

use crate::tally::Tally;

/// How many stocks are pulled, two of each vendor.
const STOCKS: usize = 2 * VENDORS.len();

/// Of how many stocks files are imported.
const IMPORTED: usize = 12;

/// A lease, in seconds: what a killed worker held is taken over soon.
const LEASE: i64 = 1;

/// After so many kills the stocks are tracked, so that workers on their own have something to do.
/// Before, also the making of the database is cut short.
const TRACKED_FROM: usize = 10;

/// What the worker is told to do in one life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    Pull(Vendor),
    Import,
    Process,
    /// What is tracked and due, and whatever else there is to do, once.
    Once,
    /// The same until it is ended.
    Run,
}

/// A site, its vendors, and everything that it was ever given.
struct World {
    site: Site,
    server: VendorServer,
    rng: Rng,
    stocks: Vec<Growing>,
    imported: Vec<Growing>,
    /// Every file that was offered, by its name.
    offered: BTreeMap<String, Vec<u8>>,
    /// What is still in the folder that is imported.
    inbox: BTreeSet<String>,
    /// The names that were ever seen in the archive.
    archived: BTreeSet<String>,
    /// How long a life takes that is not cut short, about.
    usual: BTreeMap<&'static str, Duration>,
    tally: Tally,
}

impl World {
    fn new(site: Site, seed: u64) -> Self {
        let server = VendorServer::start();
        let site = site
            .asking(&server)
            .pulling_once()
            .with("RUST_LOG", "warn")
            .with("STOCK_DATA_LEASE_SECONDS", LEASE.to_string())
            .with("STOCK_DATA_PULL_SCHEDULE", "1s")
            .with("STOCK_DATA_PROCESS_SCHEDULE", "1s")
            .with("STOCK_DATA_SWEEP_SCHEDULE", "1s");
        let stock = |prefix: &str, number: usize, vendor| {
            let symbol = format!("{prefix}{number}");
            let listing = Listing::us_stock(&symbol, "Test, Inc.");
            let first = "2025-01-06".parse().unwrap();
            Growing::new(listing, vendor, number as u64 + 1, first, 40)
        };
        let vendor = |number: usize| VENDORS[number % VENDORS.len()];
        let stocks: Vec<_> = (0..STOCKS).map(|it| stock("PULL", it, vendor(it))).collect();
        stocks.iter().for_each(|stock| server.serve(stock.instrument()));
        let imported = (0..IMPORTED).map(|it| stock("FILE", it, Vendor::YahooChart)).collect();
        Self {
            site,
            server,
            rng: Rng::new(seed),
            stocks,
            imported,
            offered: BTreeMap::new(),
            inbox: BTreeSet::new(),
            archived: BTreeSet::new(),
            usual: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// Something new at the vendors, to be imported, and put into the archive by hand.
    fn feed(&mut self) {
        for _ in 0..4 {
            let stock = self.rng.below(STOCKS);
            self.stocks[stock].grow(&mut self.rng, 6);
            self.server.serve(self.stocks[stock].instrument());
        }
        for _ in 0..3 {
            let (name, bytes) = self.new_file();
            self.site.folder.write(format!("inbox/{name}"), bytes);
            self.inbox.insert(name);
        }
        let (name, bytes) = self.new_file();
        let path = self.site.folder.write("dropped", bytes);
        std::fs::create_dir_all(self.site.archive("raw")).unwrap();
        std::fs::rename(path, self.site.archive("raw").join(name)).unwrap();
    }

    /// A response about a stock, a day longer than the one before. Some are broken.
    fn new_file(&mut self) -> (String, Vec<u8>) {
        let number = self.rng.below(IMPORTED + 2);
        let (name, mut bytes) = if let Some(stock) = self.imported.get_mut(number) {
            stock.grow(&mut self.rng, 6);
            let instrument = stock.instrument();
            let series = instrument.series();
            let date = series.rows.last().unwrap().date;
            if number.is_multiple_of(2) {
                let at = Timestamp::start_of(date).plus_seconds(22 * 3600);
                (chart_file_name(&stock.symbol, at), series.chart_json())
            } else {
                let page = series.history_page(&PageOptions::default());
                (page_file_name(&stock.symbol, date), page)
            }
        } else {
            // Of a stock that is pulled too: older than every pull.
            let stock = &self.stocks[(number - IMPORTED) * VENDORS.len()];
            assert_eq!(stock.vendor, VENDORS[0]);
            let at = Timestamp::start_of("2026-01-01".parse().unwrap());
            let at = at.plus_seconds(self.offered.len() as i64);
            (chart_file_name(&stock.symbol, at), stock.instrument().series().chart_json())
        };
        if self.rng.below(10) == 0 {
            bytes.truncate(bytes.len() / 2);
        }
        assert!(self.offered.insert(name.clone(), bytes.clone()).is_none(), "{name} came before");
        (name, bytes)
    }

    /// A command about the stocks of a vendor.
    fn about<'a>(&'a self, command: &'a str, vendor: Vendor) -> Vec<&'a str> {
        let mut all = vec![command, "--vendor", vendor.name()];
        let own = self.stocks.iter().filter(|stock| stock.vendor == vendor);
        all.extend(own.map(|stock| stock.symbol.as_str()));
        all
    }

    /// What the worker is told.
    fn arguments(&self, life: Life) -> Vec<&str> {
        match life {
            Life::Pull(vendor) => self.about("fetch", vendor),
            Life::Import => vec!["import", "inbox"],
            Life::Process => vec!["process"],
            Life::Once => vec!["run", "--once"],
            Life::Run => vec!["run"],
        }
    }

    fn is_tracked(&self) -> bool {
        self.tally.kills >= TRACKED_FROM
    }

    fn next_life(&mut self) -> Life {
        match self.rng.below(10) {
            0 | 1 if !self.inbox.is_empty() => Life::Import,
            2 => Life::Process,
            3..=5 if self.is_tracked() => Life::Run,
            6 if self.is_tracked() => Life::Once,
            _ => Life::Pull(VENDORS[self.rng.below(VENDORS.len())]),
        }
    }

    /// Lets a worker live until it is done or killed.
    fn live(&mut self) {
        self.feed();
        let life = self.next_life();
        let kind = match life {
            Life::Pull(vendor) => vendor.name(),
            Life::Import => "import",
            Life::Process => "process",
            // The one has done then what it came for, and the other ends.
            Life::Once | Life::Run => "run",
        };
        if kind == "run" {
            self.site.make_due(now());
        }
        let usual = self.usual.get(kind).copied().unwrap_or(Duration::from_millis(300));
        let moment = usual.mul_f64(self.rng.between(0.1, 1.1));
        let is_asked = life == Life::Run && self.rng.below(5) == 0;
        let raw_before: BTreeSet<_> = self.site.archived("raw").into_iter().collect();
        let asked_before = self.server.request_count();
        let before = now();

        let mut worker = self.site.start_worker(&self.arguments(life));
        let started = Instant::now();
        while started.elapsed() < moment && worker.is_running() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if is_asked {
            // Before it can hear of it, a signal ends it as any program.
            worker.wait_for("worker ", PATIENCE).unwrap();
            worker.signal(Signal::Terminate);
        } else if worker.is_running() {
            worker.signal(Signal::Kill);
        }
        let ended = worker.wait(PATIENCE).unwrap();
        let took = started.elapsed();
        if is_asked {
            assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
            self.tally.stops += 1;
        } else if life == Life::Run {
            assert_eq!(ended.code(), None, "{}\n{}", ended.stdout, ended.stderr);
        }
        self.tally.lives += 1;
        if ended.code().is_some() {
            // What an earlier one left in hand may have to wait; a start that fails must not be.
            let told = format!("{life:?}: {}\n{}", ended.stdout, ended.stderr);
            assert!(matches!(ended.code(), Some(0 | 3)), "{told}");
            if !is_asked {
                self.usual.insert(kind, usual.mul_f64(0.6) + took.mul_f64(0.4));
            }
            if life == Life::Import {
                for name in std::mem::take(&mut self.inbox) {
                    std::fs::remove_file(self.site.folder.join("inbox").join(name)).unwrap();
                }
            }
        } else {
            if life != Life::Run {
                self.usual.insert(kind, usual.mul_f64(1.03));
            }
            self.look(&raw_before, asked_before, before);
            if self.tally.kills == TRACKED_FROM {
                for vendor in VENDORS {
                    let _ = self.site.worker_ok(&self.about("track", vendor));
                }
            }
        }
        self.archived.extend(
            ["raw", "parsed", "dead"].iter().flat_map(|folder| self.site.responses_in(folder)),
        );
    }

    /// Counts what a killed worker left.
    fn look(&mut self, raw_before: &BTreeSet<String>, asked_before: u64, before: Timestamp) {
        let raw: BTreeSet<_> = self.site.archived("raw").into_iter().collect();
        let (partials, files): (Vec<&String>, Vec<&String>) =
            raw.difference(raw_before).partition(|name| name.ends_with(".partial"));
        let moved = raw_before.difference(&raw).next().is_some();
        // On SQLite, whoever looks mends what the next worker ought to.
        let is_looked_at = self.is_tracked() && self.rng.below(3) == 0;
        let beyond = before.plus_seconds(LEASE);
        let claims = is_looked_at && {
            let is_claimed = |response: &cream_store::Response| {
                response.lease_until.is_some_and(|until| until > beyond)
            };
            self.site.recorded().iter().any(is_claimed)
                || !self.site.claimed_stocks(beyond).is_empty()
        };
        let asked = self.server.request_count() > asked_before;
        let marks = [!files.is_empty(), !partials.is_empty(), moved, claims, asked];
        let tally = &mut self.tally;
        tally.kills += 1;
        tally.looked_at += usize::from(is_looked_at);
        tally.with_files += usize::from(marks[0]);
        tally.with_partials += usize::from(marks[1]);
        tally.with_moves += usize::from(marks[2]);
        tally.with_claims += usize::from(marks[3]);
        tally.with_requests += usize::from(marks[4]);
        tally.within_work += usize::from(marks.contains(&true));
    }

    /// Lets everything be done, undisturbed.
    fn finish(&self) {
        // What the last one held is free then.
        std::thread::sleep(Duration::from_secs(LEASE as u64) + Duration::from_millis(100));
        if !self.inbox.is_empty() {
            let ended = self.site.worker(&["import", "inbox"]);
            assert!(matches!(ended.code(), Some(0 | 3)), "{}\n{}", ended.stdout, ended.stderr);
        }
        self.site.make_due(now());
        let ended = self.site.worker(&["run", "--once"]);
        assert!(matches!(ended.code(), Some(0 | 3)), "{}\n{}", ended.stdout, ended.stderr);
        println!("{}", ended.stdout);
        for (symbol, tracked) in self.site.tracked() {
            let told = format!("{symbol}: {tracked:?}\n{}", ended.stdout);
            assert_eq!(tracked.last_pull_status, PullStatus::Success, "{told}");
            assert!(tracked.next_pull_at.is_some_and(|next| next > now()), "{told}");
        }
    }

    /// Everything is there, once, and what is served is what is true.
    fn assert_right(&self) {
        let audit = self.site.assert_settled();
        println!("{audit:?}");
        for (name, bytes) in &self.offered {
            let places = ["parsed", "dead"].map(|folder| self.site.archive(folder).join(name));
            let found = places.iter().find(|path| path.exists());
            let path = found.unwrap_or_else(|| panic!("{name} is lost"));
            assert!(std::fs::read(path).unwrap() == *bytes, "{name} was changed");
        }
        let kept: BTreeSet<_> =
            ["parsed", "dead"].iter().flat_map(|it| self.site.responses_in(it)).collect();
        let lost: Vec<_> = self.archived.difference(&kept).collect();
        assert!(lost.is_empty(), "these were in the archive: {lost:?}");
        self.stocks.iter().for_each(|stock| stock.assert_served_by(&self.site));

        let fresh = Site::new().asking(&self.server).with("RUST_LOG", "warn");
        for (name, bytes) in &self.offered {
            fresh.folder.write(format!("inbox/{name}"), bytes);
        }
        fresh.import(&[&fresh.folder.join("inbox")]);
        for vendor in VENDORS {
            let mut arguments = self.about("fetch", vendor);
            arguments.push("--full");
            let _ = fresh.worker_ok(&arguments);
        }
        assert_eq!(fresh.responses_in("dead"), self.site.responses_in("dead"));
        let digest = self.site.digest_now();
        assert_eq!(digest, fresh.digest_now(), "the undisturbed site");
        assert_eq!(digest, self.site.digest_rebuilt(), "a rebuild from the archive alone");
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: expected a whole number")))
}

fn killed_again_and_again(name: &str, site: Site) {
    let seed = setting("CREAM_TEST_SEED").unwrap_or_else(|| now().micros().unsigned_abs());
    let kills = setting("CREAM_TEST_KILLS").unwrap_or(200) as usize;
    println!("{name}: CREAM_TEST_SEED={seed}");
    let started = Instant::now();
    let mut world = World::new(site, seed);
    while world.tally.kills < kills {
        world.live();
        assert!(world.tally.lives < 5 * kills + 20, "hardly a life is long enough to be ended");
    }
    let killing = started.elapsed();
    world.finish();
    println!("{name}: {}", world.tally);
    world.assert_right();
    println!(
        "{name}: {killing:?} of kills, {:?} in all; {} files offered, {} archived, {} requests",
        started.elapsed(),
        world.offered.len(),
        world.archived.len(),
        world.server.request_count()
    );
    let Tally { kills, within_work, .. } = world.tally;
    assert!(within_work * 3 >= kills, "{within_work} of {kills} kills hit a worker at work");
}

#[test]
fn nothing_is_lost_or_double_on_sqlite() {
    killed_again_and_again("SQLite", Site::new());
}

#[test]
fn nothing_is_lost_or_double_on_postgresql() {
    if let Some(cluster) = postgres::shared() {
        let database = cluster.empty_database();
        killed_again_and_again("PostgreSQL", Site::on(database.url()));
    }
}
