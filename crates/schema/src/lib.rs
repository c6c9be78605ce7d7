//! The database schema: tables, row types, migrations.
