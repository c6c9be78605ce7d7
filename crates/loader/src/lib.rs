//! Loads a price history into the store: exactly, idempotently, and in any order.
//!
//! For every date, the newest response that covers it decides. [`load`] works out what one
//! response changes, given what is stored and which newer responses were loaded before it, and
//! writes only that. It runs inside the caller's transaction, so that the bars, the corporate
//! actions and the state of the response change together or not at all.
//!
//! ```
//! use cream_loader::{Load, LoadOptions, load};
//! use cream_models::{Bar, Coverage, DateRange, PriceHistory, Symbol, Timestamp, Vendor};
//! use cream_store::{Store, StoreError, StoreOptions};
//!
//! let folder = tempfile::tempdir()?;
//! let url = format!("sqlite:{}", folder.path().join("cream.db").display());
//! let store = Store::open(&url.parse()?, &StoreOptions::default())?;
//! store.migrate_up()?;
//!
//! let day = "2025-06-13".parse()?;
//! let mut history = PriceHistory::new(Vendor::YahooChart);
//! history.bars = vec![Bar::new(day).with_close("325.31".parse()?)];
//! history.coverage.range = Some(DateRange::single(day));
//!
//! let report = store.write(|writer| {
//!     let stock = writer.ensure_stock(&Symbol::parse("TSLA").expect("a symbol"))?;
//!     load(
//!         writer,
//!         &Load {
//!             stock: stock.id,
//!             fetched_at: Timestamp::from_seconds(1_750_100_000),
//!             sha256: &[0; 32],
//!             history: &history,
//!         },
//!         &LoadOptions::default(),
//!     )
//! })?;
//! assert_eq!((report.bars.inserted, report.bars.unchanged), (1, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod diff;

use std::fmt;

use cream_models::{ActionKind, Bar, CorporateAction, Coverage, Date, PriceHistory, Timestamp};
use cream_store::{SeriesUpdate, StockId, StoreError, StoredAction, StoredBar, Writer};

use crate::diff::{Change, Entry, changes};

/// A response to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    /// Whose history it is.
    pub stock: StockId,
    /// When the response was fetched.
    pub fetched_at: Timestamp,
    /// The SHA-256 of the response: orders responses of the same instant.
    pub sha256: &'a [u8; 32],
    /// What the response says.
    pub history: &'a PriceHistory,
}

/// How to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// Rows a statement batch, at least 1.
    pub batch_size: usize,
    /// Whether a response that withdraws suspiciously much is refused.
    pub guard: Guard,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { batch_size: 1000, guard: Guard::Refuse }
    }
}

/// What to do with a response that lacks more than 1 % (at least 3) of the series' final bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Refuse it with [`LoadError::Suspicious`]: it is more likely broken than right.
    Refuse,
    /// Load it: an operator accepted it, or it was accepted before.
    Accept,
}

/// What a load did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// What became of the bars.
    pub bars: Counts,
    /// What became of the corporate actions.
    pub actions: Counts,
}

/// What became of rows of one sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New rows.
    pub inserted: u64,
    /// Rows with other values than before, or that came back after a withdrawal.
    pub updated: u64,
    /// Rows that were stored like this already; not written.
    pub unchanged: u64,
    /// Rows that the vendor no longer delivers.
    pub withdrawn: u64,
    /// Rows of the response that a newer response had decided before; not written.
    pub superseded: u64,
}

impl Counts {
    /// Whether anything was written.
    #[must_use]
    pub const fn changed(&self) -> bool {
        self.inserted + self.updated + self.withdrawn > 0
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.withdrawn += other.withdrawn;
        self.superseded += other.superseded;
    }
}

impl std::ops::AddAssign for LoadReport {
    fn add_assign(&mut self, other: Self) {
        self.bars += other.bars;
        self.actions += other.actions;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} inserted, {} updated, {} unchanged, {} withdrawn",
            self.inserted, self.updated, self.unchanged, self.withdrawn
        )?;
        if self.superseded > 0 {
            write!(f, ", {} already decided by newer responses", self.superseded)?;
        }
        Ok(())
    }
}

/// Why a response was not loaded. The caller's transaction must be rolled back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The response lacks too many bars that the series has.
    #[error(
        "suspicious: it would withdraw {withdrawn} of the series' {total} final bars, the first on \
         {first}; more than 1 % is more likely a broken response than the truth"
    )]
    Suspicious {
        /// How many final bars it would withdraw.
        withdrawn: u64,
        /// How many the series has.
        total: u64,
        /// The earliest of them.
        first: Date,
    },
    /// The history breaks its own rules; a fault of the parser, not of the vendor.
    #[error("not a valid price history: {what} on {date}")]
    Invalid {
        /// Where.
        date: Date,
        /// Which rule.
        what: &'static str,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The share of a series' final bars that a response may withdraw, as a divisor: 1 %.
const GUARD_SHARE: u64 = 100;
/// Fewer withdrawals than this are never suspicious.
const GUARD_AT_LEAST: u64 = 3;

/// Loads a response within the caller's transaction and says what it did.
///
/// Loading the same responses in any order, any number of times, ends with the same served values
/// as long as the guard refuses none of them: which response decides a date depends only on when
/// the responses were fetched and on what they cover.
///
/// # Errors
///
/// [`LoadError::Suspicious`] where the guard refuses, [`LoadError::Invalid`] where the history is
/// out of order, and whatever the database reports. After an error the transaction must not be
/// committed.
pub fn load(
    writer: &mut Writer<'_>,
    load: &Load<'_>,
    options: &LoadOptions,
) -> Result<LoadReport, LoadError> {
    let history = load.history;
    let vendor = history.vendor;
    validate(history)?;
    writer.describe_stock(load.stock, &history.instrument, load.fetched_at)?;
    writer.lock_series(load.stock, vendor)?;

    let mut report = LoadReport::default();
    if let Some(range) = history.coverage.range {
        let newer =
            writer.newer_coverage(load.stock, vendor, load.fetched_at, load.sha256, range)?;
        let open = |decides: fn(&Coverage, Date) -> bool, date: Date| {
            !newer.iter().any(|coverage| decides(coverage, date))
        };

        let stored = writer.all_bars(load.stock, vendor, range)?;
        let bars = changes(&history.bars, &stored, |date| {
            Verdict::of(&history.coverage, Coverage::decides_bar, date, |date| {
                open(Coverage::decides_bar, date)
            })
        });
        if options.guard == Guard::Refuse {
            let held = writer.series(load.stock, vendor)?.map_or(0, |series| series.bars);
            guard(&bars, &stored, u64::try_from(held).unwrap_or(0))?;
        }
        write_bars(writer, load, options, &bars)?;
        report.bars = bars.counts;

        let stored = writer.all_actions(load.stock, vendor, range)?;
        let actions = changes(&history.actions, &stored, |(date, _)| {
            Verdict::of(&history.coverage, Coverage::decides_actions, date, |date| {
                open(Coverage::decides_actions, date)
            })
        });
        for batch in [&actions.inserted, &actions.updated] {
            writer.put_actions(load.stock, vendor, load.fetched_at, batch)?;
        }
        writer.withdraw_actions(load.stock, vendor, load.fetched_at, &actions.withdrawn)?;
        report.actions = actions.counts;
    }

    writer.update_series(
        load.stock,
        vendor,
        &SeriesUpdate {
            currency: history.instrument.currency.clone(),
            time_zone: history.instrument.time_zone.clone(),
            fetched_at: load.fetched_at,
            changed_at: load.fetched_at,
            changed: report.bars.changed() || report.actions.changed(),
        },
    )?;
    Ok(report)
}

/// What a response may do about a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It decides: what it holds is so, and what it lacks is not.
    Decides,
    /// A newer response has decided.
    Superseded,
    /// It covers the date, if at all, without deciding it.
    Open,
}

impl Verdict {
    fn of(
        coverage: &Coverage,
        decides: fn(&Coverage, Date) -> bool,
        date: Date,
        open: impl Fn(Date) -> bool,
    ) -> Self {
        if !decides(coverage, date) {
            Self::Open
        } else if open(date) {
            Self::Decides
        } else {
            Self::Superseded
        }
    }
}

impl Entry for Bar {
    type Key = Date;
    type Stored = StoredBar;

    fn key(&self) -> Date {
        self.date()
    }

    fn stored_key(stored: &StoredBar) -> Date {
        stored.bar.date()
    }

    fn is_stored_as(&self, stored: &StoredBar) -> bool {
        stored.bar == *self
    }

    fn is_withdrawn(stored: &StoredBar) -> bool {
        stored.withdrawn_at.is_some()
    }
}

impl Entry for CorporateAction {
    type Key = (Date, ActionKind);
    type Stored = StoredAction;

    fn key(&self) -> Self::Key {
        Self::key(self)
    }

    fn stored_key(stored: &StoredAction) -> Self::Key {
        stored.action.key()
    }

    fn is_stored_as(&self, stored: &StoredAction) -> bool {
        stored.action == *self
    }

    fn is_withdrawn(stored: &StoredAction) -> bool {
        stored.withdrawn_at.is_some()
    }
}

/// The parser's promises that the rules above rest on.
fn validate(history: &PriceHistory) -> Result<(), LoadError> {
    let invalid = |date, what| Err(LoadError::Invalid { date, what });
    for pair in history.bars.windows(2) {
        if let [before, after] = pair
            && before.date() >= after.date()
        {
            return invalid(after.date(), "bars are not in ascending order");
        }
    }
    for pair in history.actions.windows(2) {
        if let [before, after] = pair
            && before.key() >= after.key()
        {
            return invalid(after.date, "corporate actions are not in ascending order");
        }
    }
    for bar in &history.bars {
        if !bar.has_price() {
            return invalid(bar.date(), "a bar without any price");
        }
        if !history.coverage.decides_bar(bar.date()) {
            return invalid(bar.date(), "a bar outside of what the response decides");
        }
    }
    for action in &history.actions {
        if !history.coverage.decides_actions(action.date) {
            return invalid(action.date, "a corporate action outside of what the response decides");
        }
    }
    Ok(())
}

/// Refuses what withdraws more than 1 % (at least 3) of the series' final bars.
fn guard(
    changes: &Change<Bar>,
    stored: &[StoredBar],
    bars_in_series: u64,
) -> Result<(), LoadError> {
    let is_withdrawn = |date: &Date| changes.withdrawn.binary_search(date).is_ok();
    let active = stored.iter().filter(|row| row.withdrawn_at.is_none());
    let (mut lost, mut live, mut first) = (0, 0, None);
    for row in active {
        if !row.bar.is_final() {
            live += 1;
        } else if is_withdrawn(&row.bar.date()) {
            lost += 1;
            first = first.or(Some(row.bar.date()));
        }
    }
    let total = bars_in_series.saturating_sub(live);
    match first {
        Some(first) if lost >= GUARD_AT_LEAST && lost * GUARD_SHARE > total => {
            Err(LoadError::Suspicious { withdrawn: lost, total, first })
        }
        _ => Ok(()),
    }
}

fn write_bars(
    writer: &mut Writer<'_>,
    load: &Load<'_>,
    options: &LoadOptions,
    changes: &Change<Bar>,
) -> Result<(), StoreError> {
    let (stock, vendor, at) = (load.stock, load.history.vendor, load.fetched_at);
    let size = options.batch_size.max(1);
    for batch in changes.inserted.chunks(size) {
        writer.insert_bars(stock, vendor, at, batch)?;
    }
    for batch in changes.updated.chunks(size) {
        writer.update_bars(stock, vendor, at, batch)?;
    }
    for batch in changes.withdrawn.chunks(size) {
        writer.withdraw_bars(stock, vendor, at, batch)?;
    }
    Ok(())
}
