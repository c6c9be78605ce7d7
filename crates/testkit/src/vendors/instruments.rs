//! The instruments that the server knows, found without a search through all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cream_models::{Symbol, Vendor};

use super::Instrument;

/// Every vendor that the server speaks for.
pub(crate) const SERVED: [Vendor; 8] = [
    Vendor::YahooChart,
    Vendor::YahooPage,
    Vendor::Tiingo,
    Vendor::AlphaVantage,
    Vendor::Massive,
    Vendor::Eodhd,
    Vendor::Stooq,
    Vendor::Nasdaq,
];

/// Instruments by what the vendors call them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instruments {
    by_symbol: BTreeMap<Symbol, Arc<Instrument>>,
    /// By a vendor's spelling, folded; those that share one in the order in which they came.
    by_spelling: HashMap<(Vendor, String), Vec<Arc<Instrument>>>,
}

impl Instruments {
    /// Adds one, in place of one of the same canonical symbol.
    pub(crate) fn insert(&mut self, instrument: Instrument) {
        self.remove(instrument.symbol());
        let instrument = Arc::new(instrument);
        for vendor in SERVED {
            let spelling = (vendor, instrument.spelling(vendor).to_ascii_lowercase());
            self.by_spelling.entry(spelling).or_default().push(Arc::clone(&instrument));
        }
        self.by_symbol.insert(instrument.symbol().clone(), instrument);
    }

    /// Removes one, if it is there.
    pub(crate) fn remove(&mut self, symbol: &Symbol) {
        let Some(instrument) = self.by_symbol.remove(symbol) else { return };
        for vendor in SERVED {
            let spelling = (vendor, instrument.spelling(vendor).to_ascii_lowercase());
            if let Some(alike) = self.by_spelling.get_mut(&spelling) {
                alike.retain(|known| known.symbol() != symbol);
                if alike.is_empty() {
                    self.by_spelling.remove(&spelling);
                }
            }
        }
    }

    /// All of them, by their canonical symbols.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.by_symbol.values().map(Arc::as_ref)
    }

    /// The one that a vendor spells so.
    pub(crate) fn find(&self, vendor: Vendor, spelling: &str) -> Option<Arc<Instrument>> {
        let alike = self.by_spelling.get(&(vendor, spelling.to_ascii_lowercase()))?;
        alike.iter().find(|known| known.is_spelled(vendor, spelling)).map(Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Listing, Scenario};

    fn instrument(symbol: &str, days: usize) -> Instrument {
        let first = "2025-01-02".parse().unwrap();
        let scenario = Scenario::new(Listing::us_stock(symbol, "Own"), 1).starting(first, days);
        Instrument::new(symbol, scenario.build())
    }

    #[test]
    fn what_is_known_is_found_by_each_vendors_spelling_until_it_is_removed() {
        let mut all = Instruments::default();
        all.insert(instrument("OWN-B", 3));
        all.insert(instrument("OTHER", 4).spelled(Vendor::Massive, "OWN.b"));
        let days = |all: &Instruments, vendor, spelling: &str| {
            all.find(vendor, spelling).map(|found| found.series().rows.len())
        };
        for vendor in SERVED {
            assert_eq!(days(&all, vendor, &instrument("OWN-B", 3).spelling(vendor)), Some(3));
        }
        // Massive alone tells upper case from lower.
        assert_eq!(days(&all, Vendor::Massive, "OWN.b"), Some(4));
        assert_eq!(days(&all, Vendor::Stooq, "Own-B.US"), Some(3));
        all.insert(instrument("OWN-B", 5));
        assert_eq!(days(&all, Vendor::Stooq, "own-b.us"), Some(5));
        all.remove(instrument("OWN-B", 1).symbol());
        assert_eq!(days(&all, Vendor::Stooq, "own-b.us"), None);
        assert_eq!(days(&all, Vendor::Massive, "OWN.B"), None);
        assert_eq!(days(&all, Vendor::Massive, "OWN.b"), Some(4));
    }
}
