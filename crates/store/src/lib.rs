//! The database behind one interface: connections, migrations, every query.
//!
//! A [`Store`] is opened by URL and used in scoped transactions: [`Store::read`] gives a
//! [`Reader`] over one consistent state, [`Store::write`] a [`Writer`] whose work is kept whole or
//! not at all. Which database it is, nothing outside this crate can tell.
//!
//! ```
//! use cream_models::{Bar, Symbol, Timestamp, Vendor};
//! use cream_store::{BarQuery, DatabaseUrl, Store, StoreError, StoreOptions};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("cream.db");
//! let url: DatabaseUrl = format!("sqlite:{}", path.display()).parse()?;
//! let store = Store::open(&url, &StoreOptions::default())?;
//! store.migrate_up()?;
//!
//! let bar = Bar::new("2025-06-13".parse()?).with_close("325.31".parse()?);
//! let fetched: Timestamp = "2025-06-16T21:30:00Z".parse()?;
//! let stock = store.write(|w| {
//!     let stock = w.ensure_stock(&Symbol::parse("TSLA").expect("a symbol"))?;
//!     w.insert_bars(stock.id, Vendor::YahooChart, fetched, &[bar])?;
//!     Ok::<_, StoreError>(stock)
//! })?;
//!
//! let bars = store.read(|r| r.bars(stock.id, Vendor::YahooChart, &BarQuery::default()))?;
//! assert_eq!(bars[0].bar, bar);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Times are bound by the caller: the database's clock is never asked.

mod accounts;
mod audit;
mod bulk;
mod cached;
mod connection;
mod convert;
mod digest;
mod error;
mod migrate;
mod postgres;
mod reader;
mod replica;
mod series;
mod sqlite;
mod store;
mod sums;
mod tracking;
pub mod types;
mod url;
mod vendors;
mod version;
mod workers;
mod writer;

pub use accounts::{
    AccessToken, Holder, NewToken, NewUser, SweptAccounts, TokenId, TokenQuery, TokenState, User,
    UserAdded, UserChange, UserChanged, UserId, UserName, UserNameError,
};
pub use audit::{AuditEvent, AuditId, AuditKind, AuditQuery, FailedLogins, NewAuditEvent};
pub use error::StoreError;
pub use reader::Reader;
pub use series::SeriesState;
pub use store::{PoolUse, Store, StoreOptions};
pub use sums::YearSums;
pub use tracking::{
    ClaimedStock, FinishedPull, NewTracked, NextPull, SweptLeases, SymbolTracking, TrackRefusal,
    Tracked, TrackedBy, TrackedCounts, TrackedQuery, Tracking,
};
pub use types::{
    BarQuery, DeadResponse, Description, DueLetters, Lease, Migration, NewResponse, Order,
    ParsedResponse, Queue, Registered, Response, ResponseCounts, ResponseId, ResponseQuery,
    ResponseStatus, RetryAsked, Said, Series, Stock, StockId, StockQuery, StoredAction, StoredBar,
    Totals,
};
pub use url::DatabaseUrl;
pub use vendors::{Grant, PullRecord, PullStatus, Validators, VendorState};
pub use version::StateVersion;
pub use workers::{Beat, NewWorker, TaskOutcome, TaskState, WorkerCondition, WorkerState};
pub use writer::Writer;
