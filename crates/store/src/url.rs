//! Which database, by URL.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::StoreError;

/// Where the database is: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
///
/// `sqlite://PATH` is read the same way, and `postgresql://` stands for `postgres://`; such a URL
/// may carry the parameters of PostgreSQL's own library, such as `?sslmode=verify-full`. A URL
/// without a scheme is refused, so that a typing mistake cannot create an empty database. No
/// password is ever shown.
///
/// ```
/// use cream_store::DatabaseUrl;
/// let url: DatabaseUrl = "sqlite:data/cream.db".parse()?;
/// assert_eq!(url.to_string(), "sqlite:data/cream.db");
/// let url: DatabaseUrl = "postgres://cream:secret@db.example/cream?sslmode=require".parse()?;
/// assert_eq!(url.to_string(), "postgres://cream@db.example/cream?sslmode=require");
/// assert!("cream.db".parse::<DatabaseUrl>().is_err());
/// # Ok::<(), cream_store::StoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl(Target);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

impl DatabaseUrl {
    /// The URL of an SQLite database in a file.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Target::Sqlite(path.into()))
    }

    /// The file that holds the whole database, where it is one file.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Target::Sqlite(path) => Some(path),
            Target::Postgres(_) => None,
        }
    }

    pub(crate) const fn target(&self) -> &Target {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    /// The URL, without any password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Target::Postgres(url) => url.fmt(f),
        }
    }
}

const FORMS: &str = "write sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE";

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let refuse = |scheme: &str, reason: &str| {
            // What follows the scheme may hold a password, and so may a text without one.
            let url = match scheme {
                "" if text.contains('@') => "…".to_owned(),
                "" => text.split(':').next().unwrap_or_default().to_owned(),
                scheme => format!("{scheme}:…"),
            };
            Err(StoreError::Url { url, reason: format!("{reason}; {FORMS}") })
        };
        let Some((scheme, rest)) = text.split_once(':') else {
            return refuse("", "it has no scheme");
        };
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() {
                    refuse(scheme, "the path of the database file is missing")
                } else if path.contains(":memory:") {
                    refuse(scheme, "a database in memory is lost with its connection: name a file")
                } else if path.contains(['?', '\0']) {
                    refuse(scheme, "parameters after the path are not supported")
                } else {
                    Ok(Self::sqlite(path))
                }
            }
            "postgres" | "postgresql" => match rest.strip_prefix("//") {
                Some(rest) if !text.contains('\0') => match PostgresUrl::read(scheme, rest) {
                    Some(url) => Ok(Self(Target::Postgres(url))),
                    None => refuse(
                        scheme,
                        "the characters / ? # @ of a user or password are written %2F %3F %23 %40",
                    ),
                },
                _ => refuse(scheme, "two slashes follow the scheme"),
            },
            "mysql" | "mariadb" => refuse(scheme, "only SQLite and PostgreSQL are supported"),
            _ if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                refuse("", "it has no scheme")
            }
            _ => refuse(scheme, "the scheme is not known"),
        }
    }
}

/// A URL for PostgreSQL's library.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl {
    /// Up to the parameters.
    base: String,
    /// The parameters, as they are written.
    parameters: Vec<String>,
    /// What may be seen of both.
    shown: String,
    /// The passwords in it, as written and as meant.
    secrets: Vec<String>,
}

/// Parameters whose values are not for others to see.
const SECRET_PARAMETERS: [&str; 5] =
    ["password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"];

/// The name of a parameter, as meant.
fn name_of(pair: &str) -> Cow<'_, str> {
    let name = pair.split('=').next().unwrap_or_default();
    percent_decode_str(name).decode_utf8_lossy()
}

impl PostgresUrl {
    /// Reads what follows the slashes; `None` where it is not clear where a password ends.
    fn read(scheme: &str, rest: &str) -> Option<Self> {
        let mut secrets = Vec::new();
        let mut keep = |secret: &str| {
            if !secret.is_empty() {
                secrets.push(secret.to_owned());
                secrets.push(percent_decode_str(secret).decode_utf8_lossy().into_owned());
            }
        };
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, place) =
            before.split_once('@').map_or((None, before), |(user, place)| (Some(user), place));
        // The library would take what comes before them for something else.
        let is_clear = |text: &str| !text.contains(['@', '#']);
        let is_user = |text: &str| is_clear(text) && !text.contains('/');
        if !is_clear(place) || !user.is_none_or(is_user) || !is_clear(query) {
            return None;
        }
        let name = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            Some((name, password)) => {
                keep(password);
                format!("{name}@")
            }
            None => String::new(),
        };
        let mut shown = format!("{scheme}://{name}{place}");
        let parameters: Vec<String> =
            query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
        let mut mark = '?';
        for pair in &parameters {
            if SECRET_PARAMETERS.contains(&name_of(pair).as_ref()) {
                keep(pair.split_once('=').map_or("", |(_, value)| value));
            } else {
                shown.push(mark);
                shown.push_str(pair);
                mark = '&';
            }
        }
        Some(Self { base: format!("{scheme}://{before}"), parameters, shown, secrets })
    }

    /// The URL for the library, with what is not said otherwise: how long to wait, what to be
    /// called, and how soon to notice that the server is gone.
    pub(crate) fn with_defaults(&self, connect_timeout: Duration) -> String {
        // The library takes 1 for 2, and 0 for no end.
        let seconds = connect_timeout.as_secs().max(2).to_string();
        let defaults = [
            ("connect_timeout", seconds.as_str()),
            ("fallback_application_name", "cream"),
            ("keepalives_idle", "10"),
            ("keepalives_interval", "5"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", "25000"),
        ];
        let mut parameters = self.parameters.clone();
        for (name, value) in defaults {
            if !self.parameters.iter().any(|pair| name_of(pair) == name) {
                parameters.push(format!("{name}={value}"));
            }
        }
        format!("{}?{}", self.base, parameters.join("&"))
    }

    /// A text of the library's in which no password is left.
    pub(crate) fn without_secrets(&self, text: &str) -> String {
        let hide = |text: String, secret: &String| text.replace(secret, "…");
        self.secrets.iter().fold(text.to_owned(), hide)
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresUrl").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<DatabaseUrl>().unwrap_err().to_string()
    }

    fn postgres(text: &str) -> PostgresUrl {
        match text.parse::<DatabaseUrl>().unwrap().0 {
            Target::Postgres(url) => url,
            Target::Sqlite(path) => panic!("{}", path.display()),
        }
    }

    #[test]
    fn paths_are_taken_as_they_are() {
        for (text, path) in [
            ("sqlite:cream.db", "cream.db"),
            ("sqlite:/var/lib/cream.db", "/var/lib/cream.db"),
            ("sqlite://cream.db", "cream.db"),
            ("sqlite:///var/lib/cream.db", "/var/lib/cream.db"),
            ("sqlite:a b/ü:1.db", "a b/ü:1.db"),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.file(), Some(Path::new(path)));
            assert_eq!(url.to_string().parse::<DatabaseUrl>().unwrap(), url);
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for (text, shown) in [
            ("postgres://me:secret@host/db", "postgres://me@host/db"),
            ("postgresql://me:secret@host:5433/db", "postgresql://me@host:5433/db"),
            ("postgres://me:se:cret@[::1]/db", "postgres://me@[::1]/db"),
            (
                "postgres://me:p%40secret@host/db?sslmode=require",
                "postgres://me@host/db?sslmode=require",
            ),
            ("postgres://host/db?user=me&password=secret", "postgres://host/db?user=me"),
            ("postgres://host/db?pass%77ord=secret&user=me", "postgres://host/db?user=me"),
            ("postgres:///db?host=/run/postgresql", "postgres:///db?host=/run/postgresql"),
            ("postgres://a:secret@one,two:5433/db", "postgres://a@one,two:5433/db"),
            ("postgres://host/db?", "postgres://host/db"),
            ("postgres://host/db?sslmode=require&", "postgres://host/db?sslmode=require"),
            ("postgres://h/db?scram_client_key=secret", "postgres://h/db"),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.file(), None);
            assert!(!format!("{url:?}").contains("secret"), "{url:?}");
        }
        let url = postgres("postgres://me:p%40ss@host/db");
        assert_eq!(url.without_secrets("not p%40ss and not p@ss"), "not … and not …");
    }

    #[test]
    fn what_the_url_says_is_not_said_again() {
        let wait = Duration::from_secs(7);
        let full = postgres("postgres://host/db").with_defaults(wait);
        assert!(full.starts_with("postgres://host/db?connect_timeout=7&fallback_app"), "{full}");
        for said in ["connect_timeout=3", "connect%5Ftimeout=3"] {
            let full = postgres(&format!("postgres://u:p@h/db?{said}&")).with_defaults(wait);
            let expected = format!("postgres://u:p@h/db?{said}&fallback_app");
            assert!(full.starts_with(&expected), "{full}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason_and_without_its_password() {
        assert!(refused("postgres:me:secret@host/db").contains("two slashes"));
        for text in [
            "postgres://me:secret/with@host",
            "postgres://me:secret?with@host/db",
            "postgres://me:secret@with@host/db",
            "postgres://me:secret#with@host/db",
        ] {
            assert!(refused(text).contains("are written %2F"), "{}", refused(text));
            assert!(!refused(text).contains("secret"), "{}", refused(text));
        }
        assert!(refused("cream.db").contains("no scheme"));
        assert!(refused("./data/x:y.db").contains("no scheme"));
        assert!(refused("").contains("no scheme"));
        assert!(refused("sqlite:").contains("path of the database file is missing"));
        assert!(refused("sqlite://").contains("path of the database file is missing"));
        assert!(refused("sqlite::memory:").contains("name a file"));
        assert!(refused("sqlite:a.db?mode=ro").contains("parameters"));
        assert!(refused("mysql://me:secret@host/db").contains("only SQLite and PostgreSQL"));
        assert!(refused("sqlit:a.db").contains("the scheme is not known"));
        for text in [
            "postgres:me:secret@host/db",
            "mysql://me:secret@host/db",
            "x:secret",
            "\"postgres://me:secret@host/db\"",
            " postgres://me:secret@host/db",
            "postgres+ssl://me:secret@host/db",
            "cream_worker:secret@host/db",
            "cream-worker:secret",
        ] {
            assert!(!refused(text).contains("secret"), "{}", refused(text));
        }
    }
}
