//! What can go wrong with the database.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

type Source = Box<dyn StdError + Send + Sync>;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL names no database that this version can use.
    #[error("the database URL {url:?} cannot be used: {reason}")]
    Url {
        /// The URL as far as it holds no secret.
        url: String,
        /// What is wrong with it and what is allowed.
        reason: &'static str,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {}: {reason}", path.display())]
    Connect {
        /// The database file.
        path: PathBuf,
        /// What is in the way.
        reason: String,
    },
    /// Another connection or process held the database for longer than the busy timeout.
    #[error("the database is locked by another writer: {message}")]
    Busy {
        /// The database's own words.
        message: String,
    },
    /// No connection of the pool became free in time.
    #[error("no database connection within {} s: {reason}", waited.as_secs_f32())]
    Timeout {
        /// How long was waited.
        waited: Duration,
        /// What the pool says.
        reason: String,
    },
    /// The file system of the database has no room left.
    #[error("the disk of the database is full; free some space and run again ({message})")]
    DiskFull {
        /// The database's own words.
        message: String,
    },
    /// The database file or its folder may not be written.
    #[error(
        "the database may not be written; check the permissions of its file and folder ({message})"
    )]
    ReadOnly {
        /// The database's own words.
        message: String,
    },
    /// The database file is damaged.
    #[error("the database file is damaged; restore it, or rebuild it from the archive ({message})")]
    Damaged {
        /// The database's own words.
        message: String,
    },
    /// A stored value means nothing: it was changed by hand, or written by a newer program.
    #[error("{table}.{column} holds {value}, which cannot be read back")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The value.
        value: String,
    },
    /// A row cannot be read at all.
    #[error("a stored row cannot be read: {message}")]
    Unreadable {
        /// Which field, and why.
        message: String,
    },
    /// What was to be written breaks a rule of the schema.
    #[error("the database refuses the row: {message}")]
    Constraint {
        /// The constraint's name, or the columns it is on.
        constraint: String,
        /// The database's own words.
        message: String,
    },
    /// A response of the same name but with other content is registered.
    #[error("a response named {file_name:?} with other content is already registered")]
    NameTaken {
        /// The name.
        file_name: String,
    },
    /// The response was claimed by another after the lease ran out, or is done.
    #[error("the lease on response {response} is lost: another has taken it over or finished it")]
    LeaseLost {
        /// The response's id.
        response: i64,
    },
    /// A migration failed; nothing of it was kept.
    #[error("migration {name} failed: {source}")]
    Migration {
        /// The migration.
        name: String,
        /// The cause.
        source: Source,
    },
    /// The schema is older than the program.
    #[error("the database lacks the migrations {}; run `worker migrate up`", names.join(", "))]
    MigrationsPending {
        /// The migrations that are missing, oldest first.
        names: Vec<String>,
    },
    /// The schema is newer than the program.
    #[error(
        "the database was written by a newer program: this one does not know the migrations {}; \
         upgrade the program, or revert them with the newer one",
        versions.join(", ")
    )]
    NewerDatabase {
        /// The versions that are not known.
        versions: Vec<String>,
    },
    /// Anything else that the database reports.
    #[error("the database reports: {message}")]
    Database {
        /// The database's own words.
        message: String,
        /// The cause.
        #[source]
        source: Source,
    },
}

impl StoreError {
    /// Whether the same call may well succeed a little later: the database was locked or out of
    /// connections.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Timeout { .. })
    }

    pub(crate) fn corrupt(table: &'static str, column: &'static str, value: impl ToString) -> Self {
        Self::Corrupt { table, column, value: value.to_string() }
    }
}

/// What the database layer reports, in our terms.
///
/// A function rather than `From`, so that the public error says nothing of the layer below.
pub(crate) fn failed(error: DieselError) -> StoreError {
    match error {
        DieselError::DatabaseError(kind, info) => {
            let message = info.message().to_owned();
            by_kind(&kind)
                .or_else(|| by_message(&message))
                .map(|make| make(message.clone()))
                .unwrap_or_else(|| StoreError::Database {
                    message,
                    source: Box::new(DieselError::DatabaseError(kind, info)),
                })
        }
        DieselError::DeserializationError(error) => {
            let mut message = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                message = format!("{message}: {error}");
                cause = error.source();
            }
            StoreError::Unreadable { message }
        }
        error => StoreError::Database { message: error.to_string(), source: Box::new(error) },
    }
}

fn by_kind(kind: &DatabaseErrorKind) -> Option<fn(String) -> StoreError> {
    match kind {
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation => Some(constraint),
        _ => None,
    }
}

/// SQLite tells most failures apart by their text alone, once they have passed through diesel.
/// The texts are part of SQLite's source since version 3.0.
fn by_message(message: &str) -> Option<fn(String) -> StoreError> {
    let has = |part: &str| message.contains(part);
    if has("database or disk is full") {
        Some(|message| StoreError::DiskFull { message })
    } else if has("is locked") || has("locking protocol") {
        Some(|message| StoreError::Busy { message })
    } else if has("readonly database") || has("access permission denied") {
        Some(|message| StoreError::ReadOnly { message })
    } else if has("disk image is malformed") || has("file is not a database") {
        Some(|message| StoreError::Damaged { message })
    } else if message.starts_with("cannot store ") {
        // A value of the wrong type for a column of a STRICT table.
        Some(constraint)
    } else {
        None
    }
}

fn constraint(message: String) -> StoreError {
    let constraint = message
        .split_once(": ")
        .or_else(|| message.rsplit_once(" column "))
        .map_or(message.as_str(), |(_, name)| name)
        .to_owned();
    StoreError::Constraint { constraint, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: DatabaseErrorKind, message: &str) -> StoreError {
        failed(DieselError::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn the_databases_texts_are_told_apart() {
        let of_text = |text| of(DatabaseErrorKind::Unknown, text);
        let full = of_text("database or disk is full");
        assert!(matches!(full, StoreError::DiskFull { .. }) && !full.is_transient());
        for text in ["database is locked", "database table is locked", "locking protocol"] {
            let busy = of_text(text);
            assert!(matches!(busy, StoreError::Busy { .. }) && busy.is_transient(), "{busy}");
        }
        let read_only = of_text("attempt to write a readonly database");
        assert!(matches!(read_only, StoreError::ReadOnly { .. }));
        assert!(matches!(of_text("database disk image is malformed"), StoreError::Damaged { .. }));
        assert!(matches!(of_text("file is not a database"), StoreError::Damaged { .. }));
        assert!(matches!(of_text("disk I/O error"), StoreError::Database { .. }));
    }

    #[test]
    fn a_row_that_cannot_be_read_tells_its_field_and_why() {
        use diesel::prelude::*;
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        let day = diesel::dsl::sql::<cream_schema::Day>("2932897 AS date");
        let read = diesel::select(day).get_result::<cream_schema::DayValue>(&mut connection);
        let message = failed(read.unwrap_err()).to_string();
        assert!(message.contains("'date'") && message.contains("day 2932897 lies"), "{message}");
    }

    #[test]
    fn a_constraint_is_named() {
        for (kind, text, name) in [
            (
                DatabaseErrorKind::CheckViolation,
                "CHECK constraint failed: stock_data_volume",
                "stock_data_volume",
            ),
            (
                DatabaseErrorKind::UniqueViolation,
                "UNIQUE constraint failed: stock.symbol",
                "stock.symbol",
            ),
            (
                DatabaseErrorKind::ForeignKeyViolation,
                "FOREIGN KEY constraint failed",
                "FOREIGN KEY constraint failed",
            ),
            (
                DatabaseErrorKind::Unknown,
                "cannot store TEXT value in INTEGER column stock_data.open",
                "stock_data.open",
            ),
        ] {
            match of(kind, text) {
                StoreError::Constraint { constraint, message } => {
                    assert_eq!((constraint.as_str(), message.as_str()), (name, text));
                }
                other => panic!("{other}"),
            }
        }
    }
}
