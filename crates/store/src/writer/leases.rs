//! The claims on tracked stocks and responses: extended, given back, forgotten.

use cream_models::Timestamp;
use cream_schema::tables::{raw_response as response, tracked_stock as tracked};
use diesel::dsl::case_when;
use diesel::prelude::*;

use super::Writer;
use crate::StoreError;
use crate::connection::on;
use crate::error::failed;
use crate::reader::LIST;
use crate::tracking::SweptLeases;

impl Writer<'_> {
    /// Gives claims back as if they had not been made, on responses with the attempt that was
    /// counted, so that others need not wait for the leases to end. Returns how many were still
    /// held under these tokens.
    ///
    /// A [`Store::write_loosely`](crate::Store::write_loosely) will do.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn release_leases(&mut self, tokens: &[&str]) -> Result<u64, StoreError> {
        let mut released = 0_u64;
        for tokens in tokens.chunks(LIST) {
            let stocks = on!(self.connection, c => diesel::update(tracked::table)
                .filter(tracked::lease_token.eq_any(tokens))
                .set((
                    tracked::lease_token.eq(None::<String>),
                    tracked::lease_until.eq(None::<i64>),
                ))
                .execute(c))
            .map_err(failed)?;
            let responses = on!(self.connection, c => diesel::update(response::table)
                .filter(response::lease_token.eq_any(tokens))
                .set((
                    response::lease_token.eq(None::<String>),
                    response::lease_until.eq(None::<i64>),
                    response::attempts.eq(case_when(
                        response::attempts.gt(0),
                        response::attempts - 1,
                    )
                    .otherwise(0)),
                ))
                .execute(c))
            .map_err(failed)?;
            released = released.saturating_add(count(stocks)).saturating_add(count(responses));
        }
        Ok(released)
    }

    /// Extends the leases that are held under these tokens, over or not, and shortens none.
    /// Returns the tokens that hold something still, in any order: what is missing was taken over,
    /// taken back, finished or forgotten.
    ///
    /// A [`Store::write_loosely`](crate::Store::write_loosely) will do.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn renew_leases(
        &mut self,
        tokens: &[&str],
        until: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let until = until.micros();
        let mut held: Vec<Option<String>> = Vec::with_capacity(tokens.len());
        for tokens in tokens.chunks(LIST) {
            let stocks: Vec<Option<String>> =
                on!(self.connection, c => diesel::update(tracked::table)
                .filter(tracked::lease_token.eq_any(tokens))
                .set(tracked::lease_until.eq(
                    case_when(tracked::lease_until.lt(until), until.into_sql::<Until>())
                        .otherwise(tracked::lease_until),
                ))
                .returning(tracked::lease_token)
                .get_results(c))
                .map_err(failed)?;
            let responses: Vec<Option<String>> =
                on!(self.connection, c => diesel::update(response::table)
                .filter(response::lease_token.eq_any(tokens))
                .set(response::lease_until.eq(
                    case_when(response::lease_until.lt(until), until.into_sql::<Until>())
                        .otherwise(response::lease_until),
                ))
                .returning(response::lease_token)
                .get_results(c))
                .map_err(failed)?;
            held.extend(stocks);
            held.extend(responses);
        }
        Ok(held.into_iter().flatten().collect())
    }

    /// Forgets the leases that ended before a moment. It changes nothing for whoever claims, who
    /// takes over what is past its lease anyway; but whoever held one learns that it is lost.
    ///
    /// A [`Store::write_loosely`](crate::Store::write_loosely) will do.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn sweep_leases(&mut self, before: Timestamp) -> Result<SweptLeases, StoreError> {
        let before = before.micros();
        // That there is a token says that the index of what is in hand has them all.
        let stocks = on!(self.connection, c => diesel::update(tracked::table)
            .filter(tracked::lease_token.is_not_null())
            .filter(tracked::lease_until.lt(before))
            .set((tracked::lease_token.eq(None::<String>), tracked::lease_until.eq(None::<i64>)))
            .execute(c))
        .map_err(failed)?;
        let responses = on!(self.connection, c => diesel::update(response::table)
            .filter(response::lease_token.is_not_null())
            .filter(response::lease_until.lt(before))
            .set((response::lease_token.eq(None::<String>), response::lease_until.eq(None::<i64>)))
            .execute(c))
        .map_err(failed)?;
        Ok(SweptLeases { tracked: count(stocks), responses: count(responses) })
    }
}

/// A moment that may be unknown.
type Until = diesel::sql_types::Nullable<diesel::sql_types::BigInt>;

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
