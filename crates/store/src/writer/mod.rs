//! What can be written.

mod accounts;
mod audit;
mod bars;
mod leases;
mod responses;
mod stocks;
mod tracking;
mod vendors;
mod workers;

use std::ops::{Deref, DerefMut};

use crate::connection::Connection;
use crate::reader::Reader;

/// Writes within one transaction, and reads what it has written. See
/// [`Store::write`](crate::Store::write).
pub struct Writer<'c> {
    reader: Reader<'c>,
}

impl<'c> Writer<'c> {
    pub(crate) const fn new(connection: &'c mut Connection) -> Self {
        Self { reader: Reader { connection } }
    }
}

impl<'c> Deref for Writer<'c> {
    type Target = Reader<'c>;

    fn deref(&self) -> &Reader<'c> {
        &self.reader
    }
}

impl<'c> DerefMut for Writer<'c> {
    fn deref_mut(&mut self) -> &mut Reader<'c> {
        &mut self.reader
    }
}
