//! What the server serves, and what a reader must find in it.

use cream_models::{Bar, CorporateAction, Symbol, Vendor};

use super::basis::{self, Day};
use crate::SyntheticSeries;

/// An instrument that the vendor server knows: its history, and how each vendor spells it.
#[derive(Clone, Debug)]
pub struct Instrument {
    symbol: Symbol,
    spellings: Vec<(Vendor, String)>,
    series: SyntheticSeries,
}

impl Instrument {
    /// An instrument of a canonical symbol, spelled as the vendors spell stocks of the United
    /// States: `BRK-B` is `BRK.B`, `BRK-B.US`, `brk-b.us` and `BRK/B`. For others, say it by
    /// [`Instrument::spelled`].
    ///
    /// # Panics
    ///
    /// Where the symbol is none.
    #[must_use]
    pub fn new(symbol: &str, series: SyntheticSeries) -> Self {
        Self { symbol: Symbol::parse(symbol).unwrap(), spellings: Vec::new(), series }
    }

    /// The same with another spelling for a vendor.
    #[must_use]
    pub fn spelled(mut self, vendor: Vendor, spelling: &str) -> Self {
        self.spellings.retain(|(known, _)| *known != vendor);
        self.spellings.push((vendor, spelling.to_owned()));
        self
    }

    /// The canonical symbol.
    #[must_use]
    pub const fn symbol(&self) -> &Symbol {
        &self.symbol
    }

    /// How a vendor spells the symbol.
    #[must_use]
    pub fn spelling(&self, vendor: Vendor) -> String {
        let said = self.spellings.iter().find(|(known, _)| *known == vendor);
        said.map_or_else(|| us_spelling(self.symbol.as_str(), vendor), |(_, text)| text.clone())
    }

    /// The history.
    #[must_use]
    pub const fn series(&self) -> &SyntheticSeries {
        &self.series
    }

    /// The bars that a right reader finds in a vendor's answer to a request for everything, on the
    /// vendor's price basis.
    ///
    /// - `yahoo-chart`, `yahoo-page`: [`SyntheticSeries::bars`], of which the live one may not be
    ///   final.
    /// - `tiingo`, `alpha-vantage` (its adjusted function): as traded, with an adjusted close.
    /// - `eodhd`: prices as traded, an adjusted close of four digits, split-adjusted volume.
    /// - `massive`, `nasdaq`, `stooq`: split-adjusted, without an adjusted close. Where the
    ///   listing has no volume, the last two give none.
    ///
    /// All but Yahoo leave out rows without values and the live row. An adjusted close finer than
    /// 1e-9 is rounded half to even. For `csv` there are none: nothing serves it.
    #[must_use]
    pub fn expected_bars(&self, vendor: Vendor) -> Vec<Bar> {
        match vendor {
            Vendor::YahooChart | Vendor::YahooPage => self.series.bars(),
            Vendor::Csv => Vec::new(),
            vendor => self.days().iter().map(|day| day.bar(vendor)).collect(),
        }
    }

    /// The corporate actions that a right reader finds in a vendor's answers, dividends on the
    /// vendor's dividend basis. Tiingo and Alpha Vantage tell a split by one number, so that 3:2
    /// is 1.5:1 there.
    #[must_use]
    pub fn expected_actions(&self, vendor: Vendor) -> Vec<CorporateAction> {
        basis::actions(&self.series, vendor)
    }

    pub(crate) fn days(&self) -> Vec<Day> {
        basis::days(&self.series)
    }

    pub(crate) fn is_spelled(&self, vendor: Vendor, text: &str) -> bool {
        let own = self.spelling(vendor);
        // Massive tells the preferred BACpL from a BACPL.
        if vendor == Vendor::Massive { own == text } else { own.eq_ignore_ascii_case(text) }
    }
}

/// How a vendor spells a stock of the United States.
pub(crate) fn us_spelling(symbol: &str, vendor: Vendor) -> String {
    match vendor {
        Vendor::Massive => symbol.replace('-', "."),
        Vendor::Eodhd => format!("{symbol}.US"),
        Vendor::Stooq => format!("{}.us", symbol.to_ascii_lowercase()),
        Vendor::Nasdaq => symbol.replace('-', "/"),
        _ => symbol.to_owned(),
    }
}
