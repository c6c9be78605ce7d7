//! A database for each test, and short ways to make what goes into it.

use std::collections::BTreeSet;

use cream_models::{Bar, Symbol, Timestamp};
use cream_store::{DatabaseUrl, StockId, Store, StoreError, StoreOptions};
use cream_testkit::postgres::TestDatabase;
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

    /// The names of the constraints that somebody named.
    fn constraints(&self) -> BTreeSet<String>;

    /// A literal of that many zero bytes.
    fn zeros(&self, count: usize) -> String;

    /// A literal of a day, counted from 1970-01-01.
    fn day(&self, days: &str) -> String;

    /// Whether a type of its own keeps what elsewhere a constraint does.
    fn is_typed(&self) -> bool;
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
    pub(crate) fn for_a_case() -> Option<Self> {
        Some(Self::fresh())
    }

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

    fn constraints(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for entry in self.schema() {
            let words: Vec<&str> = entry.split_whitespace().collect();
            for pair in words.windows(2).filter(|pair| pair[0] == "CONSTRAINT") {
                named.insert(pair[1].to_owned());
            }
        }
        named
    }

    fn zeros(&self, count: usize) -> String {
        format!("zeroblob({count})")
    }

    fn day(&self, days: &str) -> String {
        days.to_owned()
    }

    fn is_typed(&self) -> bool {
        false
    }
}

pub(crate) struct Postgres {
    store: Store,
    database: TestDatabase,
}

impl Postgres {
    pub(crate) fn for_a_case() -> Option<Self> {
        let cluster = cream_testkit::postgres::shared()?;
        let migrate = |url: &str| {
            let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
            store.migrate_up().unwrap();
        };
        let database = cluster.database("store", migrate);
        let url = database.url().parse().unwrap();
        let store = Store::open(&url, &StoreOptions::default()).unwrap();
        Some(Self { store, database })
    }

    /// The same database, in which sessions begin with this setting.
    pub(crate) fn with_setting(mut self, setting: &str) -> Self {
        self.raw(&format!("ALTER DATABASE {} SET {setting}", self.database.name())).unwrap();
        self.store = self.another(&StoreOptions::default());
        self
    }

    fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.database.url()).unwrap()
    }
}

impl Database for Postgres {
    fn store(&self) -> &Store {
        &self.store
    }

    fn another(&self, options: &StoreOptions) -> Store {
        Store::open(&self.database.url().parse().unwrap(), options).unwrap()
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
        connection.batch_execute("BEGIN; LOCK TABLE stock IN EXCLUSIVE MODE").unwrap();
        body();
        connection.batch_execute("ROLLBACK").unwrap();
    }

    fn schema(&self) -> Vec<String> {
        self.database.dump_schema().lines().map(str::to_owned).collect()
    }

    fn constraints(&self) -> BTreeSet<String> {
        self.query(
            "SELECT conname::text AS text FROM pg_constraint \
             WHERE connamespace = 'public'::regnamespace AND contype <> 'p' \
             AND conrelid <> '__diesel_schema_migrations'::regclass",
        )
        .into_iter()
        .collect()
    }

    fn zeros(&self, count: usize) -> String {
        format!("'\\x{}'::bytea", "00".repeat(count))
    }

    fn day(&self, days: &str) -> String {
        format!("(DATE '1970-01-01' + ({days}))")
    }

    fn is_typed(&self) -> bool {
        true
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
