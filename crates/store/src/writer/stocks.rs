//! Instruments and the state of their series.

use cream_models::{Instrument, Symbol, Timestamp, Vendor};
use cream_schema::DayValue;
use cream_schema::tables::{series, stock, stock_data};
use diesel::dsl::{count_star, max, min};
use diesel::prelude::*;

use super::Writer;
use crate::StoreError;
use crate::connection::on;
use crate::error::failed;
use crate::types::{SeriesUpdate, Stock, StockId};

/// Sets a described column where the new value is known and newer than the one that is there. Of
/// two values of the same moment the greater is kept, so that the order of loading is of no
/// consequence.
macro_rules! describe {
    ($connection:expr, $row:expr, $column:ident, $at:ident, $value:expr, $when:expr) => {
        if let Some(value) = $value {
            let (value, when): (&str, i64) = (value, $when.micros());
            on!($connection, c => diesel::update($row)
                .filter(
                    $at.is_null()
                        .or($at.lt(when).assume_not_null())
                        .or($at.eq(when).and($column.lt(value)).assume_not_null()),
                )
                .set(($column.eq(value), $at.eq(when)))
                .execute(c))
            .map_err(failed)?;
        }
    };
}

impl Writer<'_> {
    /// The stock of a symbol, added where it is not known yet.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn ensure_stock(&mut self, symbol: &Symbol) -> Result<Stock, StoreError> {
        if let Some(stock) = self.stock(symbol)? {
            return Ok(stock);
        }
        on!(self.connection, c => diesel::insert_into(stock::table)
            .values(stock::symbol.eq(symbol.as_str()))
            .on_conflict_do_nothing()
            .execute(c))
        .map_err(failed)?;
        self.stock(symbol)?.ok_or_else(|| StoreError::corrupt("stock", "symbol", symbol))
    }

    /// Takes over what a response says about an instrument: each of name, exchange and kind is
    /// decided by the newest response that knows it.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn describe_stock(
        &mut self,
        stock_id: StockId,
        instrument: &Instrument,
        fetched_at: Timestamp,
    ) -> Result<(), StoreError> {
        use stock::{exchange, exchange_at, kind, kind_at, name, name_at};
        let row = || stock::table.find(stock_id.0);
        describe!(self.connection, row(), name, name_at, instrument.name.as_deref(), fetched_at);
        describe!(
            self.connection,
            row(),
            exchange,
            exchange_at,
            instrument.exchange.as_deref(),
            fetched_at
        );
        describe!(self.connection, row(), kind, kind_at, instrument.kind.as_deref(), fetched_at);
        Ok(())
    }

    /// Locks a series until the end of the transaction, adding it where it is not known yet, so
    /// that two loaders of one series take turns.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where there is no such stock.
    pub fn lock_series(&mut self, stock_id: StockId, vendor: Vendor) -> Result<(), StoreError> {
        // In SQLite the transaction itself is the lock.
        on!(self.connection, c => diesel::insert_into(series::table)
            .values((
                series::stock_id.eq(stock_id.0),
                series::vendor.eq(vendor.code()),
                series::bars.eq(0_i64),
                series::revision.eq(0_i64),
                series::changed_at.eq(0_i64),
            ))
            .on_conflict_do_nothing()
            .execute(c))
        .map(drop)
        .map_err(failed)
    }

    /// Brings the state of a series up to date after a response was loaded into it.
    ///
    /// Currency and time zone are each decided by the newest response that knows them. Where bars
    /// or actions changed, the bars are counted anew and the revision goes up.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where there is no such stock.
    pub fn update_series(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        update: &SeriesUpdate,
    ) -> Result<(), StoreError> {
        use series::{currency, currency_at, time_zone, time_zone_at};
        self.lock_series(stock_id, vendor)?;
        let row = || series::table.find((stock_id.0, vendor.code()));
        let fetched_at = update.fetched_at;
        describe!(
            self.connection,
            row(),
            currency,
            currency_at,
            update.currency.as_deref(),
            fetched_at
        );
        describe!(
            self.connection,
            row(),
            time_zone,
            time_zone_at,
            update.time_zone.as_deref(),
            fetched_at
        );
        if !update.changed {
            return Ok(());
        }
        type Counted = (i64, Option<DayValue>, Option<DayValue>);
        let (bars, first, last): Counted = on!(self.connection, c => stock_data::table
            .filter(stock_data::stock_id.eq(stock_id.0))
            .filter(stock_data::vendor.eq(vendor.code()))
            .filter(stock_data::withdrawn_at.is_null())
            .select((count_star(), min(stock_data::date), max(stock_data::date)))
            .first(c))
        .map_err(failed)?;
        on!(self.connection, c => diesel::update(row())
            .set((
                series::bars.eq(bars),
                series::first_date.eq(first),
                series::last_date.eq(last),
                series::revision.eq(series::revision + 1),
                series::changed_at.eq(update.changed_at.micros()),
            ))
            .execute(c))
        .map(drop)
        .map_err(failed)
    }
}
