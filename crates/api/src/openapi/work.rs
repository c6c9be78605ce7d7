//! The shapes of answers about what workers do: what is tracked, responses, workers and their
//! tasks. For the document alone, as those of `answers`.

#![expect(dead_code, reason = "nobody makes or reads such values: answers are written by hand")]

use utoipa::ToSchema;

use super::words::{
    Cursor, Instant, PullStatusName, ResponseStatusName, Symbol, TaskOutcomeName, VendorName,
    VendorSymbol, WorkerStateName,
};

/// A page of what is or was tracked.
#[derive(ToSchema)]
pub(crate) struct TrackedStocks {
    /// How many are in this page.
    #[schema(minimum = 0)]
    count: i64,
    /// In order of the symbol.
    stocks: Vec<Tracked>,
    /// The cursor of the next page; null on the last one.
    #[schema(required)]
    next: Option<Cursor>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// A stock that is or was tracked.
#[derive(ToSchema)]
pub(crate) struct Tracked {
    symbol: Symbol,
    vendor: VendorName,
    vendor_symbol: VendorSymbol,
    /// Whether it is pulled when it is due.
    is_active: bool,
    status: PullStatusName,
    /// Why the last pull failed.
    #[schema(required)]
    error: Option<String>,
    /// How many pulls in a row have failed.
    #[schema(minimum = 0)]
    failures: i64,
    #[schema(required)]
    last_pull_at: Option<Instant>,
    #[schema(required)]
    next_pull_at: Option<Instant>,
    /// Since when the vendor knows no such symbol.
    #[schema(required)]
    unknown_since: Option<Instant>,
    /// When an admin ended it.
    #[schema(required)]
    untracked_at: Option<Instant>,
    /// Until when a worker has it in hand, or had when it died.
    #[schema(required)]
    lease_until: Option<Instant>,
}

/// A page of the archived responses.
#[derive(ToSchema)]
pub(crate) struct ArchivedResponses {
    /// How many are in this page.
    #[schema(minimum = 0)]
    count: i64,
    /// The one registered last comes first.
    responses: Vec<ArchivedResponse>,
    /// The cursor of the next page; null on the last one.
    #[schema(required)]
    next: Option<Cursor>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// An archived response, as admins see it.
#[derive(ToSchema)]
pub(crate) struct ArchivedResponse {
    /// Stable in one database.
    id: i64,
    /// Its name in the archive.
    file: String,
    /// Null until it is known.
    #[schema(required)]
    vendor: Option<VendorName>,
    /// Null until it is known.
    #[schema(required)]
    fetched_at: Option<Instant>,
    registered_at: Instant,
    status: ResponseStatusName,
    /// Why it was set aside.
    #[schema(required)]
    reason: Option<String>,
    /// How often it was tried.
    #[schema(minimum = 0)]
    attempts: i64,
    /// Null where nobody will try again by himself.
    #[schema(required)]
    next_attempt_at: Option<Instant>,
    /// Whether another try was asked for.
    is_retry_asked: bool,
    /// Until when a worker has it in hand.
    #[schema(required)]
    lease_until: Option<Instant>,
    /// Of the file.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// The length of the file.
    #[schema(minimum = 0)]
    bytes: i64,
}

/// The workers.
#[derive(ToSchema)]
pub(crate) struct Workers {
    /// How many.
    #[schema(minimum = 0)]
    count: i64,
    workers: Vec<Worker>,
    /// Null: there are no pages.
    #[schema(required)]
    next: Option<Cursor>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// A worker with its tasks.
#[derive(ToSchema)]
pub(crate) struct Worker {
    name: String,
    state: WorkerStateName,
    /// The name of its machine.
    host: String,
    /// The number of its process there.
    pid: i64,
    /// Its version.
    version: String,
    started_at: Instant,
    /// Its last sign of life.
    seen_at: Instant,
    #[schema(required)]
    ended_at: Option<Instant>,
    /// How many claims it holds.
    #[schema(minimum = 0)]
    in_hand: i64,
    tasks: Vec<Task>,
}

/// What a worker does from time to time.
#[derive(ToSchema)]
pub(crate) struct Task {
    task: String,
    /// When, as the settings say it.
    schedule: String,
    is_running: bool,
    #[schema(required)]
    last_started_at: Option<Instant>,
    #[schema(required)]
    last_ended_at: Option<Instant>,
    #[schema(required)]
    outcome: Option<TaskOutcomeName>,
    /// What it came to.
    #[schema(required)]
    message: Option<String>,
    /// How many runs in a row have failed.
    #[schema(minimum = 0)]
    failures: i64,
    /// Since the worker started.
    #[schema(minimum = 0)]
    runs: i64,
    #[schema(required)]
    next_run_at: Option<Instant>,
}
