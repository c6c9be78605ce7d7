//! Many bars in one statement.
//!
//! The statement's text depends on its type alone, so that it is prepared once a connection and
//! never built again.

use cream_models::{Bar, BarField, Timestamp, Vendor};
use cream_schema::{Day, DayValue};
use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Nullable, SmallInt};
use diesel::sqlite::Sqlite;

use crate::connection::{Connection, on};
use crate::types::StockId;

/// So many bars go into one statement where there are as many.
const ROWS: usize = 64;

/// What all bars of a statement have in common.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    stock_id: i64,
    vendor: i16,
    as_of: i64,
}

impl Shared {
    pub(crate) const fn new(stock_id: StockId, vendor: Vendor, as_of: Timestamp) -> Self {
        Self { stock_id: stock_id.0, vendor: vendor.code(), as_of: as_of.micros() }
    }

    /// Writes a bar as a row of PostgreSQL's binary COPY: the count of fields, then each field's
    /// length and its value, or -1 for NULL; all big-endian.
    pub(crate) fn write_copy_row(self, bar: &Bar, out: &mut Vec<u8>) {
        let row = Values::of(bar);
        out.extend_from_slice(&12_i16.to_be_bytes());
        field(out, &self.stock_id.to_be_bytes());
        field(out, &self.vendor.to_be_bytes());
        field(out, &self.as_of.to_be_bytes());
        field(out, &row.date.postgres_days().to_be_bytes());
        for number in row.numbers {
            match number {
                Some(number) => field(out, &number.to_be_bytes()),
                None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            }
        }
        field(out, &[u8::from(row.is_final)]);
        field(out, &row.flags.to_be_bytes());
    }
}

fn field<const N: usize>(out: &mut Vec<u8>, value: &[u8; N]) {
    // At most 8.
    let len = i32::try_from(N).unwrap_or(i32::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value);
}

/// A bar's values, laid out for binding.
struct Values {
    date: DayValue,
    numbers: [Option<i64>; 6],
    is_final: bool,
    flags: i16,
}

impl Values {
    fn of(bar: &Bar) -> Self {
        Self {
            date: DayValue(bar.date()),
            numbers: BarField::ALL.map(|field| bar.value(field)),
            is_final: bar.is_final(),
            // 15 bits hold every flag; a 16th would be refused by the schema.
            flags: i16::try_from(bar.flags().bits()).unwrap_or(-1),
        }
    }
}

/// What one database writes otherwise than the other.
pub(crate) trait Dialect:
    Backend
    + HasSqlType<Day>
    + HasSqlType<BigInt>
    + HasSqlType<SmallInt>
    + HasSqlType<Bool>
    + HasSqlType<Nullable<BigInt>>
{
    /// The beginning of a later row: the first three parameters, bound once.
    const SHARED: &'static str;
    /// The end of a row that is final and without flags.
    const PLAIN: &'static str;
}

impl Dialect for Sqlite {
    const SHARED: &'static str = ", (?1, ?2, ?3";
    const PLAIN: &'static str = ", 1, 0)";
}

impl Dialect for Pg {
    const SHARED: &'static str = ", ($1, $2, $3";
    const PLAIN: &'static str = ", true, 0)";
}

/// The columns of a bar, in the order in which they are written.
pub(crate) const NAMES: &str = "stock_id, vendor, as_of, date, open, high, low, close, adj_close, \
     volume, is_final, flags";

/// What an insert does where there is a row already: its values go over it, and it is served.
pub(crate) const REPLACE: &str = " ON CONFLICT (stock_id, vendor, date) DO UPDATE SET \
     as_of = excluded.as_of, open = excluded.open, high = excluded.high, low = excluded.low, \
     close = excluded.close, adj_close = excluded.adj_close, volume = excluded.volume, \
     is_final = excluded.is_final, flags = excluded.flags, withdrawn_at = NULL";

/// Inserts `N` bars of one series; with `REPLACE`, over those that are there.
///
/// `PLAIN` ones are all final and without flags, as nearly all are: that is written into the
/// statement, which leaves a fifth less to bind.
struct PutBars<const N: usize, const REPLACE: bool, const PLAIN: bool> {
    shared: Shared,
    rows: [Values; N],
}

impl<const N: usize, const REPLACE: bool, const PLAIN: bool> PutBars<N, REPLACE, PLAIN> {
    fn new(shared: Shared, bars: &[Bar; N]) -> Self {
        Self { shared, rows: bars.each_ref().map(Values::of) }
    }
}

impl<const N: usize, const REPLACE: bool, const PLAIN: bool> QueryId
    for PutBars<N, REPLACE, PLAIN>
{
    type QueryId = PutBars<N, REPLACE, PLAIN>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, const N: usize, const REPLACE: bool, const PLAIN: bool> QueryFragment<DB>
    for PutBars<N, REPLACE, PLAIN>
where
    DB: Dialect,
    i64: ToSql<BigInt, DB>,
    i16: ToSql<SmallInt, DB>,
    bool: ToSql<Bool, DB>,
    Option<i64>: ToSql<Nullable<BigInt>, DB>,
    DayValue: ToSql<Day, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("INSERT INTO stock_data (");
        out.push_sql(NAMES);
        out.push_sql(") VALUES ");
        for (index, row) in self.rows.iter().enumerate() {
            if index == 0 {
                out.push_sql("(");
                out.push_bind_param::<BigInt, _>(&self.shared.stock_id)?;
                out.push_sql(", ");
                out.push_bind_param::<SmallInt, _>(&self.shared.vendor)?;
                out.push_sql(", ");
                out.push_bind_param::<BigInt, _>(&self.shared.as_of)?;
            } else {
                out.push_sql(DB::SHARED);
            }
            out.push_sql(", ");
            out.push_bind_param::<Day, _>(&row.date)?;
            for number in &row.numbers {
                out.push_sql(", ");
                out.push_bind_param::<Nullable<BigInt>, _>(number)?;
            }
            if PLAIN {
                out.push_sql(DB::PLAIN);
            } else {
                out.push_sql(", ");
                out.push_bind_param::<Bool, _>(&row.is_final)?;
                out.push_sql(", ");
                out.push_bind_param::<SmallInt, _>(&row.flags)?;
                out.push_sql(")");
            }
        }
        if REPLACE {
            out.push_sql(self::REPLACE);
        }
        Ok(())
    }
}

impl<C, const N: usize, const REPLACE: bool, const PLAIN: bool> RunQueryDsl<C>
    for PutBars<N, REPLACE, PLAIN>
{
}

/// Writes the bars in as few statements as there can be.
pub(crate) fn put_bars<const REPLACE: bool>(
    connection: &mut Connection,
    shared: Shared,
    bars: &[Bar],
) -> QueryResult<()> {
    let (chunks, rest) = bars.as_chunks::<ROWS>();
    for chunk in chunks {
        put_chunk::<ROWS, REPLACE>(connection, shared, chunk)?;
    }
    for bar in rest.as_chunks::<1>().0 {
        put_chunk::<1, REPLACE>(connection, shared, bar)?;
    }
    Ok(())
}

fn put_chunk<const N: usize, const REPLACE: bool>(
    connection: &mut Connection,
    shared: Shared,
    bars: &[Bar; N],
) -> QueryResult<usize> {
    if bars.iter().all(|bar| bar.is_final() && bar.flags().is_empty()) {
        on!(connection, c => PutBars::<N, REPLACE, true>::new(shared, bars).execute(c))
    } else {
        on!(connection, c => PutBars::<N, REPLACE, false>::new(shared, bars).execute(c))
    }
}
