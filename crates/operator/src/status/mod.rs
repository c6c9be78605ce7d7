//! The state of the store, the archive and the workers, at a glance: for people, or as JSON.

mod gather;
mod text;

use std::io::Write;

use anyhow::Result;
use cream_models::{Symbol, Timestamp, Vendor};
use serde::Serialize;

use crate::dead::DeadLetter;
use crate::{Exit, Operator};

/// How many dead letters are listed.
const MAX_DEAD_LETTERS: u32 = 50;

/// How many stocks are listed whose pulls fail, and how many that are disabled.
const MAX_STOCKS: u32 = 20;

impl Operator {
    /// Writes what the store holds, what is tracked and what waits, how vendors and workers fare,
    /// and what failed, with reasons; for people, or as one JSON object.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read, a setting cannot be used, or the output fails.
    pub fn status(&self, is_json: bool, out: &mut dyn Write) -> Result<Exit> {
        let status = self.gather(self.clock.now())?;
        if is_json {
            writeln!(out, "{}", serde_json::to_string(&status)?)?;
        } else {
            text::write(&status, out)?;
        }
        Ok(Exit::Done)
    }
}

/// All of it. `docs/operations.md` promises the names of the fields.
#[derive(Debug, Serialize)]
struct Status {
    at: Timestamp,
    database: String,
    migrations: Migrations,
    /// `None` where migrations are pending: there is nothing to be read then.
    #[serde(flatten)]
    contents: Option<Contents>,
}

#[derive(Debug, Serialize)]
struct Migrations {
    applied: usize,
    pending: usize,
}

#[derive(Debug, Serialize)]
struct Contents {
    stocks: i64,
    series: i64,
    bars: i64,
    corporate_actions: i64,
    responses: Responses,
    archive: Vec<ArchiveFolder>,
    tracked: Vec<TrackedVendor>,
    failing: Vec<TrackedStock>,
    disabled: Vec<TrackedStock>,
    vendors: Vec<VendorStatus>,
    workers: Vec<Worker>,
    tasks: Vec<Task>,
    dead_letters: Vec<DeadLetter>,
}

#[derive(Debug, Serialize)]
struct Responses {
    parsed: i64,
    pending: i64,
    oldest_pending_at: Option<Timestamp>,
    dead_letters: i64,
}

#[derive(Debug, Serialize)]
struct ArchiveFolder {
    folder: &'static str,
    path: String,
    files: Option<usize>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct TrackedVendor {
    vendor: Vendor,
    active: i64,
    inactive: i64,
    due: i64,
    in_hand: i64,
    failing: i64,
    disabled: i64,
    oldest_due_at: Option<Timestamp>,
    next_due_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct TrackedStock {
    symbol: Symbol,
    vendor: Vendor,
    vendor_symbol: String,
    failures: i32,
    last_pull_at: Option<Timestamp>,
    next_pull_at: Option<Timestamp>,
    unknown_since: Option<Timestamp>,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct VendorStatus {
    vendor: Vendor,
    key: KeyState,
    limits: Vec<Budget>,
    failures: u32,
    blocked_until: Option<Timestamp>,
    blocked_reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum KeyState {
    Set,
    NotNeeded,
    /// It takes one, and answers without.
    OptionalNotSet,
    /// It answers nothing without one.
    Missing,
}

#[derive(Debug, Serialize)]
struct Budget {
    limit: String,
    requests: u32,
    seconds: u32,
    used: i64,
}

#[derive(Debug, Serialize)]
struct Worker {
    name: String,
    host: String,
    pid: i64,
    version: String,
    state: &'static str,
    in_hand: i64,
    started_at: Timestamp,
    seen_at: Timestamp,
    seen_seconds_ago: i64,
    ended_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Task {
    worker: String,
    task: String,
    schedule: String,
    is_running: bool,
    last_started_at: Option<Timestamp>,
    last_ended_at: Option<Timestamp>,
    outcome: Option<&'static str>,
    message: Option<String>,
    failures: i64,
    runs: i64,
    next_run_at: Option<Timestamp>,
}
