//! Who may ask the API for what: people and their tokens.

use std::fmt;
use std::str::FromStr;

use cream_auth::{PasswordHash, Role, Scopes, TokenDigest, TokenKind, redact};
use cream_models::Timestamp;

/// The number of a user in one database, never given twice. It means nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub i64);

/// The number of a token in one database, never given twice. It means nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub i64);

/// What a user is called: 1 to 64 of `a` to `z`, `0` to `9`, `.`, `_`, `@` and `-`, the first a
/// letter or a digit. Letters are folded to lower case.
///
/// ```
/// use cream_store::UserName;
///
/// let name: UserName = "Ann@Example.org".parse()?;
/// assert_eq!(name.as_str(), "ann@example.org");
/// assert_eq!(
///     "no one".parse::<UserName>().unwrap_err().to_string(),
///     "\"no one\" is not a user name: 1 to 64 of a-z, 0-9, '.', '_', '@' and '-' are expected, \
///      the first a letter or a digit",
/// );
/// # Ok::<(), cream_store::UserNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

/// A text that nobody can be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a user name: 1 to {max} of a-z, 0-9, '.', '_', '@' and '-' are expected, the \
     first a letter or a digit",
    max = UserName::MAX_LEN
)]
pub struct UserNameError {
    text: String,
}

impl UserName {
    /// The longest name, in characters.
    pub const MAX_LEN: usize = 64;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = UserNameError;

    fn from_str(text: &str) -> Result<Self, UserNameError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        let is_name = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
            && text.len() <= Self::MAX_LEN
            && text.bytes().all(is_plain);
        if is_name {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        // It may be anything that somebody put in the wrong place, also a token.
        Err(UserNameError { text: crate::vendors::cut(&redact(text), 40) })
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Somebody who may ask. The password's hash is told by
/// [`Reader::user_named`](crate::Reader::user_named) alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The number, which never changes.
    pub id: UserId,
    /// The name, which is unique and never changes.
    pub name: UserName,
    /// What they are.
    pub role: Role,
    /// Whether they are let in.
    pub is_active: bool,
    /// When they were added.
    pub created_at: Timestamp,
    /// When the role, or whether they are active, was set last.
    pub changed_at: Timestamp,
    /// When the password was set last; `None`: there is none, and they cannot log in.
    pub password_at: Option<Timestamp>,
    /// When they logged in last.
    pub last_login_at: Option<Timestamp>,
}

impl User {
    /// Whether they can log in with a password. Without one they may still hold tokens.
    #[must_use]
    pub const fn has_password(&self) -> bool {
        self.password_at.is_some()
    }
}

/// Somebody to be added, active.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The name, which must be free.
    pub name: UserName,
    /// What they are.
    pub role: Role,
    /// The hash of the password; `None`: they cannot log in, but may hold tokens.
    pub password: Option<PasswordHash>,
    /// The present moment.
    pub now: Timestamp,
}

/// What adding a user came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserAdded {
    /// They are known from now on, under this number.
    New(UserId),
    /// Somebody has the name; nothing is changed.
    NameTaken,
}

/// What is to be changed of a user; `None` is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// What they are from now on.
    pub role: Option<Role>,
    /// Whether they are let in from now on.
    pub is_active: Option<bool>,
}

/// What changing a user came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChanged {
    /// They are now as asked, if they were not before.
    Done(User),
    /// There is no such user.
    Unknown,
    /// Nobody would be left who is active and an admin; nothing is changed.
    LastAdmin,
}

/// A token that is given out.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose it is.
    pub user: UserId,
    /// What it is for.
    pub kind: TokenKind,
    /// What its owner calls it, for a person. Cut to 100 characters.
    pub name: String,
    /// By what it is found again.
    pub digest: TokenDigest,
    /// What it is good for; at least one.
    pub scopes: Scopes,
    /// The present moment.
    pub created_at: Timestamp,
    /// From when on it is good for nothing; later than `created_at`.
    pub expires_at: Timestamp,
}

/// What somebody is let in by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The number.
    pub id: TokenId,
    /// Whose it is.
    pub user: UserId,
    /// The name of whose it is.
    pub user_name: UserName,
    /// What it is for.
    pub kind: TokenKind,
    /// What its owner calls it.
    pub name: String,
    /// What it was given; what it is good for is bounded by its owner's role too.
    pub scopes: Scopes,
    /// When it was given out.
    pub created_at: Timestamp,
    /// From when on it is good for nothing.
    pub expires_at: Timestamp,
    /// When it was used last; minutes may pass before it is written down.
    pub last_used_at: Option<Timestamp>,
    /// When it was taken back, or its session ended.
    pub revoked_at: Option<Timestamp>,
}

/// Which tokens are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenQuery {
    /// Only those of this user.
    pub user: Option<UserId>,
    /// Only those of this kind.
    pub kind: Option<TokenKind>,
    /// Only those that had not expired at this moment, and are not revoked.
    pub unended_at: Option<Timestamp>,
    /// After this one, which need not exist.
    pub after: Option<TokenId>,
    /// At most so many.
    pub limit: u32,
}

/// Whoever holds a token, and the token, whatever their state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Whose it is.
    pub user: User,
    /// The token.
    pub token: AccessToken,
}

/// Whether a token lets its holder in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It does.
    Valid,
    /// Its time is over.
    Expired,
    /// It was taken back, or its session ended.
    Revoked,
    /// Its owner is not let in.
    Disabled,
}

impl Holder {
    /// Whether the token lets its holder in at a moment. Of several reasons why not, the one that
    /// lasts: revoked, expired, disabled.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> TokenState {
        if self.token.revoked_at.is_some() {
            TokenState::Revoked
        } else if now >= self.token.expires_at {
            TokenState::Expired
        } else if !self.user.is_active {
            TokenState::Disabled
        } else {
            TokenState::Valid
        }
    }

    /// What the token is good for while it is valid: what it was given, within what its owner's
    /// role allows now.
    #[must_use]
    pub fn granted(&self) -> Scopes {
        self.token.scopes & self.user.role.scopes()
    }
}

/// How much of what ended long ago was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweptAccounts {
    /// Tokens, also those of sessions.
    pub tokens: u64,
    /// Events.
    pub events: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use cream_auth::Scope;

    #[test]
    fn names_are_folded_and_others_refused() {
        let longest = "a".repeat(64);
        for (text, name) in
            [("a", "a"), ("7", "7"), ("Ann-Lee_2.x@Y", "ann-lee_2.x@y"), (&longest, &longest)]
        {
            assert_eq!(text.parse::<UserName>().map(|name| name.to_string()), Ok(name.to_owned()));
        }
        let too_long = "a".repeat(65);
        for text in [
            "", ".a", "-a", "@a", "_a", " a", "a ", "a\0", "a\n", "ä", "a/b", "\u{212a}", &too_long,
        ] {
            assert!(text.parse::<UserName>().is_err(), "{text:?}");
        }
        let token = format!("cream_{}", "x1".repeat(30));
        let error = token.parse::<UserName>().unwrap_err().to_string();
        assert!(error.starts_with("\"cream_[redacted]\" is not a user name"), "{error}");
        let error = "?".repeat(1_000_000).parse::<UserName>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("\"{}…\"", "?".repeat(39))), "{error}");
    }

    fn holder() -> Holder {
        let at = Timestamp::from_seconds;
        let name: UserName = "ann".parse().unwrap();
        let user = User {
            id: UserId(1),
            name: name.clone(),
            role: Role::Admin,
            is_active: true,
            created_at: at(1),
            changed_at: at(1),
            password_at: None,
            last_login_at: None,
        };
        let token = AccessToken {
            id: TokenId(1),
            user: UserId(1),
            user_name: name,
            kind: TokenKind::Api,
            name: "notebook".to_owned(),
            scopes: Scopes::ALL,
            created_at: at(10),
            expires_at: at(20),
            last_used_at: None,
            revoked_at: None,
        };
        Holder { user, token }
    }

    #[test]
    fn a_token_is_valid_until_something_speaks_against_it() {
        let at = Timestamp::from_seconds;
        let mut holder = holder();
        let before = Timestamp::from_micros(at(20).micros() - 1);
        assert_eq!(
            [before, at(20)].map(|now| holder.state(now)),
            [TokenState::Valid, TokenState::Expired]
        );
        holder.user.is_active = false;
        assert_eq!(holder.state(before), TokenState::Disabled);
        assert_eq!(holder.state(at(20)), TokenState::Expired);
        holder.token.revoked_at = Some(at(99));
        assert_eq!([before, at(20)].map(|now| holder.state(now)), [TokenState::Revoked; 2]);
    }

    #[test]
    fn a_token_is_good_for_what_its_owner_may_now() {
        let mut holder = holder();
        assert_eq!(holder.granted(), Scopes::ALL);
        holder.user.role = Role::User;
        assert_eq!(holder.granted(), Role::User.scopes());
        holder.token.scopes = [Scope::Admin].into_iter().collect();
        assert!(holder.granted().is_empty());
    }
}
