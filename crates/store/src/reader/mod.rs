//! What can be read.

mod bars;
mod responses;
mod stocks;
mod vendors;

use crate::connection::Connection;

/// Reads one consistent state of the database. See [`Store::read`](crate::Store::read).
pub struct Reader<'c> {
    pub(crate) connection: &'c mut Connection,
}
