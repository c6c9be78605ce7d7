//! What happened to accounts and by them.

use cream_models::Timestamp;
use cream_schema::AuditRow;
use cream_schema::tables::{app_user, audit_event as t};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::Reader;
use crate::audit::{AuditEvent, AuditKind, AuditQuery, FailedLogins, account_text, address_text};
use crate::connection::on;
use crate::error::failed;
use crate::{StoreError, convert};

impl Reader<'_> {
    /// What happened, the event that was recorded last first.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn audit_events(&mut self, query: &AuditQuery) -> Result<Vec<AuditEvent>, StoreError> {
        let rows: Vec<(AuditRow, Option<String>)> = on!(self.connection, c => {
            let mut list = t::table
                .left_join(app_user::table.on(t::actor_id.eq(app_user::id.nullable())))
                .order(t::id.desc())
                .limit(i64::from(query.limit))
                .select((AuditRow::as_select(), app_user::name.nullable()))
                .into_boxed();
            if let Some(kind) = query.kind {
                list = list.filter(t::kind.eq(kind.name()));
            }
            if let Some(account) = &query.account {
                list = list.filter(t::account.eq(account_text(account)));
            }
            if let Some(before) = query.before {
                list = list.filter(t::id.lt(before.0));
            }
            list.load(c)
        })
        .map_err(failed)?;
        rows.into_iter().map(convert::audit_event).collect()
    }

    /// How many logins failed at a moment or later: for an account, whatever the case of its
    /// letters and whether or not anybody has it, and from an address. Two looks into indexes.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn failed_logins(
        &mut self,
        account: &str,
        address: &str,
        since: Timestamp,
    ) -> Result<FailedLogins, StoreError> {
        let (account, address) = (account_text(account), address_text(address));
        let failures = || {
            t::table
                .filter(t::kind.eq(AuditKind::LoginFailed.name()))
                .filter(t::at.ge(since.micros()))
                .select(count_star())
        };
        let of_account = on!(self.connection, c => failures()
            .filter(t::account.eq(&account))
            .first(c))
        .map_err(failed)?;
        let from_address = on!(self.connection, c => failures()
            .filter(t::address.eq(&address))
            .first(c))
        .map_err(failed)?;
        Ok(FailedLogins { of_account, from_address })
    }
}
