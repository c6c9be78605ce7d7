//! A database, an archive, and workers that ask the vendor server.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use cream_archive::Archive;
use cream_calendar::PullTimes;
use cream_models::{Clock, Symbol, Timestamp, Vendor};
use cream_processor::pull::{PullOptions, Puller, StoreGate};
use cream_processor::{Cancel, Processor, ProcessorOptions};
use cream_retriever::{ApiKey, Gate, Retriever, RetrieverOptions};
use cream_runner::{Once, Runner, RunnerOptions, Schedules};
use cream_store::{NewTracked, Store, StoreError, StoreOptions, Tracked};
use cream_testkit::vendors::{Instrument, VendorServer, key};
use cream_testkit::{Listing, Scenario, TestDir, postgres};

/// A clock that stands still until it is moved.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.set(self.now().plus_seconds(seconds));
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Monday, 2025-06-16, when New York has long settled.
pub(crate) fn monday_night() -> Timestamp {
    Timestamp::start_of("2025-06-17".parse().unwrap()).plus_seconds(2 * 3600)
}

pub(crate) const DAY: i64 = 86_400;

/// Runs a test on SQLite, and on PostgreSQL where that is installed.
pub(crate) fn on_both(test: impl Fn(Site)) {
    let folder = TestDir::new();
    let url = format!("sqlite:{}", folder.join("cream.db").display());
    test(Site::new(&url));
    drop(folder);
    if let Some(cluster) = postgres::shared() {
        let database = cluster.empty_database();
        test(Site::new(&database.url()));
    }
}

pub(crate) struct Site {
    pub(crate) folder: TestDir,
    pub(crate) store: Store,
    pub(crate) archive: Archive,
    pub(crate) clock: TestClock,
    pub(crate) server: VendorServer,
    pub(crate) lease: Duration,
    /// Who counts requests, in place of the store.
    pub(crate) gate: Option<Arc<dyn Gate>>,
}

impl Site {
    pub(crate) fn new(url: &str) -> Self {
        let folder = TestDir::new();
        let archive = Archive::new(folder.join("raw"), folder.join("parsed"), folder.join("dead"));
        archive.create_folders().unwrap();
        let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
        store.migrate_up().unwrap();
        let clock = TestClock::default();
        clock.set(monday_night());
        let (server, lease) = (VendorServer::start(), Duration::from_secs(60));
        Self { folder, store, archive, clock, server, lease, gate: None }
    }

    /// A worker on it, with this machine's clock or the test's.
    pub(crate) fn runner_with(
        &self,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut RunnerOptions, &mut RetrieverOptions),
    ) -> Runner {
        struct Shared(Arc<dyn Clock>);
        impl Clock for Shared {
            fn now(&self) -> Timestamp {
                self.0.now()
            }
        }
        let boxed = || Box::new(Shared(Arc::clone(&clock)));
        let (mut options, mut asking) = (options(), asking(&self.server));
        change(&mut options, &mut asking);
        let processor = Processor::new(
            self.store.clone(),
            self.archive.clone(),
            boxed(),
            ProcessorOptions { lease: self.lease, ..ProcessorOptions::default() },
        );
        let counted = || Arc::new(StoreGate::new(self.store.clone())) as Arc<dyn Gate>;
        let gate = self.gate.clone().unwrap_or_else(counted);
        let retriever = Retriever::new(asking, gate, boxed()).unwrap();
        let puller = Puller::new(processor, retriever, PullOptions::default());
        Runner::new(puller, clock, options)
    }

    pub(crate) fn runner(&self) -> Runner {
        self.runner_with(Arc::new(self.clock.clone()), |_, _| ())
    }

    pub(crate) fn once(&self, runner: &Runner) -> Once {
        runner.run_once(&Cancel::default()).unwrap()
    }

    /// Serves so many days of a symbol and tracks it.
    pub(crate) fn track(&self, symbol: &str, vendor: Vendor) {
        self.serve(symbol, 60);
        self.track_only(symbol, vendor);
    }

    pub(crate) fn serve(&self, symbol: &str, days: usize) {
        let listing = Listing::us_stock(symbol, "Cream Dairies, Inc.");
        let seed = symbol.bytes().map(u64::from).sum();
        let series =
            Scenario::new(listing, seed).starting("2025-03-24".parse().unwrap(), days).build();
        self.server.serve(Instrument::new(symbol, series));
    }

    pub(crate) fn track_only(&self, symbol: &str, vendor: Vendor) {
        let symbol = Symbol::parse(symbol).unwrap();
        let due = self.clock.now();
        self.store
            .write(|writer| {
                let stock_id = writer.ensure_stock(&symbol)?.id;
                let vendor_symbol = cream_models::spelling(vendor, &symbol, None).unwrap();
                let new = NewTracked { stock_id, vendor, vendor_symbol, is_spelled: false, due };
                writer.track(&new)
            })
            .map(drop)
            .unwrap_or_else(|error: StoreError| panic!("{error}"));
    }

    pub(crate) fn tracked(&self, symbol: &str, vendor: Vendor) -> Tracked {
        let symbol = Symbol::parse(symbol).unwrap();
        self.store
            .read(|reader| {
                let stock = reader.stock(&symbol)?.unwrap();
                reader.tracked(stock.id, vendor)
            })
            .unwrap_or_else(|error: StoreError| panic!("{error}"))
            .unwrap()
    }

    pub(crate) fn bars(&self) -> i64 {
        self.store.read(|reader| reader.totals()).unwrap().bars
    }

    /// How often a vendor was asked, and forgets it.
    pub(crate) fn asked(&self, vendor: Vendor) -> usize {
        let asked = self.server.requests_of(vendor).len();
        self.server.forget_requests();
        asked
    }
}

fn options() -> RunnerOptions {
    let every = |text: &str| text.parse().unwrap();
    RunnerOptions {
        name: "test".to_owned(),
        host: "here".to_owned(),
        version: "0.0.0".to_owned(),
        schedules: Schedules {
            pull: every("1s"),
            process: every("1s"),
            dead_letters: every("24h"),
            sweep: every("60s"),
            archive_check: every("24h"),
        },
        times: PullTimes { settle: None, spread: Duration::from_secs(1800) },
        unknown_days: 7,
        fallback_vendors: Vec::new(),
        max_concurrent_pulls: 4,
        patience: Duration::from_secs(10),
        shutdown: Duration::from_secs(20),
        min_free_bytes: 0,
        metrics_listen: None,
    }
}

fn asking(server: &VendorServer) -> RetrieverOptions {
    let mut asking = RetrieverOptions::default();
    asking.max_retries = 0;
    asking.first_wait = Some(Duration::from_millis(100));
    for vendor in Vendor::ALL {
        let own = asking.vendor_mut(vendor);
        own.base_url = Some(server.base_url());
        own.limits = Some(Vec::new());
        own.key = key(vendor).map(|key| ApiKey::new(key).unwrap());
        own.premium = true;
    }
    asking
}
