//! Dates in the database.

use std::io::Write as _;

use cream_models::Date;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Integer, SqlOrd, SqlType};
use diesel::sqlite::{Sqlite, SqliteValue};

/// The SQL type of a date: in PostgreSQL `date`; in SQLite an INTEGER of days since 1970-01-01,
/// since it has no type for dates and four bytes compare faster than ten.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Integer"))]
#[diesel(postgres_type(oid = 1082, array_oid = 1182))]
pub struct Day;

impl SqlOrd for Day {}

/// A [`Date`] on its way to or from the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Day)]
pub struct DayValue(pub Date);

/// 2000-01-01, from which PostgreSQL counts, in days since 1970-01-01.
const POSTGRES_EPOCH: i32 = 10_957;

impl DayValue {
    /// The date as PostgreSQL counts it: in days since 2000-01-01.
    #[must_use]
    pub const fn postgres_days(self) -> i32 {
        // A date is far from either end of an i32.
        self.0.days().saturating_sub(POSTGRES_EPOCH)
    }
}

impl Default for DayValue {
    /// 1970-01-01.
    fn default() -> Self {
        Self(Date::from_days_saturating(0))
    }
}

fn date(days: Option<i32>) -> deserialize::Result<DayValue> {
    match days.and_then(Date::from_days) {
        Some(date) => Ok(DayValue(date)),
        None => {
            let day = days.map_or_else(|| "the day".to_owned(), |days| format!("day {days}"));
            Err(format!("{day} lies outside 0001-01-01 to 9999-12-31").into())
        }
    }
}

impl ToSql<Day, Sqlite> for DayValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.days());
        Ok(IsNull::No)
    }
}

impl FromSql<Day, Sqlite> for DayValue {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        date(Some(<i32 as FromSql<Integer, Sqlite>>::from_sql(value)?))
    }
}

impl ToSql<Day, Pg> for DayValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.postgres_days().to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Day, Pg> for DayValue {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let days = i32::from_be_bytes(value.as_bytes().try_into()?);
        date(days.checked_add(POSTGRES_EPOCH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::prelude::*;

    #[test]
    fn a_date_passes_through_and_a_day_out_of_range_is_refused() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        for date in [Date::MIN, Date::MAX, "2025-06-13".parse().unwrap()] {
            let read: DayValue = diesel::select(DayValue(date).into_sql::<Day>())
                .get_result(&mut connection)
                .unwrap();
            assert_eq!(read.0, date);
        }
        let error = diesel::select(diesel::dsl::sql::<Day>("2932897"))
            .get_result::<DayValue>(&mut connection)
            .unwrap_err();
        let causes: Vec<String> =
            std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
                .map(ToString::to_string)
                .collect();
        assert!(causes.iter().any(|text| text.contains("day 2932897 lies outside")), "{causes:?}");
    }

    #[test]
    fn postgres_counts_from_2000() {
        let of = |text: &str| DayValue(text.parse().unwrap()).postgres_days();
        assert_eq!((of("2000-01-01"), of("1999-12-31"), of("2000-03-01")), (0, -1, 60));
    }
}
