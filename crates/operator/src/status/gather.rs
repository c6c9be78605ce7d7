//! What the status tells, from the database, the archive and the settings.

use anyhow::Result;
use cream_archive::Folder;
use cream_models::{Symbol, Timestamp};
use cream_processor::chain;
use cream_retriever::{KeyNeed, VendorDescription};
use cream_store::{
    PullStatus, Reader, ResponseStatus, StoreError, TaskState, Tracked, TrackedQuery, VendorState,
    WorkerState,
};

use super::{
    ArchiveFolder, Budget, Contents, KeyState, MAX_DEAD_LETTERS, MAX_STOCKS, Migrations, Responses,
    Status, Task, TrackedStock, TrackedVendor, VendorStatus, Worker,
};
use crate::Operator;
use crate::dead::DeadLetter;
use crate::vendors::descriptions;

impl Operator {
    pub(super) fn gather(&self, now: Timestamp) -> Result<Status> {
        let migrations = self.store.migrations()?;
        let pending = migrations.iter().filter(|migration| !migration.applied).count();
        let migrations = Migrations { applied: migrations.len() - pending, pending };
        let contents = if pending > 0 {
            None
        } else {
            self.store.require_current()?;
            let about = descriptions(&self.settings)?;
            let lease = i64::try_from(self.settings.lease.as_secs()).unwrap_or(i64::MAX);
            let archive = self.folders();
            Some(self.store.read(|reader| contents(reader, archive, &about, now, lease))?)
        };
        Ok(Status { at: now, database: self.url.to_string(), migrations, contents })
    }

    fn folders(&self) -> Vec<ArchiveFolder> {
        let folders = [
            ("raw", Folder::Raw),
            ("parsed", Folder::Parsed),
            ("dead_letters", Folder::Deadletter),
        ];
        let look = |(name, folder)| {
            let (files, error) = match self.archive.list(folder) {
                Ok(listing) => (Some(listing.files.len()), None),
                Err(error) => (None, Some(chain(&error))),
            };
            let path = self.archive.folder_path(folder).display().to_string();
            ArchiveFolder { folder: name, path, files, error }
        };
        folders.map(look).into()
    }
}

fn contents(
    reader: &mut Reader<'_>,
    archive: Vec<ArchiveFolder>,
    about: &[VendorDescription],
    now: Timestamp,
    lease: i64,
) -> Result<Contents, StoreError> {
    let totals = reader.totals()?;
    let counts = reader.response_counts()?;
    let queue = reader.pending_queue()?;
    let tracked = reader.tracked_counts(now)?.into_iter().map(|(vendor, counts)| TrackedVendor {
        vendor,
        active: counts.active,
        inactive: counts.inactive,
        due: counts.due,
        in_hand: counts.in_hand,
        failing: counts.failing,
        disabled: counts.disabled,
        oldest_due_at: counts.oldest_due,
        next_due_at: counts.next_due,
    });
    Ok(Contents {
        stocks: totals.stocks,
        series: totals.series,
        bars: totals.bars,
        corporate_actions: totals.actions,
        responses: Responses {
            parsed: counts.parsed,
            pending: counts.pending,
            oldest_pending_at: queue.oldest,
            dead_letters: counts.deadletter,
        },
        archive,
        tracked: tracked.collect(),
        failing: stocks(reader, PullStatus::Failed, Some(true))?,
        disabled: stocks(reader, PullStatus::Disabled, None)?,
        vendors: vendors(reader, about, now)?,
        workers: workers(reader.workers()?, now, lease),
        tasks: reader.tasks()?.into_iter().map(task).collect(),
        dead_letters: reader
            .responses_that_are(ResponseStatus::Deadletter, None, MAX_DEAD_LETTERS)?
            .into_iter()
            .map(DeadLetter::from)
            .collect(),
    })
}

fn stocks(
    reader: &mut Reader<'_>,
    status: PullStatus,
    is_active: Option<bool>,
) -> Result<Vec<TrackedStock>, StoreError> {
    let query = TrackedQuery {
        status: Some(status),
        is_active,
        limit: MAX_STOCKS,
        ..TrackedQuery::default()
    };
    let stock = |(symbol, tracked): (Symbol, Tracked)| TrackedStock {
        symbol,
        vendor: tracked.vendor,
        vendor_symbol: tracked.vendor_symbol,
        failures: tracked.failures,
        last_pull_at: tracked.last_pull_at,
        next_pull_at: tracked.next_pull_at,
        unknown_since: tracked.unknown_since,
        reason: tracked.error,
    };
    Ok(reader.tracked_list(&query)?.into_iter().map(stock).collect())
}

fn vendors(
    reader: &mut Reader<'_>,
    about: &[VendorDescription],
    now: Timestamp,
) -> Result<Vec<VendorStatus>, StoreError> {
    let states = reader.vendor_states()?;
    let mut vendors = Vec::new();
    for about in about {
        let state = states.iter().find(|(vendor, _)| *vendor == about.vendor);
        let VendorState { failures, blocked_until, reason } =
            state.map(|(_, state)| state.clone()).unwrap_or_default();
        // What is past blocks nothing.
        let blocked_until = blocked_until.filter(|until| *until > now);
        let mut limits = Vec::new();
        for limit in &about.limits {
            let since = now.plus_seconds(-i64::from(limit.seconds));
            limits.push(Budget {
                limit: limit.to_string(),
                requests: limit.requests,
                seconds: limit.seconds,
                used: reader.requests_since(about.vendor, since)?,
            });
        }
        vendors.push(VendorStatus {
            vendor: about.vendor,
            key: match (about.key, about.key_is_set) {
                (_, true) => KeyState::Set,
                (KeyNeed::None, false) => KeyState::NotNeeded,
                (KeyNeed::Optional, false) => KeyState::OptionalNotSet,
                (KeyNeed::Required, false) => KeyState::Missing,
            },
            limits,
            failures,
            blocked_reason: reason.filter(|_| blocked_until.is_some()),
            blocked_until,
        });
    }
    Ok(vendors)
}

/// The workers: those that run first, then by name.
fn workers(mut states: Vec<WorkerState>, now: Timestamp, lease: i64) -> Vec<Worker> {
    states.sort_by_cached_key(|state| (state.condition(now, lease), state.name.clone()));
    states
        .into_iter()
        .map(|state| {
            let seen_seconds_ago = now.seconds().saturating_sub(state.seen_at.seconds()).max(0);
            Worker {
                state: state.condition(now, lease).name(),
                name: state.name,
                host: state.host,
                pid: state.pid,
                version: state.version,
                in_hand: state.in_hand,
                started_at: state.started_at,
                seen_at: state.seen_at,
                seen_seconds_ago,
                ended_at: state.ended_at,
            }
        })
        .collect()
}

fn task(state: TaskState) -> Task {
    Task {
        worker: state.worker,
        task: state.task,
        schedule: state.schedule,
        is_running: state.is_running,
        last_started_at: state.last_started_at,
        last_ended_at: state.last_ended_at,
        outcome: state.outcome.map(cream_store::TaskOutcome::name),
        message: state.message,
        failures: state.failures,
        runs: state.runs,
        next_run_at: state.next_run_at,
    }
}
