//! What is tracked, and who pulls it: every row is claimed, and finished by whoever holds the claim.

use cream_models::{Symbol, Timestamp, Vendor, spelling};
use cream_schema::TrackedRow;
use cream_schema::tables::tracked_stock as t;
use diesel::dsl::{case_when, count_star, sql_query};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text};

use super::Writer;
use crate::cached::Cached;
use crate::connection::{Connection, on};
use crate::error::failed;
use crate::tracking::{
    ClaimedStock, FinishedPull, NewTracked, NextPull, SymbolTracking, TrackRefusal, Tracked,
    TrackedBy, Tracking,
};
use crate::types::{Lease, StockId};
use crate::vendors::{PullStatus, Validators, bounded};
use crate::{StoreError, convert};

/// Rows that another has locked are passed over, since it is about to claim or to finish them. The
/// common table expression is evaluated once, so that no more rows are locked than are claimed.
const CLAIM_IN_POSTGRES: &str = "\
    WITH due AS MATERIALIZED (\
        SELECT stock_id AS due_stock FROM tracked_stock \
        WHERE is_active = true AND vendor = $1 AND next_pull_at <= $2 \
        AND (lease_until IS NULL OR lease_until <= $2) \
        ORDER BY next_pull_at, stock_id LIMIT $3 FOR UPDATE SKIP LOCKED) \
    UPDATE tracked_stock SET lease_token = $4 || stock_id, lease_until = $5 \
    FROM due WHERE stock_id = due_stock AND vendor = $1 ";

/// The transaction keeps others out.
const CLAIM_IN_SQLITE: &str = "\
    UPDATE tracked_stock SET lease_token = ?4 || stock_id, lease_until = ?5 \
    WHERE vendor = ?1 AND stock_id IN (\
        SELECT stock_id FROM tracked_stock \
        WHERE is_active = 1 AND vendor = ?1 AND next_pull_at <= ?2 \
        AND (lease_until IS NULL OR lease_until <= ?2) \
        ORDER BY next_pull_at, stock_id LIMIT ?3) ";

const CLAIMED: &str = "\
    RETURNING stock_id, vendor, vendor_symbol, is_active, last_pull_at, last_pull_status, \
    error_message, failures, next_pull_at, unknown_since, untracked_at, validator_url, etag, last_modified, \
    lease_until";

impl Writer<'_> {
    /// Has a symbol pulled from a vendor from now on, the first time at once: what everybody
    /// calls who tracks. To be called in a [`Store::write`](crate::Store::write).
    ///
    /// It is asked for as `given` spells it, else as it was asked for before, else as the table of
    /// [`spelling`] says. What then becomes of its row, [`Writer::track`] tells. Users who ask at the
    /// same moment may exceed their bound by as many as they are.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn track_symbol(
        &mut self,
        symbol: &Symbol,
        vendor: Vendor,
        given: Option<&str>,
        by: TrackedBy,
        now: Timestamp,
    ) -> Result<SymbolTracking, StoreError> {
        let known = match self.stock(symbol)? {
            Some(stock) => self.lock_tracked(stock.id, vendor)?,
            None => None,
        };
        let vendor_symbol = match (spelling(vendor, symbol, given), &known) {
            (_, Some(known)) if given.is_none() => known.vendor_symbol.clone(),
            (Ok(spelled), _) => spelled,
            (Err(error), _) => return Ok(SymbolTracking::Refused(error.into())),
        };
        if let TrackedBy::User { max_active } = by {
            let refusal = match known {
                Some(known) if known.is_active && known.vendor_symbol == vendor_symbol => {
                    return Ok(SymbolTracking::Tracked(Tracking::Already, Box::new(known)));
                }
                Some(known) if known.is_active => {
                    Some(TrackRefusal::SpelledOtherwise(known.vendor_symbol))
                }
                Some(Tracked { untracked_at: Some(at), .. }) => Some(TrackRefusal::Untracked(at)),
                _ => {
                    let active = self.active_tracked()?;
                    (active >= i64::from(max_active)).then_some(TrackRefusal::TooMany(active))
                }
            };
            if let Some(refusal) = refusal {
                return Ok(SymbolTracking::Refused(refusal));
            }
        }
        let stock_id = self.ensure_stock(symbol)?.id;
        let is_spelled = given.is_some();
        let tracking =
            self.track(&NewTracked { stock_id, vendor, vendor_symbol, is_spelled, due: now })?;
        let tracked = self
            .tracked(stock_id, vendor)?
            .ok_or_else(|| StoreError::corrupt("tracked_stock", "stock_id", stock_id.0))?;
        Ok(SymbolTracking::Tracked(tracking, Box::new(tracked)))
    }

    /// A row, locked until the end of the transaction.
    fn lock_tracked(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
    ) -> Result<Option<Tracked>, StoreError> {
        let row = t::table.find((stock_id.0, vendor.code()));
        match &mut *self.connection {
            // The transaction itself is the lock.
            Connection::Sqlite(c) => row.select(TrackedRow::as_select()).first(c).optional(),
            Connection::Postgres(c) => {
                row.select(TrackedRow::as_select()).for_update().first(c).optional()
            }
        }
        .map_err(failed)?
        .map(convert::tracked)
        .transpose()
    }

    /// How many rows are active.
    fn active_tracked(&mut self) -> Result<i64, StoreError> {
        on!(self.connection, c => t::table
            .filter(t::is_active.eq(true))
            .select(count_star())
            .first(c))
        .map_err(failed)
    }

    /// Has a stock pulled from a vendor from now on, when it is due. To be called in a
    /// [`Store::write`](crate::Store::write).
    ///
    /// What is new, or was not active, begins anew: due as given, pending, without failures, a
    /// reason or a time since which it is unknown. What is active is left as it is, but where it
    /// has failed before it is due as given if that is earlier.
    ///
    /// A name that the user spelled replaces one that is stored. Where that changes it, the stock
    /// is no longer known to be unknown, and whoever is pulling it under the old name has lost it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where there is no such stock, or the vendor's symbol is not of
    /// 1 to 64 characters.
    pub fn track(&mut self, new: &NewTracked) -> Result<Tracking, StoreError> {
        let key = (new.stock_id.0, new.vendor.code());
        let added = on!(self.connection, c => diesel::insert_into(t::table)
            .values((
                t::stock_id.eq(new.stock_id.0),
                t::vendor.eq(new.vendor.code()),
                t::vendor_symbol.eq(&new.vendor_symbol),
                t::is_active.eq(true),
                t::last_pull_status.eq(PullStatus::Pending.name()),
                t::failures.eq(0),
                t::next_pull_at.eq(new.due.micros()),
            ))
            .on_conflict((t::stock_id, t::vendor))
            .do_nothing()
            .execute(c))
        .map_err(failed)?;
        if added == 1 {
            return Ok(Tracking::New);
        }
        let known = self
            .lock_tracked(new.stock_id, new.vendor)?
            .ok_or_else(|| StoreError::corrupt("tracked_stock", "stock_id", new.stock_id.0))?;
        if new.is_spelled && known.vendor_symbol != new.vendor_symbol {
            on!(self.connection, c => diesel::update(t::table.find(key))
                .set((
                    t::vendor_symbol.eq(&new.vendor_symbol),
                    t::unknown_since.eq(None::<i64>),
                    t::lease_token.eq(None::<String>),
                    t::lease_until.eq(None::<i64>),
                ))
                .execute(c))
            .map_err(failed)?;
        }
        if !known.is_active {
            on!(self.connection, c => diesel::update(t::table.find(key))
                .set((
                    t::is_active.eq(true),
                    t::last_pull_status.eq(PullStatus::Pending.name()),
                    t::error_message.eq(None::<String>),
                    t::failures.eq(0),
                    t::next_pull_at.eq(new.due.micros()),
                    t::unknown_since.eq(None::<i64>),
                    t::untracked_at.eq(None::<i64>),
                ))
                .execute(c))
            .map_err(failed)?;
            return Ok(Tracking::Reactivated);
        }
        let is_earlier = known.next_pull_at.is_none_or(|due| known.failures > 0 && new.due < due);
        if is_earlier {
            on!(self.connection, c => diesel::update(t::table.find(key))
                .set(t::next_pull_at.eq(new.due.micros()))
                .execute(c))
            .map_err(failed)?;
        }
        Ok(Tracking::Already)
    }

    /// Has a stock pulled from a vendor no more, since somebody said so. What is known of it is
    /// kept, and whoever is pulling it now may finish. False where it was not active.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn untrack(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        on!(self.connection, c => diesel::update(t::table.find((stock_id.0, vendor.code())))
            .filter(t::is_active.eq(true))
            .set((
                t::is_active.eq(false),
                t::next_pull_at.eq(None::<i64>),
                t::untracked_at.eq(now.micros()),
            ))
            .execute(c))
        .map(|rows| rows == 1)
        .map_err(failed)
    }

    /// Claims what is due of a vendor at `lease.from`, active and in nobody's hand, or in that of
    /// somebody whose lease is over by then: the longest due first, at most `limit`. Each claim
    /// gets a token of its own, which begins with `lease.token`; that must be another for each
    /// call, of whichever worker.
    ///
    /// A [`Store::write_loosely`](crate::Store::write_loosely) will do: a claim that is forgotten
    /// in a crash is made again. In PostgreSQL, rows that are locked are passed over, so that
    /// workers who claim at once wait for nobody.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn claim_due(
        &mut self,
        vendor: Vendor,
        limit: u32,
        lease: &Lease<'_>,
    ) -> Result<Vec<ClaimedStock>, StoreError> {
        // A row is claimed once with a prefix, and no vendor's row has the token of another's.
        let prefix = format!("{}/{}/", lease.token, vendor.code());
        let claim = match &*self.connection {
            Connection::Sqlite(_) => CLAIM_IN_SQLITE,
            Connection::Postgres(_) => CLAIM_IN_POSTGRES,
        };
        let claim = sql_query(format!("{claim}{CLAIMED}"))
            .bind::<SmallInt, _>(vendor.code())
            .bind::<BigInt, _>(lease.from.micros())
            .bind::<BigInt, _>(i64::from(limit))
            .bind::<Text, _>(&prefix)
            .bind::<BigInt, _>(lease.until.micros());
        let mut rows: Vec<TrackedRow> = on!(self.connection, c => claim.load(c)).map_err(failed)?;
        // They come in any order.
        rows.sort_by_key(|row| (row.next_pull_at, row.stock_id));
        let ids: Vec<i64> = rows.iter().map(|row| row.stock_id).collect();
        let mut symbols = self.symbols(&ids)?;
        rows.into_iter()
            .map(|row| {
                let id = row.stock_id;
                let symbol = symbols
                    .remove(&id)
                    .ok_or_else(|| StoreError::corrupt("tracked_stock", "stock_id", id))?;
                let tracked = convert::tracked(row)?;
                Ok(ClaimedStock { symbol, tracked, token: format!("{prefix}{id}") })
            })
            .collect()
    }

    /// Records how the pull of a claimed stock ended, as [`Writer::record_pull`] does, says when
    /// it is due next, and gives the claim back. A
    /// [`Store::write_loosely`](crate::Store::write_loosely) will do: a pull that is forgotten in a
    /// crash is done again.
    ///
    /// A success ends the row of failures, and the time since which the symbol is unknown; of a
    /// symbol that the vendor does not know, that time begins where it had not; any other failure
    /// leaves it as it is. What was untracked meanwhile stays so, and is not due.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] where the token no longer holds it: nothing is recorded then.
    /// [`StoreError::Constraint`] where the vendor's symbol is not of 1 to 64 characters.
    pub fn finish_pull(&mut self, pull: &FinishedPull, token: &str) -> Result<(), StoreError> {
        let FinishedPull { record, next, is_unknown } = pull;
        let at = record.at.micros();
        let (due, disabled) = match next {
            NextPull::At(due) => (Some(due.micros()), None),
            NextPull::Disabled { reason } => (None, Some(bounded(reason))),
        };
        let is_disabled = disabled.is_some();
        let status = match &record.result {
            _ if is_disabled => PullStatus::Disabled,
            Ok(_) => PullStatus::Success,
            Err(_) => PullStatus::Failed,
        };
        let error = disabled.or_else(|| record.result.as_ref().err().map(|why| bounded(why)));
        let row = t::table.find((record.stock_id.0, record.vendor.code()));
        let ended = (
            t::last_pull_at.eq(at),
            t::last_pull_status.eq(status.name()),
            t::error_message.eq(error),
            t::next_pull_at.eq(case_when(
                t::is_active.eq(true),
                due.into_sql::<Nullable<BigInt>>(),
            )
            .otherwise(None::<i64>)),
            t::is_active.eq(t::is_active.and((!is_disabled).into_sql::<Bool>())),
            (t::lease_token.eq(None::<String>), t::lease_until.eq(None::<i64>)),
        );
        // What a success of an older program left there means nothing.
        let since = case_when(
            t::last_pull_status.eq(PullStatus::Success.name()),
            None::<i64>.into_sql::<Nullable<BigInt>>(),
        )
        .otherwise(t::unknown_since);
        let done = match &record.result {
            Ok(said) => {
                let validators = said.as_ref().and_then(Validators::storable);
                let validators = validators.as_ref();
                on!(self.connection, c => Cached(diesel::update(row)
                    .filter(t::lease_token.eq(token))
                    .set((
                        ended,
                        t::failures.eq(0),
                        t::unknown_since.eq(None::<i64>),
                        t::vendor_symbol.eq(&record.vendor_symbol),
                        t::validator_url.eq(validators.map(|v| &v.url)),
                        t::etag.eq(validators.and_then(|v| v.etag.as_ref())),
                        t::last_modified.eq(validators.and_then(|v| v.last_modified.as_ref())),
                    )))
                    .execute(c))
            }
            Err(_) => {
                let first = is_unknown.then_some(at);
                on!(self.connection, c => Cached(diesel::update(row)
                    .filter(t::lease_token.eq(token))
                    .set((
                        ended,
                        t::failures.eq(t::failures + 1),
                        t::unknown_since.eq(coalesce(since, first)),
                    )))
                    .execute(c))
            }
        }
        .map_err(failed)?;
        if done == 1 {
            return Ok(());
        }
        let on = format!("stock {} of {}", record.stock_id.0, record.vendor.name());
        Err(StoreError::LeaseLost { on })
    }
}

diesel::define_sql_function! {
    /// The first that is not NULL.
    fn coalesce(first: Nullable<BigInt>, second: Nullable<BigInt>) -> Nullable<BigInt>;
}
