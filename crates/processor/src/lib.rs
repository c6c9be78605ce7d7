//! The pipeline over one response file, and over many at once.
//!
//! A file in `raw_responses/` is registered by name and SHA-256 and claimed, parsed, loaded
//! together with the new state of its record in one transaction, and only then moved to
//! `parsed_responses/`; what cannot be loaded moves to `deadletter_responses/` with its reason in
//! the database. A crash between two steps is mended by the next run. Nothing is ever deleted,
//! and one bad file stops no other: every outcome is a [`FileReport`], never an error that ends
//! the batch.
//!
//! ```
//! use cream_archive::Archive;
//! use cream_models::SystemClock;
//! use cream_processor::{Cancel, Processor, ProcessorOptions};
//! use cream_store::{Store, StoreOptions};
//!
//! let folder = tempfile::tempdir()?;
//! let path = |name: &str| folder.path().join(name);
//! let archive = Archive::new(path("raw"), path("parsed"), path("dead"));
//! archive.create_folders()?;
//! let store = Store::open(
//!     &format!("sqlite:{}", path("cream.db").display()).parse()?,
//!     &StoreOptions::default(),
//! )?;
//! store.migrate_up()?;
//!
//! std::fs::write(path("raw").join("TSLA_2025-06-16.html"), "Will be right back")?;
//! let processor = Processor::new(store, archive, Box::new(SystemClock), ProcessorOptions::default());
//! let summary = processor.process_all(&Cancel::default(), &|report| println!("{report}"))?;
//! assert_eq!(summary.dead_letters, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aside;
mod at_once;
mod batch;
mod claim;
mod file;
mod lease;
mod line;
mod place;
mod provenance;
pub mod pull;
mod queue;
mod report;
mod retry;
mod source;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cream_archive::{Archive, ArchiveError, Steps};
use cream_loader::{Guard, LoadError};
use cream_models::Clock;
use cream_parser::ParseError;
use cream_parser::pull::PullId;
use cream_store::{Store, StoreError};

use claim::InWork;

pub use lease::{Hold, Leases};
pub use line::{OneLine, chain};
pub use place::Placed;
pub use source::{ImportSource, Skipped, SourceError};

pub use cream_loader::LoadReport;
pub use provenance::ProvenanceError;
pub use report::{FileReport, Loaded, Outcome, Summary};

/// Why a response was not loaded: the family of stock-data errors, joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The response cannot be read as a price history.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The price history was refused.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file name and the response do not say, or disagree about, what it is.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// The program itself failed on this file; the file stays where it is.
    #[error("internal error while processing: {0}")]
    Panicked(String),
}

impl Error {
    fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) | Self::Load(LoadError::Store(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether the same file may well be loaded a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.store().is_some_and(StoreError::is_transient)
    }

    /// Whether every other file would fail too.
    #[must_use]
    pub fn stops_all(&self) -> bool {
        match self {
            Self::Archive(error) => matches!(
                error,
                ArchiveError::NoSpace { .. }
                    | ArchiveError::FolderMissing { .. }
                    | ArchiveError::NotAFolder { .. }
            ),
            error => error.store().is_some_and(StoreError::stops_all),
        }
    }
}

/// How files are processed.
#[derive(Clone, Debug)]
pub struct ProcessorOptions {
    /// How many files are in hand at once, at least 1.
    pub max_concurrent_files: usize,
    /// The largest response that is read, in bytes.
    pub max_response_bytes: u64,
    /// How many stored rows are written over at once; new ones are streamed.
    pub batch_size: usize,
    /// After how many seconds a dead letter is due for another try. By default somewhat less than
    /// a day, so that a task that runs once a day, and not to the second, finds it due.
    pub retry_dead_letters_seconds: i64,
    /// How many times a response is tried before it is left to a person, claims that a crash cut
    /// short included: what brings its worker down must not be tried for good. It bounds the tries
    /// of dead letters alone; what is pending is taken however often that was. A dead letter that
    /// is due under a larger number gets a last try.
    pub max_attempts: u32,
    /// How long a file that a worker works on is its own before others may take it over, unless
    /// the worker renews the lease.
    pub lease: Duration,
    /// How long a file waits for a database that is away or locked before the batch gives up, and
    /// a batch at its end for files that another worker has in hand.
    pub patience: Duration,
}

impl Default for ProcessorOptions {
    fn default() -> Self {
        Self {
            max_concurrent_files: 5,
            max_response_bytes: 64 << 20,
            batch_size: 1000,
            retry_dead_letters_seconds: 20 * 3600,
            max_attempts: 5,
            lease: Duration::from_secs(60),
            patience: Duration::from_secs(60),
        }
    }
}

/// Asks a batch to stop: files in hand are finished, no further one is begun.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The flag itself, for a signal handler to set.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

/// The pipeline, with all it needs to do its work. One serves many threads.
pub struct Processor {
    store: Store,
    archive: Archive,
    clock: Arc<dyn Clock>,
    options: ProcessorOptions,
    /// Distinguishes this processor's leases from all others.
    holder: String,
    leases: Leases,
    in_work: InWork,
    steps: Steps,
}

/// Whether a dead letter is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    No,
    /// Where its time has come.
    Due,
    Always,
}

/// How a file is to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) guard: Guard,
    pub(crate) retry: Retry,
    /// Whether the file was written to the archive a moment ago.
    pub(crate) is_fresh: bool,
}

impl Mode {
    /// New responses.
    pub(crate) const NEW: Self = Self { guard: Guard::Refuse, retry: Retry::No, is_fresh: false };
    /// New responses that this processor has written itself.
    pub(crate) const FRESH: Self = Self { is_fresh: true, ..Self::NEW };
    /// Responses that were accepted before, or that a person accepts.
    pub(crate) const ACCEPTED: Self =
        Self { guard: Guard::Accept, retry: Retry::Always, is_fresh: false };
}

impl Processor {
    /// The steps that [`Processor::with_steps`] tells of, beside those of the archive: a file is
    /// begun with, it is claimed (but for one that was written to the archive a moment ago, and for
    /// a dead letter that a person accepts), parsed, written to the database, and there durably; or it is to be recorded as a dead
    /// letter, and is. Of a pull: there is an answer, it went the way of a file, and how it ended
    /// is recorded.
    pub const STEPS: [&'static str; 10] = [
        "process.begun",
        "process.claimed",
        "process.parsed",
        "process.uncommitted",
        "process.loaded",
        "process.burying",
        "process.buried",
        "pull.answered",
        "pull.filed",
        "pull.recorded",
    ];

    /// A pipeline over this store and archive.
    #[must_use]
    pub fn new(
        store: Store,
        archive: Archive,
        clock: Box<dyn Clock>,
        options: ProcessorOptions,
    ) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let holder = format!("{}-{}-{number}", std::process::id(), clock.now().micros());
        let clock: Arc<dyn Clock> = Arc::from(clock);
        let leases = Leases::new(store.clone(), Arc::clone(&clock), options.lease);
        let (in_work, steps) = (InWork::default(), Steps::NONE);
        Self { store, archive, clock, options, holder, leases, in_work, steps }
    }

    /// The same, with what it has in hand among these leases, whose length counts, so that one
    /// thread of the process renews all.
    #[must_use]
    pub fn with_leases(mut self, leases: Leases) -> Self {
        self.leases = leases;
        self
    }

    /// The same, which tells of each of its [`Processor::STEPS`] and of its archive's
    /// ([`Archive::STEPS`]) when it is reached.
    #[must_use]
    pub fn with_steps(mut self, told: Arc<dyn Fn(&'static str) + Send + Sync>) -> Self {
        self.archive = self.archive.with_steps(Arc::clone(&told));
        self.steps = Steps::new(told);
        self
    }

    /// The store it loads into.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The archive it works on.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// What it has in hand.
    #[must_use]
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    /// What distinguishes its claims from those of every other processor.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }
}

/// What a pull is known by, as it is logged.
pub(crate) fn text(pull_id: Option<PullId>) -> Option<String> {
    pull_id.map(|id| id.to_string())
}
