//! What happened to accounts and by them, and forgetting what is old.

use cream_models::Timestamp;
use cream_schema::tables::{api_token, audit_event as t};
use diesel::prelude::*;

use super::Writer;
use crate::StoreError;
use crate::accounts::SweptAccounts;
use crate::audit::{NewAuditEvent, account_text, address_text};
use crate::connection::on;
use crate::error::failed;
use crate::vendors::{bounded, cut};

impl Writer<'_> {
    /// Records what happened. In the transaction of what it tells of, it is kept if and only if
    /// that is.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn record(&mut self, event: &NewAuditEvent<'_>) -> Result<(), StoreError> {
        on!(self.connection, c => diesel::insert_into(t::table)
            .values((
                t::at.eq(event.at.micros()),
                t::kind.eq(event.kind.name()),
                t::account.eq(event.account.map(account_text)),
                t::actor_id.eq(event.actor.map(|actor| actor.0)),
                t::address.eq(event.address.map(address_text)),
                t::request_id.eq(event.request_id.map(|id| cut(id, 128))),
                t::detail.eq(event.detail.map(bounded)),
            ))
            .execute(c))
        .map(drop)
        .map_err(failed)
    }

    /// Forgets the tokens that had expired or were revoked before a moment, and the events before
    /// another. A [`Store::write_loosely`](crate::Store::write_loosely) will do.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn sweep_accounts(
        &mut self,
        tokens_ended_before: Timestamp,
        events_before: Timestamp,
    ) -> Result<SweptAccounts, StoreError> {
        let (ended, past) = (tokens_ended_before.micros(), events_before.micros());
        let mut sweep = || -> QueryResult<(usize, usize)> {
            // One by one, so that each uses its index.
            let expired = on!(self.connection, c => diesel::delete(api_token::table)
                .filter(api_token::expires_at.lt(ended))
                .execute(c))?;
            let revoked = on!(self.connection, c => diesel::delete(api_token::table)
                .filter(api_token::revoked_at.lt(ended))
                .execute(c))?;
            let events = on!(self.connection, c => diesel::delete(t::table)
                .filter(t::at.lt(past))
                .execute(c))?;
            Ok((expired.saturating_add(revoked), events))
        };
        let (tokens, events) = sweep().map_err(failed)?;
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        Ok(SweptAccounts { tokens: count(tokens), events: count(events) })
    }
}
