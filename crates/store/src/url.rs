//! Which database, by URL.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::StoreError;

/// Where the database is: `sqlite:PATH`.
///
/// `sqlite://PATH` is read the same way. A URL without a scheme is refused, so that a typing
/// mistake cannot create an empty database.
///
/// ```
/// use cream_store::DatabaseUrl;
/// let url: DatabaseUrl = "sqlite:data/cream.db".parse()?;
/// assert_eq!(url.to_string(), "sqlite:data/cream.db");
/// assert!("cream.db".parse::<DatabaseUrl>().is_err());
/// # Ok::<(), cream_store::StoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl(Target);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Sqlite(PathBuf),
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
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let refuse = |scheme: &str, reason| {
            // What follows the scheme may hold a password.
            let url = if scheme.is_empty() { text.to_owned() } else { format!("{scheme}:…") };
            Err(StoreError::Url { url, reason })
        };
        let Some((scheme, rest)) = text.split_once(':') else {
            return refuse("", "it has no scheme; write sqlite:PATH");
        };
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() {
                    refuse(scheme, "the path of the database file is missing; write sqlite:PATH")
                } else if path.contains(":memory:") {
                    refuse(scheme, "a database in memory is lost with its connection; name a file")
                } else if path.contains(['?', '\0']) {
                    refuse(scheme, "parameters after the path are not supported")
                } else {
                    Ok(Self::sqlite(path))
                }
            }
            "postgres" | "postgresql" => {
                refuse(scheme, "PostgreSQL is not in this version; write sqlite:PATH")
            }
            "mysql" | "mariadb" => refuse(scheme, "only SQLite is supported; write sqlite:PATH"),
            _ if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                refuse("", "it has no scheme; write sqlite:PATH")
            }
            _ => refuse(scheme, "the scheme is not known; write sqlite:PATH"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<DatabaseUrl>().unwrap_err().to_string()
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
    fn anything_else_is_refused_with_its_reason_and_without_its_password() {
        for text in ["postgres://me:secret@host/db", "postgresql://me:secret@host/db"] {
            let message = refused(text);
            assert!(message.contains("not in this version"), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
        assert!(refused("cream.db").contains("no scheme"));
        assert!(refused("./data/x:y.db").contains("no scheme"));
        assert!(refused("").contains("no scheme"));
        assert!(refused("sqlite:").contains("path of the database file is missing"));
        assert!(refused("sqlite://").contains("path of the database file is missing"));
        assert!(refused("sqlite::memory:").contains("name a file"));
        assert!(refused("sqlite:a.db?mode=ro").contains("parameters"));
        assert!(refused("mysql://me:secret@host/db").contains("only SQLite"));
        assert!(refused("sqlit:a.db").contains("the scheme is not known"));
    }
}
