//! What is tracked, what of it is due, and what is in hand.

use std::collections::HashMap;

use cream_models::{Symbol, Timestamp, Vendor};
use cream_schema::tables::{raw_response, stock, tracked_stock as t};
use cream_schema::{StockRow, TrackedRow};
use diesel::dsl::{count_star, exists, min, select, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::{LIST, Reader};
use crate::connection::on;
use crate::error::failed;
use crate::tracking::{Tracked, TrackedCounts, TrackedQuery};
use crate::types::StockId;
use crate::{StoreError, convert};

impl Reader<'_> {
    /// What is known of pulling a stock from a vendor; `None` where it never was.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn tracked(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
    ) -> Result<Option<Tracked>, StoreError> {
        on!(self.connection, c => t::table
            .find((stock_id.0, vendor.code()))
            .select(TrackedRow::as_select())
            .first(c)
            .optional())
        .map_err(failed)?
        .map(convert::tracked)
        .transpose()
    }

    /// When the first of a vendor's active stocks is or was due, also of those that are in hand;
    /// `None` where it has none. One look into an index.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn next_due(&mut self, vendor: Vendor) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<Option<i64>> = on!(self.connection, c => t::table
            .filter(t::is_active.eq(true))
            .filter(t::vendor.eq(vendor.code()))
            .filter(t::next_pull_at.is_not_null())
            .order(t::next_pull_at)
            .select(t::next_pull_at)
            .first(c)
            .optional())
        .map_err(failed)?;
        Ok(due.flatten().map(Timestamp::from_micros))
    }

    /// The vendors from whom anything is pulled when it is due, in the order of [`Vendor::ALL`].
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn tracked_vendors(&mut self) -> Result<Vec<Vendor>, StoreError> {
        let mut codes: Vec<i16> = Vec::new();
        // From one to the next in the index, however many rows each has.
        loop {
            let last = codes.last().copied().unwrap_or_default();
            let next: Option<i16> = on!(self.connection, c => t::table
                .filter(t::is_active.eq(true))
                .filter(t::vendor.gt(last))
                .order(t::vendor)
                .select(t::vendor)
                .first(c)
                .optional())
            .map_err(failed)?;
            match next {
                Some(code) => codes.push(code),
                None => break,
            }
        }
        let vendors = codes.into_iter().map(|code| convert::vendor("tracked_stock", code));
        let mut vendors = vendors.collect::<Result<Vec<_>, _>>()?;
        vendors.sort_by_key(|vendor| position(*vendor));
        Ok(vendors)
    }

    /// How many stocks stand where at a moment, by vendor, in the order of [`Vendor::ALL`].
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn tracked_counts(
        &mut self,
        now: Timestamp,
    ) -> Result<Vec<(Vendor, TrackedCounts)>, StoreError> {
        let now = now.micros();
        let stand: Vec<(i16, i64, i64, i64, i64, Option<i64>)> = on!(self.connection, c => t::table
                .group_by(t::vendor)
                .select((
                    t::vendor,
                    sql::<BigInt>("count(CASE WHEN is_active THEN 1 END)"),
                    sql::<BigInt>("count(CASE WHEN is_active THEN NULL ELSE 1 END)"),
                    sql::<BigInt>("count(CASE WHEN is_active AND failures > 0 THEN 1 END)"),
                    sql::<BigInt>("count(CASE WHEN last_pull_status = 'disabled' THEN 1 END)"),
                    sql::<Nullable<BigInt>>("min(CASE WHEN is_active THEN next_pull_at END)"),
                ))
                .load(c))
        .map_err(failed)?;
        let due: Vec<(i16, i64, Option<i64>)> = on!(self.connection, c => t::table
            .filter(t::is_active.eq(true))
            .filter(t::next_pull_at.le(now))
            .filter(t::lease_until.is_null().or(t::lease_until.le(now).assume_not_null()))
            .group_by(t::vendor)
            .select((t::vendor, count_star(), min(t::next_pull_at)))
            .load(c))
        .map_err(failed)?;
        let in_hand: Vec<(i16, i64)> = on!(self.connection, c => t::table
            // That there is a token says that the index of what is in hand has them all.
            .filter(t::lease_token.is_not_null())
            .filter(t::lease_until.gt(now))
            .group_by(t::vendor)
            .select((t::vendor, count_star()))
            .load(c))
        .map_err(failed)?;
        let mut list = Vec::with_capacity(stand.len());
        for (code, active, inactive, failing, disabled, next_due) in stand {
            let due = due.iter().find(|(vendor, ..)| *vendor == code);
            let in_hand = in_hand.iter().find(|(vendor, _)| *vendor == code);
            let counts = TrackedCounts {
                active,
                inactive,
                due: due.map_or(0, |(_, count, _)| *count),
                in_hand: in_hand.map_or(0, |(_, count)| *count),
                failing,
                disabled,
                oldest_due: due.and_then(|(.., oldest)| *oldest).map(Timestamp::from_micros),
                next_due: next_due.map(Timestamp::from_micros),
            };
            list.push((convert::vendor("tracked_stock", code)?, counts));
        }
        list.sort_by_key(|(vendor, _)| position(*vendor));
        Ok(list)
    }

    /// Tracked stocks, also what was fetched once, ordered by symbol and the vendor's number.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn tracked_list(
        &mut self,
        query: &TrackedQuery,
    ) -> Result<Vec<(Symbol, Tracked)>, StoreError> {
        let rows: Vec<(StockRow, TrackedRow)> = on!(self.connection, c => {
            let mut list = t::table
                .inner_join(stock::table.on(stock::id.eq(t::stock_id)))
                .order((stock::symbol, t::vendor))
                .limit(i64::from(query.limit))
                .select((StockRow::as_select(), TrackedRow::as_select()))
                .into_boxed();
            if let Some(status) = query.status {
                list = list.filter(t::last_pull_status.eq(status.name()));
            }
            if let Some(vendor) = query.vendor {
                list = list.filter(t::vendor.eq(vendor.code()));
            }
            if let Some(is_active) = query.is_active {
                list = list.filter(t::is_active.eq(is_active));
            }
            if let Some((symbol, vendor)) = &query.after {
                let symbol = symbol.as_str();
                list = list.filter(
                    stock::symbol.gt(symbol)
                        .or(stock::symbol.eq(symbol).and(t::vendor.gt(vendor.code()))),
                );
            }
            list.load(c)
        })
        .map_err(failed)?;
        rows.into_iter()
            .map(|(stock, tracked)| Ok((convert::stock(stock)?.symbol, convert::tracked(tracked)?)))
            .collect()
    }

    /// Whether something is held under a token, whether or not the lease is over: nobody has
    /// taken it over, taken it back, finished or forgotten it.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn holds_lease(&mut self, token: &str) -> Result<bool, StoreError> {
        let stocks = t::table.filter(t::lease_token.eq(token));
        let responses = raw_response::table.filter(raw_response::lease_token.eq(token));
        on!(self.connection, c => select(exists(stocks).or(exists(responses))).get_result(c))
            .map_err(failed)
    }

    /// The symbols of stocks, by their numbers.
    pub(crate) fn symbols(&mut self, ids: &[i64]) -> Result<HashMap<i64, Symbol>, StoreError> {
        let mut symbols = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(LIST) {
            let rows: Vec<StockRow> = on!(self.connection, c => stock::table
                .filter(stock::id.eq_any(ids))
                .select(StockRow::as_select())
                .load(c))
            .map_err(failed)?;
            for row in rows {
                symbols.insert(row.id, convert::stock(row)?.symbol);
            }
        }
        Ok(symbols)
    }
}

fn position(vendor: Vendor) -> Option<usize> {
    Vendor::ALL.iter().position(|other| *other == vendor)
}
