//! The database schema: tables, row types, migrations.
//!
//! Only `cream-store` reads this crate. The tables are described once, for every database; what
//! differs between databases is in the migrations and in [`Day`].
//!
//! ```
//! use cream_schema::{BarRow, DayValue};
//! use cream_models::Date;
//!
//! let row = BarRow { date: DayValue(Date::MAX), ..BarRow::default() };
//! assert_eq!(row.close, None); // unknown is NULL
//! ```

mod day;
mod rows;
pub mod tables;

pub use day::{Day, DayValue};
pub use rows::{
    ActionRow, AuditRow, BarRow, CoverageRow, ResponseRow, SeriesRow, StockRow, TaskRow, TokenRow,
    TrackedRow, UserRow, VendorStateRow, WorkerRow,
};

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The migrations for SQLite, oldest first.
pub const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// The migrations for PostgreSQL, oldest first.
pub const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

// Named, so that the build takes their bundled sources: nothing here calls them.
use {libsqlite3_sys as _, openssl_sys as _, pq_sys as _};
