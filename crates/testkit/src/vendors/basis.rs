//! One history on each vendor's price basis, by plain arithmetic on whole numbers.
//!
//! The series holds split-adjusted numbers. What they were on the day follows from the splits
//! after it, rounded to the digits that a price is traded in: the vendor of the adjusted numbers
//! rounded them, and that is not to be seen in those as traded.

use cream_models::{
    Bar, BarField, CorporateAction, CorporateEvent, Date, Price, SplitRatio, Vendor,
};

use crate::{SyntheticSeries, price_of};

/// Digits behind the point of a cash amount a share, as paid.
const CASH_DIGITS: u32 = 4;

/// A trading day on every basis.
#[derive(Clone, Debug)]
pub(crate) struct Day {
    pub(crate) date: Date,
    /// Open, high, low and close as traded.
    pub(crate) traded: [Option<Price>; 4],
    /// The volume as traded; `None` where the vendor knows none.
    pub(crate) traded_volume: Option<i64>,
    /// Open, high, low and close on today's share count.
    pub(crate) split_adjusted: [Option<Price>; 4],
    /// The volume on today's share count.
    pub(crate) volume: Option<i64>,
    /// By what a price as traded is multiplied to be adjusted for later splits and dividends.
    pub(crate) factor: f64,
    /// Shares of today for one of the day.
    pub(crate) shares: f64,
    /// The dividend of the ex-date, as paid.
    pub(crate) dividend: Option<Price>,
    /// The split of the day.
    pub(crate) split: Option<SplitRatio>,
    has_volume: bool,
}

impl Day {
    /// A price of the day, by its place in open, high, low and close, adjusted for everything and
    /// with so many digits behind the point.
    pub(crate) fn adjusted(&self, field: usize, digits: usize) -> Option<String> {
        let price = self.traded[field]?.nanos() as f64 / 1e9;
        let text = format!("{:.digits$}", price * self.factor);
        let short = text.trim_end_matches('0').trim_end_matches('.');
        Some(if short.is_empty() || short == "-0" { "0".to_owned() } else { short.to_owned() })
    }

    /// The volume, where the listing has one.
    pub(crate) fn known_volume(&self) -> Option<i64> {
        self.volume.filter(|_| self.has_volume)
    }

    /// What a right reader of the vendor's row makes of it.
    pub(crate) fn bar(&self, vendor: Vendor) -> Bar {
        let (prices, volume, adjusted) = match vendor {
            Vendor::Tiingo => {
                (self.traded, self.traded_volume, self.adjusted(3, super::tiingo::ADJUSTED_DIGITS))
            }
            Vendor::AlphaVantage => (
                self.traded,
                self.traded_volume,
                self.adjusted(3, super::alpha_vantage::ADJUSTED_DIGITS),
            ),
            Vendor::Eodhd => {
                (self.traded, self.volume, self.adjusted(3, super::eodhd::ADJUSTED_DIGITS))
            }
            Vendor::Stooq | Vendor::Nasdaq => (self.split_adjusted, self.known_volume(), None),
            _ => (self.split_adjusted, self.volume, None),
        };
        let mut bar = Bar::new(self.date);
        let fields = [BarField::Open, BarField::High, BarField::Low, BarField::Close];
        for (field, price) in fields.into_iter().zip(prices) {
            bar.set(field, price.map(Price::nanos));
        }
        if let Some(text) = adjusted {
            // Worked out by the vendor, and so no oddity of the bar where it is finer than a price.
            bar.set(BarField::AdjClose, Some(nearest(&text).0.nanos()));
        }
        bar.set(BarField::Volume, volume);
        bar.with_flags(bar.judged_flags())
    }
}

/// A decimal as a price, rounded half to even where it is finer than 1e-9, and whether it is not.
fn nearest(text: &str) -> (Price, bool) {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() <= 9 {
        return (text.parse().unwrap(), true);
    }
    let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
    let unit = 10_i128.pow(fraction.len() as u32 - 9);
    let nanos = divided(digits, unit);
    (Price::from_nanos(i64::try_from(nanos).unwrap()), digits % unit == 0)
}

/// The quotient, rounded half to even.
fn divided(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (2 * rest).cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
        std::cmp::Ordering::Greater => quotient + 1,
    }
}

/// Into how many shares of today a share of the past was split: a fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    now: i128,
    then: i128,
}

impl Shares {
    const ONE: Self = Self { now: 1, then: 1 };

    fn after(self, ratio: SplitRatio) -> Self {
        let now = self.now * i128::from(ratio.numerator().nanos());
        let then = self.then * i128::from(ratio.denominator().nanos());
        let (mut divisor, mut rest) = (now, then);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        Self { now: now / divisor, then: then / divisor }
    }

    /// A price as it was, from what it is on today's share count.
    fn undo_price(self, price: Price, digits: u32) -> Price {
        if self == Self::ONE {
            return price;
        }
        let unit = 10_i128.pow(9 - digits);
        let nanos = divided(i128::from(price.nanos()) * self.now, self.then * unit) * unit;
        Price::from_nanos(i64::try_from(nanos).unwrap())
    }

    fn undo_volume(self, volume: i64) -> i64 {
        divided(i128::from(volume) * self.then, self.now).try_into().unwrap()
    }
}

/// The splits after a date.
fn shares_since(series: &SyntheticSeries, date: Date) -> Shares {
    let later = series.actions.iter().filter(|action| action.date > date);
    later.fold(Shares::ONE, |shares, action| match action.event {
        CorporateEvent::Split(ratio) => shares.after(ratio),
        _ => shares,
    })
}

/// What a dividend was when it was paid.
fn paid(series: &SyntheticSeries, action: &CorporateAction) -> Option<Price> {
    let CorporateEvent::Dividend { amount } = action.event else { return None };
    Some(shares_since(series, action.date).undo_price(amount, CASH_DIGITS))
}

/// The settled days that have values, ascending.
pub(crate) fn days(series: &SyntheticSeries) -> Vec<Day> {
    let digits = u32::from(series.listing.digits);
    let mut days: Vec<Day> = Vec::with_capacity(series.rows.len());
    let mut shares = Shares::ONE;
    let mut actions = series.actions.iter().rev().peekable();
    for row in series.rows.iter().rev().filter(|row| !row.is_null()) {
        while let Some(action) = actions.next_if(|action| action.date > row.date) {
            if let CorporateEvent::Split(ratio) = action.event {
                shares = shares.after(ratio);
            }
        }
        let of_day = || series.actions.iter().filter(|action| action.date == row.date);
        let ratio = |action: &CorporateAction| match action.event {
            CorporateEvent::Split(ratio) => Some(ratio),
            _ => None,
        };
        let [open, high, low, close, _] = row.prices.map(|price| price.map(|it| price_of(it).0));
        let split_adjusted = [open, high, low, close];
        days.push(Day {
            date: row.date,
            traded: split_adjusted.map(|it| it.map(|it| shares.undo_price(it, digits))),
            traded_volume: row.volume.map(|volume| shares.undo_volume(volume)),
            split_adjusted,
            volume: row.volume,
            factor: 1.0,
            shares: shares.now as f64 / shares.then as f64,
            dividend: of_day().find_map(|action| paid(series, action)),
            split: of_day().find_map(ratio),
            has_volume: series.listing.has_volume,
        });
    }
    days.reverse();
    adjust(&mut days);
    days
}

/// Sets the factors, by the method of CRSP: before an ex-date, prices fall by the share of the
/// last close that was paid out.
fn adjust(days: &mut [Day]) {
    let mut paid_out = 1.0;
    for at in (0..days.len()).rev() {
        days[at].factor = paid_out / days[at].shares;
        let Some(before) = at.checked_sub(1).and_then(|before| days[before].split_adjusted[3])
        else {
            continue;
        };
        if let Some(dividend) = days[at].dividend {
            let dividend = dividend.nanos() as f64 / days[at].shares;
            paid_out *= 1.0 - dividend / before.nanos() as f64;
        }
    }
}

/// The actions that a vendor tells of, as a right reader finds them.
pub(crate) fn actions(series: &SyntheticSeries, vendor: Vendor) -> Vec<CorporateAction> {
    let told = series.actions.iter().filter(|action| vendor.tells().contains(action.kind()));
    // Where actions are told in the row of their day, a day without a row tells none.
    let in_rows = matches!(vendor, Vendor::Tiingo | Vendor::AlphaVantage);
    let has_row = |date| series.rows.iter().any(|row| row.date == date && !row.is_null());
    let told = told.filter(|action| !in_rows || has_row(action.date));
    if matches!(vendor, Vendor::YahooChart | Vendor::YahooPage) {
        return told.copied().collect();
    }
    told.map(|action| {
        let event = match action.event {
            CorporateEvent::Split(ratio) if in_rows => {
                let one = Price::from_nanos(1_000_000_000);
                CorporateEvent::Split(SplitRatio::new(split_factor(ratio), one).unwrap())
            }
            event => {
                paid(series, action).map_or(event, |amount| CorporateEvent::Dividend { amount })
            }
        };
        CorporateAction { date: action.date, event }
    })
    .collect()
}

/// A split as one number, to nine digits: 1.5 for 3:2.
pub(crate) fn split_factor(ratio: SplitRatio) -> Price {
    let numerator = i128::from(ratio.numerator().nanos()) * 1_000_000_000;
    let factor = divided(numerator, i128::from(ratio.denominator().nanos()));
    Price::from_nanos(i64::try_from(factor).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Listing, Scenario};

    fn scenario() -> Scenario {
        Scenario::new(Listing::us_stock("CREAM1", "Cream One"), 11)
            .ending("2025-06-13".parse().unwrap(), 300)
            .start_price(700.0)
    }

    #[test]
    fn what_was_traded_comes_back_to_the_cent() {
        let plain = days(&scenario().build());
        let split = scenario().dividend(50, 0.26).split(100, 3, 2).split(200, 7, 1).build();
        let split = days(&split);
        // The walk of prices is divided at each split, so that only the days before the first
        // one were traded at the same price.
        for (plain, split) in plain.iter().zip(&split).take(100) {
            assert_eq!(plain.traded, split.traded, "{}", plain.date);
            assert_eq!(plain.traded_volume, split.traded_volume, "{}", plain.date);
            assert_ne!(plain.split_adjusted, split.split_adjusted);
        }
        assert_eq!(split[50].dividend.map(|paid| paid.to_string()).as_deref(), Some("0.26"));
        assert!((split[99].shares - 10.5).abs() < 1e-12);
        assert_eq!(split[200].split.map(|ratio| ratio.to_string()).as_deref(), Some("7:1"));
        assert!((split[200].shares - 1.0).abs() < 1e-12);
    }

    #[test]
    fn adjusted_closes_are_those_of_the_series() {
        let series = scenario().dividends(63, 0.4).split(100, 3, 2).split(200, 1, 4).build();
        for (day, row) in days(&series).iter().zip(&series.rows) {
            let own: f64 = day.adjusted(3, 10).unwrap().parse().unwrap();
            let adjusted = f64::from(row.prices[4].unwrap());
            assert!((own / adjusted - 1.0).abs() < 5e-5, "{}: {own} {adjusted}", day.date);
        }
    }

    #[test]
    fn a_split_in_one_number_is_that_number_for_one() {
        let series = scenario().split(100, 3, 2).dividend(120, 0.5).build();
        let told = actions(&series, Vendor::Tiingo);
        let CorporateEvent::Split(ratio) = told[0].event else { panic!("{told:?}") };
        assert_eq!(ratio.to_string(), "1.5:1");
        let told = actions(&series, Vendor::Eodhd);
        let CorporateEvent::Split(ratio) = told[0].event else { panic!("{told:?}") };
        assert_eq!(ratio.to_string(), "3:2");
        assert_eq!(actions(&series, Vendor::Nasdaq).len(), 1);
        assert_eq!(actions(&series, Vendor::Stooq).len(), 0);
    }

    #[test]
    fn finer_than_a_price_is_rounded_half_to_even() {
        let read = |text| {
            let (price, exact) = nearest(text);
            (price.nanos(), exact)
        };
        assert_eq!(read("1.0000000005"), (1_000_000_000, false));
        assert_eq!(read("1.0000000015"), (1_000_000_002, false));
        assert_eq!(read("-1.0000000006"), (-1_000_000_001, false));
        assert_eq!(read("1.0000000000"), (1_000_000_000, true));
    }
}
