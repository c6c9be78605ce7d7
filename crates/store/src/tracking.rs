//! What is pulled when it is due: tracking, claiming, and how a claim ends.

use cream_models::{SpellingError, Symbol, Timestamp, Vendor};

use crate::types::StockId;
use crate::vendors::{PullRecord, PullStatus, Validators};

/// A stock that is, or once was, pulled from a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The stock.
    pub stock_id: StockId,
    /// From whom.
    pub vendor: Vendor,
    /// The vendor's name for it.
    pub vendor_symbol: String,
    /// Whether it is pulled when it is due; what was fetched once is not.
    pub is_active: bool,
    /// When it was pulled last.
    pub last_pull_at: Option<Timestamp>,
    /// How that ended.
    pub last_pull_status: PullStatus,
    /// Why it failed or is disabled, for a person.
    pub error: Option<String>,
    /// How often it failed in a row, at least 0.
    pub failures: i32,
    /// When it is due.
    pub next_pull_at: Option<Timestamp>,
    /// Since when the vendor says that it knows no such symbol; `None` where it knows it, or
    /// never said. Other failures in between leave it as it is.
    pub unknown_since: Option<Timestamp>,
    /// When somebody said that it is to be pulled no more; `None` where it is active, and where
    /// nobody did: it was fetched once, or is disabled.
    pub untracked_at: Option<Timestamp>,
    /// What makes the next request a conditional one.
    pub validators: Option<Validators>,
    /// Until when it is claimed; the moment may lie in the past.
    pub lease_until: Option<Timestamp>,
}

/// A stock that is to be pulled from a vendor from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTracked {
    /// The stock.
    pub stock_id: StockId,
    /// From whom.
    pub vendor: Vendor,
    /// The vendor's name for it, of 1 to 64 characters.
    pub vendor_symbol: String,
    /// Whether the user gave that name: then it replaces one that is stored.
    pub is_spelled: bool,
    /// When it is due first.
    pub due: Timestamp,
}

/// What tracking a stock came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracking {
    /// It was never pulled from this vendor.
    New,
    /// It was fetched once, untracked or disabled.
    Reactivated,
    /// It was tracked.
    Already,
}

/// Who has a stock tracked, and what that permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackedBy {
    /// Whoever runs the system: everything.
    Operator,
    /// Anybody else. What is active is left as it is, what an operator untracked stays so, and
    /// nothing is added where so many stocks are active already.
    User {
        /// Active rows, of all vendors together.
        max_active: u32,
    },
}

/// What becomes of a symbol that somebody wants tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SymbolTracking {
    /// It is tracked, and stands so.
    Tracked(Tracking, Box<Tracked>),
    /// Nothing was changed.
    Refused(TrackRefusal),
}

/// Why a symbol is not tracked as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrackRefusal {
    /// Nobody knows how the vendor spells it, or what was given is no spelling.
    #[error(transparent)]
    Spelling(#[from] SpellingError),
    /// It is tracked under another spelling, which a user may not change.
    #[error("it is tracked as {0}; only an admin changes how a vendor is asked for it")]
    SpelledOtherwise(String),
    /// It was untracked then, and a user may not track it again.
    #[error("it was untracked on purpose at {0}; only an admin has it tracked again")]
    Untracked(Timestamp),
    /// So many stocks are active, to which a user may not add.
    #[error("{0} stocks are tracked, and users may add no more")]
    TooMany(i64),
}

/// A stock that is to be pulled by whoever claimed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedStock {
    /// Its symbol.
    pub symbol: Symbol,
    /// What is known of pulling it, with the lease that was just taken.
    pub tracked: Tracked,
    /// What the claim is known by: no other row and no other claim has it.
    pub token: String,
}

/// A pull of a claimed stock that was done, how it ended, and what comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedPull {
    /// What is recorded of it.
    pub record: PullRecord,
    /// What comes next.
    pub next: NextPull,
    /// Whether it failed because the vendor knows no such symbol; means nothing of a success.
    pub is_unknown: bool,
}

/// What comes after a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextPull {
    /// It is due again then.
    At(Timestamp),
    /// It is pulled no more, until somebody tracks it again.
    Disabled {
        /// Why, for a person.
        reason: String,
    },
}

/// Which of the tracked stocks to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedQuery {
    /// Only those whose last pull ended so.
    pub status: Option<PullStatus>,
    /// Only those of this vendor.
    pub vendor: Option<Vendor>,
    /// Only those that are pulled when they are due, or only the others.
    pub is_active: Option<bool>,
    /// The list begins after this one.
    pub after: Option<(Symbol, Vendor)>,
    /// At most so many.
    pub limit: u32,
}

impl Default for TrackedQuery {
    /// Every one, also what was fetched once.
    fn default() -> Self {
        Self { status: None, vendor: None, is_active: None, after: None, limit: u32::MAX }
    }
}

/// How many stocks of a vendor stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackedCounts {
    /// Pulled when they are due.
    pub active: i64,
    /// Not pulled any more, or fetched once.
    pub inactive: i64,
    /// Active, due, and in nobody's hand.
    pub due: i64,
    /// Claimed under a lease that lasts.
    pub in_hand: i64,
    /// Active, and their last pull failed.
    pub failing: i64,
    /// Not pulled any more for a reason.
    pub disabled: i64,
    /// Since when the longest due of [`TrackedCounts::due`] is due.
    pub oldest_due: Option<Timestamp>,
    /// When the first of the active ones is or was due, also of those that are in hand.
    pub next_due: Option<Timestamp>,
}

/// How many leases were forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweptLeases {
    /// On tracked stocks.
    pub tracked: u64,
    /// On responses.
    pub responses: u64,
}
