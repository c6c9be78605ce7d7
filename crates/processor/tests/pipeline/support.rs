//! A database, an archive and a clock to be set, in a folder of their own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cream_archive::{Archive, FileName, Folder};
use cream_models::{Clock, Symbol, Timestamp, Vendor};
use cream_processor::{
    Cancel, FileReport, ImportSource, Outcome, Processor, ProcessorOptions, Summary,
};
use cream_store::{Response, ResponseStatus, Series, Store, StoreOptions};
use cream_testkit::postgres::{self, TestDatabase};
use cream_testkit::{Listing, Scenario, SyntheticSeries, TestDir};

/// Whether these are the tests on PostgreSQL: they are compiled a second time for it.
pub(crate) const ON_POSTGRES: bool =
    matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"pipeline_postgres");

/// Seconds a worker holds what it has claimed, as the documentation promises.
pub(crate) const LEASE: i64 = 60;

/// The moment at which every test begins.
pub(crate) fn start() -> Timestamp {
    "2025-07-01T12:00:00Z".parse().unwrap()
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn at(now: Timestamp) -> Self {
        let clock = Self(Arc::default());
        clock.set(now);
        clock
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Site {
    pub(crate) folder: TestDir,
    pub(crate) store: Store,
    pub(crate) archive: Archive,
    pub(crate) clock: TestClock,
    pub(crate) options: ProcessorOptions,
    /// Where the database is on a server: goes when the site does.
    database: Option<TestDatabase>,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::in_folder(TestDir::new())
    }

    /// A copy of a site of which nothing but the folder is left.
    pub(crate) fn copied(template: &TestDir) -> Self {
        let folder = TestDir::new();
        for name in template.names("parsed") {
            let bytes = std::fs::read(template.join("parsed").join(&name)).unwrap();
            folder.write(format!("parsed/{name}"), bytes);
        }
        for name in template.names("").iter().filter(|name| name.starts_with("cream.db")) {
            std::fs::copy(template.join(name), folder.join(name)).unwrap();
        }
        let site = Self::in_folder(folder);
        if ON_POSTGRES {
            let _ = site.rebuild();
        }
        site
    }

    fn in_folder(folder: TestDir) -> Self {
        let archive = Archive::new(folder.join("raw"), folder.join("parsed"), folder.join("dead"));
        archive.create_folders().unwrap();
        let (store, database) = store(&folder, "cream.db");
        let clock = TestClock::at(start());
        // Whoever wants a file to wait says so.
        let options = ProcessorOptions { patience: Duration::ZERO, ..ProcessorOptions::default() };
        Self { folder, store, archive, clock, options, database }
    }

    /// The same archive beside an empty database.
    pub(crate) fn beside_new_database(mut self) -> Self {
        (self.store, self.database) = store(&self.folder, "new.db");
        self
    }

    /// How another process finds the database.
    pub(crate) fn url(&self) -> String {
        let of_file = || self.store.url().to_string();
        self.database.as_ref().map_or_else(of_file, TestDatabase::url)
    }

    /// Another process's view of the database.
    pub(crate) fn another_store(&self, busy_timeout: Duration) -> Store {
        let options = StoreOptions { busy_timeout, ..StoreOptions::default() };
        Store::open(self.store.url(), &options).unwrap()
    }

    /// A worker of its own: it shares no lease with those before.
    pub(crate) fn processor(&self) -> Processor {
        self.processor_with(self.clock.clone())
    }

    pub(crate) fn processor_with(&self, clock: impl Clock + 'static) -> Processor {
        let (store, archive) = (self.store.clone(), self.archive.clone());
        Processor::new(store, archive, Box::new(clock), self.options.clone())
    }

    /// The same with a patience of its own.
    pub(crate) fn processor_of(&self, patience: Duration) -> Processor {
        let (store, archive) = (self.store.clone(), self.archive.clone());
        let options = ProcessorOptions { patience, ..self.options.clone() };
        Processor::new(store, archive, Box::new(self.clock.clone()), options)
    }

    pub(crate) fn put(&self, folder: &str, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        self.folder.write(format!("{folder}/{name}"), bytes)
    }

    /// Moves a file as if the last move had not been made.
    pub(crate) fn move_back(&self, from: &str, name: &str) {
        let path = |folder: &str| self.folder.join(folder).join(name);
        std::fs::rename(path(from), path("raw")).unwrap();
    }

    pub(crate) fn process(&self) -> Run {
        Run::of(|watch| self.processor().process_all(&Cancel::default(), watch).unwrap())
    }

    pub(crate) fn rebuild(&self) -> Run {
        Run::of(|watch| self.processor().rebuild(&Cancel::default(), watch).unwrap())
    }

    pub(crate) fn import(&self, paths: &[PathBuf]) -> Run {
        let source = ImportSource::find(paths).unwrap();
        Run::of(|watch| self.processor().import(&source, &Cancel::default(), watch))
    }

    pub(crate) fn response(&self, name: &str) -> Option<Response> {
        self.store.read(|reader| reader.response(name)).unwrap()
    }

    pub(crate) fn status(&self, name: &str) -> Option<ResponseStatus> {
        self.response(name).map(|response| response.status)
    }

    pub(crate) fn digest(&self) -> String {
        self.store.read(|reader| reader.digest()).unwrap()
    }

    pub(crate) fn bars(&self) -> i64 {
        self.store.read(|reader| reader.totals()).unwrap().bars
    }

    pub(crate) fn series(&self, symbol: &str, vendor: Vendor) -> Option<Series> {
        self.store
            .read(|reader| match reader.stock(&Symbol::parse(symbol).unwrap())? {
                Some(stock) => reader.series(stock.id, vendor),
                None => Ok(None),
            })
            .unwrap()
    }

    /// The names in the folders of raw, parsed and dead responses.
    pub(crate) fn files(&self) -> [Vec<String>; 3] {
        ["raw", "parsed", "dead"].map(|folder| self.folder.names(folder))
    }

    pub(crate) fn holds(&self, folder: Folder, name: &str) -> bool {
        self.archive.find(&FileName::parse(name).unwrap()).unwrap() == Some(folder)
    }
}

/// An empty, migrated database.
fn store(folder: &TestDir, name: &str) -> (Store, Option<TestDatabase>) {
    let open = |url: &str| {
        let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
        store.migrate_up().unwrap();
        store
    };
    if !ON_POSTGRES {
        return (open(&format!("sqlite:{}", folder.join(name).display())), None);
    }
    // Where there is no PostgreSQL, that has been said, and there is nothing to test.
    let cluster = postgres::shared().unwrap_or_else(|| std::process::exit(0));
    let database = cluster.database("processor", |url| drop(open(url)));
    (open(&database.url()), Some(database))
}

/// What a batch told, in the order in which it did.
pub(crate) struct Run {
    pub(crate) summary: Summary,
    pub(crate) told: Vec<Told>,
}

/// What it told of one file.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) line: String,
    /// Why it is a new dead letter.
    pub(crate) reason: Option<String>,
}

impl Run {
    pub(crate) fn of(batch: impl FnOnce(&(dyn Fn(&FileReport) + Sync)) -> Summary) -> Self {
        let told = Mutex::new(Vec::new());
        let summary = batch(&|report| {
            let reason = match &report.outcome {
                Outcome::DeadLetter { reason, .. } => Some(reason.clone()),
                _ => None,
            };
            let (file, line) = (report.file.clone(), report.to_string());
            told.lock().unwrap().push(Told { file, bytes: report.bytes, line, reason });
        });
        Self { summary, told: told.into_inner().unwrap() }
    }

    /// The line about the only file there was.
    pub(crate) fn line(&self) -> String {
        assert_eq!(self.told.len(), 1, "{:#?}", self.told);
        self.told[0].line.clone()
    }

    pub(crate) fn lines(&self) -> String {
        self.told.iter().map(|told| format!("{}\n", told.line)).collect()
    }

    /// Loaded, already loaded, dead letters, already dead, in other hands, refused, failed.
    pub(crate) fn counts(&self) -> [u64; 7] {
        let summary = &self.summary;
        assert_eq!(summary.files(), u64::try_from(self.told.len()).unwrap());
        [
            summary.loaded,
            summary.already_loaded,
            summary.dead_letters,
            summary.already_dead,
            summary.in_other_hands,
            summary.refused,
            summary.failed,
        ]
    }
}

/// A history of so many days up to 2025-06-13.
pub(crate) fn series(symbol: &str, days: usize) -> SyntheticSeries {
    Scenario::new(Listing::us_stock(symbol, "Cream Test, Inc."), 7)
        .ending("2025-06-13".parse().unwrap(), days)
        .dividend(days / 3, 0.26)
        .build()
}

/// The name of a chart answer fetched on a day of June 2025, at noon.
pub(crate) fn chart_name(symbol: &str, day: u32) -> String {
    format!("{symbol}_2025-06-{day:02}T120000Z_yahoo-chart.json")
}

/// Responses of which none is the whole truth: two symbols and a broken one.
pub(crate) fn put_some(site: &Site) {
    for symbol in ["SOME1", "SOME2"] {
        let truth = series(symbol, 40);
        let gone = truth.rows[5].date;
        site.put("raw", &chart_name(symbol, 14), truth.chart_json());
        site.put("raw", &chart_name(symbol, 15), truth.without_row(gone).chart_json());
    }
    site.put("raw", "BROKEN1_2025-06-16.html", "Will be right back");
}
