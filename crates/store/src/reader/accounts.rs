//! People and their tokens.

use cream_auth::{PasswordHash, TokenDigest};
use cream_models::Timestamp;
use cream_schema::tables::{api_token, app_user};
use cream_schema::{TokenRow, UserRow};
use diesel::prelude::*;

use super::Reader;
use crate::accounts::{AccessToken, Holder, TokenId, TokenQuery, User, UserId, UserName};
use crate::connection::on;
use crate::error::failed;
use crate::{StoreError, convert};

impl Reader<'_> {
    /// A user.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        on!(self.connection, c => app_user::table
            .find(id.0)
            .select(UserRow::as_select())
            .first(c)
            .optional())
        .map_err(failed)?
        .map(convert::user)
        .transpose()
    }

    /// The user of a name, with the hash of their password.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn user_named(
        &mut self,
        name: &UserName,
    ) -> Result<Option<(User, Option<PasswordHash>)>, StoreError> {
        let found: Option<(UserRow, Option<String>)> = on!(self.connection, c => app_user::table
            .filter(app_user::name.eq(name.as_str()))
            .select((UserRow::as_select(), app_user::password_hash))
            .first(c)
            .optional())
        .map_err(failed)?;
        let Some((row, hash)) = found else { return Ok(None) };
        let hash = hash.as_deref().map(convert::password_hash).transpose()?;
        Ok(Some((convert::user(row)?, hash)))
    }

    /// The users, ordered by name. `after` is the last one of the list before.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn users(&mut self, after: Option<&UserName>, limit: u32) -> Result<Vec<User>, StoreError> {
        let after = after.map_or("", UserName::as_str);
        on!(self.connection, c => app_user::table
            .filter(app_user::name.gt(after))
            .order(app_user::name)
            .limit(i64::from(limit))
            .select(UserRow::as_select())
            .load(c))
        .map_err(failed)?
        .into_iter()
        .map(convert::user)
        .collect()
    }

    /// A token, whatever its state.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn token(&mut self, id: TokenId) -> Result<Option<AccessToken>, StoreError> {
        on!(self.connection, c => api_token::table
            .inner_join(app_user::table.on(app_user::id.eq(api_token::user_id)))
            .filter(api_token::id.eq(id.0))
            .select((TokenRow::as_select(), app_user::name))
            .first(c)
            .optional())
        .map_err(failed)?
        .map(convert::token_of)
        .transpose()
    }

    /// Tokens, in the order in which they were given out.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn tokens(&mut self, query: &TokenQuery) -> Result<Vec<AccessToken>, StoreError> {
        let rows: Vec<(TokenRow, String)> = on!(self.connection, c => {
            let mut list = api_token::table
                .inner_join(app_user::table.on(app_user::id.eq(api_token::user_id)))
                .order(api_token::id)
                .limit(i64::from(query.limit))
                .select((TokenRow::as_select(), app_user::name))
                .into_boxed();
            if let Some(user) = query.user {
                list = list.filter(api_token::user_id.eq(user.0));
            }
            if let Some(kind) = query.kind {
                list = list.filter(api_token::kind.eq(kind.name()));
            }
            if let Some(now) = query.unended_at.map(Timestamp::micros) {
                list = list.filter(api_token::expires_at.gt(now));
                list = list.filter(api_token::revoked_at.is_null());
            }
            if let Some(after) = query.after {
                list = list.filter(api_token::id.gt(after.0));
            }
            list.load(c)
        })
        .map_err(failed)?;
        rows.into_iter().map(convert::token_of).collect()
    }

    /// Whoever holds the token of a digest, whatever their state and the token's: see
    /// [`Holder::state`]. To be asked of the database itself, not of a replica
    /// ([`Store::read`](crate::Store::read)), so that what was taken back is good for nothing at
    /// once.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn holder(&mut self, digest: &TokenDigest) -> Result<Option<Holder>, StoreError> {
        let found: Option<(TokenRow, UserRow, Vec<u8>)> =
            on!(self.connection, c => api_token::table
            .inner_join(app_user::table.on(app_user::id.eq(api_token::user_id)))
            .filter(api_token::digest.eq(digest.as_bytes().as_slice()))
            .select((TokenRow::as_select(), UserRow::as_select(), api_token::digest))
            .first(c)
            .optional())
            .map_err(failed)?;
        let Some((token, user, stored)) = found else { return Ok(None) };
        let stored = TokenDigest::try_from(stored.as_slice())
            .map_err(|error| StoreError::corrupt("api_token", "digest", error))?;
        // The index compares byte by byte; what it found is not taken for the same on its word.
        if !stored.matches(digest) {
            return Ok(None);
        }
        let user = convert::user(user)?;
        let token = convert::token(token, user.name.clone())?;
        Ok(Some(Holder { user, token }))
    }
}
