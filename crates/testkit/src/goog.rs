//! Daily facts of a real stock.

use cream_models::Date;

use crate::{Listing, Row, SyntheticSeries};

/// Date, open, high, low, close and volume of GOOG as traded, 2004-08-19 to 2013-03-01.
const FACTS: &str = include_str!("../data/goog.csv");

/// GOOG from its first day, 2004-08-19, to 2013-03-01: 2,148 true daily bars, as they were known
/// then. There was no dividend and no split in these years.
#[must_use]
pub fn goog() -> SyntheticSeries {
    let rows = FACTS.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut cells = line.split(',');
        let mut next = || cells.next().expect("six cells");
        let date: Date = next().parse().unwrap();
        let prices = [next(), next(), next(), next()].map(|price| price.parse().unwrap());
        Row::new(date, prices, next().parse().unwrap())
    });
    let listing = Listing::us_stock("GOOG", "Google Inc.");
    SyntheticSeries { listing, rows: rows.collect(), actions: Vec::new(), live: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_whole() {
        let bars = goog().bars();
        assert_eq!(bars.len(), 2_148);
        assert!(bars.windows(2).all(|pair| pair[0].date() < pair[1].date()));
        let first = bars[0];
        assert_eq!(first.date().to_string(), "2004-08-19");
        assert_eq!(first.close(), Some("100.34".parse().unwrap()));
        assert_eq!(first.volume(), Some(22_351_900));
        let last = bars[2_147];
        assert_eq!(last.date().to_string(), "2013-03-01");
        assert_eq!(last.adj_close(), Some("806.19".parse().unwrap()));
    }
}
