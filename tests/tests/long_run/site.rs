//! A database, an archive, and a worker in this process that asks the vendor server.

use std::sync::Arc;
use std::time::Duration;

use cream_archive::Archive;
use cream_calendar::PullTimes;
use cream_models::{Clock, RateLimit, Symbol, Timestamp, Vendor};
use cream_processor::pull::{PullOptions, Puller, StoreGate};
use cream_processor::{Cancel, Processor, ProcessorOptions};
use cream_retriever::{ApiKey, Retriever, RetrieverOptions};
use cream_runner::{Once, Runner, RunnerOptions, Schedules};
use cream_store::{NewTracked, Store, StoreError, StoreOptions, Tracked, TrackedQuery};
use cream_testkit::postgres::{self, TestDatabase};
use cream_testkit::vendors::{VendorServer, key};
use cream_testkit::{TestClock, TestDir};

/// How many days a symbol may be unknown.
pub(crate) const UNKNOWN_DAYS: u16 = 7;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) archive: Archive,
    clock: TestClock,
    _database: Option<TestDatabase>,
    folder: TestDir,
}

impl Site {
    /// An empty one; `None` where its database is not installed.
    pub(crate) fn new(kind: Kind, clock: &TestClock) -> Option<Self> {
        let folder = TestDir::new();
        let database = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(postgres::shared()?.empty_database()),
        };
        let file = || format!("sqlite:{}", folder.join("cream.db").display());
        let url = database.as_ref().map_or_else(file, TestDatabase::url);
        let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
        store.migrate_up().unwrap();
        let archive = Archive::new(folder.join("raw"), folder.join("parsed"), folder.join("dead"));
        archive.create_folders().unwrap();
        Some(Self { store, archive, clock: clock.clone(), _database: database, folder })
    }

    fn processor(&self, archive: Archive) -> Processor {
        let options = ProcessorOptions::default();
        Processor::new(self.store.clone(), archive, Box::new(self.clock.clone()), options)
    }

    /// A worker that was just started.
    pub(crate) fn runner(&self, server: &VendorServer, limits: &[(Vendor, RateLimit)]) -> Runner {
        let gate = Arc::new(StoreGate::new(self.store.clone()));
        let clock = Box::new(self.clock.clone());
        let retriever = Retriever::new(asking(server, limits), gate, clock).unwrap();
        let processor = self.processor(self.archive.clone());
        let puller = Puller::new(processor, retriever, PullOptions::default());
        Runner::new(puller, Arc::new(self.clock.clone()), options())
    }

    pub(crate) fn once(&self, runner: &Runner) -> Once {
        let once = runner.run_once(&Cancel::default()).unwrap();
        for run in &once.runs {
            let outcome = run.outcome.as_ref();
            assert_eq!(outcome, Some(&cream_tasks::Outcome::Done), "{}: {run:?}", self.clock.now());
        }
        once
    }

    pub(crate) fn track(&self, symbol: &str, vendor: Vendor) {
        let symbol = Symbol::parse(symbol).unwrap();
        let due = self.clock.now();
        let tracked = self.store.write(|writer| {
            let stock_id = writer.ensure_stock(&symbol)?.id;
            let vendor_symbol = cream_models::spelling(vendor, &symbol, None).unwrap();
            writer.track(&NewTracked { stock_id, vendor, vendor_symbol, is_spelled: false, due })
        });
        tracked.map(drop).unwrap_or_else(|error: StoreError| panic!("{error}"));
    }

    pub(crate) fn tracked(&self) -> Vec<(Symbol, Tracked)> {
        self.store.read(|reader| reader.tracked_list(&TrackedQuery::default())).unwrap()
    }

    pub(crate) fn digest(&self) -> String {
        self.store.read(|reader| reader.digest()).unwrap()
    }

    /// The names of the files in a folder of the archive.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        self.folder.names(folder)
    }

    /// The digest of this empty database when it is filled from the archive of another site.
    pub(crate) fn digest_rebuilt_from(&self, other: &Self) -> String {
        let processor = self.processor(other.archive.clone());
        let summary = processor.rebuild(&Cancel::default(), &|_| ()).unwrap();
        assert_eq!((summary.failed, summary.refused), (0, 0), "{summary:?}");
        self.digest()
    }
}

fn options() -> RunnerOptions {
    let every = |text: &str| text.parse().unwrap();
    RunnerOptions {
        name: "long".to_owned(),
        host: "here".to_owned(),
        version: "0.0.0".to_owned(),
        schedules: Schedules {
            pull: every("10s"),
            process: every("300s"),
            dead_letters: every("24h"),
            sweep: every("60s"),
            archive_check: every("24h"),
        },
        times: PullTimes { settle: None, spread: Duration::from_secs(1800) },
        unknown_days: UNKNOWN_DAYS,
        fallback_vendors: Vec::new(),
        max_concurrent_pulls: 4,
        patience: Duration::from_secs(10),
        shutdown: Duration::from_secs(20),
        min_free_bytes: 0,
        metrics_listen: None,
    }
}

/// Nothing waits, since the clock stands while the worker works: what cannot be had now is asked for
/// in an hour.
fn asking(server: &VendorServer, limits: &[(Vendor, RateLimit)]) -> RetrieverOptions {
    let mut asking = RetrieverOptions::default();
    asking.max_retries = 0;
    asking.max_wait = Duration::ZERO;
    asking.first_wait = Some(Duration::ZERO);
    for vendor in Vendor::ALL {
        let own = asking.vendor_mut(vendor);
        own.base_url = Some(server.base_url());
        let of_vendor = limits.iter().filter(|(of, _)| *of == vendor);
        own.limits = Some(of_vendor.map(|(_, limit)| *limit).collect());
        own.key = key(vendor).map(|key| ApiKey::new(key).unwrap());
        own.premium = true;
    }
    asking
}

/// Days since the test's first noon in UTC, when no exchange has just closed: each session and the
/// pull after it are in one of them.
pub(crate) fn day_of(start: Timestamp, at: Timestamp) -> i64 {
    (at.seconds() - start.seconds()).div_euclid(86_400)
}
