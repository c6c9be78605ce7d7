//! What an operator asks of a worker, and what it answers: run, track, untrack, fetch, import,
//! process, dead letters, retry, digest, rebuild, status, vendors, migrate; and of an API server:
//! people and tokens.
//!
//! Each command is a function over an [`Operator`], which holds the store and the archive that
//! the settings name. A command writes its answer for people to `out`, and returns how it ended
//! as an [`Exit`]; what keeps it from being carried out at all is an error.
//!
//! ```
//! use cream_config::{Secret, Settings};
//! use cream_operator::{Exit, Operator};
//!
//! let folder = tempfile::tempdir()?;
//! let settings = Settings {
//!     database_url: Secret::new(format!("sqlite:{}", folder.path().join("cream.db").display())),
//!     raw_responses_dir: folder.path().join("raw"),
//!     parsed_responses_dir: folder.path().join("parsed"),
//!     deadletter_responses_dir: folder.path().join("dead"),
//!     ..Settings::default()
//! };
//!
//! let operator = Operator::open(&settings)?;
//! let mut answer = Vec::new();
//! assert_eq!(operator.digest(&mut answer)?, Exit::Done);
//! assert_eq!(answer.len(), 65); // SHA-256 in hex, and a line end
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accounts;
mod batch;
mod dead;
mod display;
mod fetch;
mod migrate;
mod retry;
mod run;
mod signals;
mod start;
mod status;
mod symbols;
mod table;
mod track;
mod vendors;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use cream_archive::Archive;
use cream_config::Settings;
use cream_models::{Clock, SystemClock};
use cream_processor::{Processor, ProcessorOptions, chain};
use cream_store::{DatabaseUrl, Store, StoreOptions};

pub use cream_processor::Cancel;

pub use accounts::{TokenWish, new_password};
pub use batch::Run;
pub use dead::DeadLetters;
pub use display::Display;
pub use fetch::{Fetch, span};
pub use migrate::Migrate;
pub use retry::Letters;
pub use signals::{cancel_on_signals, on_first_signal};
pub use start::Needs;
pub use symbols::read_symbols;
pub use track::{Track, Untrack};
pub use vendors::vendors;

/// How a command ended. An error is exit code 1, wrong usage 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all was done.
    Done,
    /// 3: all was tried; some responses became dead letters, were refused, or are left for the
    /// next run.
    Incomplete,
    /// 130: a signal ended it early; the next run goes on where it stopped, but for a rebuild,
    /// which begins again with an empty database.
    Interrupted,
}

/// The exit code of a command; what kept it from being carried out is written to standard error,
/// with its causes, in one line.
#[must_use]
pub fn exit_code(result: Result<Exit>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            // Where standard error is gone too, the code must say it alone.
            let _ = writeln!(std::io::stderr(), "error: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Incomplete => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// How long a reader waits for a replica before it asks the primary.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(2);

/// The store and the archive that the settings name.
pub struct Operator {
    url: DatabaseUrl,
    store: Store,
    archive: Archive,
    options: ProcessorOptions,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl Operator {
    /// Opens the database and the folders, and brings the database's schema up to date.
    ///
    /// # Errors
    ///
    /// Where a folder or the database cannot be used; the error says which and why.
    pub fn open(settings: &Settings) -> Result<Self> {
        let operator = Self::open_as_is(settings)?;
        operator.archive.create_folders().context("cannot prepare the archive's folders")?;
        operator.archive.check()?;
        operator.migrate_to_current()?;
        Ok(operator)
    }

    /// Applies the migrations that are pending.
    fn migrate_to_current(&self) -> Result<()> {
        for name in self.store.migrate_up()? {
            log::info!(migration = name; "database migrated");
        }
        Ok(self.store.require_current()?)
    }

    /// Opens the database without changing its schema, and leaves the folders as they are.
    ///
    /// # Errors
    ///
    /// Where the database cannot be opened.
    pub fn open_as_is(settings: &Settings) -> Result<Self> {
        let url: DatabaseUrl = settings.database_url.expose().parse().context("DATABASE_URL")?;
        let options = StoreOptions {
            max_connections: settings.max_connections,
            acquire_timeout: settings.acquire_timeout,
            busy_timeout: settings.lock_timeout,
            connect_timeout: settings.connect_timeout,
            check_idle: settings.check_idle,
        };
        let mut store = Store::open(&url, &options)?;
        if let Some(replica) = &settings.database_replica_url {
            let url = replica.expose().parse().context("DATABASE_REPLICA_URL")?;
            // While it cannot be reached, the primary shall not be long in answering.
            let acquire_timeout = options.acquire_timeout.min(REPLICA_TIMEOUT);
            let options = StoreOptions { acquire_timeout, ..options };
            store = store.with_replica(Store::open_later(&url, &options));
        }
        let archive = archive(settings);
        let options = ProcessorOptions {
            max_concurrent_files: settings.max_concurrent_files,
            max_response_bytes: settings.max_response_bytes,
            batch_size: settings.batch_size,
            patience: settings.patience,
            lease: settings.lease,
            max_attempts: settings.max_attempts,
            ..ProcessorOptions::default()
        };
        let clock = Arc::new(SystemClock);
        Ok(Self { url, store, archive, options, settings: settings.clone(), clock })
    }

    /// The same, with another clock for what is due and how long ago something was; responses are
    /// registered and pulled by the system's.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The archive.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The pipeline over this store and archive.
    #[must_use]
    pub fn processor(&self) -> Processor {
        Processor::new(
            self.store.clone(),
            self.archive.clone(),
            Box::new(SystemClock),
            self.options.clone(),
        )
    }

    /// Writes the SHA-256 over all served bars and corporate actions, in hex.
    ///
    /// # Errors
    ///
    /// Where the database or the output fails.
    pub fn digest(&self, out: &mut dyn Write) -> Result<Exit> {
        let digest = self.store.read(|reader| reader.digest())?;
        writeln!(out, "{digest}")?;
        Ok(Exit::Done)
    }
}

/// Whether the database of these settings is a file of this machine alone. Not where its URL
/// cannot be read.
#[must_use]
pub fn is_one_file(settings: &Settings) -> bool {
    let url: Result<DatabaseUrl, _> = settings.database_url.expose().parse();
    url.is_ok_and(|url| url.file().is_some())
}

fn archive(settings: &Settings) -> Archive {
    Archive::new(
        settings.raw_responses_dir.clone(),
        settings.parsed_responses_dir.clone(),
        settings.deadletter_responses_dir.clone(),
    )
}
