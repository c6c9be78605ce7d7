//! The commands for people and tokens.

use std::io::{Write as _, stderr, stdout};

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use cream_auth::{Role, Scopes};
use cream_config::Settings;
use cream_operator::{Exit, Operator, TokenWish, new_password};
use cream_store::{TokenId, UserChange, UserName};

/// What is done about people.
#[derive(Subcommand)]
pub(crate) enum User {
    /// Add somebody. The password is asked for, or read from standard input where that is no
    /// terminal.
    Add {
        /// The name: letters, digits and `. _ @ -`.
        name: UserName,
        /// What they are: user (reads and tracks) or admin (may do everything).
        #[arg(long, default_value = "user")]
        role: Role,
        /// Give them no password: they cannot log in, but hold tokens.
        #[arg(long)]
        no_password: bool,
    },
    /// List everybody.
    List {
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let somebody in no more. Their sessions end, their tokens do not work.
    Disable {
        /// The name.
        name: UserName,
    },
    /// Let somebody in again.
    Enable {
        /// The name.
        name: UserName,
    },
    /// Make somebody an admin, or a user.
    Role {
        /// The name.
        name: UserName,
        /// user or admin.
        role: Role,
    },
    /// Give somebody another password, read as with `add`. Their sessions end.
    Password {
        /// The name.
        name: UserName,
    },
}

/// What is done about tokens.
#[derive(Subcommand)]
pub(crate) enum Token {
    /// Make a token for a program, and write it to standard output, this once.
    Create(Create),
    /// List valid tokens and sessions.
    List {
        /// Whose; everybody's without.
        user: Option<UserName>,
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a token back, or end a session.
    Revoke {
        /// Its number, as `token list` shows it.
        id: i64,
    },
}

#[derive(Args)]
pub(crate) struct Create {
    /// Whose it shall be.
    user: UserName,
    /// What it shall be called.
    #[arg(long)]
    name: String,
    /// What it shall be good for: read, track, admin, with commas.
    #[arg(long, default_value = "read")]
    scopes: Scopes,
    /// For how many days, 1 to 366.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
}

/// # Errors
///
/// Where it could not be done.
pub(crate) fn user(settings: &Settings, command: User) -> Result<Exit> {
    let operator = Operator::open_database(settings)?;
    let mut out = stdout();
    let active = |is_active| UserChange { role: None, is_active: Some(is_active) };
    match command {
        User::Add { name, role, no_password } => {
            let password = if no_password { None } else { Some(new_password(&name)?) };
            operator.add_user(&name, role, password.as_ref(), &mut out)
        }
        User::List { json } => operator.list_users(json, &mut out),
        User::Disable { name } => operator.change_user(&name, active(false), &mut out),
        User::Enable { name } => operator.change_user(&name, active(true), &mut out),
        User::Role { name, role } => {
            let change = UserChange { role: Some(role), is_active: None };
            operator.change_user(&name, change, &mut out)
        }
        User::Password { name } => {
            let password = new_password(&name)?;
            operator.set_password(&name, &password, &mut out)
        }
    }
}

/// # Errors
///
/// Where it could not be done.
pub(crate) fn token(settings: &Settings, command: Token) -> Result<Exit> {
    let operator = Operator::open_database(settings)?;
    let mut out = stdout();
    match command {
        Token::Create(Create { user, name, scopes, days }) => {
            let is_name =
                (1..=100).contains(&name.chars().count()) && !name.contains(char::is_control);
            ensure!(is_name, "--name: expected 1 to 100 characters, none a control character");
            let wish = TokenWish { user, name, scopes, days };
            let exit = operator.create_token(&wish, &mut out, &mut stderr())?;
            out.flush()?;
            Ok(exit)
        }
        Token::List { user, json } => operator.list_tokens(user.as_ref(), json, &mut out),
        Token::Revoke { id } => operator.revoke_token(TokenId(id), &mut out),
    }
}
