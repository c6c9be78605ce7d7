//! Stocks whose histories grow while a test runs.

use cream_models::{Date, Vendor};
use cream_testkit::vendors::Instrument;
use cream_testkit::{Listing, Rng, Scenario};

use crate::Site;

/// Splits that leave the price where it was after one of each.
const SPLITS: [(u8, u8); 3] = [(2, 1), (3, 2), (1, 3)];

/// A stock that is pulled from a vendor.
#[derive(Clone, Debug)]
pub struct Growing {
    /// Its canonical symbol.
    pub symbol: String,
    /// From whom it is pulled.
    pub vendor: Vendor,
    scenario: Scenario,
    days: usize,
    splits: usize,
}

impl Growing {
    /// A stock of so many trading days, the first on a date or the next one with a session.
    #[must_use]
    pub fn new(listing: Listing, vendor: Vendor, seed: u64, first: Date, days: usize) -> Self {
        let symbol = listing.symbol.clone();
        let scenario = Scenario::new(listing, seed).starting(first, days);
        Self { symbol, vendor, scenario, days, splits: 0 }
    }

    /// How many trading days it has.
    #[must_use]
    pub const fn days(&self) -> usize {
        self.days
    }

    /// One trading day more, at times with a dividend, or with a split, which makes another
    /// history of all the days before it.
    pub fn grow(&mut self, rng: &mut Rng) {
        let day = self.days;
        self.days += 1;
        let scenario = self.scenario.clone().extended(1);
        self.scenario = match rng.below(12) {
            0 => {
                let (numerator, denominator) = SPLITS[self.splits % SPLITS.len()];
                self.splits += 1;
                scenario.split(day, numerator, denominator)
            }
            1 | 2 => scenario.dividend(day, 0.24),
            _ => scenario,
        };
    }

    /// As it is now.
    #[must_use]
    pub fn instrument(&self) -> Instrument {
        Instrument::new(&self.symbol, self.scenario.build())
    }

    /// Asserts that a site serves it as the vendor tells it now: what a reader that knows nothing
    /// of the past would find.
    ///
    /// # Panics
    ///
    /// Where it does not.
    pub fn assert_served_by(&self, site: &Site) {
        let (symbol, vendor) = (&self.symbol, self.vendor);
        let instrument = self.instrument();
        let (bars, actions) = site.served(instrument.symbol(), vendor);
        let expected = instrument.expected_bars(vendor);
        for (found, expected) in bars.iter().zip(&expected) {
            assert_eq!(found, expected, "{symbol} of {vendor}");
        }
        assert_eq!(bars.len(), expected.len(), "bars of {symbol} of {vendor}");
        let expected = instrument.expected_actions(vendor);
        assert_eq!(actions, expected, "corporate actions of {symbol} of {vendor}");
    }
}
