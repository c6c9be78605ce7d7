//! Dates in the database.

use cream_models::Date;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Integer, SqlOrd, SqlType};
use diesel::sqlite::{Sqlite, SqliteValue};

/// The SQL type of a date: in SQLite an INTEGER of days since 1970-01-01, since it has no type
/// for dates and four bytes compare faster than ten.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Integer"))]
pub struct Day;

impl SqlOrd for Day {}

/// A [`Date`] on its way to or from the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Day)]
pub struct DayValue(pub Date);

impl Default for DayValue {
    /// 1970-01-01.
    fn default() -> Self {
        Self(Date::from_days_saturating(0))
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
        let days = <i32 as FromSql<Integer, Sqlite>>::from_sql(value)?;
        let date = Date::from_days(days)
            .ok_or_else(|| format!("day {days} lies outside 0001-01-01 to 9999-12-31"))?;
        Ok(Self(date))
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
}
