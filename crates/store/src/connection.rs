//! One connection to whichever database, and how connections are made and returned.

use diesel::SqliteConnection;
use diesel::connection::TransactionManager as _;
use diesel::connection::{AnsiTransactionManager, Connection as _};
use diesel::result::QueryResult;

use crate::url::{DatabaseUrl, Target};
use crate::{StoreError, StoreOptions, sqlite};

/// A connection, by database.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
}

/// Expands one body for each database: `on!(reader.connection, c => query.load(c))`.
///
/// The body is compiled once for each concrete connection, so that it may use all that the query
/// builder can do on each of them. An operation that differs gets two arms of its own instead.
macro_rules! on {
    ($connection:expr, $name:ident => $body:expr) => {
        match &mut *$connection {
            $crate::connection::Connection::Sqlite($name) => $body,
        }
    };
}
pub(crate) use on;

impl Connection {
    /// Begins a transaction that may write. SQLite admits one at a time.
    pub(crate) fn begin_write(&mut self) -> QueryResult<()> {
        match self {
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        }
    }

    /// Begins a transaction that reads one state of the database throughout.
    pub(crate) fn begin_read(&mut self) -> QueryResult<()> {
        match self {
            Self::Sqlite(c) => {
                AnsiTransactionManager::begin_transaction_sql(c, "BEGIN DEFERRED")?;
                // The snapshot is taken by the first read, not by BEGIN.
                sqlite::touch(c).or_else(|error| {
                    AnsiTransactionManager::rollback_transaction(c)?;
                    Err(error)
                })
            }
        }
    }

    pub(crate) fn commit(&mut self) -> QueryResult<()> {
        on!(self, c => AnsiTransactionManager::commit_transaction(c))
    }

    pub(crate) fn rollback(&mut self) -> QueryResult<()> {
        on!(self, c => AnsiTransactionManager::rollback_transaction(c))
    }
}

/// Makes connections for the pool.
#[derive(Debug)]
pub(crate) struct Manager {
    pub(crate) url: DatabaseUrl,
    pub(crate) options: StoreOptions,
}

impl Manager {
    pub(crate) fn connect(&self) -> Result<Connection, StoreError> {
        match self.url.target() {
            Target::Sqlite(path) => {
                let mut connection = sqlite::connect(path, &self.options)?;
                connection
                    .set_prepared_statement_cache_size(diesel::connection::CacheSize::Unbounded);
                Ok(Connection::Sqlite(connection))
            }
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Connection;
    type Error = StoreError;

    fn connect(&self) -> Result<Connection, StoreError> {
        Self::connect(self)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), StoreError> {
        match connection {
            // A file does not go away between two uses.
            Connection::Sqlite(_) => Ok(()),
        }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        // Also true where a transaction is still open; closing the connection rolls it back.
        on!(connection, c => AnsiTransactionManager::is_broken_transaction_manager(c))
    }
}
