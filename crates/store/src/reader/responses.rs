//! Archived responses.

use cream_models::{Coverage, DateRange, Timestamp, Vendor};
use cream_schema::tables::raw_response as t;
use cream_schema::{CoverageRow, DayValue, ResponseRow};
use diesel::dsl::{count_star, min};
use diesel::prelude::*;

use super::{LIST, Reader};
use crate::connection::on;
use crate::error::failed;
use crate::types::{
    DueLetters, Queue, Response, ResponseCounts, ResponseId, ResponseQuery, ResponseStatus, StockId,
};
use crate::{StoreError, convert};

impl Reader<'_> {
    /// The response that is registered under a file name.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn response(&mut self, file_name: &str) -> Result<Option<Response>, StoreError> {
        on!(self.connection, c => t::table
            .filter(t::file_name.eq(file_name))
            .select(ResponseRow::as_select())
            .first(c)
            .optional())
        .map_err(failed)?
        .map(convert::response)
        .transpose()
    }

    /// The response of a number.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn response_with_id(&mut self, id: ResponseId) -> Result<Option<Response>, StoreError> {
        on!(self.connection, c => t::table
            .find(id.0)
            .select(ResponseRow::as_select())
            .first(c)
            .optional())
        .map_err(failed)?
        .map(convert::response)
        .transpose()
    }

    /// How many responses stand where.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn response_counts(&mut self) -> Result<ResponseCounts, StoreError> {
        let rows: Vec<(String, i64)> = on!(self.connection, c => t::table
            .group_by(t::status)
            .select((t::status, count_star()))
            .load(c))
        .map_err(failed)?;
        let mut counts = ResponseCounts::default();
        for (status, count) in rows {
            match ResponseStatus::from_name(&status) {
                Some(ResponseStatus::Pending) => counts.pending = count,
                Some(ResponseStatus::Parsed) => counts.parsed = count,
                Some(ResponseStatus::Deadletter) => counts.deadletter = count,
                None => return Err(StoreError::corrupt("raw_response", "status", status)),
            }
        }
        Ok(counts)
    }

    /// The responses that stand somewhere, the one that was registered last first. `before` is the
    /// last one of the list before.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn responses_that_are(
        &mut self,
        status: ResponseStatus,
        before: Option<ResponseId>,
        limit: u32,
    ) -> Result<Vec<Response>, StoreError> {
        on!(self.connection, c => t::table
            .filter(t::status.eq(status.name()))
            .filter(t::id.lt(before.map_or(i64::MAX, |before| before.0)))
            .order(t::id.desc())
            .limit(i64::from(limit))
            .select(ResponseRow::as_select())
            .load(c))
        .map_err(failed)?
        .into_iter()
        .map(convert::response)
        .collect()
    }

    /// The responses that are to be loaded, in hand or not, the one that was registered first
    /// first. `after` is the last one of the list before.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn pending_responses(
        &mut self,
        after: Option<ResponseId>,
        limit: u32,
    ) -> Result<Vec<Response>, StoreError> {
        on!(self.connection, c => t::table
            .filter(t::status.eq(ResponseStatus::Pending.name()))
            .filter(t::id.gt(after.map_or(i64::MIN, |after| after.0)))
            .order(t::id)
            .limit(i64::from(limit))
            .select(ResponseRow::as_select())
            .load(c))
        .map_err(failed)?
        .into_iter()
        .map(convert::response)
        .collect()
    }

    /// The dead letters whose time for another try has come, the one that was registered first
    /// first. `after` is the last one of the list before.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn dead_letters_due(
        &mut self,
        which: DueLetters,
        now: Timestamp,
        after: Option<ResponseId>,
        limit: u32,
    ) -> Result<Vec<Response>, StoreError> {
        on!(self.connection, c => {
            let mut list = t::table
                .filter(t::status.eq(ResponseStatus::Deadletter.name()))
                .filter(t::next_attempt_at.le(now.micros()))
                .filter(t::id.gt(after.map_or(i64::MIN, |after| after.0)))
                .order(t::id)
                .limit(i64::from(limit))
                .select(ResponseRow::as_select())
                .into_boxed();
            if which == DueLetters::Asked {
                // Every other one was claimed before it was set aside.
                list = list.filter(t::attempts.eq(0));
            }
            list.load(c)
        })
        .map_err(failed)?
        .into_iter()
        .map(convert::response)
        .collect()
    }

    /// The responses that are registered under file names, in any order; those that are not
    /// registered are left out.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn responses_named(&mut self, names: &[&str]) -> Result<Vec<Response>, StoreError> {
        let mut responses = Vec::with_capacity(names.len());
        for names in names.chunks(LIST) {
            let rows: Vec<ResponseRow> = on!(self.connection, c => t::table
                .filter(t::file_name.eq_any(names))
                .select(ResponseRow::as_select())
                .load(c))
            .map_err(failed)?;
            for row in rows {
                responses.push(convert::response(row)?);
            }
        }
        Ok(responses)
    }

    /// Every response, the one that was registered first first: a walk over all, so many at a
    /// time. `after` is the last one of the list before.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn responses_after(
        &mut self,
        after: Option<ResponseId>,
        limit: u32,
    ) -> Result<Vec<Response>, StoreError> {
        on!(self.connection, c => t::table
            .filter(t::id.gt(after.map_or(i64::MIN, |after| after.0)))
            .order(t::id)
            .limit(i64::from(limit))
            .select(ResponseRow::as_select())
            .load(c))
        .map_err(failed)?
        .into_iter()
        .map(convert::response)
        .collect()
    }

    /// The responses that are known to be about a stock, whatever became of them, the one that was
    /// registered last first. Those that nobody has read yet are not known to be.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn responses_of(&mut self, query: &ResponseQuery) -> Result<Vec<Response>, StoreError> {
        on!(self.connection, c => {
            let mut list = t::table
                .filter(t::stock_id.eq(query.stock_id.0))
                .filter(t::id.lt(query.before.map_or(i64::MAX, |before| before.0)))
                .order(t::id.desc())
                .limit(i64::from(query.limit))
                .select(ResponseRow::as_select())
                .into_boxed();
            if let Some(vendor) = query.vendor {
                list = list.filter(t::vendor.eq(vendor.code()));
            }
            list.load(c)
        })
        .map_err(failed)?
        .into_iter()
        .map(convert::response)
        .collect()
    }

    /// How much waits to be loaded, and since when.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn pending_queue(&mut self) -> Result<Queue, StoreError> {
        let (pending, oldest): (i64, Option<i64>) = on!(self.connection, c => t::table
            .filter(t::status.eq(ResponseStatus::Pending.name()))
            .select((count_star(), min(t::registered_at)))
            .first(c))
        .map_err(failed)?;
        Ok(Queue { pending, oldest: oldest.map(Timestamp::from_micros) })
    }

    /// What is decided by the responses of a series that are newer than one, as far as they
    /// overlap the range. Newer is what was fetched later; of two fetched at once, the one with
    /// the greater SHA-256. Only responses that are loaded count.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn newer_coverage(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        fetched_at: Timestamp,
        sha256: &[u8; 32],
        range: DateRange,
    ) -> Result<Vec<Coverage>, StoreError> {
        let rows: Vec<CoverageRow> = on!(self.connection, c => t::table
            .filter(t::stock_id.eq(stock_id.0))
            .filter(t::vendor.eq(vendor.code()))
            .filter(t::fetched_at.ge(fetched_at.micros()))
            .filter(t::status.eq(ResponseStatus::Parsed.name()))
            .filter(
                t::fetched_at.gt(fetched_at.micros()).or(t::sha256.gt(sha256.as_slice()).nullable()),
            )
            .filter(t::covers_from.le(DayValue(range.last())))
            .filter(t::covers_to.ge(DayValue(range.first())))
            .order((t::fetched_at, t::sha256))
            .select(CoverageRow::as_select())
            .load(c))
        .map_err(failed)?;
        rows.iter().map(convert::coverage).collect()
    }

    /// What is decided by each of the responses that are loaded into a series.
    pub(crate) fn loaded_coverage(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
    ) -> Result<Vec<Coverage>, StoreError> {
        let rows: Vec<CoverageRow> = on!(self.connection, c => t::table
            .filter(t::stock_id.eq(stock_id.0))
            .filter(t::vendor.eq(vendor.code()))
            .filter(t::status.eq(ResponseStatus::Parsed.name()))
            .select(CoverageRow::as_select())
            .load(c))
        .map_err(failed)?;
        rows.iter().map(convert::coverage).collect()
    }
}
