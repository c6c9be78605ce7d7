//! Bars and corporate actions.

use cream_models::{ActionKind, Bar, CorporateAction, Date, Timestamp, Vendor};
use cream_schema::DayValue;
use cream_schema::tables::{corporate_action, stock_data};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::Writer;
use crate::StoreError;
use crate::bulk::{Shared, put_bars};
use crate::connection::{Connection, on};
use crate::convert::action_values;
use crate::error::failed;
use crate::postgres::{copy_bars, stage_and_upsert};
use crate::types::StockId;

/// So many corporate actions go into one statement.
const ACTIONS: usize = 256;
/// So many new bars are copied rather than inserted, in PostgreSQL.
const COPY_FROM: usize = 8;
/// So many changed bars are copied to a table of the session's own first, in PostgreSQL.
const STAGE_FROM: usize = 192;

/// A corporate action as it is written.
#[derive(Insertable)]
#[diesel(table_name = corporate_action, treat_none_as_default_value = false)]
struct NewAction {
    stock_id: i64,
    vendor: i16,
    date: DayValue,
    kind: &'static str,
    amount: Option<i64>,
    numerator: Option<i64>,
    denominator: Option<i64>,
    as_of: i64,
    withdrawn_at: Option<i64>,
}

impl NewAction {
    fn new(stock: StockId, vendor: Vendor, as_of: Timestamp, action: &CorporateAction) -> Self {
        let (amount, numerator, denominator) = action_values(&action.event);
        Self {
            stock_id: stock.0,
            vendor: vendor.code(),
            date: DayValue(action.date),
            kind: action.kind().name(),
            amount,
            numerator,
            denominator,
            as_of: as_of.micros(),
            withdrawn_at: None,
        }
    }
}

impl Writer<'_> {
    /// Adds bars of dates that the series has no bar for, withdrawn or not.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where a date has a bar already, no price is known, or the
    /// volume is negative.
    pub fn insert_bars(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        as_of: Timestamp,
        bars: &[Bar],
    ) -> Result<(), StoreError> {
        let shared = Shared::new(stock_id, vendor, as_of);
        match &mut *self.connection {
            // A prepared statement answers at once, a COPY after two turns.
            Connection::Postgres(c) if bars.len() >= COPY_FROM => copy_bars(c, shared, bars, false),
            connection => put_bars::<false>(connection, shared, bars),
        }
        .map_err(failed)
    }

    /// Writes bars over what the series has for their dates; withdrawn ones are served again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where no price is known or the volume is negative.
    pub fn update_bars(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        as_of: Timestamp,
        bars: &[Bar],
    ) -> Result<(), StoreError> {
        let shared = Shared::new(stock_id, vendor, as_of);
        match &mut *self.connection {
            Connection::Postgres(c) if bars.len() >= STAGE_FROM => {
                stage_and_upsert(c, shared, bars)
            }
            connection => put_bars::<true>(connection, shared, bars),
        }
        .map_err(failed)
    }

    /// Withdraws the bars of these dates: they are kept and no longer served. Dates without a
    /// bar, or with a withdrawn one, stay as they are.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn withdraw_bars(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        at: Timestamp,
        dates: &[Date],
    ) -> Result<(), StoreError> {
        for date in dates {
            on!(self.connection, c => diesel::update(stock_data::table)
                .filter(stock_data::stock_id.eq(stock_id.0))
                .filter(stock_data::vendor.eq(vendor.code()))
                .filter(stock_data::date.eq(DayValue(*date)))
                .filter(stock_data::withdrawn_at.is_null())
                .set(stock_data::withdrawn_at.eq(at.micros()))
                .execute(c))
            .map_err(failed)?;
        }
        Ok(())
    }

    /// Writes corporate actions, over those of the same date and kind, of which there must be no
    /// two; withdrawn ones are served again.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn put_actions(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        as_of: Timestamp,
        actions: &[CorporateAction],
    ) -> Result<(), StoreError> {
        use corporate_action as t;
        for batch in actions.chunks(ACTIONS) {
            let rows: Vec<NewAction> = batch
                .iter()
                .map(|action| NewAction::new(stock_id, vendor, as_of, action))
                .collect();
            on!(self.connection, c => diesel::insert_into(t::table)
                .values(&rows)
                .on_conflict((t::stock_id, t::vendor, t::date, t::kind))
                .do_update()
                .set((
                    t::amount.eq(excluded(t::amount)),
                    t::numerator.eq(excluded(t::numerator)),
                    t::denominator.eq(excluded(t::denominator)),
                    t::as_of.eq(excluded(t::as_of)),
                    t::withdrawn_at.eq(excluded(t::withdrawn_at)),
                ))
                .execute(c))
            .map_err(failed)?;
        }
        Ok(())
    }

    /// Withdraws corporate actions: they are kept and no longer served.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn withdraw_actions(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        at: Timestamp,
        keys: &[(Date, ActionKind)],
    ) -> Result<(), StoreError> {
        use corporate_action as t;
        for (date, kind) in keys {
            on!(self.connection, c => diesel::update(t::table)
                .filter(t::stock_id.eq(stock_id.0))
                .filter(t::vendor.eq(vendor.code()))
                .filter(t::date.eq(DayValue(*date)))
                .filter(t::kind.eq(kind.name()))
                .filter(t::withdrawn_at.is_null())
                .set(t::withdrawn_at.eq(at.micros()))
                .execute(c))
            .map_err(failed)?;
        }
        Ok(())
    }
}
