//! Instruments and the state of their series.

use std::collections::HashMap;

use cream_models::{Symbol, Vendor};
use cream_schema::tables::{corporate_action, series, stock};
use cream_schema::{SeriesRow, StockRow};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::{LIST, Reader};
use crate::connection::on;
use crate::error::failed;
use crate::types::{Series, Stock, StockId, StockQuery, Totals};
use crate::{StoreError, convert};

diesel::define_sql_function! {
    /// ASCII letters in lower case.
    fn lower(text: diesel::sql_types::Nullable<diesel::sql_types::Text>)
        -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}

impl Reader<'_> {
    /// The stock of a symbol.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn stock(&mut self, symbol: &Symbol) -> Result<Option<Stock>, StoreError> {
        on!(self.connection, c => stock::table
            .filter(stock::symbol.eq(symbol.as_str()))
            .select(StockRow::as_select())
            .first(c)
            .optional())
        .map_err(failed)?
        .map(convert::stock)
        .transpose()
    }

    /// Stocks with the state of their series, ordered by symbol; the series of a stock in the
    /// order of [`Vendor::ALL`].
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn stocks(&mut self, query: &StockQuery) -> Result<Vec<(Stock, Vec<Series>)>, StoreError> {
        let after = query.after.as_ref().map_or("", Symbol::as_str);
        let limit = i64::from(query.limit);
        let rows = match &query.contains {
            None => on!(self.connection, c => stock::table
                .filter(stock::symbol.gt(after))
                .order(stock::symbol)
                .limit(limit)
                .select(StockRow::as_select())
                .load(c)),
            Some(text) => {
                let pattern = like_pattern(text);
                // No join: a list in memory, which a cluster of servers can send around.
                let named = series::table
                    .filter(lower(series::name).like(&pattern).escape('\\'))
                    .select(series::stock_id);
                on!(self.connection, c => stock::table
                    .filter(stock::symbol.gt(after))
                    .filter(
                        lower(stock::symbol.nullable()).like(&pattern).escape('\\')
                            .or(stock::id.eq_any(named).nullable()),
                    )
                    .order(stock::symbol)
                    .limit(limit)
                    .select(StockRow::as_select())
                    .load(c))
            }
        }
        .map_err(failed)?;
        self.with_series(rows)
    }

    /// Those stocks of the symbols that there are, in no order, with the state of their series in
    /// the order of [`Vendor::ALL`].
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn stocks_named(
        &mut self,
        symbols: &[&Symbol],
    ) -> Result<Vec<(Stock, Vec<Series>)>, StoreError> {
        let mut rows = Vec::with_capacity(symbols.len());
        for chunk in symbols.chunks(LIST) {
            let names = chunk.iter().map(|symbol| symbol.as_str());
            let found: Vec<StockRow> = on!(self.connection, c => stock::table
                .filter(stock::symbol.eq_any(names.clone()))
                .select(StockRow::as_select())
                .load(c))
            .map_err(failed)?;
            rows.extend(found);
        }
        self.with_series(rows)
    }

    /// Stocks with the state of their series.
    fn with_series(
        &mut self,
        rows: Vec<StockRow>,
    ) -> Result<Vec<(Stock, Vec<Series>)>, StoreError> {
        let mut of_stock: HashMap<i64, Vec<Series>> = HashMap::with_capacity(rows.len());
        for chunk in rows.chunks(LIST) {
            let ids = chunk.iter().map(|row| row.id);
            let found = on!(self.connection, c => series::table
                .filter(series::stock_id.eq_any(ids.clone()))
                .select(SeriesRow::as_select())
                .load(c))
            .map_err(failed)?;
            for row in found {
                of_stock.entry(row.stock_id).or_default().push(convert::series(row)?);
            }
        }
        rows.into_iter()
            .map(|row| {
                let list = of_stock.remove(&row.id).unwrap_or_default();
                Ok((convert::stock(row)?, in_vendor_order(list)))
            })
            .collect()
    }

    /// The series of a stock, in the order of [`Vendor::ALL`].
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn series_of(&mut self, stock_id: StockId) -> Result<Vec<Series>, StoreError> {
        let rows = on!(self.connection, c => series::table
            .filter(series::stock_id.eq(stock_id.0))
            .select(SeriesRow::as_select())
            .load(c))
        .map_err(failed)?;
        rows.into_iter().map(convert::series).collect::<Result<_, _>>().map(in_vendor_order)
    }

    /// The series of a stock from one vendor.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn series(
        &mut self,
        stock_id: StockId,
        vendor: Vendor,
    ) -> Result<Option<Series>, StoreError> {
        on!(self.connection, c => series::table
            .filter(series::stock_id.eq(stock_id.0))
            .filter(series::vendor.eq(vendor.code()))
            .select(SeriesRow::as_select())
            .first(c)
            .optional())
        .map_err(failed)?
        .map(convert::series)
        .transpose()
    }

    /// How much there is. Takes the same time however many bars there are.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn totals(&mut self) -> Result<Totals, StoreError> {
        let mut read = || -> QueryResult<Totals> {
            let stocks = on!(self.connection, c => stock::table.select(count_star()).first(c))?;
            let (series, bars) = on!(self.connection, c => series::table
                .select((count_star(), sql::<BigInt>("CAST(coalesce(sum(bars), 0) AS bigint)")))
                .first(c))?;
            let actions = on!(self.connection, c => corporate_action::table
                .filter(corporate_action::withdrawn_at.is_null())
                .select(count_star())
                .first(c))?;
            Ok(Totals { stocks, series, bars, actions })
        };
        read().map_err(failed)
    }
}

fn in_vendor_order(mut list: Vec<Series>) -> Vec<Series> {
    list.sort_by_key(|series| Vendor::ALL.iter().position(|vendor| *vendor == series.vendor));
    list
}

/// A pattern that matches texts which contain this one, with ASCII letters in lower case.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len().saturating_add(2));
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_its_text_literally() {
        assert_eq!(like_pattern("Tes_L%\\"), "%tes\\_l\\%\\\\%");
    }
}
