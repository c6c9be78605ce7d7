//! Who works, and what runs from time to time.

use cream_models::Timestamp;
use cream_schema::tables::{task, worker};
use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl;
use diesel::upsert::excluded;

use super::Writer;
use crate::StoreError;
use crate::connection::on;
use crate::error::failed;
use crate::vendors::{bounded, cut};
use crate::workers::{Beat, NewWorker, TaskState};

/// So many characters of a name are kept; a number may follow.
const BASE: usize = 100;

impl Writer<'_> {
    /// Enlists a worker under the first free of the names BASE, BASE-2, BASE-3 and so on: one that
    /// no worker has, or whose worker ended or was not seen since `stale_before`. Returns the
    /// name. What its tasks did under it before is kept; none of them counts as running.
    ///
    /// To be called in a [`Store::write`](crate::Store::write). Workers that enlist at once get
    /// different names.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where the base is empty.
    pub fn enlist_worker(&mut self, new: &NewWorker) -> Result<String, StoreError> {
        let base = cut(&new.base, BASE);
        let mut number = 1_u64;
        loop {
            let name = if number == 1 { base.clone() } else { format!("{base}-{number}") };
            if self.take_name(&name, new)? {
                on!(self.connection, c => diesel::update(task::table)
                    .filter(task::worker.eq(&name))
                    .filter(task::is_running.eq(true))
                    .set(task::is_running.eq(false))
                    .execute(c))
                .map_err(failed)?;
                return Ok(name);
            }
            number = number.saturating_add(1);
        }
    }

    /// Takes a name, unless somebody has it. Whoever takes the same one waits for the end of the
    /// transaction, and finds it taken.
    fn take_name(&mut self, name: &str, new: &NewWorker) -> Result<bool, StoreError> {
        use worker as t;
        let enlist = diesel::insert_into(t::table)
            .values((
                t::name.eq(name),
                t::host.eq(cut(&new.host, 255)),
                t::pid.eq(new.pid.max(0)),
                t::version.eq(cut(&new.version, 64)),
                t::started_at.eq(new.now.micros()),
                t::seen_at.eq(new.now.micros()),
                t::ended_at.eq(None::<i64>),
                t::in_hand.eq(0_i64),
                t::is_stopping.eq(false),
            ))
            .on_conflict(t::name)
            .do_update()
            .set((
                t::host.eq(excluded(t::host)),
                t::pid.eq(excluded(t::pid)),
                t::version.eq(excluded(t::version)),
                t::started_at.eq(excluded(t::started_at)),
                t::seen_at.eq(excluded(t::seen_at)),
                t::ended_at.eq(excluded(t::ended_at)),
                t::in_hand.eq(excluded(t::in_hand)),
                t::is_stopping.eq(excluded(t::is_stopping)),
            ));
        let is_free = t::ended_at.is_not_null().or(t::seen_at.lt(new.stale_before.micros()));
        on!(self.connection, c => FilterDsl::filter(enlist, is_free).execute(c))
            .map(|rows| rows == 1)
            .map_err(failed)
    }

    /// A worker says that it is alive. False where it no longer has its name: another has taken
    /// it over, it was forgotten, or it has said that it ends.
    ///
    /// A [`Store::write_loosely`](crate::Store::write_loosely) will do.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn beat(&mut self, beat: &Beat<'_>) -> Result<bool, StoreError> {
        use worker as t;
        on!(self.connection, c => diesel::update(t::table.find(beat.name))
            .filter(t::pid.eq(beat.pid.max(0)))
            .filter(t::started_at.eq(beat.started_at.micros()))
            .filter(t::ended_at.is_null())
            .set((
                t::seen_at.eq(beat.now.micros()),
                t::in_hand.eq(beat.in_hand.max(0)),
                t::is_stopping.eq(beat.is_stopping),
            ))
            .execute(c))
        .map(|rows| rows == 1)
        .map_err(failed)
    }

    /// A worker says that it ends and holds nothing any more, which frees its name. Nothing
    /// happens where another has taken that over.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn worker_ended(
        &mut self,
        name: &str,
        started_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        use worker as t;
        on!(self.connection, c => diesel::update(t::table.find(name))
            .filter(t::started_at.eq(started_at.micros()))
            .set((
                t::seen_at.eq(now.micros()),
                t::ended_at.eq(now.micros()),
                t::in_hand.eq(0_i64),
                t::is_stopping.eq(false),
            ))
            .execute(c))
        .map(drop)
        .map_err(failed)
    }

    /// Says how a task of a worker stands.
    ///
    /// A [`Store::write_loosely`](crate::Store::write_loosely) will do.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where a name is empty, or the state contradicts itself: running
    /// or ended without ever being started, an end without an outcome or the other way round.
    pub fn set_task(&mut self, state: &TaskState) -> Result<(), StoreError> {
        use task as t;
        on!(self.connection, c => diesel::insert_into(t::table)
            .values((
                t::worker.eq(cut(&state.worker, 128)),
                t::name.eq(cut(&state.task, 64)),
                t::schedule.eq(cut(&state.schedule, 255)),
                t::is_running.eq(state.is_running),
                t::last_started_at.eq(state.last_started_at.map(Timestamp::micros)),
                t::last_ended_at.eq(state.last_ended_at.map(Timestamp::micros)),
                t::outcome.eq(state.outcome.map(|outcome| outcome.name())),
                t::message.eq(state.message.as_deref().map(bounded)),
                t::failures.eq(state.failures.max(0)),
                t::runs.eq(state.runs.max(0)),
                t::next_run_at.eq(state.next_run_at.map(Timestamp::micros)),
            ))
            .on_conflict((t::worker, t::name))
            .do_update()
            .set((
                t::schedule.eq(excluded(t::schedule)),
                t::is_running.eq(excluded(t::is_running)),
                t::last_started_at.eq(excluded(t::last_started_at)),
                t::last_ended_at.eq(excluded(t::last_ended_at)),
                t::outcome.eq(excluded(t::outcome)),
                t::message.eq(excluded(t::message)),
                t::failures.eq(excluded(t::failures)),
                t::runs.eq(excluded(t::runs)),
                t::next_run_at.eq(excluded(t::next_run_at)),
            ))
            .execute(c))
        .map(drop)
        .map_err(failed)
    }

    /// Forgets the workers that were not seen since a moment, with all that is known of their
    /// tasks. Returns how many workers. To be called in a [`Store::write`](crate::Store::write).
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn sweep_workers(&mut self, not_seen_since: Timestamp) -> Result<u64, StoreError> {
        let gone: Vec<String> = on!(self.connection, c => diesel::delete(worker::table)
            .filter(worker::seen_at.lt(not_seen_since.micros()))
            .returning(worker::name)
            .get_results(c))
        .map_err(failed)?;
        for names in gone.chunks(crate::reader::LIST) {
            on!(self.connection, c => diesel::delete(task::table)
                .filter(task::worker.eq_any(names))
                .execute(c))
            .map_err(failed)?;
        }
        Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
    }
}
