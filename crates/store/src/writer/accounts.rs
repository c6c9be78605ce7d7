//! People and their tokens.

use std::collections::BTreeMap;

use cream_auth::{PasswordHash, Role, TokenKind};
use cream_models::Timestamp;
use cream_schema::UserRow;
use cream_schema::tables::{api_token, app_user as t};
use diesel::prelude::*;

use super::Writer;
use crate::accounts::{NewToken, NewUser, TokenId, UserAdded, UserChange, UserChanged, UserId};
use crate::cached::Cached;
use crate::connection::{Connection, on};
use crate::error::failed;
use crate::vendors::cut;
use crate::{StoreError, convert};

/// So many characters of a token's name are kept.
const TOKEN_NAME: usize = 100;

impl Writer<'_> {
    /// Adds a user, who is active, unless somebody has the name.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn add_user(&mut self, new: &NewUser) -> Result<UserAdded, StoreError> {
        let now = new.now.micros();
        let id: Option<i64> = on!(self.connection, c => diesel::insert_into(t::table)
            .values((
                t::name.eq(new.name.as_str()),
                t::role.eq(new.role.name()),
                t::password_hash.eq(new.password.as_ref().map(PasswordHash::as_str)),
                t::is_active.eq(true),
                t::created_at.eq(now),
                t::changed_at.eq(now),
                t::password_at.eq(new.password.as_ref().map(|_| now)),
            ))
            .on_conflict(t::name)
            .do_nothing()
            .returning(t::id)
            .get_result(c)
            .optional())
        .map_err(failed)?;
        Ok(id.map_or(UserAdded::NameTaken, |id| UserAdded::New(UserId(id))))
    }

    /// Changes what a user is, or whether they are let in. To be called in a
    /// [`Store::write`](crate::Store::write).
    ///
    /// One active admin always remains, also where two are changed at once. The sessions of
    /// whoever is no longer active end; their other tokens are good for nothing until they are
    /// active again.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn change_user(
        &mut self,
        id: UserId,
        change: &UserChange,
        now: Timestamp,
    ) -> Result<UserChanged, StoreError> {
        let is_less =
            change.role.is_some_and(|role| role != Role::Admin) || change.is_active == Some(false);
        let locked = self.locked_users(id, is_less)?;
        let Some(row) = locked.iter().find(|row| row.id == id.0) else {
            return Ok(UserChanged::Unknown);
        };
        let mut user = convert::user(row.clone())?;
        let is_admin = user.is_active && user.role == Role::Admin;
        // All that are locked beside this one are active admins, and stay so until the end of
        // the transaction.
        if is_less && is_admin && locked.len() == 1 {
            return Ok(UserChanged::LastAdmin);
        }
        let before = (user.role, user.is_active);
        user.role = change.role.unwrap_or(user.role);
        user.is_active = change.is_active.unwrap_or(user.is_active);
        if (user.role, user.is_active) == before {
            return Ok(UserChanged::Done(user));
        }
        user.changed_at = now;
        on!(self.connection, c => diesel::update(t::table.find(id.0))
            .set((
                t::role.eq(user.role.name()),
                t::is_active.eq(user.is_active),
                t::changed_at.eq(now.micros()),
            ))
            .execute(c))
        .map_err(failed)?;
        if !user.is_active {
            self.end_sessions(id, None, now)?;
        }
        Ok(UserChanged::Done(user))
    }

    /// A user, and with them all active admins where that is asked for, locked until the end of
    /// the transaction: in the order of their numbers, so that two who do so at once do not wait
    /// for each other in a circle.
    fn locked_users(&mut self, id: UserId, and_admins: bool) -> Result<Vec<UserRow>, StoreError> {
        let is_admin = t::role.eq(Role::Admin.name()).and(t::is_active.eq(true));
        let found = t::table
            .filter(
                t::id.eq(id.0).or(is_admin.and(and_admins.into_sql::<diesel::sql_types::Bool>())),
            )
            .order(t::id);
        match &mut *self.connection {
            // The transaction itself is the lock.
            Connection::Sqlite(c) => found.select(UserRow::as_select()).load(c),
            // Each row as it is once whoever had it is done: who is no admin any more is left out.
            Connection::Postgres(c) => {
                found.select(UserRow::as_select()).for_no_key_update().load(c)
            }
        }
        .map_err(failed)
    }

    /// Sets a password, and ends all sessions of the user but `kept`. To be called in a
    /// [`Store::write`](crate::Store::write). False where there is no such user.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn set_password(
        &mut self,
        id: UserId,
        hash: &PasswordHash,
        kept: Option<TokenId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(row) = self.locked_users(id, false)?.into_iter().next() else {
            return Ok(false);
        };
        // Later than the one before, so that it tells one password from another.
        let at =
            row.password_at.map_or(now.micros(), |last| now.micros().max(last.saturating_add(1)));
        on!(self.connection, c => diesel::update(t::table.find(id.0))
            .set((t::password_hash.eq(hash.as_str()), t::password_at.eq(at)))
            .execute(c))
        .map_err(failed)?;
        self.end_sessions(id, kept, now)?;
        Ok(true)
    }

    /// Ends the sessions of a user but one.
    fn end_sessions(
        &mut self,
        id: UserId,
        kept: Option<TokenId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // No token has a number below 1.
        let kept = kept.map_or(0, |kept| kept.0);
        on!(self.connection, c => diesel::update(api_token::table)
            .filter(api_token::user_id.eq(id.0))
            .filter(api_token::kind.eq(TokenKind::Session.name()))
            .filter(api_token::revoked_at.is_null())
            .filter(api_token::id.ne(kept))
            .set(api_token::revoked_at.eq(now.micros()))
            .execute(c))
        .map(drop)
        .map_err(failed)
    }

    /// Replaces the hash of a password by another hash of the same one, where `old` is still
    /// there: whoever set another password meanwhile is not undone. Sessions go on. Returns
    /// whether it was there.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn rehash(
        &mut self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        on!(self.connection, c => diesel::update(t::table.find(id.0))
            .filter(t::password_hash.eq(old.as_str()))
            .set(t::password_hash.eq(new.as_str()))
            .execute(c))
        .map(|rows| rows == 1)
        .map_err(failed)
    }

    /// Says that somebody logged in with the password that was set at `password_at`, as
    /// [`Reader::user_named`](crate::Reader::user_named) told it. False where they are no longer
    /// let in, or have another password by now: no session may be given out then.
    ///
    /// To be called before [`Writer::add_token`] in the same [`Store::write`](crate::Store::write).
    /// Until the end of that, nobody disables the user or sets another password; whoever does so
    /// next ends this session too.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn logged_in(
        &mut self,
        id: UserId,
        password_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        on!(self.connection, c => diesel::update(t::table.find(id.0))
            .filter(t::is_active.eq(true))
            .filter(t::password_at.eq(password_at.micros()))
            .set(t::last_login_at.eq(now.micros()))
            .execute(c))
        .map(|rows| rows == 1)
        .map_err(failed)
    }

    /// Keeps the digest of a token that is given out.
    ///
    /// # Errors
    ///
    /// [`StoreError::Constraint`] where there is no such user, no scope, or the token expires
    /// before it begins.
    pub fn add_token(&mut self, new: &NewToken) -> Result<TokenId, StoreError> {
        on!(self.connection, c => diesel::insert_into(api_token::table)
            .values((
                api_token::user_id.eq(new.user.0),
                api_token::kind.eq(new.kind.name()),
                api_token::name.eq(cut(&new.name, TOKEN_NAME)),
                api_token::digest.eq(new.digest.as_bytes().as_slice()),
                api_token::scopes.eq(new.scopes.to_string()),
                api_token::created_at.eq(new.created_at.micros()),
                api_token::expires_at.eq(new.expires_at.micros()),
            ))
            .returning(api_token::id)
            .get_result(c))
        .map(TokenId)
        .map_err(failed)
    }

    /// Takes a token back, or ends its session; with `of`, only where it is that user's. False
    /// where there is none that is not revoked yet.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn revoke_token(
        &mut self,
        id: TokenId,
        of: Option<UserId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let token = diesel::update(api_token::table)
            .filter(api_token::id.eq(id.0))
            .filter(api_token::revoked_at.is_null());
        let revoked = api_token::revoked_at.eq(now.micros());
        match of {
            Some(user) => on!(self.connection, c => token
                .filter(api_token::user_id.eq(user.0))
                .set(revoked)
                .execute(c)),
            None => on!(self.connection, c => token.set(revoked).execute(c)),
        }
        .map(|rows| rows == 1)
        .map_err(failed)
    }

    /// Says when tokens were used last; a moment before the one that is known changes nothing. A
    /// [`Store::write_loosely`](crate::Store::write_loosely) will do.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written.
    pub fn touch_tokens(&mut self, used: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
        // One at a time, in one order for all, so that two who do so at once do not wait for each
        // other in a circle.
        let mut last = BTreeMap::new();
        for (id, at) in used {
            let known = last.entry(*id).or_insert(*at);
            *known = (*known).max(*at);
        }
        for (id, at) in last {
            on!(self.connection, c => Cached(diesel::update(api_token::table.find(id.0))
                .filter(
                    api_token::last_used_at.is_null()
                        .or(api_token::last_used_at.lt(at.micros()).assume_not_null()),
                )
                .set(api_token::last_used_at.eq(at.micros())))
                .execute(c))
            .map_err(failed)?;
        }
        Ok(())
    }
}
