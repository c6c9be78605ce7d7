//! What is read of a row. Conversion into the vocabulary of `cream-models`, with its checks, is
//! the store's.

use diesel::prelude::*;

use crate::DayValue;
use crate::tables::{
    api_token, app_user, audit_event, corporate_action, raw_response, series, stock, stock_data,
    task, tracked_stock, vendor_state, worker,
};

/// An instrument.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = stock)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct StockRow {
    pub id: i64,
    pub symbol: String,
}

/// The state of a series.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = series)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct SeriesRow {
    pub stock_id: i64,
    pub vendor: i16,
    pub name: Option<String>,
    pub exchange: Option<String>,
    pub kind: Option<String>,
    pub currency: Option<String>,
    pub time_zone: Option<String>,
    pub name_at: Option<i64>,
    pub exchange_at: Option<i64>,
    pub kind_at: Option<i64>,
    pub currency_at: Option<i64>,
    pub time_zone_at: Option<i64>,
    pub bars: i64,
    pub first_date: Option<DayValue>,
    pub last_date: Option<DayValue>,
    pub year_sums: Option<Vec<u8>>,
    pub newest_at: Option<i64>,
    pub actions_known: Option<String>,
    pub revision: i64,
    pub changed_at: i64,
}

/// An archived response.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = raw_response)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct ResponseRow {
    pub id: i64,
    pub file_name: String,
    pub sha256: Vec<u8>,
    pub byte_len: i64,
    pub registered_at: i64,
    pub stock_id: Option<i64>,
    pub vendor: Option<i16>,
    pub fetched_at: Option<i64>,
    #[diesel(embed)]
    pub coverage: CoverageRow,
    pub status: String,
    pub attempts: i32,
    pub next_attempt_at: Option<i64>,
    pub error: Option<String>,
    pub lease_until: Option<i64>,
    pub inserted: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub withdrawn: i64,
}

/// For which dates a response decides.
#[derive(Clone, Debug, Default, Queryable, Selectable)]
#[diesel(table_name = raw_response)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct CoverageRow {
    pub covers_from: Option<DayValue>,
    pub covers_to: Option<DayValue>,
    pub undecided_bars: Option<String>,
    pub undecided_actions: Option<String>,
    pub undecided_kinds: Option<String>,
}

/// A bar, without its series.
#[derive(Clone, Copy, Debug, Default, Queryable, Selectable)]
#[diesel(table_name = stock_data)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct BarRow {
    pub date: DayValue,
    pub open: Option<i64>,
    pub high: Option<i64>,
    pub low: Option<i64>,
    pub close: Option<i64>,
    pub adj_close: Option<i64>,
    pub volume: Option<i64>,
    pub is_final: bool,
    pub flags: i16,
    pub as_of: i64,
    pub withdrawn_at: Option<i64>,
}

/// A corporate action, without its series.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = corporate_action)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct ActionRow {
    pub date: DayValue,
    pub kind: String,
    pub amount: Option<i64>,
    pub numerator: Option<i64>,
    pub denominator: Option<i64>,
    pub as_of: i64,
    pub withdrawn_at: Option<i64>,
}

/// What is pulled of a stock from a vendor, without the token of its lease.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = tracked_stock)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct TrackedRow {
    pub stock_id: i64,
    pub vendor: i16,
    pub vendor_symbol: String,
    pub is_active: bool,
    pub last_pull_at: Option<i64>,
    pub last_pull_status: String,
    pub error_message: Option<String>,
    pub failures: i32,
    pub next_pull_at: Option<i64>,
    pub unknown_since: Option<i64>,
    pub untracked_at: Option<i64>,
    pub validator_url: Option<String>,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub lease_until: Option<i64>,
}

/// How a vendor fares.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = vendor_state)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct VendorStateRow {
    pub vendor: i16,
    pub failures: i32,
    pub blocked_until: Option<i64>,
    pub reason: Option<String>,
}

/// Who works, or has worked.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = worker)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct WorkerRow {
    pub name: String,
    pub host: String,
    pub pid: i64,
    pub version: String,
    pub started_at: i64,
    pub seen_at: i64,
    pub ended_at: Option<i64>,
    pub in_hand: i64,
    pub is_stopping: bool,
}

/// What a worker does from time to time.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = task)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct TaskRow {
    pub worker: String,
    pub name: String,
    pub schedule: String,
    pub is_running: bool,
    pub last_started_at: Option<i64>,
    pub last_ended_at: Option<i64>,
    pub outcome: Option<String>,
    pub message: Option<String>,
    pub failures: i64,
    pub runs: i64,
    pub next_run_at: Option<i64>,
}

/// Somebody who may ask, without the hash of the password.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = app_user)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct UserRow {
    pub id: i64,
    pub name: String,
    pub role: String,
    pub is_active: bool,
    pub created_at: i64,
    pub changed_at: i64,
    pub password_at: Option<i64>,
    pub last_login_at: Option<i64>,
}

/// What somebody is let in by, without its digest.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = api_token)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct TokenRow {
    pub id: i64,
    pub user_id: i64,
    pub kind: String,
    pub name: String,
    pub scopes: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

/// What happened.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit_event)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct AuditRow {
    pub id: i64,
    pub at: i64,
    pub kind: String,
    pub account: Option<String>,
    pub actor_id: Option<i64>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub detail: Option<String>,
}
