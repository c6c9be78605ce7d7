//! The database behind one interface: connections, migrations, every query.
