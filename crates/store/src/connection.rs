//! One connection to whichever database, and how connections are made and returned.

use std::time::Instant;

use diesel::connection::TransactionManager as _;
use diesel::connection::{AnsiTransactionManager, Connection as _, SimpleConnection as _};
use diesel::result::QueryResult;
use diesel::{PgConnection, SqliteConnection};

use crate::error::failed;
use crate::url::{DatabaseUrl, Target};
use crate::{StoreError, StoreOptions, postgres, sqlite};

/// A connection, by database.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Expands one body for each database: `on!(reader.connection, c => query.load(c))`.
///
/// The body is compiled once for each concrete connection, so that it may use all that the query
/// builder can do on each of them. An operation that differs gets two arms of its own instead.
macro_rules! on {
    ($connection:expr, $name:ident => $body:expr) => {
        match &mut *$connection {
            $crate::connection::Connection::Sqlite($name) => $body,
            $crate::connection::Connection::Postgres($name) => $body,
        }
    };
}
pub(crate) use on;

/// What becomes of a transaction that was committed when the machine crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It is there.
    Full,
    /// It may be forgotten, with those after it: the commit waits for no disk.
    Relaxed,
}

impl Connection {
    /// Begins a transaction that may write. SQLite admits one at a time.
    pub(crate) fn begin_write(&mut self) -> QueryResult<()> {
        match self {
            // Its commits wait for no disk: see `sqlite::sync`.
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
            // Once a lock is had, all that was committed before is seen, whatever the server's
            // default. A single statement waits for no disk, a transaction does as it is set.
            Self::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(
                c,
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
                 SET LOCAL synchronous_commit TO DEFAULT",
            ),
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
            // Here too the first statement takes the snapshot.
            Self::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(
                c,
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1",
            ),
        }
    }

    pub(crate) fn commit(&mut self) -> QueryResult<()> {
        on!(self, c => AnsiTransactionManager::commit_transaction(c))
    }

    pub(crate) fn rollback(&mut self) -> QueryResult<()> {
        on!(self, c => AnsiTransactionManager::rollback_transaction(c))
    }
}

/// A connection of the pool.
pub(crate) struct Pooled {
    pub(crate) connection: Connection,
    /// It could not begin a transaction: the pool shall not keep it.
    pub(crate) is_lost: bool,
    /// Something failed on it: it is tried before it is used again.
    pub(crate) is_suspect: bool,
    last_used: Instant,
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
            Target::Postgres(target) => {
                postgres::connect(target, &self.options).map(Connection::Postgres)
            }
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = StoreError;

    fn connect(&self) -> Result<Pooled, StoreError> {
        let connection = Self::connect(self)?;
        let last_used = Instant::now();
        Ok(Pooled { connection, is_lost: false, is_suspect: false, last_used })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), StoreError> {
        match &mut pooled.connection {
            // A file does not go away between two uses.
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(c) => {
                if !pooled.is_suspect && pooled.last_used.elapsed() < self.options.check_idle {
                    return Ok(());
                }
                pooled.is_suspect = false;
                c.batch_execute("SELECT 1").map_err(failed)
            }
        }
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.last_used = Instant::now();
        // Also true where a transaction is still open; closing the connection rolls it back.
        pooled.is_lost
            || on!(&mut pooled.connection, c => {
                AnsiTransactionManager::is_broken_transaction_manager(c)
            })
    }
}
