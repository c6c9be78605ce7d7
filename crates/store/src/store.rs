//! The store: a pool of connections and the transactions on them.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::connection::{Connection, Manager};
use crate::error::failed;
use crate::url::Target;
use crate::{DatabaseUrl, Reader, StoreError, Writer, sqlite};

/// Limits of a [`Store`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// At most so many connections at once; at least 1. Default 10.
    pub max_connections: u32,
    /// How long to wait for one of them to become free. Default 30 s.
    pub acquire_timeout: Duration,
    /// How long a writer waits for its turn. Default 10 s.
    pub busy_timeout: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(30),
            busy_timeout: Duration::from_secs(10),
        }
    }
}

/// A database. Clones share one pool of connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    pool: r2d2::Pool<Manager>,
    url: DatabaseUrl,
    options: StoreOptions,
    /// The turn to write, where the database admits one writer.
    turn: Turn,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("url", &self.inner.url.to_string()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a database, and makes sure that it can be reached.
    ///
    /// An SQLite file that is absent is created, empty; its folder is not. The schema is left as
    /// it is: see [`Store::migrate_up`] and [`Store::require_current`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Connect`] with what is in the way, or [`StoreError::Busy`].
    pub fn open(url: &DatabaseUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        let manager = Manager { url: url.clone(), options: options.clone() };
        // The pool would try again and again, and hide the cause.
        drop(manager.connect()?);
        let pool = r2d2::Pool::builder()
            .max_size(options.max_connections.max(1))
            .min_idle(Some(0))
            .test_on_check_out(false)
            .connection_timeout(options.acquire_timeout)
            .build_unchecked(manager);
        let (url, options) = (url.clone(), options.clone());
        Ok(Self { inner: Arc::new(Inner { pool, url, options, turn: Turn::default() }) })
    }

    /// Where the database is.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.inner.url
    }

    /// Reads one consistent state of the database, whatever is written meanwhile.
    ///
    /// # Errors
    ///
    /// What the closure returns, or why there is no transaction.
    pub fn read<T, E>(&self, body: impl FnOnce(&mut Reader<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let mut connection = self.connection()?;
        let limit = self.inner.options.busy_timeout;
        sqlite::retry_while_busy(limit, || connection.begin_read()).map_err(failed)?;
        let mut open = Open { connection: &mut connection, is_open: true };
        let result = body(&mut Reader { connection: open.connection });
        open.finish(result.is_ok())?;
        result
    }

    /// Writes in one transaction: all of it is kept and durable when this returns `Ok`, nothing
    /// of it otherwise, also where the closure panics.
    ///
    /// Where another writer is busy this waits, up to the busy timeout. The closure is called at
    /// most once.
    ///
    /// # Errors
    ///
    /// What the closure returns, or why there is no transaction.
    pub fn write<T, E>(&self, body: impl FnOnce(&mut Writer<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        self.transaction(|connection| body(&mut Writer::new(connection)))
    }

    pub(crate) fn transaction<T, E>(
        &self,
        body: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let limit = self.inner.options.busy_timeout;
        // Before the connection, so that writers that wait leave the pool to readers.
        let _turn = match self.inner.url.target() {
            Target::Sqlite(_) => Some(self.inner.turn.take(limit)?),
        };
        let mut connection = self.connection()?;
        sqlite::retry_while_busy(limit, || connection.begin_write()).map_err(failed)?;
        let mut open = Open { connection: &mut connection, is_open: true };
        let result = body(open.connection);
        open.finish(result.is_ok())?;
        result
    }

    pub(crate) fn connection(&self) -> Result<r2d2::PooledConnection<Manager>, StoreError> {
        self.inner.pool.get().map_err(|error| StoreError::Timeout {
            waited: self.inner.options.acquire_timeout,
            reason: error.to_string(),
        })
    }
}

/// A transaction under way, which is rolled back unless it is committed.
struct Open<'c> {
    connection: &'c mut Connection,
    is_open: bool,
}

impl Open<'_> {
    /// Commits or rolls back. A rollback that fails leaves a connection that the pool discards,
    /// which rolls back as well; so it hides no error of the closure.
    fn finish(&mut self, commit: bool) -> Result<(), StoreError> {
        if commit {
            // Where it fails, the drop rolls back.
            self.connection.commit().map_err(failed)?;
            self.is_open = false;
        }
        Ok(())
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.is_open
            && let Err(error) = self.connection.rollback()
        {
            log::debug!(error:% = error; "a transaction could not be rolled back");
        }
    }
}

/// The turn to write. SQLite has writers poll for their turn; threads of one process need not.
#[derive(Default)]
struct Turn {
    is_taken: Mutex<bool>,
    given_back: Condvar,
}

struct TurnGuard<'t>(&'t Turn);

impl Turn {
    fn take(&self, limit: Duration) -> Result<TurnGuard<'_>, StoreError> {
        let deadline = Instant::now() + limit;
        let mut is_taken = self.is_taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *is_taken {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message =
                    format!("a thread of this process wrote for {} s", limit.as_secs_f32());
                return Err(StoreError::Busy { message });
            }
            let waited = self.given_back.wait_timeout(is_taken, left);
            is_taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *is_taken = true;
        Ok(TurnGuard(self))
    }
}

impl Drop for TurnGuard<'_> {
    fn drop(&mut self) {
        *self.0.is_taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cream_models::{Bar, Date, Price, Symbol, Timestamp, Vendor};
    use diesel::connection::SimpleConnection as _;

    fn store(folder: &tempfile::TempDir) -> Store {
        let url = DatabaseUrl::sqlite(folder.path().join("cream.db"));
        let options = StoreOptions { max_connections: 1, ..StoreOptions::default() };
        let store = Store::open(&url, &options).unwrap();
        store.migrate_up().unwrap();
        store
    }

    fn raw(store: &Store, sql: &str) {
        let mut connection = store.connection().unwrap();
        crate::connection::on!(&mut *connection, c => c.batch_execute(sql)).unwrap();
    }

    #[test]
    fn a_full_disk_is_told_and_leaves_nothing_half_done() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let stock = store.write(|w| w.ensure_stock(&Symbol::parse("A").unwrap())).unwrap();
        let bars: Vec<Bar> = (0..5_000)
            .map(|day| Bar::new(Date::from_days(day).unwrap()).with_close(Price::MAX))
            .collect();
        let at = Timestamp::from_micros(1);
        let insert = || store.write(|w| w.insert_bars(stock.id, Vendor::YahooChart, at, &bars));
        raw(&store, "PRAGMA max_page_count = 40");
        let error = insert().unwrap_err();
        assert!(matches!(error, StoreError::DiskFull { .. }) && !error.is_transient(), "{error}");
        let count = || {
            store
                .read(|r| r.all_bars(stock.id, Vendor::YahooChart, cream_models::DateRange::ALL))
                .unwrap()
                .len()
        };
        assert_eq!(count(), 0);
        raw(&store, "PRAGMA max_page_count = 100000");
        insert().unwrap();
        assert_eq!(count(), 5_000);
    }

    #[test]
    fn a_database_that_may_not_be_written_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        raw(&store, "PRAGMA query_only = ON");
        let error = store.write(|w| w.ensure_stock(&Symbol::parse("A").unwrap())).unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    }

    #[test]
    fn a_pool_without_a_free_connection_is_a_timeout() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(folder.path().join("cream.db"));
        let options = StoreOptions {
            max_connections: 1,
            acquire_timeout: Duration::from_millis(30),
            busy_timeout: Duration::from_millis(30),
        };
        let store = Store::open(&url, &options).unwrap();
        store.migrate_up().unwrap();
        let held = store.connection().unwrap();
        let error = store.read(|r| r.totals()).unwrap_err();
        assert!(matches!(error, StoreError::Timeout { .. }) && error.is_transient(), "{error}");
        drop(held);
        let error = store
            .write(|_| store.write(|w| w.totals()).map(drop))
            .expect_err("a writer in a writer would wait for itself");
        assert!(matches!(error, StoreError::Busy { .. }), "{error}");
        store.read(|r| r.totals()).unwrap();
    }

    #[test]
    fn connections_are_set_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let mut connection = store.connection().unwrap();
        let setting = |connection: &mut Connection, sql: &str| -> i32 {
            use diesel::prelude::*;
            let query = diesel::dsl::sql::<diesel::sql_types::Integer>(sql);
            crate::connection::on!(&mut *connection, c => query.get_result(c)).unwrap()
        };
        assert_eq!(setting(&mut connection, "SELECT foreign_keys FROM pragma_foreign_keys"), 1);
        assert_eq!(setting(&mut connection, "SELECT synchronous FROM pragma_synchronous"), 2);
        assert_eq!(setting(&mut connection, "SELECT timeout FROM pragma_busy_timeout"), 10_000);
    }
}
