//! What a token is good for, and what a person is.

use std::fmt;
use std::str::FromStr;

use crate::redact::redact;

/// What a token lets its holder do. None includes another: a token has those it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read what is stored.
    Read,
    /// Have stocks tracked.
    Track,
    /// Manage people, tracked stocks and responses.
    Admin,
}

/// What a person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads and tracks.
    User,
    /// May do everything.
    Admin,
}

/// A name that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}; known are {known}")]
pub struct UnknownName {
    text: String,
    what: &'static str,
    known: String,
}

impl UnknownName {
    /// The text may be anything that somebody put in the wrong place, also a token.
    fn new<const N: usize>(text: &str, what: &'static str, known: [&'static str; N]) -> Self {
        const LIMIT: usize = 40;
        let safe = redact(text);
        let mut short: String = safe.chars().take(LIMIT).collect();
        if short.len() < safe.len() {
            short.push('…');
        }
        Self { text: short, what, known: known.join(", ") }
    }
}

impl Scope {
    /// Every scope, in order.
    pub const ALL: [Self; 3] = [Self::Read, Self::Track, Self::Admin];

    /// The name in settings, answers and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Track => "track",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Track => 2,
            Self::Admin => 4,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scope {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.name() == text)
            .ok_or_else(|| UnknownName::new(text, "scope", Self::ALL.map(Self::name)))
    }
}

impl Role {
    /// Every role, in order.
    pub const ALL: [Self; 2] = [Self::User, Self::Admin];

    /// The name in settings, answers and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// The scopes that tokens of somebody in this role may have.
    #[must_use]
    pub const fn scopes(self) -> Scopes {
        match self {
            Self::User => Scopes(Scope::Read.bit() | Scope::Track.bit()),
            Self::Admin => Scopes::ALL,
        }
    }

    /// Whether tokens of somebody in this role may have a scope.
    #[must_use]
    pub const fn allows(self, scope: Scope) -> bool {
        self.scopes().contains(scope)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| UnknownName::new(text, "role", Self::ALL.map(Self::name)))
    }
}

/// A set of scopes. As text, their names in order with commas: `read,track`.
///
/// ```
/// use cream_auth::{Role, Scope, Scopes};
///
/// let asked: Scopes = "admin, read".parse()?;
/// assert_eq!(asked.to_string(), "read,admin");
/// // What a token may is bounded by what its owner may, when it is used.
/// let granted = asked & Role::User.scopes();
/// assert!(granted.contains(Scope::Read) && !granted.contains(Scope::Admin));
/// # Ok::<(), cream_auth::UnknownName>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// No scope.
    pub const NONE: Self = Self(0);
    /// Every scope.
    pub const ALL: Self = Self(Scope::Read.bit() | Scope::Track.bit() | Scope::Admin.bit());

    /// Whether a scope is among them.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether all of them are among others.
    #[must_use]
    pub const fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Them, in order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// Those in both.
impl std::ops::BitAnd for Scopes {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.iter().map(Scope::name).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromStr for Scopes {
    type Err = UnknownName;

    /// Names with commas, in any order, with white space or not. No name at all is an error: a
    /// token without a scope is good for nothing.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        text.split(',').map(|name| name.trim().parse::<Scope>()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_sets() -> impl Iterator<Item = Scopes> {
        (0..=Scopes::ALL.0).map(Scopes)
    }

    #[test]
    fn names_read_back() {
        assert_eq!(Scope::ALL.map(Scope::name), ["read", "track", "admin"]);
        assert_eq!(Role::ALL.map(Role::name), ["user", "admin"]);
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
    }

    #[test]
    fn unknown_names_are_told() {
        let error = "Read".parse::<Scope>().unwrap_err().to_string();
        assert_eq!(error, "\"Read\" is not a scope; known are read, track, admin");
        let error = "root".parse::<Role>().unwrap_err().to_string();
        assert_eq!(error, "\"root\" is not a role; known are user, admin");
        let error = "\n".repeat(1_000_000).parse::<Role>().unwrap_err().to_string();
        assert_eq!(
            error,
            format!("\"{}…\" is not a role; known are user, admin", "\\n".repeat(40))
        );
        let token = format!("cream_{}", "x1".repeat(30));
        let error = token.parse::<Scopes>().unwrap_err().to_string();
        assert_eq!(error, "\"cream_[redacted]\" is not a scope; known are read, track, admin");
    }

    #[test]
    fn sets_are_what_they_hold() {
        assert_eq!(all_sets().count(), 8);
        for set in all_sets() {
            let held: Vec<Scope> = set.iter().collect();
            assert!(held.is_sorted());
            assert!(Scope::ALL.iter().all(|scope| set.contains(*scope) == held.contains(scope)));
            assert_eq!(held.iter().copied().rev().collect::<Scopes>(), set);
            assert_eq!(set.is_empty(), held.is_empty());
            for other in all_sets() {
                let both: Vec<Scope> = (set & other).iter().collect();
                let expected: Vec<Scope> =
                    held.iter().copied().filter(|scope| other.contains(*scope)).collect();
                assert_eq!(both, expected);
                assert_eq!(set.is_within(other), held == both);
            }
        }
    }

    #[test]
    fn sets_read_back_but_none_is_refused() {
        for set in all_sets().filter(|set| !set.is_empty()) {
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        assert_eq!("admin ,read,admin".parse(), Ok(Scopes(5)));
        assert_eq!(Scopes::ALL.to_string(), "read,track,admin");
        assert_eq!(format!("{:?}", Scopes(3)), "{Read, Track}");
        for text in ["", " ", ",", "read,", "read track", "read;track", "all", "*"] {
            assert!(text.parse::<Scopes>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_admins_may_what_admins_may() {
        let table = Role::ALL.map(|role| Scope::ALL.map(|scope| role.allows(scope)));
        assert_eq!(table, [[true, true, false], [true, true, true]]);
        assert!(Role::User.scopes().is_within(Role::Admin.scopes()));
    }
}
