//! Symbols that a site tracks.

use cream_models::{Clock, Symbol, SystemClock, Timestamp};
use cream_store::{NewTracked, StoreError, Tracked, TrackedQuery};

use crate::Site;

impl Site {
    /// The same whose stocks in New York, once pulled, are not due again for hours, whenever it is.
    #[must_use]
    pub fn pulling_once(self) -> Self {
        let hour = SystemClock.now().seconds().rem_euclid(86_400) / 3600;
        // The close is at 20:00 or 21:00, and half a day later it is morning.
        self.with("STOCK_DATA_SETTLE_MINUTES", if hour < 12 { "0" } else { "720" })
    }

    /// Everything that is tracked, also what is no more.
    ///
    /// # Panics
    ///
    /// Where the database cannot be read.
    #[must_use]
    pub fn tracked(&self) -> Vec<(Symbol, Tracked)> {
        self.store().read(|reader| reader.tracked_list(&TrackedQuery::default())).unwrap()
    }

    /// Makes everything due at a moment that is tracked, but for what somebody claimed and did not
    /// finish, which is due still.
    ///
    /// # Panics
    ///
    /// Where the database refuses it.
    pub fn make_due(&self, due: Timestamp) {
        let mut all = self.tracked();
        all.retain(|(_, tracked)| tracked.is_active && tracked.lease_until.is_none());
        let result = self.store().write(|writer| {
            for (_, tracked) in &all {
                let (stock_id, vendor) = (tracked.stock_id, tracked.vendor);
                // What is taken up again is due at once.
                writer.untrack(stock_id, vendor, due)?;
                let vendor_symbol = tracked.vendor_symbol.clone();
                let new = NewTracked { stock_id, vendor, vendor_symbol, is_spelled: false, due };
                writer.track(&new)?;
            }
            Ok::<_, StoreError>(())
        });
        result.unwrap();
    }

    /// The symbols of tracked stocks whose claim lasts longer than until a moment, whether it
    /// still does or not.
    ///
    /// # Panics
    ///
    /// Where the database cannot be read.
    #[must_use]
    pub fn claimed_stocks(&self, beyond: Timestamp) -> Vec<String> {
        let mut all = self.tracked();
        all.retain(|(_, tracked)| tracked.lease_until.is_some_and(|until| until > beyond));
        all.into_iter().map(|(symbol, _)| symbol.to_string()).collect()
    }
}
