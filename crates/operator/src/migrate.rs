//! Migrations by hand.

use std::io::Write;

use anyhow::Result;

use crate::{Exit, Operator};

/// What to do with the database's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Apply every migration that is pending.
    Up,
    /// Revert the newest one. What its tables held is lost; the archive can rebuild prices.
    Down,
    /// List them.
    Status,
}

impl Operator {
    /// Migrates the database, or tells its state.
    ///
    /// # Errors
    ///
    /// Where a migration fails; it is rolled back.
    pub fn migrate(&self, what: Migrate, out: &mut dyn Write) -> Result<Exit> {
        match what {
            Migrate::Up => {
                let applied = self.store.migrate_up()?;
                for name in &applied {
                    writeln!(out, "applied {name}")?;
                }
                if applied.is_empty() {
                    writeln!(out, "nothing to apply: {} is up to date", self.url)?;
                }
            }
            Migrate::Down => match self.store.migrate_down()? {
                Some(name) => writeln!(out, "reverted {name}")?,
                None => writeln!(out, "nothing to revert: {} has no migration", self.url)?,
            },
            Migrate::Status => {
                for migration in self.store.migrations()? {
                    let state = if migration.applied { "applied" } else { "pending" };
                    writeln!(out, "{state} {}", migration.name)?;
                }
            }
        }
        Ok(Exit::Done)
    }
}
