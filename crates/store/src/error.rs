//! What can go wrong with the database.

use std::error::Error as StdError;
use std::time::Duration;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

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
        reason: String,
    },
    /// The database cannot be opened, and will not be without a change.
    #[error("cannot open the database {database}: {reason}")]
    Connect {
        /// The database's file or URL, without any password.
        database: String,
        /// What is in the way, and what to do about it.
        reason: String,
    },
    /// The database server cannot be reached now.
    #[error("cannot reach the database {database}: {reason}")]
    Unreachable {
        /// The database's URL, without any password.
        database: String,
        /// What is in the way, and what to look at.
        reason: String,
    },
    /// The connection to the database was lost. What was under way is undone, but a commit whose
    /// answer did not arrive may have been made.
    #[error("the connection to the database was lost: {message}")]
    Lost {
        /// The database's own words.
        message: String,
    },
    /// Two transactions were in each other's way, and this one was undone.
    #[error("the database undid the transaction in favour of another: {message}")]
    Conflict {
        /// The database's own words.
        message: String,
    },
    /// The role may not do this.
    #[error(
        "the database role lacks a right; docs/operations.md lists the rights of each role \
         ({message})"
    )]
    Forbidden {
        /// The database's own words.
        message: String,
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
    /// A commit is made, and it is not known whether it would outlast a crash of the machine.
    #[error(
        "the disk failed to take what was committed; look at the disk and its log, then start \
         again ({message})"
    )]
    Unsynced {
        /// The system's own words.
        message: String,
    },
    /// The database may not be written: a file without the permission, or a server's standby.
    #[error(
        "the database may not be written; check the permissions of its file and folder, or that \
         the server is no standby ({message})"
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
    /// What was claimed was claimed by another after the lease ran out, was taken back, or is
    /// done.
    #[error("the lease on {on} is lost: another has taken it over or finished it")]
    LeaseLost {
        /// Which response, or which stock of which vendor.
        on: String,
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
    /// Whether the same call may well succeed a little later: the database was locked, out of
    /// connections or away.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::Timeout { .. }
                | Self::Unreachable { .. }
                | Self::Lost { .. }
                | Self::Conflict { .. }
        )
    }

    /// Whether this is about the database as a whole, so that any other write will meet it too
    /// until someone sees to it, or the cause has passed.
    #[must_use]
    pub const fn stops_all(&self) -> bool {
        self.is_transient()
            || matches!(
                self,
                Self::Connect { .. }
                    | Self::DiskFull { .. }
                    | Self::Unsynced { .. }
                    | Self::ReadOnly { .. }
                    | Self::Forbidden { .. }
                    | Self::Damaged { .. }
                    | Self::MigrationsPending { .. }
                    | Self::NewerDatabase { .. }
            )
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
            let message = whole_message(info.as_ref());
            match by_kind(&kind).or_else(|| by_message(&message)) {
                Some(Sort::Constraint) => constraint(info.as_ref(), message),
                Some(Sort::Other(make)) => make(message),
                None => StoreError::Database {
                    message,
                    source: Box::new(DieselError::DatabaseError(kind, info)),
                },
            }
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
        error => {
            let message = error.to_string();
            // Sending rows fails in the words of the library, without a kind.
            match by_message(&message) {
                Some(Sort::Other(make)) => make(message),
                _ => StoreError::Database { message, source: Box::new(error) },
            }
        }
    }
}

/// The message and, where there are, its details, in one line.
fn whole_message(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> String {
    let mut message = info.message().trim_end().replace('\n', "; ");
    for more in [info.details(), info.hint()].into_iter().flatten() {
        message = format!("{message} ({})", more.trim_end().replace('\n', "; "));
    }
    message
}

/// What an error is about.
enum Sort {
    Constraint,
    Other(fn(String) -> StoreError),
}

fn by_kind(kind: &DatabaseErrorKind) -> Option<Sort> {
    match kind {
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation => Some(Sort::Constraint),
        DatabaseErrorKind::SerializationFailure => {
            Some(Sort::Other(|message| StoreError::Conflict { message }))
        }
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            Some(Sort::Other(|message| StoreError::Lost { message }))
        }
        DatabaseErrorKind::ReadOnlyTransaction => {
            Some(Sort::Other(|message| StoreError::ReadOnly { message }))
        }
        _ => None,
    }
}

/// Most failures are told apart by their text alone, once they have passed through diesel, which
/// hands on neither SQLite's codes nor PostgreSQL's. SQLite's texts are part of its source since
/// version 3.0; PostgreSQL's are those of the language `C`, which the session asks for.
fn by_message(message: &str) -> Option<Sort> {
    let has = |part: &str| message.contains(part);
    Some(Sort::Other(
        if has("database or disk is full")
            || has("No space left on device")
            || has("Disk quota exceeded")
        {
            |message| StoreError::DiskFull { message }
        } else if has("is locked") || has("locking protocol") || has("due to lock timeout") {
            |message| StoreError::Busy { message }
        } else if has("deadlock detected") || has("could not serialize access") {
            |message| StoreError::Conflict { message }
        } else if has("server closed the connection")
            || has("no connection to the server")
            || has("terminating connection")
            || has("could not receive data from server")
            || has("could not send data to server")
            || has("SSL SYSCALL error")
            || has("SSL connection has been closed")
            // Of a node of the cluster.
            || has("failure on connection marked as essential")
            || has("failed to COPY to shard")
        {
            |message| StoreError::Lost { message }
        } else if has("readonly database") || has("access permission denied") {
            |message| StoreError::ReadOnly { message }
        } else if is_forbidden(message) {
            |message| StoreError::Forbidden { message }
        } else if has("disk image is malformed") || has("file is not a database") {
            |message| StoreError::Damaged { message }
        } else if message.starts_with("cannot store ") {
            // A value of the wrong type for a column of a STRICT table.
            return Some(Sort::Constraint);
        } else {
            return None;
        },
    ))
}

/// Whether the server says that the role lacks a right.
pub(crate) fn is_forbidden(message: &str) -> bool {
    ["permission denied", "must be owner of", "no schema has been selected"]
        .iter()
        .any(|part| message.contains(part))
}

fn constraint(info: &(dyn DatabaseErrorInformation + Send + Sync), message: String) -> StoreError {
    // PostgreSQL tells the name, or the column; SQLite has it in its text.
    let constraint = match (info.constraint_name(), info.table_name(), info.column_name()) {
        (Some(name), ..) => name.to_owned(),
        (None, Some(table), Some(column)) => format!("{table}.{column}"),
        _ => message
            .split_once(": ")
            .or_else(|| message.rsplit_once(" column "))
            .map_or(message.as_str(), |(_, name)| name)
            .to_owned(),
    };
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
        let full = of_text("could not extend file \"base/1/2\": No space left on device");
        assert!(matches!(full, StoreError::DiskFull { .. }), "{full}");
        let dead = of_text("deadlock detected");
        assert!(matches!(dead, StoreError::Conflict { .. }) && dead.is_transient());
        let waited = of_text("canceling statement due to lock timeout");
        assert!(matches!(waited, StoreError::Busy { .. }));
        for text in [
            "permission denied for table stock",
            "permission denied to create temporary tables in database \"cream\"",
            "must be owner of table stock",
        ] {
            let denied = of_text(text);
            assert!(matches!(denied, StoreError::Forbidden { .. }) && denied.stops_all());
            assert!(!denied.is_transient());
        }
        let path = of_text("access permission denied");
        assert!(matches!(path, StoreError::ReadOnly { .. }), "SQLite, about its file");
        let lost = of(DatabaseErrorKind::ClosedConnection, "server closed the connection");
        assert!(matches!(lost, StoreError::Lost { .. }) && lost.is_transient());
        let sent = failed(DieselError::QueryBuilderError("no connection to the server".into()));
        assert!(matches!(sent, StoreError::Lost { .. }));
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
