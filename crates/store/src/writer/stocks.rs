//! Instruments and the state of their series.

use cream_models::{Coverage, Date, DateRange, Symbol, Timestamp, Vendor};
use cream_schema::tables::{raw_response, series, stock};
use cream_schema::{DayValue, SeriesRow};
use diesel::dsl::max;
use diesel::prelude::*;

use super::Writer;
use crate::cached::Cached;
use crate::connection::{Connection, on};
use crate::convert::ranges_text;
use crate::error::failed;
use crate::series::SeriesState;
use crate::sums::YearSums;
use crate::types::{BarQuery, Description, Order, ResponseStatus, Said, Series, Stock, StockId};
use crate::{StoreError, convert};

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

    /// Locks a series until the end of the transaction, adding it where it is not known yet, so
    /// that loaders of one series take turns, and tells its state.
    ///
    /// Where the checksums of its bars are not known, they are worked out from the bars.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where there is no such stock.
    pub fn lock_series(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
    ) -> Result<SeriesState, StoreError> {
        let row = match self.locked_row(stock_id, vendor)? {
            Some(row) => row,
            None => {
                self.add_series(stock_id, vendor)?;
                self.locked_row(stock_id, vendor)?
                    .ok_or_else(|| StoreError::corrupt("series", "stock_id", stock_id.0))?
            }
        };
        self.state_of(row)
    }

    /// As [`Writer::lock_series`], by symbol; `None` where the stock is not known.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read or written.
    pub fn lock_series_of(
        &mut self,
        symbol: &Symbol,
        vendor: Vendor,
    ) -> Result<Option<SeriesState>, StoreError> {
        // The stock is not locked: series of other vendors are loaded meanwhile.
        let stock_id = stock::table.filter(stock::symbol.eq(symbol.as_str())).select(stock::id);
        let found = series::table
            .filter(series::stock_id.nullable().eq(stock_id.single_value()))
            .filter(series::vendor.eq(vendor.code()));
        let row = match &mut *self.connection {
            // The transaction itself is the lock.
            Connection::Sqlite(c) => found.select(SeriesRow::as_select()).first(c),
            Connection::Postgres(c) => {
                found.select(SeriesRow::as_select()).for_no_key_update().first(c)
            }
        };
        match row.optional().map_err(failed)? {
            Some(row) => self.state_of(row).map(Some),
            None => {
                let stock = self.stock(symbol)?;
                stock.map(|stock| self.lock_series(stock.id, vendor)).transpose()
            }
        }
    }

    fn state_of(&mut self, row: SeriesRow) -> Result<SeriesState, StoreError> {
        let sums = row.year_sums.as_deref().and_then(YearSums::from_bytes);
        let newest_at = match row.newest_at {
            Some(newest_at) => Some(newest_at),
            None => self.newest_loaded(row.stock_id, row.vendor)?,
        };
        let (is_known, sums) = (sums.is_some(), sums.unwrap_or_default());
        // As after an upgrade. What is read of it is empty until it is saved.
        let lacks_actions = row.actions_known.is_none() && newest_at.is_some();
        let newest_at = newest_at.map(Timestamp::from_micros);
        let mut state = SeriesState::new(convert::series(row)?, sums, newest_at);
        if lacks_actions {
            let Series { stock_id, vendor, .. } = state.series;
            state.series.actions_known = self.actions_known(stock_id, vendor)?;
            state.is_changed = true;
        }
        if !is_known {
            self.count_anew(&mut state)?;
        }
        Ok(state)
    }

    /// The dates on which the responses that are loaded into a series decide the corporate
    /// actions of every kind that the vendor tells.
    fn actions_known(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
    ) -> Result<Vec<DateRange>, StoreError> {
        let told = vendor.tells();
        if told.is_empty() {
            return Ok(Vec::new());
        }
        let loaded = self.loaded_coverage(stock_id, vendor)?;
        let decided = loaded.iter().flat_map(|coverage| coverage.decided_actions(told));
        Ok(Coverage::normalized(decided.collect()))
    }

    /// When the newest response was fetched that is loaded into a series.
    fn newest_loaded(&mut self, stock_id: i64, vendor: i16) -> Result<Option<i64>, StoreError> {
        on!(self.connection, c => raw_response::table
            .filter(raw_response::stock_id.eq(stock_id))
            .filter(raw_response::vendor.eq(vendor))
            .filter(raw_response::status.eq(ResponseStatus::Parsed.name()))
            .select(max(raw_response::fetched_at))
            .first(c))
        .map_err(failed)
    }

    fn locked_row(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
    ) -> Result<Option<SeriesRow>, StoreError> {
        let row = series::table.find((stock_id.0, vendor.code()));
        match &mut *self.connection {
            // The transaction itself is the lock.
            Connection::Sqlite(c) => row.select(SeriesRow::as_select()).first(c),
            Connection::Postgres(c) => {
                row.select(SeriesRow::as_select()).for_no_key_update().first(c)
            }
        }
        .optional()
        .map_err(failed)
    }

    fn add_series(&mut self, stock_id: StockId, vendor: Vendor) -> Result<(), StoreError> {
        on!(self.connection, c => diesel::insert_into(series::table)
            .values((
                series::stock_id.eq(stock_id.0),
                series::vendor.eq(vendor.code()),
                series::bars.eq(0_i64),
                series::year_sums.eq(YearSums::default().to_bytes()),
                series::revision.eq(0_i64),
                series::changed_at.eq(0_i64),
            ))
            .on_conflict_do_nothing()
            .execute(c))
        .map(drop)
        .map_err(failed)
    }

    /// Saves the state of a series that this transaction has locked.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn save_series(&mut self, mut state: SeriesState) -> Result<(), StoreError> {
        if !state.is_changed {
            return Ok(());
        }
        if state.lost_an_end {
            self.find_ends(&mut state.series)?;
        }
        let SeriesState { series, sums, newest_at, .. } = state;
        let Description { name, exchange, kind, currency, time_zone } = series.description;
        let (name, name_at) = parts(name);
        let (exchange, exchange_at) = parts(exchange);
        let (kind, kind_at) = parts(kind);
        let (currency, currency_at) = parts(currency);
        let (time_zone, time_zone_at) = parts(time_zone);
        let key = (series.stock_id.0, series.vendor.code());
        on!(self.connection, c => Cached(diesel::update(series::table.find(key))
            .set((
                (
                    series::name.eq(&name),
                    series::exchange.eq(&exchange),
                    series::kind.eq(&kind),
                    series::currency.eq(&currency),
                    series::time_zone.eq(&time_zone),
                ),
                (
                    series::name_at.eq(name_at),
                    series::exchange_at.eq(exchange_at),
                    series::kind_at.eq(kind_at),
                    series::currency_at.eq(currency_at),
                    series::time_zone_at.eq(time_zone_at),
                ),
                series::bars.eq(series.bars),
                series::first_date.eq(series.first_date.map(DayValue)),
                series::last_date.eq(series.last_date.map(DayValue)),
                (
                    series::year_sums.eq(sums.to_bytes()),
                    series::newest_at.eq(newest_at.map(Timestamp::micros)),
                    series::actions_known.eq(ranges_text(&series.actions_known).unwrap_or_default()),
                ),
                series::revision.eq(series.revision),
                series::changed_at.eq(series.changed_at.micros()),
            )))
            .execute(c))
        .map(drop)
        .map_err(failed)
    }

    /// Brings the state of a series in line with its bars, for whoever wrote some without keeping
    /// count: a new revision, as of `changed_at`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where there is no such stock.
    pub fn recount_series(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        changed_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.lock_series(stock_id, vendor)?;
        self.count_anew(&mut state)?;
        state.revise(changed_at);
        self.save_series(state)
    }

    fn count_anew(&mut self, state: &mut SeriesState) -> Result<(), StoreError> {
        let (stock_id, vendor) = (state.series.stock_id, state.series.vendor);
        let bars = self.bars(stock_id, vendor, &BarQuery::default())?;
        let series = &mut state.series;
        let actions = self.actions(stock_id, vendor, DateRange::ALL)?;
        state.sums = YearSums::of(bars.iter().map(|stored| &stored.bar))
            .with_actions(actions.iter().map(|stored| &stored.action));
        series.bars = i64::try_from(bars.len()).unwrap_or(i64::MAX);
        series.first_date = bars.first().map(|stored| stored.bar.date());
        series.last_date = bars.last().map(|stored| stored.bar.date());
        state.lost_an_end = false;
        Ok(())
    }

    fn find_ends(&mut self, series: &mut Series) -> Result<(), StoreError> {
        let mut end = |order| -> Result<Option<Date>, StoreError> {
            let query = BarQuery { order, limit: 1, ..BarQuery::default() };
            let bars = self.bars(series.stock_id, series.vendor, &query)?;
            Ok(bars.first().map(|stored| stored.bar.date()))
        };
        (series.first_date, series.last_date) = (end(Order::Ascending)?, end(Order::Descending)?);
        Ok(())
    }
}

/// A text and its instant, as they are stored.
fn parts(said: Option<Said>) -> (Option<String>, Option<i64>) {
    said.map(|said| (said.text, said.at.micros())).unzip()
}
