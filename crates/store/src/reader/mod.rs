//! What can be read.

mod accounts;
mod audit;
mod bars;
mod responses;
mod stocks;
mod tracking;
mod vendors;
mod workers;

use crate::connection::Connection;

/// How many values go into one list of a statement.
pub(crate) const LIST: usize = 500;

/// Reads one consistent state of the database. See [`Store::read`](crate::Store::read).
pub struct Reader<'c> {
    pub(crate) connection: &'c mut Connection,
}
