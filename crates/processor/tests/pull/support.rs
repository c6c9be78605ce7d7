//! A database, an archive, and a puller that asks the vendor server.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cream_archive::Archive;
use cream_models::{Clock, Date, RateLimit, Symbol, Timestamp, Vendor};
use cream_processor::pull::{PullOptions, PullReport, Puller, Span, StoreGate, Target};
use cream_processor::{Processor, ProcessorOptions};
use cream_retriever::{ApiKey, Gate, GateError, Grant, Retriever, RetrieverOptions, Standing};
use cream_store::{Store, StoreOptions};
use cream_testkit::TestDir;
use cream_testkit::vendors::{VendorServer, key};

pub(crate) const SYMBOL: &str = "CREAM-B";

/// A clock that stands still until it is moved.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
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
    _folder: TestDir,
    pub(crate) store: Store,
    archive: Archive,
    clock: TestClock,
    pub(crate) puller: Puller,
}

/// In the evening, when the day's bar has settled with every vendor.
pub(crate) fn evening(date: Date) -> Timestamp {
    Timestamp::start_of(date).plus_seconds(86_400 + 2 * 3600)
}

/// What is missing of [`SYMBOL`].
pub(crate) fn target(vendor: Vendor) -> Target {
    Target {
        symbol: Symbol::parse(SYMBOL).unwrap(),
        vendor_symbol: None,
        vendors: vec![vendor],
        span: Span::Missing,
    }
}

/// A gate with a bug that one vendor meets.
struct Panicking(StoreGate, Vendor);

impl Gate for Panicking {
    fn take(&self, v: Vendor, now: Timestamp, limits: &[RateLimit]) -> Result<Grant, GateError> {
        assert!(v != self.1, "own bug");
        self.0.take(v, now, limits)
    }

    fn standing(&self, vendor: Vendor) -> Result<Standing, GateError> {
        self.0.standing(vendor)
    }

    fn update(&self, v: Vendor, change: &mut dyn FnMut(&mut Standing)) -> Result<(), GateError> {
        self.0.update(v, change)
    }
}

impl Site {
    /// An empty one.
    pub(crate) fn new(server: &VendorServer, clock: &TestClock) -> Self {
        Self::with(server, clock, true, |gate| Arc::new(gate))
    }

    /// An empty one whose keys are of the free plans.
    pub(crate) fn free(server: &VendorServer, clock: &TestClock) -> Self {
        Self::with(server, clock, false, |gate| Arc::new(gate))
    }

    /// An empty one whose program panics where it asks this vendor.
    pub(crate) fn panicking(server: &VendorServer, clock: &TestClock, vendor: Vendor) -> Self {
        Self::with(server, clock, true, |gate| Arc::new(Panicking(gate, vendor)))
    }

    fn with(
        server: &VendorServer,
        clock: &TestClock,
        premium: bool,
        gate: impl FnOnce(StoreGate) -> Arc<dyn Gate>,
    ) -> Self {
        let folder = TestDir::new();
        let archive = Archive::new(folder.join("raw"), folder.join("parsed"), folder.join("dead"));
        archive.create_folders().unwrap();
        let store = store(&folder, "cream.db");
        let options = ProcessorOptions::default();
        let processor =
            Processor::new(store.clone(), archive.clone(), Box::new(clock.clone()), options);
        let gate = gate(StoreGate::new(store.clone()));
        let mut asking = RetrieverOptions::default();
        asking.max_retries = 0;
        for vendor in Vendor::ALL {
            let own = asking.vendor_mut(vendor);
            own.base_url = Some(server.base_url());
            own.limits = Some(Vec::new());
            own.key = key(vendor).map(|key| ApiKey::new(key).unwrap());
            own.premium = premium;
        }
        let retriever = Retriever::new(asking, gate, Box::new(clock.clone())).unwrap();
        let puller = Puller::new(processor, retriever, PullOptions::default());
        Self { _folder: folder, store, archive, clock: clock.clone(), puller }
    }

    pub(crate) fn pull(&self, vendor: Vendor) -> PullReport {
        let report = self.puller.pull(&target(vendor), &|| true);
        assert!(report.is_success(), "{report}");
        report
    }

    pub(crate) fn digest(&self) -> String {
        self.store.read(|reader| reader.digest()).unwrap()
    }

    /// The digest of an empty database that is filled from this archive alone.
    pub(crate) fn digest_rebuilt(&self) -> String {
        let folder = TestDir::new();
        let store = store(&folder, "new.db");
        let clock = Box::new(self.clock.clone());
        let options = ProcessorOptions::default();
        let processor = Processor::new(store.clone(), self.archive.clone(), clock, options);
        let cancel = cream_processor::Cancel::default();
        let summary = processor.rebuild(&cancel, &|_| {}).unwrap();
        assert_eq!(summary.loaded, summary.files(), "{summary:?}");
        store.read(|reader| reader.digest()).unwrap()
    }
}

fn store(folder: &TestDir, name: &str) -> Store {
    let url = format!("sqlite:{}", folder.join(name).display());
    let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
    store.migrate_up().unwrap();
    store
}
