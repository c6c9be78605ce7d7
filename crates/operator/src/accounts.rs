//! People and tokens, from the command line of the machine that has the database: so the first
//! admin is made, and whoever is locked out is let in again.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result, anyhow, bail};
use cream_auth::{
    HashParams, Password, PasswordHash, PasswordHasher, Role, Scopes, Token, TokenKind,
};
use cream_models::Timestamp;
use cream_store::{
    AccessToken, AuditKind, NewAuditEvent, NewToken, NewUser, StoreError, TokenId, TokenQuery,
    User, UserAdded, UserChange, UserChanged, UserName, Writer,
};
use serde::Serialize;

use crate::table::Table;
use crate::{Exit, Operator};

/// A token that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenWish {
    /// Whose it shall be.
    pub user: UserName,
    /// What it shall be called, of 1 to 100 characters.
    pub name: String,
    /// What it shall be good for.
    pub scopes: Scopes,
    /// For how many days, 1 to 366.
    pub days: u16,
}

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// What a list reads at once.
const PAGE: u32 = 1_000;

/// Reads a new password for `user`: asked for twice where there is a terminal, else the first line
/// of standard input.
///
/// # Errors
///
/// Where it cannot be read, is not given the same twice, or is one that must not be.
pub fn new_password(user: &UserName) -> Result<Password> {
    let input = std::io::stdin();
    let text = if input.is_terminal() {
        let text = rpassword::prompt_password(format!("New password of {user}: "))
            .context("cannot read the password from the terminal")?;
        let again = rpassword::prompt_password("The same again: ")
            .context("cannot read the password from the terminal")?;
        if text != again {
            bail!("the two passwords differ; nothing is changed");
        }
        text
    } else {
        let mut line = String::new();
        input
            .lock()
            .read_line(&mut line)
            .context("cannot read the password from standard input")?;
        line.truncate(line.trim_end_matches(['\n', '\r']).len());
        line
    };
    Ok(Password::chosen(text, user.as_str())?)
}

fn hash(password: &Password) -> Result<PasswordHash> {
    Ok(PasswordHasher::new(HashParams::DEFAULT)?.hash(password)?)
}

fn record(
    writer: &mut Writer<'_>,
    kind: AuditKind,
    account: &str,
    detail: Option<&str>,
    at: Timestamp,
) -> Result<(), StoreError> {
    // By a command: no user and no address is known.
    writer.record(&NewAuditEvent { account: Some(account), detail, ..NewAuditEvent::new(kind, at) })
}

impl Operator {
    /// Opens the database alone, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// Where it cannot be used.
    pub fn open_database(settings: &cream_config::Settings) -> Result<Self> {
        let operator = Self::open_as_is(settings)?;
        operator.migrate_to_current()?;
        Ok(operator)
    }

    /// Adds a user. Without a password they cannot log in, but may hold tokens.
    ///
    /// # Errors
    ///
    /// Where the name is taken, or the database or the output fails.
    pub fn add_user(
        &self,
        name: &UserName,
        role: Role,
        password: Option<&Password>,
        out: &mut dyn Write,
    ) -> Result<Exit> {
        let password = password.map(hash).transpose()?;
        let has_password = password.is_some();
        let now = self.clock.now();
        let added = self.store.write(|writer| {
            let added = writer.add_user(&NewUser { name: name.clone(), role, password, now })?;
            if let UserAdded::New(_) = added {
                record(writer, AuditKind::UserAdded, name.as_str(), Some(role.name()), now)?;
            }
            Ok::<_, StoreError>(added)
        })?;
        match added {
            UserAdded::New(_) => {
                writeln!(out, "{name}: added, {role}")?;
                if !has_password {
                    writeln!(
                        out,
                        "{name} has no password: tokens are made by `api-server token create {name}`"
                    )?;
                }
                Ok(Exit::Done)
            }
            UserAdded::NameTaken => bail!("there is a user {name} already"),
        }
    }

    /// Lists the users, for people or as JSON.
    ///
    /// # Errors
    ///
    /// Where the database or the output fails.
    pub fn list_users(&self, json: bool, out: &mut dyn Write) -> Result<Exit> {
        let users = self.all_users()?;
        if json {
            let rows: Vec<UserRow<'_>> = users.iter().map(UserRow::of).collect();
            writeln!(out, "{}", serde_json::to_string(&rows)?)?;
            return Ok(Exit::Done);
        }
        let mut table = Table::new(["name", "role", "state", "password", "last login"]);
        for user in &users {
            table.add([
                user.name.to_string(),
                user.role.to_string(),
                if user.is_active { "active" } else { "disabled" }.to_owned(),
                if user.has_password() { "yes" } else { "none" }.to_owned(),
                user.last_login_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
            ]);
        }
        table.write("", out)?;
        if users.is_empty() {
            writeln!(
                out,
                "nobody yet; `api-server user add NAME --role admin` adds the first admin"
            )?;
        }
        Ok(Exit::Done)
    }

    fn all_users(&self) -> Result<Vec<User>> {
        let mut users: Vec<User> = Vec::new();
        loop {
            let after = users.last().map(|user| user.name.clone());
            let page = self.store.read(|reader| reader.users(after.as_ref(), PAGE))?;
            if page.is_empty() {
                return Ok(users);
            }
            users.extend(page);
        }
    }

    fn user_called(&self, name: &UserName) -> Result<User> {
        let found = self.store.read(|reader| reader.user_named(name))?;
        let (user, _) = found.ok_or_else(|| {
            anyhow!("there is no user {name}; `api-server user list` lists those there are")
        })?;
        Ok(user)
    }

    /// Changes what a user is, or whether they are let in. Sessions of whoever is disabled end.
    ///
    /// # Errors
    ///
    /// Where there is no such user, no active admin would be left, or the database or the output
    /// fails.
    pub fn change_user(
        &self,
        name: &UserName,
        change: UserChange,
        out: &mut dyn Write,
    ) -> Result<Exit> {
        let user = self.user_called(name)?;
        let now = self.clock.now();
        let changed = self.store.write(|writer| {
            let changed = writer.change_user(user.id, &change, now)?;
            if let UserChanged::Done(user) = &changed {
                let detail = state(user);
                record(writer, AuditKind::UserChanged, name.as_str(), Some(&detail), now)?;
            }
            Ok::<_, StoreError>(changed)
        })?;
        match changed {
            UserChanged::Done(user) => {
                writeln!(out, "{name}: {}", state(&user))?;
                Ok(Exit::Done)
            }
            UserChanged::Unknown => bail!("there is no user {name} any more"),
            UserChanged::LastAdmin => {
                bail!("{name} is the last active admin; make another one first")
            }
        }
    }

    /// Gives a user another password. Their sessions end; tokens stay.
    ///
    /// # Errors
    ///
    /// Where there is no such user, or the database or the output fails.
    pub fn set_password(
        &self,
        name: &UserName,
        password: &Password,
        out: &mut dyn Write,
    ) -> Result<Exit> {
        let user = self.user_called(name)?;
        let hash = hash(password)?;
        let now = self.clock.now();
        self.store.write(|writer| {
            writer.set_password(user.id, &hash, None, now)?;
            record(writer, AuditKind::PasswordChanged, name.as_str(), None, now)
        })?;
        writeln!(out, "{name}: the password is set, and all sessions have ended")?;
        Ok(Exit::Done)
    }

    /// Makes a token and writes it to `out`, alone on its line: it is shown this once. What else
    /// there is to say goes to `notes`.
    ///
    /// # Errors
    ///
    /// Where there is no such user, they may not have such a token, or the database or the output
    /// fails.
    pub fn create_token(
        &self,
        wish: &TokenWish,
        out: &mut dyn Write,
        notes: &mut dyn Write,
    ) -> Result<Exit> {
        let user = self.user_called(&wish.user)?;
        let allowed = user.role.scopes();
        if !wish.scopes.is_within(allowed) {
            bail!("{} is {}, whose tokens have no more than {allowed}", user.name, user.role);
        }
        let token = Token::generate(TokenKind::Api)?;
        let now = self.clock.now();
        let length = i64::from(wish.days).saturating_mul(MICROS_PER_DAY);
        let new = NewToken {
            user: user.id,
            kind: TokenKind::Api,
            name: wish.name.clone(),
            digest: token.digest(),
            scopes: wish.scopes,
            created_at: now,
            expires_at: Timestamp::from_micros(now.micros().saturating_add(length)),
        };
        let id = self.store.write(|writer| {
            let id = writer.add_token(&new)?;
            let detail = format!("{}: {} ({})", id.0, new.name, new.scopes);
            record(writer, AuditKind::TokenCreated, user.name.as_str(), Some(&detail), now)?;
            Ok::<_, StoreError>(id)
        })?;
        writeln!(out, "{}", token.expose())?;
        writeln!(
            notes,
            "token {} of {}: {}, until {}; it is not shown again",
            id.0, user.name, new.scopes, new.expires_at
        )?;
        if !user.is_active {
            writeln!(notes, "{} is disabled: the token works once they are enabled", user.name)?;
        }
        Ok(Exit::Done)
    }

    /// Lists the valid tokens of a user, or of all, for people or as JSON.
    ///
    /// # Errors
    ///
    /// Where there is no such user, or the database or the output fails.
    pub fn list_tokens(
        &self,
        of: Option<&UserName>,
        json: bool,
        out: &mut dyn Write,
    ) -> Result<Exit> {
        let user = of.map(|name| self.user_called(name)).transpose()?.map(|user| user.id);
        let now = self.clock.now();
        let mut tokens: Vec<AccessToken> = Vec::new();
        loop {
            let after = tokens.last().map(|token| token.id);
            let query = TokenQuery { user, kind: None, unended_at: Some(now), after, limit: PAGE };
            let page = self.store.read(|reader| reader.tokens(&query))?;
            if page.is_empty() {
                break;
            }
            tokens.extend(page);
        }
        if json {
            let rows: Vec<TokenRow<'_>> = tokens.iter().map(TokenRow::of).collect();
            writeln!(out, "{}", serde_json::to_string(&rows)?)?;
            return Ok(Exit::Done);
        }
        let mut table =
            Table::new(["id", "user", "kind", "name", "scopes", "expires", "last used"]);
        for token in &tokens {
            table.add([
                token.id.0.to_string(),
                token.user_name.to_string(),
                token.kind.name().to_owned(),
                token.name.clone(),
                token.scopes.to_string(),
                token.expires_at.to_string(),
                token.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
            ]);
        }
        table.write("", out)?;
        Ok(Exit::Done)
    }

    /// Takes a token back, or ends a session.
    ///
    /// # Errors
    ///
    /// Where no valid token has this number, or the database or the output fails.
    pub fn revoke_token(&self, id: TokenId, out: &mut dyn Write) -> Result<Exit> {
        let now = self.clock.now();
        let revoked = self.store.write(|writer| {
            let Some(token) = writer.token(id)? else { return Ok(None) };
            if !writer.revoke_token(id, None, now)? {
                return Ok(None);
            }
            let detail = id.0.to_string();
            let (kind, name) = (AuditKind::TokenRevoked, token.user_name.as_str());
            record(writer, kind, name, Some(&detail), now)?;
            Ok::<_, StoreError>(Some(token))
        })?;
        let Some(token) = revoked else {
            bail!("no token {} is there to be revoked; `api-server token list` lists them", id.0);
        };
        writeln!(out, "token {} of {} ({}) is revoked", id.0, token.user_name, token.name)?;
        Ok(Exit::Done)
    }
}

fn state(user: &User) -> String {
    let state = if user.is_active { "active" } else { "disabled" };
    format!("{}, {state}", user.role)
}

#[derive(Serialize)]
struct UserRow<'a> {
    id: i64,
    name: &'a str,
    role: &'static str,
    is_active: bool,
    has_password: bool,
    created_at: String,
    last_login_at: Option<String>,
}

impl<'a> UserRow<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            id: user.id.0,
            name: user.name.as_str(),
            role: user.role.name(),
            is_active: user.is_active,
            has_password: user.has_password(),
            created_at: user.created_at.to_string(),
            last_login_at: user.last_login_at.map(|at| at.to_string()),
        }
    }
}

#[derive(Serialize)]
struct TokenRow<'a> {
    id: i64,
    user: &'a str,
    kind: &'static str,
    name: &'a str,
    scopes: Vec<&'static str>,
    created_at: String,
    expires_at: String,
    last_used_at: Option<String>,
}

impl<'a> TokenRow<'a> {
    fn of(token: &'a AccessToken) -> Self {
        Self {
            id: token.id.0,
            user: token.user_name.as_str(),
            kind: token.kind.name(),
            name: &token.name,
            scopes: token.scopes.iter().map(cream_auth::Scope::name).collect(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.to_string(),
            last_used_at: token.last_used_at.map(|at| at.to_string()),
        }
    }
}
