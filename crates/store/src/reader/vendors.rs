//! How vendors fare.

use cream_models::{Timestamp, Vendor};
use cream_schema::VendorStateRow;
use cream_schema::tables::{vendor_request, vendor_state};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::Reader;
use crate::connection::on;
use crate::error::failed;
use crate::vendors::VendorState;
use crate::{StoreError, convert};

impl Reader<'_> {
    /// How the vendors fare of which anything is known, in the order of [`Vendor::ALL`].
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn vendor_states(&mut self) -> Result<Vec<(Vendor, VendorState)>, StoreError> {
        let rows: Vec<VendorStateRow> = on!(self.connection, c => vendor_state::table
            .select(VendorStateRow::as_select())
            .load(c))
        .map_err(failed)?;
        let mut states =
            rows.into_iter().map(convert::vendor_state).collect::<Result<Vec<_>, _>>()?;
        states.sort_by_key(|(vendor, _)| Vendor::ALL.iter().position(|other| other == vendor));
        Ok(states)
    }

    /// How many requests to a vendor were granted at a moment or later. It can be asked for the
    /// longest span that the vendor's limits speak of: what is older may be forgotten.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn requests_since(&mut self, vendor: Vendor, at: Timestamp) -> Result<i64, StoreError> {
        on!(self.connection, c => vendor_request::table
            .filter(vendor_request::vendor.eq(vendor.code()))
            .filter(vendor_request::at.ge(at.micros()))
            .select(count_star())
            .first(c))
        .map_err(failed)
    }
}
