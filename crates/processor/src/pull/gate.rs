//! How often vendors are asked, counted in the database for all workers together.

use cream_models::{RateLimit, Timestamp, Vendor};
use cream_retriever::{Gate, GateError, Grant, Standing};
use cream_store::{Store, StoreError, VendorState};

/// The [`Gate`] that all workers share through their database.
#[derive(Clone, Debug)]
pub struct StoreGate {
    store: Store,
}

impl StoreGate {
    /// The gate of this database.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

fn unknown(error: StoreError) -> GateError {
    GateError(Box::new(error))
}

impl Gate for StoreGate {
    fn take(
        &self,
        vendor: Vendor,
        now: Timestamp,
        limits: &[RateLimit],
    ) -> Result<Grant, GateError> {
        // Each request would wait for a sync; what a power cut makes forgotten is the last moments.
        let granted = self.store.write_relaxed(|writer| writer.take_request(vendor, now, limits));
        Ok(match granted.map_err(unknown)? {
            cream_store::Grant::Now => Grant::Now,
            cream_store::Grant::At(from) => Grant::At(from),
        })
    }

    fn standing(&self, vendor: Vendor) -> Result<Standing, GateError> {
        let states = self.store.read(|reader| reader.vendor_states()).map_err(unknown)?;
        let found = states.into_iter().find(|(other, _)| *other == vendor);
        Ok(found.map_or_else(Standing::default, |(_, state)| standing(state)))
    }

    fn update(
        &self,
        vendor: Vendor,
        change: &mut dyn FnMut(&mut Standing),
    ) -> Result<(), GateError> {
        let written = self.store.write(|writer| {
            let before = standing(writer.vendor_state(vendor)?);
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(());
            }
            let Standing { failures, blocked_until, reason } = after;
            writer.set_vendor_state(vendor, &VendorState { failures, blocked_until, reason })
        });
        written.map_err(unknown)
    }
}

fn standing(state: VendorState) -> Standing {
    let VendorState { failures, blocked_until, reason } = state;
    Standing { failures, blocked_until, reason }
}
