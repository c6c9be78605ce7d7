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
//!     let series = writer.lock_series(stock.id, history.vendor)?;
//!     load(
//!         writer,
//!         series,
//!         &Load {
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

use cream_models::{
    ActionKind, Bar, CorporateAction, Coverage, Date, DateRange, PriceHistory, Timestamp, Vendor,
};
use cream_store::{
    Series, SeriesState, StockId, StoreError, StoredAction, StoredBar, Writer, YearSums,
};

use crate::diff::{Change, Entry, changes, count};

/// A response to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
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
    /// How many stored rows are written over at once, at least 1. New rows are streamed.
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

impl Counts {
    /// Counts a row of a response that is known to be stored as it is.
    fn add_unread(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Decides => self.unchanged += 1,
            Verdict::Superseded => self.superseded += 1,
            // Refused before: a response decides what it holds.
            Verdict::Open => {}
        }
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

/// Loads a response into a series that the caller's transaction has locked, and says what it did.
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
    mut state: SeriesState,
    load: &Load<'_>,
    options: &LoadOptions,
) -> Result<LoadReport, LoadError> {
    let history = load.history;
    let Series { stock_id: stock, vendor, .. } = *state.series();
    validate(history, vendor)?;
    state.describe(&history.instrument, load.fetched_at);

    let mut report = LoadReport::default();
    if let Some(range) = history.coverage.range {
        let newer = if state.is_newest(load.fetched_at) {
            Vec::new()
        } else {
            writer.newer_coverage(stock, vendor, load.fetched_at, load.sha256, range)?
        };
        let bars = bar_changes(writer, load, options.guard, &state, range, |date| {
            Verdict::of(&history.coverage, &newer, Coverage::decides_bar, date)
        })?;
        write_bars(writer, load, options, stock, &bars)?;
        bars.replaced.iter().for_each(|old| state.remove(&old.bar));
        state.add(&bars.inserted);
        state.add(&bars.updated);
        report.bars = bars.counts;

        let actions = action_changes(writer, load, &state, range, |key| {
            Verdict::of(&history.coverage, &newer, Coverage::decides_action, key)
        })?;
        for batch in [&actions.inserted, &actions.updated] {
            writer.put_actions(stock, vendor, load.fetched_at, batch)?;
            state.add_actions(batch);
        }
        writer.withdraw_actions(stock, vendor, load.fetched_at, &actions.withdrawn)?;
        actions.replaced.iter().for_each(|old| state.remove_action(&old.action));
        report.actions = actions.counts;

        let told = vendor.tells();
        // Of no kind at all every date would be known.
        if !told.is_empty() {
            state.know_actions(&history.coverage.decided_actions(told));
        }
    }

    state.loaded(load.fetched_at);
    if report.bars.changed() || report.actions.changed() {
        state.revise(load.fetched_at);
    }
    writer.save_series(state)?;
    Ok(report)
}

/// What a response changes of the bars. Only the years in which it differs from what is stored
/// are read; in the others, the stored bars are those of the response.
fn bar_changes(
    writer: &mut Writer<'_>,
    load: &Load<'_>,
    policy: Guard,
    state: &SeriesState,
    range: DateRange,
    verdict: impl Fn(Date) -> Verdict,
) -> Result<Change<Bar>, LoadError> {
    let held = load.history.bars.as_slice();
    let Series { stock_id, vendor, bars: count, revision, last_date, .. } = *state.series();
    // What lies behind the last bar that is served is new, if it was not withdrawn before.
    let known = held.partition_point(|bar| Some(bar.date()) <= last_date);
    let (known, new) = held.split_at(known);
    let differing = state.sums().differing(&YearSums::of(known), range);
    let behind = new.first().and_then(|bar| DateRange::new(bar.date(), range.last()).ok());
    let differing = match (differing, behind) {
        (Some(differing), Some(behind)) => Some(differing.hull(behind)),
        (differing, behind) => differing.or(behind),
    };
    let (before, differing, after, stored) = match differing {
        Some(range) => {
            let start = held.partition_point(|bar| bar.date() < range.first());
            let end = held.partition_point(|bar| bar.date() <= range.last());
            let (before, rest) = held.split_at(start);
            let (differing, after) = rest.split_at(end.saturating_sub(start));
            let stored = match (count, revision) {
                // A new series. After a change there may be withdrawn bars.
                (0, 0) => Vec::new(),
                _ => writer.all_bars(stock_id, vendor, range)?,
            };
            (before, differing, after, stored)
        }
        None => (held, [].as_slice(), [].as_slice(), Vec::new()),
    };
    let mut bars = changes(differing, &stored, &verdict);
    let same = || before.iter().chain(after);
    same().for_each(|bar| bars.counts.add_unread(verdict(bar.date())));
    if policy == Guard::Refuse {
        let live = |is_final: bool| u64::from(!is_final);
        let unread: u64 = same().map(|bar| live(bar.is_final())).sum();
        let active = stored.iter().filter(|row| row.withdrawn_at.is_none());
        let read: u64 = active.map(|row| live(row.bar.is_final())).sum();
        let total = u64::try_from(count).unwrap_or(0);
        guard(&bars, total.saturating_sub(unread + read))?;
    }
    Ok(bars)
}

/// What a response changes of the corporate actions, which are read unless they are the same.
fn action_changes(
    writer: &mut Writer<'_>,
    load: &Load<'_>,
    state: &SeriesState,
    range: DateRange,
    verdict: impl Fn((Date, ActionKind)) -> Verdict,
) -> Result<Change<CorporateAction>, LoadError> {
    let held = load.history.actions.as_slice();
    let sums = YearSums::default().with_actions(held);
    let Series { stock_id, vendor, revision, .. } = *state.series();
    if state.sums().has_same_actions(&sums) {
        let mut actions = changes::<CorporateAction>(&[], &[], |_| Verdict::Open);
        held.iter().for_each(|action| actions.counts.add_unread(verdict(action.key())));
        return Ok(actions);
    }
    let stored = match revision {
        0 => Vec::new(),
        _ => writer.all_actions(stock_id, vendor, range)?,
    };
    Ok(changes(held, &stored, verdict))
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
    fn of<K: Copy>(
        coverage: &Coverage,
        newer: &[Coverage],
        decides: fn(&Coverage, K) -> bool,
        key: K,
    ) -> Self {
        if !decides(coverage, key) {
            Self::Open
        } else if newer.iter().any(|coverage| decides(coverage, key)) {
            Self::Superseded
        } else {
            Self::Decides
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
fn validate(history: &PriceHistory, vendor: Vendor) -> Result<(), LoadError> {
    let invalid = |date, what| Err(LoadError::Invalid { date, what });
    if history.vendor != vendor {
        let date = history.bars.first().map_or(Date::MIN, Bar::date);
        return invalid(date, "a history of another vendor than the series");
    }
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
        if !history.coverage.decides_action(action.key()) {
            return invalid(action.date, "a corporate action outside of what the response decides");
        }
    }
    Ok(())
}

/// Refuses what withdraws more than 1 % (at least 3) of the series' final bars, of which there are
/// at most so many: live ones outside of what was read are counted with them.
fn guard(changes: &Change<Bar>, final_bars: u64) -> Result<(), LoadError> {
    let is_withdrawn = |date: &Date| changes.withdrawn.binary_search(date).is_ok();
    let mut lost =
        changes.replaced.iter().filter(|row| row.bar.is_final() && is_withdrawn(&row.bar.date()));
    let Some(first) = lost.next() else { return Ok(()) };
    let withdrawn = count(lost.count()) + 1;
    if withdrawn >= GUARD_AT_LEAST && withdrawn * GUARD_SHARE > final_bars {
        let first = first.bar.date();
        return Err(LoadError::Suspicious { withdrawn, total: final_bars, first });
    }
    Ok(())
}

fn write_bars(
    writer: &mut Writer<'_>,
    load: &Load<'_>,
    options: &LoadOptions,
    stock: StockId,
    changes: &Change<Bar>,
) -> Result<(), StoreError> {
    let (vendor, at) = (load.history.vendor, load.fetched_at);
    let size = options.batch_size.max(1);
    // New rows are streamed, whatever their number; what is already there is changed in batches.
    writer.insert_bars(stock, vendor, at, &changes.inserted)?;
    for batch in changes.updated.chunks(size) {
        writer.update_bars(stock, vendor, at, batch)?;
    }
    for batch in changes.withdrawn.chunks(size) {
        writer.withdraw_bars(stock, vendor, at, batch)?;
    }
    Ok(())
}
