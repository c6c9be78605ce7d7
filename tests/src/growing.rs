//! Stocks whose histories grow while a test runs.

use std::collections::{BTreeMap, BTreeSet};

use cream_models::{Date, Timestamp, Vendor};
use cream_testkit::vendors::Instrument;
use cream_testkit::{Listing, Rng, Scenario};

use crate::Site;

/// Splits that leave the price where it was after one of each.
const SPLITS: [(u8, u8); 3] = [(2, 1), (3, 2), (1, 3)];

/// What a vendor says of a day later than it said at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Correction {
    /// A higher high.
    Higher,
    /// That there was no trading.
    Gone,
}

/// A stock that is pulled from a vendor.
#[derive(Clone, Debug)]
pub struct Growing {
    /// Its canonical symbol.
    pub symbol: String,
    /// From whom it is pulled.
    pub vendor: Vendor,
    /// Where it is listed.
    pub listing: Listing,
    scenario: Scenario,
    days: usize,
    /// The day after the last one that trades.
    next: Date,
    splits: usize,
    /// The days on which the stock went ex, which are not taken back.
    events: BTreeSet<usize>,
    corrections: BTreeMap<usize, Correction>,
}

impl Growing {
    /// A stock of so many trading days, the first on a date or the next one with a session.
    #[must_use]
    pub fn new(listing: Listing, vendor: Vendor, seed: u64, first: Date, days: usize) -> Self {
        let symbol = listing.symbol.clone();
        let scenario = Scenario::new(listing.clone(), seed).starting(first, days);
        let next = listing.trading_day_after(scenario.build().rows[days - 1].date);
        let (events, corrections) = Default::default();
        Self { symbol, vendor, listing, scenario, days, next, splits: 0, events, corrections }
    }

    /// How many trading days it has.
    #[must_use]
    pub const fn days(&self) -> usize {
        self.days
    }

    /// When the session of its next day ends.
    #[must_use]
    pub fn next_close(&self) -> Timestamp {
        self.listing.closes_at(self.next)
    }

    /// One trading day more.
    pub fn lengthen(&mut self) {
        self.days += 1;
        self.next = self.listing.trading_day_after(self.next);
        self.scenario = self.scenario.clone().extended(1);
    }

    /// One trading day more, once in so many with a dividend, and half as often with a split, which
    /// makes another history of all the days before it. Whether it is one of these.
    pub fn grow(&mut self, rng: &mut Rng, once_in: usize) -> bool {
        let day = self.days;
        self.lengthen();
        let scenario = self.scenario.clone();
        self.scenario = match rng.below(2 * once_in) {
            0 => {
                let (numerator, denominator) = SPLITS[self.splits % SPLITS.len()];
                self.splits += 1;
                scenario.split(day, numerator, denominator)
            }
            1 | 2 => scenario.dividend(day, 0.24),
            _ => return false,
        };
        self.events.insert(day)
    }

    /// Says something else of one of the last days but one: another high, or that there was no
    /// trading; or takes that back.
    pub fn correct(&mut self, rng: &mut Rng) {
        let recent = self.days.saturating_sub(5)..self.days - 1;
        let gone = |(_, it): &(&usize, &Correction)| **it == Correction::Gone;
        if let Some((&day, _)) = self.corrections.range(recent.clone()).find(gone) {
            self.corrections.remove(&day);
            return;
        }
        let day = recent.start + rng.below(recent.len());
        let is_gone = rng.below(2) == 0 && !self.events.contains(&day);
        let correction = if is_gone { Correction::Gone } else { Correction::Higher };
        self.corrections.insert(day, correction);
    }

    /// As it is now.
    #[must_use]
    pub fn instrument(&self) -> Instrument {
        let mut series = self.scenario.build();
        for (&day, correction) in self.corrections.iter().rev() {
            match correction {
                Correction::Higher => {
                    let [_, high, ..] = &mut series.rows[day].prices;
                    // Six digits, as all prices have here.
                    let higher = |high: f32| format!("{:.6}", high * 1.01).parse().unwrap();
                    *high = high.map(higher);
                }
                // The last first, so that the others stay where they are.
                Correction::Gone => drop(series.rows.remove(day)),
            }
        }
        Instrument::new(&self.symbol, series)
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
