//! How long vendors take.

use std::time::Duration;

use cream_models::Vendor;

/// What is waited for a vendor that has no row.
const USUAL: u64 = 3 * 60;

/// One row a vendor: minutes from the end of a trading day to its final bar.
///
/// Too late costs some hours. Too early costs more than a bar that is put right the next day: where a
/// price of a final bar has changed since, history counts as rewritten, and all of it is asked for.
#[rustfmt::skip]
const SETTLE: [(Vendor, u64); 9] = [
    // Live quotes, 15 to 30 minutes late for many exchanges; the last trade is corrected after it.
    (Vendor::YahooChart,   60),
    (Vendor::YahooPage,    60),
    // Ready at 17:30 in New York, corrected until 20:00: four hours after the close.
    (Vendor::Tiingo,       4 * 60 + 15),
    // Does not say. At 17:00 in New York some symbols were there and others were not.
    (Vendor::AlphaVantage, 5 * 60),
    // The day's volume counts the trades after hours, until 20:00 in New York.
    (Vendor::Massive,      4 * 60 + 15),
    // Collects exchange by exchange, within some hours after each has closed.
    (Vendor::Eodhd,        3 * 60),
    // Does not say. Files are made once in the evening.
    (Vendor::Stooq,        5 * 60),
    // Its own exchange's prices; those of others come with the consolidated tape.
    (Vendor::Nasdaq,       2 * 60),
    // Nobody is asked.
    (Vendor::Csv,          0),
];

/// How long after the end of a trading day a vendor has its final bar.
///
/// From what vendors say, where they do, else with caution: none of it is promised.
///
/// ```
/// use std::time::Duration;
/// use cream_models::Vendor;
/// assert_eq!(cream_calendar::settle_time(Vendor::YahooChart), Duration::from_secs(3600));
/// ```
#[must_use]
pub fn settle_time(vendor: Vendor) -> Duration {
    let row = SETTLE.iter().find(|(of, _)| *of == vendor);
    Duration::from_secs(60 * row.map_or(USUAL, |(_, minutes)| *minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_has_one_row_of_half_a_day_at_most() {
        for vendor in Vendor::ALL {
            assert_eq!(SETTLE.iter().filter(|(of, _)| *of == vendor).count(), 1, "{vendor}");
            assert!(settle_time(vendor) <= Duration::from_secs(12 * 3600), "{vendor}");
        }
    }
}
