//! The schema's history: which migrations there are, which are applied, up and down.

use std::time::Duration;

use cream_schema::{POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS};
use diesel::backend::Backend;
use diesel::connection::SimpleConnection as _;
use diesel::dsl::{select, sql};
use diesel::migration::{Migration as DieselMigration, MigrationConnection, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::MigrationHarness;

use crate::connection::{Connection, Durability, on};
use crate::error::{failed, is_forbidden};
use crate::types::Migration;
use crate::{Store, StoreError};

type Known<DB> = Vec<Box<dyn DieselMigration<DB>>>;

/// How long one process waits for another that migrates: it may have much to write.
const PATIENCE: Duration = Duration::from_secs(600);

/// The number of PostgreSQL's advisory lock under which migrations run: "cream" in ASCII.
const LOCK: i64 = 0x0063_7265_616d;

impl Store {
    /// Applies every migration that this database lacks, all or none, and returns their names.
    ///
    /// Safe when several processes do so at once: one of them does it, the others find it done.
    /// Where nothing is missing, nothing is locked or written.
    ///
    /// # Errors
    ///
    /// [`StoreError::NewerDatabase`], or [`StoreError::Migration`] with the one that failed.
    pub fn migrate_up(&self) -> Result<Vec<String>, StoreError> {
        if self.migrations()?.iter().all(|migration| migration.applied) {
            return Ok(Vec::new());
        }
        self.under_lock(|connection| on!(connection, c => up(c)))
    }

    /// Reverts the newest migration that is applied, and returns its name; `None` where there is
    /// none. What the migration's tables hold is lost.
    ///
    /// # Errors
    ///
    /// [`StoreError::NewerDatabase`], or [`StoreError::Migration`] where it fails.
    pub fn migrate_down(&self) -> Result<Option<String>, StoreError> {
        self.under_lock(|connection| on!(connection, c => down(c)))
    }

    /// Every migration that this program knows, the oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::NewerDatabase`], or where the database cannot be read.
    pub fn migrations(&self) -> Result<Vec<Migration>, StoreError> {
        let mut pooled = self.connection()?;
        let listed = on!(&mut pooled.connection, c => list(c));
        pooled.is_lost = matches!(listed, Err(StoreError::Lost { .. }));
        listed
    }

    /// Makes sure that the schema is the one this program is written for.
    ///
    /// # Errors
    ///
    /// [`StoreError::MigrationsPending`] where it is older, [`StoreError::NewerDatabase`] where
    /// it is newer.
    pub fn require_current(&self) -> Result<(), StoreError> {
        let names: Vec<String> = self
            .migrations()?
            .into_iter()
            .filter(|migration| !migration.applied)
            .map(|migration| migration.name)
            .collect();
        if names.is_empty() { Ok(()) } else { Err(StoreError::MigrationsPending { names }) }
    }

    /// One transaction, that no other process migrates beside.
    fn under_lock<T>(
        &self,
        body: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(PATIENCE, Durability::Full, |connection| {
            match connection {
                // The transaction is the lock.
                Connection::Sqlite(_) => {}
                Connection::Postgres(c) => c
                    .batch_execute(&format!(
                        "SET LOCAL lock_timeout = {}; SELECT pg_advisory_xact_lock({LOCK})",
                        PATIENCE.as_millis()
                    ))
                    .map_err(failed)?,
            }
            body(connection)
        })
    }
}

/// A connection whose database has migrations.
trait Migrated: MigrationHarness<Self::Db> + MigrationConnection {
    type Db: Backend;

    /// Every migration, in any order.
    fn embedded() -> diesel::migration::Result<Known<Self::Db>>;

    /// Whether the table of what is applied is there.
    fn is_set_up(&mut self) -> QueryResult<bool>;

    /// The versions in that table.
    fn versions(&mut self) -> QueryResult<Vec<String>>;
}

impl Migrated for SqliteConnection {
    type Db = Sqlite;

    fn embedded() -> diesel::migration::Result<Known<Sqlite>> {
        SQLITE_MIGRATIONS.migrations()
    }

    fn is_set_up(&mut self) -> QueryResult<bool> {
        select(sql::<Bool>(
            "EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '__diesel_schema_migrations')",
        ))
        .get_result(self)
    }

    fn versions(&mut self) -> QueryResult<Vec<String>> {
        sql::<Text>(VERSIONS).load(self)
    }
}

impl Migrated for PgConnection {
    type Db = Pg;

    fn embedded() -> diesel::migration::Result<Known<Pg>> {
        POSTGRES_MIGRATIONS.migrations()
    }

    fn is_set_up(&mut self) -> QueryResult<bool> {
        // Not `to_regclass`: that it is not there would be remembered while the lock is waited for.
        select(sql::<Bool>(
            "EXISTS (SELECT 1 FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace AS schema \
             ON schema.oid = relnamespace WHERE relname = '__diesel_schema_migrations' \
             AND nspname = ANY (current_schemas(false)))",
        ))
        .get_result(self)
    }

    fn versions(&mut self) -> QueryResult<Vec<String>> {
        sql::<Text>(VERSIONS).load(self)
    }
}

const VERSIONS: &str = "SELECT version FROM __diesel_schema_migrations ORDER BY version";

fn list<C: Migrated>(c: &mut C) -> Result<Vec<Migration>, StoreError> {
    let known = known::<C>()?;
    let applied = refuse_newer(applied(c)?, &known)?;
    let entries = known.iter().map(|migration| Migration {
        name: migration.name().to_string(),
        applied: applied.contains(&version(migration.as_ref())),
    });
    Ok(entries.collect())
}

fn up<C: Migrated>(c: &mut C) -> Result<Vec<String>, StoreError> {
    let known = known::<C>()?;
    let applied = refuse_newer(applied(c)?, &known)?;
    let mut names = Vec::new();
    for migration in known {
        if applied.contains(&version(migration.as_ref())) {
            continue;
        }
        let name = migration.name().to_string();
        if names.is_empty() {
            c.setup().map_err(|error| refused(&name, error.into()))?;
        }
        c.run_migration(migration.as_ref()).map_err(|error| refused(&name, error))?;
        names.push(name);
    }
    Ok(names)
}

fn down<C: Migrated>(c: &mut C) -> Result<Option<String>, StoreError> {
    let mut known = known::<C>()?;
    let applied = refuse_newer(applied(c)?, &known)?;
    known.retain(|migration| applied.contains(&version(migration.as_ref())));
    let Some(newest) = known.pop() else { return Ok(None) };
    let name = newest.name().to_string();
    c.revert_migration(newest.as_ref()).map_err(|error| refused(&name, error))?;
    Ok(Some(name))
}

/// A migration that failed; most of all, because that is not this role's to do.
fn refused(name: &str, source: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    let message = source.to_string();
    if is_forbidden(&message) {
        let message = format!("migration {name}, which the owner applies or reverts: {message}");
        return StoreError::Forbidden { message };
    }
    StoreError::Migration { name: name.to_owned(), source }
}

fn version<DB: Backend>(migration: &dyn DieselMigration<DB>) -> String {
    migration.name().version().to_string()
}

fn known<C: Migrated>() -> Result<Known<C::Db>, StoreError> {
    let mut known = C::embedded()
        .map_err(|source| StoreError::Migration { name: "(embedded)".to_owned(), source })?;
    known.sort_unstable_by_key(|migration| version(migration.as_ref()));
    Ok(known)
}

fn refuse_newer<DB: Backend>(
    applied: Vec<String>,
    known: &Known<DB>,
) -> Result<Vec<String>, StoreError> {
    let is_known = |applied: &String| known.iter().any(|m| version(m.as_ref()) == *applied);
    let versions: Vec<String> =
        applied.iter().filter(|version| !is_known(version)).cloned().collect();
    if versions.is_empty() { Ok(applied) } else { Err(StoreError::NewerDatabase { versions }) }
}

/// The versions that are applied. Unlike the harness's own list this writes nothing, so that a
/// reader may ask too.
fn applied<C: Migrated>(c: &mut C) -> Result<Vec<String>, StoreError> {
    let is_set_up = c.is_set_up().map_err(failed)?;
    if is_set_up { c.versions().map_err(failed) } else { Ok(Vec::new()) }
}
