//! The schema's history: which migrations there are, which are applied, up and down.

use cream_schema::SQLITE_MIGRATIONS;
use diesel::SqliteConnection;
use diesel::dsl::{select, sql};
use diesel::migration::{Migration as _, MigrationConnection as _, MigrationSource};
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::MigrationHarness as _;

use crate::connection::Connection;
use crate::error::failed;
use crate::types::Migration;
use crate::{Store, StoreError};

type Known<DB> = Vec<Box<dyn diesel::migration::Migration<DB>>>;

impl Store {
    /// Applies every migration that this database lacks, all or none, and returns their names.
    ///
    /// Safe when several processes do so at once: one of them does it, the others find it done.
    ///
    /// # Errors
    ///
    /// [`StoreError::NewerDatabase`], or [`StoreError::Migration`] with the one that failed.
    pub fn migrate_up(&self) -> Result<Vec<String>, StoreError> {
        self.transaction(|connection| match connection {
            Connection::Sqlite(c) => {
                let applied = refuse_newer(applied(c)?, &known()?)?;
                let mut names = Vec::new();
                for migration in known()? {
                    if applied.contains(&version(migration.as_ref())) {
                        continue;
                    }
                    let name = migration.name().to_string();
                    if names.is_empty() {
                        c.setup().map_err(failed)?;
                    }
                    c.run_migration(migration.as_ref())
                        .map_err(|source| StoreError::Migration { name: name.clone(), source })?;
                    names.push(name);
                }
                Ok(names)
            }
        })
    }

    /// Reverts the newest migration that is applied, and returns its name; `None` where there is
    /// none. What the migration's tables hold is lost.
    ///
    /// # Errors
    ///
    /// [`StoreError::NewerDatabase`], or [`StoreError::Migration`] where it fails.
    pub fn migrate_down(&self) -> Result<Option<String>, StoreError> {
        self.transaction(|connection| match connection {
            Connection::Sqlite(c) => {
                let mut known = known()?;
                let applied = refuse_newer(applied(c)?, &known)?;
                known.retain(|migration| applied.contains(&version(migration.as_ref())));
                let Some(newest) = known.pop() else { return Ok(None) };
                let name = newest.name().to_string();
                c.revert_migration(newest.as_ref())
                    .map_err(|source| StoreError::Migration { name: name.clone(), source })?;
                Ok(Some(name))
            }
        })
    }

    /// Every migration that this program knows, the oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::NewerDatabase`], or where the database cannot be read.
    pub fn migrations(&self) -> Result<Vec<Migration>, StoreError> {
        let mut connection = self.connection()?;
        match &mut *connection {
            Connection::Sqlite(c) => {
                let known = known()?;
                let applied = refuse_newer(applied(c)?, &known)?;
                let entries = known.iter().map(|migration| Migration {
                    name: migration.name().to_string(),
                    applied: applied.contains(&version(migration.as_ref())),
                });
                Ok(entries.collect())
            }
        }
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
}

fn version(migration: &dyn diesel::migration::Migration<Sqlite>) -> String {
    migration.name().version().to_string()
}

fn known() -> Result<Known<Sqlite>, StoreError> {
    let mut known: Known<Sqlite> = SQLITE_MIGRATIONS
        .migrations()
        .map_err(|source| StoreError::Migration { name: "(embedded)".to_owned(), source })?;
    known.sort_unstable_by_key(|migration| version(migration.as_ref()));
    Ok(known)
}

fn refuse_newer(applied: Vec<String>, known: &Known<Sqlite>) -> Result<Vec<String>, StoreError> {
    let is_known = |applied: &String| known.iter().any(|m| version(m.as_ref()) == *applied);
    let versions: Vec<String> =
        applied.iter().filter(|version| !is_known(version)).cloned().collect();
    if versions.is_empty() { Ok(applied) } else { Err(StoreError::NewerDatabase { versions }) }
}

/// The versions that are applied. Unlike the harness's own list this writes nothing, so that a
/// reader may ask too.
fn applied(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let read = |c: &mut SqliteConnection| -> QueryResult<Vec<String>> {
        let is_set_up: bool = select(sql::<Bool>(
            "EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '__diesel_schema_migrations')",
        ))
        .get_result(c)?;
        if !is_set_up {
            return Ok(Vec::new());
        }
        sql::<Text>("SELECT version FROM __diesel_schema_migrations ORDER BY version").load(c)
    };
    read(connection).map_err(failed)
}
