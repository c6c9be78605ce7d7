//! A database for each test, and short ways to make what goes into it.

use cream_models::{Bar, Symbol, Timestamp};
use cream_store::{DatabaseUrl, StockId, Store, StoreError, StoreOptions};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;

/// A database that a test has to itself.
pub(crate) trait Database: Sync {
    /// A store on it, migrated.
    fn store(&self) -> &Store;

    /// Another store on the same database, as another process has it.
    fn another(&self, options: &StoreOptions) -> Store;

    /// Runs statements past the store; `Err` with what the database says.
    fn raw(&self, sql: &str) -> Result<(), String>;

    /// Reads a column named `text` past the store.
    fn query(&self, sql: &str) -> Vec<String>;

    /// Holds the database's write lock while something is done.
    fn while_locked(&self, body: &mut dyn FnMut());

    /// The definition of everything in the schema.
    fn schema(&self) -> Vec<String>;
}

pub(crate) struct Sqlite {
    store: Store,
    folder: tempfile::TempDir,
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    text: String,
}

impl Sqlite {
    pub(crate) fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(folder.path().join("cream.db"));
        let store = Store::open(&url, &StoreOptions::default()).unwrap();
        store.migrate_up().unwrap();
        Self { store, folder }
    }

    fn connect(&self) -> SqliteConnection {
        let path = self.folder.path().join("cream.db");
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        connection.batch_execute("PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000").unwrap();
        connection
    }
}

impl Database for Sqlite {
    fn store(&self) -> &Store {
        &self.store
    }

    fn another(&self, options: &StoreOptions) -> Store {
        Store::open(self.store.url(), options).unwrap()
    }

    fn raw(&self, sql: &str) -> Result<(), String> {
        self.connect().batch_execute(sql).map_err(|error| error.to_string())
    }

    fn query(&self, sql: &str) -> Vec<String> {
        let rows: Vec<TextRow> = diesel::sql_query(sql).load(&mut self.connect()).unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }

    fn while_locked(&self, body: &mut dyn FnMut()) {
        let mut connection = self.connect();
        connection.batch_execute("BEGIN IMMEDIATE").unwrap();
        body();
        connection.batch_execute("ROLLBACK").unwrap();
    }

    fn schema(&self) -> Vec<String> {
        self.query(
            "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS text FROM sqlite_schema \
             ORDER BY type, name",
        )
    }
}

pub(crate) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(crate) fn bar(date: &str, close: &str) -> Bar {
    Bar::new(date.parse().unwrap()).with_close(close.parse().unwrap())
}

pub(crate) fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).unwrap()
}

pub(crate) fn stock(store: &Store, text: &str) -> StockId {
    store.write(|w| w.ensure_stock(&symbol(text))).unwrap().id
}

/// What a closure without an error of its own returns.
pub(crate) type Done<T = ()> = Result<T, StoreError>;
