//! Bars and corporate actions.

use cream_models::{DateRange, Vendor};
use cream_schema::tables::{corporate_action, stock_data};
use cream_schema::{ActionRow, BarRow, DayValue};
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;

use super::Reader;
use crate::connection::on;
use crate::error::failed;
use crate::types::{BarQuery, Order, StockId, StoredAction, StoredBar};
use crate::{StoreError, convert};

/// The bars of a series within dates, as a query to be narrowed further.
macro_rules! bars_of {
    ($stock:expr, $vendor:expr, $range:expr) => {
        stock_data::table
            .filter(stock_data::stock_id.eq($stock.0))
            .filter(stock_data::vendor.eq($vendor.code()))
            .filter(stock_data::date.ge(DayValue($range.first())))
            .filter(stock_data::date.le(DayValue($range.last())))
            .select(BarRow::as_select())
    };
}

/// Loads bars without a row in between.
macro_rules! load_bars {
    ($connection:expr, $capacity:expr, $query:expr) => {
        on!($connection, c => {
            let rows = $query.load_iter::<BarRow, DefaultLoadingMode>(c).map_err(failed)?;
            let mut bars = Vec::with_capacity($capacity);
            for row in rows {
                bars.push(convert::bar(&row.map_err(failed)?)?);
            }
            Ok(bars)
        })
    };
}

/// How many bars a query may well find: of seven days at most five have one.
fn expected(query: &BarQuery) -> usize {
    let (first, last) = (query.range.first().days(), query.range.last().days());
    let days = last.abs_diff(first) / 7 * 5 + 7;
    usize::try_from(days.min(query.limit).min(MOST_EXPECTED)).unwrap_or(0)
}

/// Room for more is made as they come.
const MOST_EXPECTED: u32 = 4_100;

impl Reader<'_> {
    /// The bars of a series that are not withdrawn.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn bars(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        query: &BarQuery,
    ) -> Result<Vec<StoredBar>, StoreError> {
        let limit = i64::from(query.limit);
        let expected = expected(query);
        match query.order {
            Order::Ascending => load_bars!(
                self.connection,
                expected,
                bars_of!(stock_id, vendor, query.range)
                    .filter(stock_data::withdrawn_at.is_null())
                    .order(stock_data::date.asc())
                    .limit(limit)
            ),
            Order::Descending => load_bars!(
                self.connection,
                expected,
                bars_of!(stock_id, vendor, query.range)
                    .filter(stock_data::withdrawn_at.is_null())
                    .order(stock_data::date.desc())
                    .limit(limit)
            ),
        }
    }

    /// The newest bar of a series that is not withdrawn.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn latest_bar(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
    ) -> Result<Option<StoredBar>, StoreError> {
        let query = BarQuery { order: Order::Descending, limit: 1, ..BarQuery::default() };
        Ok(self.bars(stock_id, vendor, &query)?.pop())
    }

    /// The bars of a series, withdrawn ones too, the oldest first.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn all_bars(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        range: DateRange,
    ) -> Result<Vec<StoredBar>, StoreError> {
        load_bars!(
            self.connection,
            0,
            bars_of!(stock_id, vendor, range).order(stock_data::date.asc())
        )
    }

    /// The corporate actions of a series that are not withdrawn, by date and kind.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn actions(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        range: DateRange,
    ) -> Result<Vec<StoredAction>, StoreError> {
        let mut actions = self.all_actions(stock_id, vendor, range)?;
        actions.retain(|action| action.withdrawn_at.is_none());
        Ok(actions)
    }

    /// The corporate actions of a series, withdrawn ones too, by date and kind.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn all_actions(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
        range: DateRange,
    ) -> Result<Vec<StoredAction>, StoreError> {
        let rows: Vec<ActionRow> = on!(self.connection, c => corporate_action::table
            .filter(corporate_action::stock_id.eq(stock_id.0))
            .filter(corporate_action::vendor.eq(vendor.code()))
            .filter(corporate_action::date.ge(DayValue(range.first())))
            .filter(corporate_action::date.le(DayValue(range.last())))
            .select(ActionRow::as_select())
            .load(c))
        .map_err(failed)?;
        let mut actions = rows.iter().map(convert::action).collect::<Result<Vec<_>, _>>()?;
        // The kinds have an order of their own, which is not that of their names.
        actions.sort_unstable_by_key(|stored| stored.action.key());
        Ok(actions)
    }
}
