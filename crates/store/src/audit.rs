//! What happened to accounts and by them.

use cream_models::Timestamp;

use crate::accounts::{UserId, UserName};
use crate::vendors::cut;

/// The number of an event in one database. They ascend in the order in which they were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub i64);

/// What can happen.
///
/// The database takes any name, so that a new kind needs no migration; see [`AuditEvent::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditKind {
    /// Somebody logged in.
    Login,
    /// A name and a password did not fit.
    LoginFailed,
    /// A login was not looked at, because of too many that failed.
    LoginRefused,
    /// A session was ended by its owner.
    Logout,
    /// A user was added.
    UserAdded,
    /// The role of a user, or whether they are active, was set.
    UserChanged,
    /// A password was set.
    PasswordChanged,
    /// A token was given out.
    TokenCreated,
    /// A token was taken back.
    TokenRevoked,
    /// A stock is pulled from now on.
    Tracked,
    /// A stock is pulled no more.
    Untracked,
    /// A dead letter is given another try.
    ResponseRetried,
}

impl AuditKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Login,
        Self::LoginFailed,
        Self::LoginRefused,
        Self::Logout,
        Self::UserAdded,
        Self::UserChanged,
        Self::PasswordChanged,
        Self::TokenCreated,
        Self::TokenRevoked,
        Self::Tracked,
        Self::Untracked,
        Self::ResponseRetried,
    ];

    /// The name in the database and in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginFailed => "login_failed",
            Self::LoginRefused => "login_refused",
            Self::Logout => "logout",
            Self::UserAdded => "user_added",
            Self::UserChanged => "user_changed",
            Self::PasswordChanged => "password_changed",
            Self::TokenCreated => "token_created",
            Self::TokenRevoked => "token_revoked",
            Self::Tracked => "tracked",
            Self::Untracked => "untracked",
            Self::ResponseRetried => "response_retried",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An event to be recorded.
///
/// Texts that are longer than the schema takes are cut short. None may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAuditEvent<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: AuditKind,
    /// The name of the account it is about, as somebody gave it, whether or not anybody has it.
    /// Its ASCII letters are kept in lower case, as those of names are. Up to 64 characters.
    pub account: Option<&'a str>,
    /// Who did it; `None` where nobody is known, and for a command on the server's machine.
    pub actor: Option<UserId>,
    /// Where the request came from, of up to 64 characters: logins are counted by it.
    pub address: Option<&'a str>,
    /// The request, of up to 128 characters.
    pub request_id: Option<&'a str>,
    /// More, for a person, of up to 1,000 characters.
    pub detail: Option<&'a str>,
}

impl NewAuditEvent<'_> {
    /// An event of which nothing else is known.
    #[must_use]
    pub const fn new(kind: AuditKind, at: Timestamp) -> Self {
        let (account, actor, address, request_id, detail) = (None, None, None, None, None);
        Self { at, kind, account, actor, address, request_id, detail }
    }
}

/// An event that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its number.
    pub id: AuditId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened: the name of an [`AuditKind`], or of one that only a newer program knows.
    pub kind: String,
    /// The name of the account it is about, whether or not anybody has it.
    pub account: Option<String>,
    /// Who did it.
    pub actor: Option<UserId>,
    /// The name of who did it.
    pub actor_name: Option<UserName>,
    /// Where the request came from.
    pub address: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// More, for a person.
    pub detail: Option<String>,
}

/// Which events are listed, the one that was recorded last first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only those of this kind.
    pub kind: Option<AuditKind>,
    /// Only those about this account, whatever the case of its ASCII letters.
    pub account: Option<String>,
    /// Only those recorded before this one, which need not exist.
    pub before: Option<AuditId>,
    /// At most so many.
    pub limit: u32,
}

/// How many logins failed of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailedLogins {
    /// For the account, from wherever.
    pub of_account: i64,
    /// From the address, for whatever account.
    pub from_address: i64,
}

/// The name of an account, as it is stored and looked for: names differ in no more than that.
pub(crate) fn account_text(account: &str) -> String {
    cut(&account.to_ascii_lowercase(), UserName::MAX_LEN)
}

/// An address, as it is stored and looked for.
pub(crate) fn address_text(address: &str) -> String {
    cut(address, 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_back_and_are_names_that_the_schema_takes() {
        for kind in AuditKind::ALL {
            assert_eq!(AuditKind::from_name(kind.name()), Some(kind));
            assert!(kind.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        }
        assert_eq!(AuditKind::from_name("Login"), None);
    }
}
