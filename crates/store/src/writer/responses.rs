//! Archived responses: the list of what is to be loaded, and what became of it.

use cream_models::Timestamp;
use cream_schema::DayValue;
use cream_schema::tables::raw_response as t;
use diesel::dsl::{case_when, sql_query};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::Writer;
use crate::StoreError;
use crate::cached::Cached;
use crate::connection::{Connection, on};
use crate::convert::{kinds_text, ranges_text};
use crate::error::failed;
use crate::types::{
    DeadResponse, Lease, NewResponse, ParsedResponse, Registered, Response, ResponseId,
    ResponseStatus, RetryAsked,
};

/// A row that another has locked is passed over.
const CLAIM_IN_POSTGRES: &str = "\
    UPDATE raw_response SET lease_token = $3, lease_until = $4, \
        attempts = CASE WHEN lease_token = $3 THEN attempts ELSE attempts + 1 END \
    WHERE id = (\
        SELECT id FROM raw_response WHERE id = $1 AND status = 'pending' \
        AND (lease_until IS NULL OR lease_until <= $2 OR lease_token = $3) \
        FOR UPDATE SKIP LOCKED)";

impl Writer<'_> {
    /// Registers a file of the archive as pending, or finds it registered. With a lease, a file
    /// that was not known is claimed at once.
    ///
    /// # Errors
    ///
    /// [`StoreError::NameTaken`] where a file of the same name has other content.
    pub fn register_response(
        &mut self,
        new: &NewResponse,
        lease: Option<&Lease<'_>>,
    ) -> Result<Registered, StoreError> {
        let added: Option<i64> = on!(self.connection, c => diesel::insert_into(t::table)
            .values((
                t::file_name.eq(&new.file_name),
                t::sha256.eq(new.sha256.as_slice()),
                t::byte_len.eq(new.byte_len),
                t::registered_at.eq(new.registered_at.micros()),
                t::status.eq(ResponseStatus::Pending.name()),
                t::attempts.eq(i32::from(lease.is_some())),
                t::lease_token.eq(lease.map(|lease| lease.token)),
                t::lease_until.eq(lease.map(|lease| lease.until.micros())),
                (
                    t::inserted.eq(0_i64),
                    t::updated.eq(0_i64),
                    t::unchanged.eq(0_i64),
                    t::withdrawn.eq(0_i64),
                ),
            ))
            .on_conflict(t::file_name)
            .do_nothing()
            .returning(t::id)
            .get_result(c)
            .optional())
        .map_err(failed)?;
        if let Some(id) = added {
            let response = Response::registered(ResponseId(id), new, lease);
            return Ok(Registered { response, is_new: true });
        }
        let file_name = &new.file_name;
        match self.response(file_name)? {
            Some(response) if response.sha256 == new.sha256 => {
                Ok(Registered { response, is_new: false })
            }
            Some(_) => Err(StoreError::NameTaken { file_name: file_name.clone() }),
            None => Err(StoreError::corrupt("raw_response", "file_name", file_name)),
        }
    }

    /// Registers a file of the archive that is loaded by this very transaction. False where the
    /// name is known already: then nothing is recorded, and the transaction must not be kept.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn record_parsed(
        &mut self,
        new: &NewResponse,
        parsed: &ParsedResponse,
    ) -> Result<bool, StoreError> {
        let range = parsed.coverage.range;
        on!(self.connection, c => diesel::insert_into(t::table)
            .values((
                (
                    t::file_name.eq(&new.file_name),
                    t::sha256.eq(new.sha256.as_slice()),
                    t::byte_len.eq(new.byte_len),
                    t::registered_at.eq(new.registered_at.micros()),
                    t::status.eq(ResponseStatus::Parsed.name()),
                    t::attempts.eq(1),
                ),
                t::stock_id.eq(parsed.stock_id.0),
                t::vendor.eq(parsed.vendor.code()),
                t::fetched_at.eq(parsed.fetched_at.micros()),
                (
                    t::covers_from.eq(range.map(|range| DayValue(range.first()))),
                    t::covers_to.eq(range.map(|range| DayValue(range.last()))),
                    t::undecided_bars.eq(ranges_text(&parsed.coverage.undecided_bars)),
                    t::undecided_actions.eq(ranges_text(&parsed.coverage.undecided_actions)),
                    t::undecided_kinds.eq(kinds_text(parsed.coverage.undecided_kinds)),
                ),
                (
                    t::inserted.eq(parsed.inserted),
                    t::updated.eq(parsed.updated),
                    t::unchanged.eq(parsed.unchanged),
                    t::withdrawn.eq(parsed.withdrawn),
                ),
            ))
            .on_conflict(t::file_name)
            .do_nothing()
            .execute(c))
        .map(|rows| rows == 1)
        .map_err(failed)
    }

    /// Claims a pending response until a moment, and counts the attempt, once for as long as it is
    /// claimed under one token: whoever claims it again because the database was away in between
    /// goes on with the same attempt. `None` where it is not pending, or is claimed under another token whose time is not over, or, in PostgreSQL,
    /// another is about to claim or to finish it: nobody is waited for.
    ///
    /// A [`Store::write_loosely`](crate::Store::write_loosely) will do: a claim that is forgotten
    /// in a crash is made again.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn claim_response(
        &mut self,
        id: ResponseId,
        lease: &Lease<'_>,
    ) -> Result<Option<Response>, StoreError> {
        let claimed = match &mut *self.connection {
            Connection::Sqlite(c) => diesel::update(t::table.find(id.0))
                .filter(t::status.eq(ResponseStatus::Pending.name()))
                .filter(
                    t::lease_until
                        .is_null()
                        .or(t::lease_until.le(lease.from.micros()).assume_not_null())
                        .or(t::lease_token.eq(lease.token).assume_not_null()),
                )
                .set((
                    t::lease_token.eq(lease.token),
                    t::lease_until.eq(lease.until.micros()),
                    t::attempts.eq(case_when(t::lease_token.eq(lease.token), t::attempts)
                        .otherwise(t::attempts + 1)),
                ))
                .execute(c),
            Connection::Postgres(c) => Cached(
                sql_query(CLAIM_IN_POSTGRES)
                    .bind::<BigInt, _>(id.0)
                    .bind::<BigInt, _>(lease.from.micros())
                    .bind::<Text, _>(lease.token)
                    .bind::<BigInt, _>(lease.until.micros()),
            )
            .execute(c),
        }
        .map_err(failed)?;
        if claimed == 0 { Ok(None) } else { self.response_with_id(id) }
    }

    /// Makes a dead letter pending again. Its reason is kept until it is loaded. Nothing happens
    /// to a response that is no dead letter.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn reopen_response(&mut self, id: ResponseId) -> Result<(), StoreError> {
        on!(self.connection, c => diesel::update(t::table.find(id.0))
            .filter(t::status.eq(ResponseStatus::Deadletter.name()))
            .set((
                t::status.eq(ResponseStatus::Pending.name()),
                t::next_attempt_at.eq(None::<i64>),
            ))
            .execute(c))
        .map(drop)
        .map_err(failed)
    }

    /// Has a dead letter tried again as soon as may be, by a worker that has its file, with its
    /// attempts counted anew. It stays a dead letter until then. To be called in a
    /// [`Store::write`](crate::Store::write).
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn ask_retry(&mut self, id: ResponseId, now: Timestamp) -> Result<RetryAsked, StoreError> {
        let asked = on!(self.connection, c => diesel::update(t::table.find(id.0))
            .filter(t::status.eq(ResponseStatus::Deadletter.name()))
            .set((t::attempts.eq(0), t::next_attempt_at.eq(now.micros())))
            .execute(c))
        .map_err(failed)?;
        Ok(match self.response_with_id(id)? {
            Some(response) if asked == 1 => RetryAsked::Done(Box::new(response)),
            Some(response) => RetryAsked::NotDeadLetter(response.status),
            None => RetryAsked::Unknown,
        })
    }

    /// Records that a claimed response is loaded.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] where the token no longer holds it.
    pub fn finish_parsed(
        &mut self,
        id: ResponseId,
        token: &str,
        parsed: &ParsedResponse,
    ) -> Result<(), StoreError> {
        let range = parsed.coverage.range;
        let done = on!(self.connection, c => Cached(diesel::update(t::table.find(id.0))
            .filter(t::status.eq(ResponseStatus::Pending.name()))
            .filter(t::lease_token.eq(token))
            .set((
                t::status.eq(ResponseStatus::Parsed.name()),
                t::stock_id.eq(parsed.stock_id.0),
                t::vendor.eq(parsed.vendor.code()),
                t::fetched_at.eq(parsed.fetched_at.micros()),
                (
                    t::covers_from.eq(range.map(|range| DayValue(range.first()))),
                    t::covers_to.eq(range.map(|range| DayValue(range.last()))),
                    t::undecided_bars.eq(ranges_text(&parsed.coverage.undecided_bars)),
                    t::undecided_actions.eq(ranges_text(&parsed.coverage.undecided_actions)),
                    t::undecided_kinds.eq(kinds_text(parsed.coverage.undecided_kinds)),
                ),
                (
                    t::inserted.eq(parsed.inserted),
                    t::updated.eq(parsed.updated),
                    t::unchanged.eq(parsed.unchanged),
                    t::withdrawn.eq(parsed.withdrawn),
                ),
                (
                    t::next_attempt_at.eq(None::<i64>),
                    t::error.eq(None::<String>),
                    t::lease_token.eq(None::<String>),
                    t::lease_until.eq(None::<i64>),
                ),
            )))
            .execute(c))
        .map_err(failed)?;
        held(id, done)
    }

    /// Sets a claimed response aside with its reason.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] where the token no longer holds it.
    pub fn finish_deadletter(
        &mut self,
        id: ResponseId,
        token: &str,
        dead: &DeadResponse,
    ) -> Result<(), StoreError> {
        let done = on!(self.connection, c => diesel::update(t::table.find(id.0))
            .filter(t::status.eq(ResponseStatus::Pending.name()))
            .filter(t::lease_token.eq(token))
            .set((
                t::status.eq(ResponseStatus::Deadletter.name()),
                t::stock_id.eq(dead.stock_id.map(|id| id.0)),
                t::vendor.eq(dead.vendor.map(|vendor| vendor.code())),
                t::fetched_at.eq(dead.fetched_at.map(Timestamp::micros)),
                t::next_attempt_at.eq(dead.next_attempt_at.map(Timestamp::micros)),
                // PostgreSQL can hold no U+0000.
                t::error.eq(dead.error.replace('\0', "\u{fffd}")),
                (t::lease_token.eq(None::<String>), t::lease_until.eq(None::<i64>)),
            ))
            .execute(c))
        .map_err(failed)?;
        held(id, done)
    }
}

fn held(id: ResponseId, rows: usize) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::LeaseLost { on: format!("response {}", id.0) }) }
}
