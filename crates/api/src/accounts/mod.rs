//! Who may ask: logins, tokens, and people. Services over the store, which hash passwords and
//! record what happened.

pub(crate) mod audit;
pub(crate) mod login;
pub(crate) mod password;
pub(crate) mod tokens;
pub(crate) mod users;

pub(crate) use audit::{Happened, events};
pub(crate) use login::{login, logout, me};
pub(crate) use password::{Passwords, change_password};
pub(crate) use tokens::{create as create_token, list as list_tokens, revoke as revoke_token};
pub(crate) use users::{add as add_user, change as change_user, list as list_users};
