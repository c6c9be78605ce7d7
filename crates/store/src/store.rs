//! The store: a pool of connections and the transactions on them.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::connection::{Connection, Durability, Manager};
use diesel::result::QueryResult;

use crate::error::failed;
use crate::replica::Replica;
use crate::url::Target;
use crate::version::{StateVersion, Watch};
use crate::{DatabaseUrl, Reader, StoreError, Writer, sqlite};

/// Limits of a [`Store`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// At most so many connections at once; at least 1. Default 10.
    pub max_connections: u32,
    /// How long to wait for one of them to become free. Default 30 s.
    pub acquire_timeout: Duration,
    /// How long a writer waits for its turn, and a statement for a lock. Default 10 s.
    pub busy_timeout: Duration,
    /// How long to wait for a server to answer a new connection, by address. Default 10 s.
    pub connect_timeout: Duration,
    /// A connection to a server that was idle for so long is tried before it is used. Default 1 s.
    pub check_idle: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(30),
            busy_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            check_idle: Duration::from_secs(1),
        }
    }
}

/// A pool of connections, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections that there are.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// As many as there may be.
    pub limit: u32,
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
    turn: Arc<Turn>,
    /// The write-ahead log of an SQLite database, once it was synced.
    log: OnceLock<PathBuf>,
    /// Whether that failed once.
    sync_failed: AtomicBool,
    /// What others have committed.
    watch: Arc<Watch>,
    /// Who is asked first by readers that need not see the latest.
    replica: Option<Replica>,
}

impl Inner {
    fn new(
        pool: r2d2::Pool<Manager>,
        url: DatabaseUrl,
        options: StoreOptions,
        turn: Arc<Turn>,
        watch: Arc<Watch>,
        replica: Option<Replica>,
    ) -> Self {
        let (log, sync_failed) = (OnceLock::new(), AtomicBool::new(false));
        Self { pool, url, options, turn, log, sync_failed, watch, replica }
    }
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
    /// [`StoreError::Connect`] or [`StoreError::Unreachable`] with what is in the way, or
    /// [`StoreError::Busy`].
    pub fn open(url: &DatabaseUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        let store = Self::open_later(url, options);
        // The pool would try again and again, and hide the cause.
        let manager = Manager { url: url.clone(), options: options.clone() };
        drop(manager.connect()?);
        Ok(store)
    }

    /// Like [`Store::open`], but the database need not be reachable yet.
    #[must_use]
    pub fn open_later(url: &DatabaseUrl, options: &StoreOptions) -> Self {
        let manager = Manager { url: url.clone(), options: options.clone() };
        let pool = r2d2::Pool::builder()
            .max_size(options.max_connections.max(1))
            .min_idle(Some(0))
            .test_on_check_out(true)
            .error_handler(Box::new(Quiet))
            .connection_timeout(options.acquire_timeout)
            .build_unchecked(manager);
        let (url, options) = (url.clone(), options.clone());
        let watch = Watch::new(Manager { url: url.clone(), options: options.clone() });
        let (turn, watch) = (Arc::default(), Arc::new(watch));
        Self { inner: Arc::new(Inner::new(pool, url, options, turn, watch, None)) }
    }

    /// The same store, whose [`Store::read_any`] asks `replica` first: a copy of the database
    /// that follows it, perhaps some moments behind.
    #[must_use]
    pub fn with_replica(&self, replica: Self) -> Self {
        let Inner { pool, url, options, turn, watch, .. } = &*self.inner;
        let (pool, url, options) = (pool.clone(), url.clone(), options.clone());
        let (turn, watch) = (turn.clone(), watch.clone());
        let replica = Replica::new(replica);
        Self { inner: Arc::new(Inner::new(pool, url, options, turn, watch, Some(replica))) }
    }

    /// How the pool of connections stands: to the database itself, not to a replica.
    #[must_use]
    pub fn pool_use(&self) -> PoolUse {
        let state = self.inner.pool.state();
        let limit = self.inner.pool.max_size();
        PoolUse { open: state.connections, idle: state.idle_connections, limit }
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
        self.begin_read()?.run(|connection| body(&mut Reader { connection }))
    }

    /// Reads one consistent state, from the replica where there is one and it can be reached,
    /// else from the database itself. What was written a moment ago may not be there yet.
    ///
    /// # Errors
    ///
    /// What the closure returns, or why there is no transaction.
    pub fn read_any<T, E>(&self, body: impl FnOnce(&mut Reader<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let replica = self.inner.replica.as_ref();
        match replica.and_then(|replica| replica.begin_read()) {
            Some(open) => open.run(|connection| body(&mut Reader { connection })),
            None => self.read(body),
        }
    }

    /// The version of the state that [`Store::read`] sees now. Where two of the same store are
    /// equal, no read between them saw another state; where they differ, it may still be the
    /// same, since whatever anybody commits in the database changes it. It means nothing to
    /// another store, nor once this one is dropped.
    ///
    /// It is asked over connections of its own: one of a server, which one thread asks at a time,
    /// and some of an SQLite database, for as many threads. That takes some microseconds, or a
    /// turn to the server, so that the caller bounds how often. The URL of a server must lead to
    /// one server at a time.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn version(&self) -> Result<StateVersion, StoreError> {
        self.inner.watch.version()
    }

    /// The version of the state that [`Store::read_any`] sees now, as [`Store::version`], also of
    /// which database that is: that of the replica, or of the one in its place.
    ///
    /// Of a replica that has received more than it has applied, no two are equal.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn version_any(&self) -> Result<StateVersion, StoreError> {
        match &self.inner.replica {
            Some(replica) => replica.version_or(|| self.version()),
            None => self.version(),
        }
    }

    /// Writes in one transaction: all of it is kept and durable when this returns `Ok`, nothing
    /// of it otherwise, also where the closure panics.
    ///
    /// Where another writer is busy this waits, up to the busy timeout. The closure is called at
    /// most once.
    ///
    /// # Errors
    ///
    /// What the closure returns, or why there is no transaction. After [`StoreError::Lost`] and
    /// [`StoreError::Unsynced`] the work may have been kept all the same.
    pub fn write<T, E>(&self, body: impl FnOnce(&mut Writer<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let limit = self.inner.options.busy_timeout;
        self.transaction(limit, Durability::Full, |c| body(&mut Writer::new(c)))
    }

    /// Writes all or nothing, as [`Store::write`], and does not wait until it is durable: if the
    /// machine crashes within moments, it may be as if this had not happened. For what is worth no
    /// sync, such as that a vendor was asked.
    ///
    /// # Errors
    ///
    /// What the closure returns, or why there is no connection.
    pub fn write_relaxed<T, E>(
        &self,
        body: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let limit = self.inner.options.busy_timeout;
        self.transaction(limit, Durability::Relaxed, |c| body(&mut Writer::new(c)))
    }

    /// Makes durable what was committed up to now, by whomever: for what is done on the word of
    /// another transaction. What [`Store::write`] wrote is durable when that returns.
    ///
    /// # Errors
    ///
    /// Where the disk fails.
    pub fn sync(&self) -> Result<(), StoreError> {
        let Target::Sqlite(path) = self.inner.url.target() else {
            // What is to be durable is so before anybody sees it.
            return Ok(());
        };
        let failed = &self.inner.sync_failed;
        if failed.load(Ordering::Acquire) {
            let message = "an earlier sync failed".to_owned();
            return Err(StoreError::Unsynced { message });
        }
        let log = match self.inner.log.get() {
            Some(log) => log,
            None => {
                let log = sqlite::log(path).map_err(unsynced)?;
                self.inner.log.get_or_init(|| log)
            }
        };
        sqlite::sync(log).map_err(|error| {
            // The system tells of a failure once, and what was not written may be gone by then.
            failed.store(true, Ordering::Release);
            unsynced(error)
        })
    }

    /// Writes what need not be whole nor durable, faster than [`Store::write`]: each statement
    /// may be kept by itself, and if the machine crashes within moments, it may be as if this had
    /// not happened. For what is done again then, such as a claim, and for what a later
    /// [`Store::write`] relies on, which makes it durable too.
    ///
    /// # Errors
    ///
    /// What the closure returns, or why there is no connection.
    pub fn write_loosely<T, E>(
        &self,
        body: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        match self.inner.url.target() {
            // A transaction costs no more than its statements one by one.
            Target::Sqlite(_) => self.write_relaxed(body),
            // Two turns to the server less.
            Target::Postgres(_) => {
                let mut pooled = self.connection()?;
                let result = body(&mut Writer::new(&mut pooled.connection));
                pooled.is_suspect = result.is_err();
                result
            }
        }
    }

    pub(crate) fn transaction<T, E>(
        &self,
        limit: Duration,
        durability: Durability,
        body: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        // Before the connection, so that writers that wait leave the pool to readers.
        let turn = match self.inner.url.target() {
            Target::Sqlite(_) => Some(self.inner.turn.take(limit)?),
            Target::Postgres(_) => None,
        };
        let open = self.begin(limit, Connection::begin_write)?;
        let result = open.run(body)?;
        drop(turn);
        if durability == Durability::Full {
            self.sync()?;
        }
        Ok(result)
    }

    pub(crate) fn begin_read(&self) -> Result<Open, StoreError> {
        self.begin(self.inner.options.busy_timeout, Connection::begin_read)
    }

    fn begin(
        &self,
        limit: Duration,
        mut begin: impl FnMut(&mut Connection) -> QueryResult<()>,
    ) -> Result<Open, StoreError> {
        let mut pooled = self.connection()?;
        let begun = sqlite::retry_while_busy(limit, || begin(&mut pooled.connection));
        begun.map_err(|error| {
            // Whatever it was, a server's session may be left within a transaction.
            pooled.is_lost = matches!(pooled.connection, Connection::Postgres(_));
            failed(error)
        })?;
        Ok(Open { pooled, is_open: true })
    }

    pub(crate) fn connection(&self) -> Result<r2d2::PooledConnection<Manager>, StoreError> {
        self.inner.pool.get().map_err(|error| StoreError::Timeout {
            waited: self.inner.options.acquire_timeout,
            reason: error.to_string(),
        })
    }
}

fn unsynced(error: std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            StoreError::DiskFull { message: error.to_string() }
        }
        _ => StoreError::Unsynced { message: error.to_string() },
    }
}

/// What the pool meets while it makes connections is told by whoever waits for one.
#[derive(Debug)]
struct Quiet;

impl r2d2::HandleError<StoreError> for Quiet {
    fn handle_error(&self, error: StoreError) {
        log::debug!(error:% = error; "no new database connection yet");
    }
}

/// A transaction under way, which is rolled back unless it is committed.
pub(crate) struct Open {
    pooled: r2d2::PooledConnection<Manager>,
    is_open: bool,
}

impl Open {
    /// Commits where the closure succeeds, and rolls back where not.
    fn run<T, E>(mut self, body: impl FnOnce(&mut Connection) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let result = body(&mut self.pooled.connection);
        self.finish(result.is_ok())?;
        result
    }

    /// Commits or rolls back. A rollback that fails leaves a connection that the pool discards,
    /// which rolls back as well; so it hides no error of the closure.
    fn finish(&mut self, commit: bool) -> Result<(), StoreError> {
        if commit {
            // Where it fails, the drop rolls back.
            self.pooled.connection.commit().map_err(failed)?;
            self.is_open = false;
        }
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.is_open
            && let Err(error) = self.pooled.connection.rollback()
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
        crate::connection::on!(&mut connection.connection, c => c.batch_execute(sql)).unwrap();
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
            ..StoreOptions::default()
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
        let c = &mut connection.connection;
        assert_eq!(setting(c, "SELECT foreign_keys FROM pragma_foreign_keys"), 1);
        assert_eq!(setting(c, "SELECT timeout FROM pragma_busy_timeout"), 10_000);
        assert_eq!(setting(c, "SELECT synchronous FROM pragma_synchronous"), 1);
    }
}
