//! What was pulled, how vendors fare, and whose turn it is to ask them.

use cream_models::{RateLimit, Timestamp, Vendor};
use cream_schema::VendorStateRow;
use cream_schema::tables::{tracked_stock, vendor_request, vendor_state};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use diesel::upsert::excluded;

use super::Writer;
use crate::cached::Cached;
use crate::connection::{Connection, on};
use crate::error::failed;
use crate::vendors::{Grant, PullRecord, PullStatus, Validators, VendorState, bounded};
use crate::{StoreError, convert};

/// A request to a vendor, as it is counted.
#[derive(Clone, Copy)]
struct Request {
    at: Timestamp,
    number: i64,
}

/// Nothing is known of what lies further ahead, in seconds: vendors are blocked for a week at
/// most. Whatever says so was written by a clock that was wrong, and would hold for years.
const FARTHEST: i64 = 8 * 86_400;

impl Writer<'_> {
    /// Records how a pull ended. What was never tracked gets a row that is not active.
    ///
    /// A success takes the vendor's symbol and the validators over and ends the row of failures;
    /// a failure counts one more and leaves both as they are. Since when a symbol is unknown is
    /// said by [`Writer::finish_pull`] alone; a success ends that too. A row that is disabled stays so,
    /// with its reason; whether it is active, when it is due and who holds its lease is left to
    /// whoever decides that.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where there is no such stock, or the vendor's symbol is not of
    /// 1 to 64 characters.
    pub fn record_pull(&mut self, pull: &PullRecord) -> Result<(), StoreError> {
        use tracked_stock as t;
        let (status, error, validators) = match &pull.result {
            Ok(said) => (PullStatus::Success, None, said.as_ref().and_then(Validators::storable)),
            Err(message) => (PullStatus::Failed, Some(bounded(message)), None),
        };
        let failures = i32::from(pull.result.is_err());
        let validators = validators.as_ref();
        let row = (
            t::stock_id.eq(pull.stock_id.0),
            t::vendor.eq(pull.vendor.code()),
            t::vendor_symbol.eq(&pull.vendor_symbol),
            t::is_active.eq(false),
            t::last_pull_at.eq(pull.at.micros()),
            t::last_pull_status.eq(status.name()),
            t::error_message.eq(error),
            t::failures.eq(failures),
            (
                t::validator_url.eq(validators.map(|v| &v.url)),
                t::etag.eq(validators.and_then(|v| v.etag.as_ref())),
                t::last_modified.eq(validators.and_then(|v| v.last_modified.as_ref())),
            ),
        );
        let is_disabled = || t::last_pull_status.eq(PullStatus::Disabled.name());
        let ended = (
            t::last_pull_at.eq(excluded(t::last_pull_at)),
            t::last_pull_status.eq(case_when(is_disabled(), t::last_pull_status)
                .otherwise(excluded(t::last_pull_status))),
            t::error_message
                .eq(case_when(is_disabled(), t::error_message)
                    .otherwise(excluded(t::error_message))),
        );
        // What a success of an older program left there means nothing.
        let since = case_when(
            t::last_pull_status.eq(PullStatus::Success.name()),
            None::<i64>.into_sql::<Nullable<BigInt>>(),
        )
        .otherwise(t::unknown_since);
        let key = (t::stock_id, t::vendor);
        match pull.result {
            Ok(_) => on!(self.connection, c => diesel::insert_into(t::table)
                .values(row)
                .on_conflict(key)
                .do_update()
                .set((
                    ended,
                    t::vendor_symbol.eq(excluded(t::vendor_symbol)),
                    t::failures.eq(excluded(t::failures)),
                    t::unknown_since.eq(None::<i64>),
                    t::validator_url.eq(excluded(t::validator_url)),
                    t::etag.eq(excluded(t::etag)),
                    t::last_modified.eq(excluded(t::last_modified)),
                ))
                .execute(c)),
            Err(_) => on!(self.connection, c => diesel::insert_into(t::table)
                .values(row)
                .on_conflict(key)
                .do_update()
                .set((
                    ended,
                    t::failures.eq(t::failures + excluded(t::failures)),
                    t::unknown_since.eq(since),
                ))
                .execute(c)),
        }
        .map(drop)
        .map_err(failed)
    }

    /// Asks for leave to make a request to a vendor. Whoever else asks for the same vendor waits
    /// until the transaction ends, so that it is to be a [`Store::write`](crate::Store::write)
    /// that does nothing else.
    ///
    /// It is granted where the vendor is not blocked and fewer requests than each limit admits
    /// were granted within the limit's span that ends now, to whomever; then it is counted. The
    /// moments that are counted ascend strictly, also where the clocks of two machines differ or
    /// one goes back: a clock that is behind waits for what one before it took. What is more than
    /// eight days ahead, a block or a request, counts for nothing: that clock was wrong.
    ///
    /// All who ask for a vendor must name the same limits: what lies further back than the
    /// longest of them is forgotten. Where there are none, only a vendor that is blocked has to be
    /// waited for, and nothing is counted.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn take_request(
        &mut self,
        vendor: Vendor,
        now: Timestamp,
        limits: &[RateLimit],
    ) -> Result<Grant, StoreError> {
        let farthest = now.plus_seconds(FARTHEST);
        let Some(longest) = limits.iter().map(|limit| limit.seconds).max() else {
            let blocked = self.blocked_until(vendor)?;
            let blocked = blocked.filter(|until| *until > now && *until <= farthest);
            return Ok(blocked.map_or(Grant::Now, Grant::At));
        };
        let blocked = self.vendor_state(vendor)?.blocked_until;
        let mut free_at = blocked.filter(|until| *until <= farthest).unwrap_or(now);
        let next = self.next_request(vendor, now, farthest)?;
        for limit in limits {
            let admitted_at = self.admitted_at(vendor, next, *limit, farthest)?;
            free_at = free_at.max(admitted_at.filter(|from| *from > next.at).unwrap_or(now));
        }
        if free_at > now {
            return Ok(Grant::At(free_at));
        }
        let forgotten = next.at.plus_seconds(-i64::from(longest));
        self.count_request(vendor, next, forgotten)?;
        Ok(Grant::Now)
    }

    /// From when on a limit admits the next request; `None` where nothing was in its way.
    fn admitted_at(
        &mut self,
        vendor: Vendor,
        next: Request,
        limit: RateLimit,
        farthest: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let window = i64::from(limit.seconds);
        if limit.requests == 0 {
            return Ok(Some(next.at.plus_seconds(window.max(1))));
        }
        // The request that has to be out of the window before the next one.
        let number = next.number.saturating_sub(i64::from(limit.requests));
        let at: Option<i64> = on!(self.connection, c => vendor_request::table
            .filter(vendor_request::vendor.eq(vendor.code()))
            .filter(vendor_request::number.le(number))
            .filter(vendor_request::at.le(farthest.micros()))
            .order(vendor_request::number.desc())
            .select(vendor_request::at)
            .first(c)
            .optional())
        .map_err(failed)?;
        Ok(at.map(|at| Timestamp::from_micros(at).plus_seconds(window)))
    }

    /// The request that is counted next, where it is granted.
    fn next_request(
        &mut self,
        vendor: Vendor,
        now: Timestamp,
        farthest: Timestamp,
    ) -> Result<Request, StoreError> {
        let newest: Option<(i64, i64)> = on!(self.connection, c => vendor_request::table
            .filter(vendor_request::vendor.eq(vendor.code()))
            .order(vendor_request::number.desc())
            .select((vendor_request::at, vendor_request::number))
            .first(c)
            .optional())
        .map_err(failed)?;
        let Some((at, number)) = newest else { return Ok(Request { at: now, number: 1 }) };
        let last = if at <= farthest.micros() {
            Some(at)
        } else {
            on!(self.connection, c => vendor_request::table
                .filter(vendor_request::vendor.eq(vendor.code()))
                .filter(vendor_request::at.le(farthest.micros()))
                .order(vendor_request::at.desc())
                .select(vendor_request::at)
                .first(c)
                .optional())
            .map_err(failed)?
        };
        let after = last.map(|at: i64| Timestamp::from_micros(at.saturating_add(1)));
        Ok(Request {
            at: after.map_or(now, |after| now.max(after)),
            number: number.saturating_add(1),
        })
    }

    /// Counts a request, in the row of the oldest one where that was made at `forgotten` or
    /// before: nothing is ever deleted, and no more rows are kept than a limit admits.
    fn count_request(
        &mut self,
        vendor: Vendor,
        Request { at, number }: Request,
        forgotten: Timestamp,
    ) -> Result<(), StoreError> {
        use vendor_request as t;
        let oldest: Option<i64> = on!(self.connection, c => t::table
            .filter(t::vendor.eq(vendor.code()))
            .order(t::at.asc())
            .select(t::at)
            .first(c)
            .optional())
        .map_err(failed)?;
        match oldest.filter(|oldest| *oldest <= forgotten.micros()) {
            Some(oldest) => {
                let row = t::table.find((vendor.code(), oldest));
                on!(self.connection, c => Cached(diesel::update(row)
                    .set((t::at.eq(at.micros()), t::number.eq(number))))
                    .execute(c))
            }
            None => on!(self.connection, c => diesel::insert_into(t::table)
                .values((t::vendor.eq(vendor.code()), t::at.eq(at.micros()), t::number.eq(number)))
                .execute(c)),
        }
        .map(drop)
        .map_err(failed)
    }

    fn blocked_until(&mut self, vendor: Vendor) -> Result<Option<Timestamp>, StoreError> {
        let found: Option<Option<i64>> = on!(self.connection, c => vendor_state::table
            .find(vendor.code())
            .select(vendor_state::blocked_until)
            .first(c)
            .optional())
        .map_err(failed)?;
        Ok(found.flatten().map(Timestamp::from_micros))
    }

    /// How a vendor fares, locked until the end of the transaction, so that whoever changes it
    /// knows what it changes.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn vendor_state(&mut self, vendor: Vendor) -> Result<VendorState, StoreError> {
        if let Some(state) = self.locked_state(vendor)? {
            return Ok(state);
        }
        on!(self.connection, c => diesel::insert_into(vendor_state::table)
            .values((vendor_state::vendor.eq(vendor.code()), vendor_state::failures.eq(0)))
            .on_conflict_do_nothing()
            .execute(c))
        .map_err(failed)?;
        self.locked_state(vendor)?
            .ok_or_else(|| StoreError::corrupt("vendor_state", "vendor", vendor.code()))
    }

    fn locked_state(&mut self, vendor: Vendor) -> Result<Option<VendorState>, StoreError> {
        let row = vendor_state::table.find(vendor.code());
        let row = match &mut *self.connection {
            // The transaction itself is the lock.
            Connection::Sqlite(c) => row.select(VendorStateRow::as_select()).first(c),
            Connection::Postgres(c) => {
                row.select(VendorStateRow::as_select()).for_update().first(c)
            }
        }
        .optional()
        .map_err(failed)?;
        Ok(row.map(convert::vendor_state).transpose()?.map(|(_, state)| state))
    }

    /// Says how a vendor fares. A reason of more than 1,000 characters is cut short.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn set_vendor_state(
        &mut self,
        vendor: Vendor,
        state: &VendorState,
    ) -> Result<(), StoreError> {
        use vendor_state as t;
        on!(self.connection, c => diesel::insert_into(t::table)
            .values((
                t::vendor.eq(vendor.code()),
                t::failures.eq(i32::try_from(state.failures).unwrap_or(i32::MAX)),
                t::blocked_until.eq(state.blocked_until.map(Timestamp::micros)),
                t::reason.eq(state.reason.as_deref().map(bounded)),
            ))
            .on_conflict(t::vendor)
            .do_update()
            .set((
                t::failures.eq(excluded(t::failures)),
                t::blocked_until.eq(excluded(t::blocked_until)),
                t::reason.eq(excluded(t::reason)),
            ))
            .execute(c))
        .map(drop)
        .map_err(failed)
    }
}
