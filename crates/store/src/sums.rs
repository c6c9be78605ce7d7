//! Checksums of what a series holds: how a refresh knows what it need not read.
//!
//! There is one for the bars of each year, and one for all corporate actions. It is the sum modulo
//! 2^128 of a 128-bit hash (XXH3) of each bar or action that is served. It does not depend on
//! their order, and one is added or taken away without looking at the others. Two different sets of bars have the same sum with a probability of about 2^-128,
//! as long as nobody searches for such a pair; whoever could plant one is the vendor, whose word
//! the series holds anyway.

use std::collections::BTreeMap;

use cream_models::{Bar, BarField, CorporateAction, Date, DateRange};
use twox_hash::XxHash3_128;

use crate::convert::action_values;

/// The checksums of some bars, by year, and of corporate actions. A year without bars has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct YearSums(BTreeMap<i16, u128>);

/// The place of the corporate actions: no bar has this year.
const ACTIONS: i16 = 0;

/// A year and its sum, as they are stored: big-endian, the year first.
const ENTRY: usize = 2 + 16;

/// Leads what is stored. To be raised with every change of what is hashed: sums are added to and
/// taken from, so that those of one hash can never become those of another.
const VERSION: u8 = 1;

impl YearSums {
    /// The sums of these bars.
    #[must_use]
    pub fn of<'b>(bars: impl IntoIterator<Item = &'b Bar>) -> Self {
        let mut sums = Self::default();
        // Bars mostly come year by year: the tree is asked once a year, not once a bar.
        let (mut current, mut sum) = (None, 0_u128);
        for bar in bars {
            let year = year(bar.date());
            if current != Some(year) {
                if let Some(current) = current {
                    sums.shift(current, |held| held.wrapping_add(sum));
                }
                (current, sum) = (Some(year), 0);
            }
            sum = sum.wrapping_add(hash(bar));
        }
        if let Some(current) = current {
            sums.shift(current, |held| held.wrapping_add(sum));
        }
        sums
    }

    /// The same, with these corporate actions.
    #[must_use]
    pub fn with_actions<'a>(
        mut self,
        actions: impl IntoIterator<Item = &'a CorporateAction>,
    ) -> Self {
        let hashes = actions.into_iter().map(hash_action);
        let sum = hashes.fold(0_u128, u128::wrapping_add);
        self.shift(ACTIONS, |held| held.wrapping_add(sum));
        self
    }

    /// Takes out a corporate action.
    pub fn remove_action(&mut self, action: &CorporateAction) {
        self.shift(ACTIONS, |sum| sum.wrapping_sub(hash_action(action)));
    }

    /// Whether the corporate actions of both are the same.
    #[must_use]
    pub fn has_same_actions(&self, other: &Self) -> bool {
        self.0.get(&ACTIONS) == other.0.get(&ACTIONS)
    }

    /// Takes in bars of other dates, and other corporate actions.
    pub fn merge(&mut self, other: &Self) {
        for (year, sum) in &other.0 {
            self.shift(*year, |held| held.wrapping_add(*sum));
        }
    }

    /// Takes out a bar.
    pub fn remove(&mut self, bar: &Bar) {
        self.shift(year(bar.date()), |sum| sum.wrapping_sub(hash(bar)));
    }

    /// The part of a range that is in years whose bars differ from the other's, or `None` where
    /// all its years hold the same bars: the smallest range of dates that has them all.
    #[must_use]
    pub fn differing(&self, other: &Self, range: DateRange) -> Option<DateRange> {
        let (first, last) = (year(range.first()), year(range.last()));
        let differs = |year: &i16| self.0.get(year) != other.0.get(year);
        let years = || self.0.range(first..=last).chain(other.0.range(first..=last));
        let differing = || years().map(|(year, _)| *year).filter(differs);
        let (low, high) = (differing().min()?, differing().max()?);
        let start = Date::from_ymd(i32::from(low), 1, 1)?.max(range.first());
        let end = Date::from_ymd(i32::from(high), 12, 31)?.min(range.last());
        DateRange::new(start, end).ok()
    }

    fn shift(&mut self, year: i16, change: impl FnOnce(u128) -> u128) {
        let sum = self.0.entry(year).or_default();
        *sum = change(*sum);
        if *sum == 0 {
            self.0.remove(&year);
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len().saturating_mul(ENTRY).saturating_add(1));
        bytes.push(VERSION);
        for (year, sum) in &self.0 {
            bytes.extend_from_slice(&year.to_be_bytes());
            bytes.extend_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` for what another version did, or anything else:
    /// then they have to be worked out.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.strip_prefix(&[VERSION])?.as_chunks::<ENTRY>();
        let mut sums = BTreeMap::new();
        for entry in entries {
            let (year, sum) = entry.split_first_chunk::<2>()?;
            sums.insert(i16::from_be_bytes(*year), u128::from_be_bytes(sum.try_into().ok()?));
        }
        (rest.is_empty() && sums.len() == entries.len()).then_some(Self(sums))
    }
}

fn year(date: Date) -> i16 {
    // 1 to 9999.
    i16::try_from(date.year()).unwrap_or(i16::MAX)
}

/// The hash of a bar's date and values. See [`VERSION`].
fn hash(bar: &Bar) -> u128 {
    let mut bytes = [0; 56];
    let mut known = 0_u8;
    let (head, values) = bytes.split_at_mut(8);
    for ((index, field), place) in BarField::ALL.into_iter().enumerate().zip(values.chunks_mut(8)) {
        if let Some(value) = bar.value(field) {
            known |= 1 << index;
            place.copy_from_slice(&value.to_le_bytes());
        }
    }
    let [d0, d1, d2, d3] = bar.date().days().to_le_bytes();
    let [f0, f1] = bar.flags().bits().to_le_bytes();
    head.copy_from_slice(&[d0, d1, d2, d3, f0, f1, u8::from(bar.is_final()), known]);
    XxHash3_128::oneshot(&bytes)
}

/// The hash of a corporate action.
fn hash_action(action: &CorporateAction) -> u128 {
    let (amount, numerator, denominator) = action_values(&action.event);
    let mut bytes = Vec::with_capacity(48);
    bytes.extend_from_slice(&action.date.days().to_le_bytes());
    for value in [amount, numerator, denominator] {
        // Unknown is not zero.
        bytes.push(u8::from(value.is_some()));
        bytes.extend_from_slice(&value.unwrap_or_default().to_le_bytes());
    }
    bytes.extend_from_slice(action.kind().name().as_bytes());
    XxHash3_128::oneshot(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cream_models::{BarFlags, CorporateEvent, Price, SplitRatio};
    use proptest::prelude::*;

    fn bar(days: i32, close: i64) -> Bar {
        Bar::new(Date::from_days(days).unwrap()).with_close(Price::from_nanos(close))
    }

    fn range(text: &str) -> DateRange {
        text.parse().unwrap()
    }

    #[test]
    fn every_value_counts() {
        let plain = bar(18_000, 5);
        let mut all = vec![
            plain,
            bar(18_001, 5),
            plain.with_final(false),
            plain.with_flags(BarFlags::ZERO_VOLUME),
            Bar::new(plain.date()).with_open(Price::from_nanos(5)),
        ];
        for field in BarField::ALL {
            // Zero is not unknown.
            let mut other = plain;
            other.set(field, Some(0));
            all.push(other);
        }
        let mut hashes: Vec<u128> = all.iter().map(hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all.len());
    }

    #[test]
    fn actions_are_told_apart_and_keep_apart_from_bars() {
        let action =
            |day: i32, event| CorporateAction { date: Date::from_days(day).unwrap(), event };
        let amount = Price::from_nanos(1);
        let one = SplitRatio::new(amount, Price::from_nanos(2)).unwrap();
        let other = SplitRatio::new(Price::from_nanos(2), amount).unwrap();
        let all = [
            action(1, CorporateEvent::Dividend { amount }),
            action(2, CorporateEvent::Dividend { amount }),
            action(1, CorporateEvent::CapitalGain { amount }),
            action(1, CorporateEvent::Dividend { amount: Price::from_nanos(2) }),
            action(1, CorporateEvent::Split(one)),
            action(1, CorporateEvent::Split(other)),
        ];
        let mut hashes: Vec<u128> = all.iter().map(hash_action).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all.len());
        let sums = YearSums::of(&[bar(1, 1)]);
        let mut with = sums.clone().with_actions(&all);
        assert!(!with.has_same_actions(&sums) && with.has_same_actions(&with.clone()));
        assert_eq!(with.differing(&sums, DateRange::ALL), None, "the bars are the same");
        all.iter().rev().for_each(|action| with.remove_action(action));
        assert_eq!(with, sums);
    }

    #[test]
    fn a_hash_stays_what_it_is() {
        // Where this fails, the version is to be raised.
        assert_eq!(VERSION, 1);
        let amount = Price::from_nanos(5);
        let date = Date::from_days(18_000).unwrap();
        let action = CorporateAction { date, event: CorporateEvent::Dividend { amount } };
        assert_eq!(hash_action(&action), 0x7676_ff11_256f_9eae_4bb2_3df0_bc42_7448);
        assert_eq!(hash(&bar(18_000, 5)), 0x8438_a068_0103_d09a_394a_b671_7a96_ecbe);
    }

    #[test]
    fn the_years_that_differ_are_found() {
        let old = [bar(0, 1), bar(366, 1), bar(800, 1), bar(1_200, 1)];
        let mut new = old;
        let sums = YearSums::of(&old);
        assert_eq!(sums.differing(&YearSums::of(&new), DateRange::ALL), None);
        new[2] = bar(800, 2);
        let other = YearSums::of(&new);
        assert_eq!(sums.differing(&other, DateRange::ALL), Some(range("1972-01-01..1972-12-31")));
        assert_eq!(
            sums.differing(&other, range("1970-01-05..1972-05-06")),
            Some(range("1972-01-01..1972-05-06"))
        );
        assert_eq!(sums.differing(&other, range("1970-01-05..1971-05-06")), None);
        new[0] = bar(5, 1);
        let other = YearSums::of(&new);
        assert_eq!(sums.differing(&other, DateRange::ALL), Some(range("1970-01-01..1972-12-31")));
        let none = YearSums::default();
        assert_eq!(none.differing(&sums, DateRange::ALL), Some(range("1970-01-01..1973-12-31")));
        assert_eq!(sums.differing(&none, DateRange::ALL), Some(range("1970-01-01..1973-12-31")));
        assert_eq!(none.differing(&none, DateRange::ALL), None);
        let ends = [Bar::new(Date::MIN), Bar::new(Date::MAX)];
        assert_eq!(none.differing(&YearSums::of(&ends), DateRange::ALL), Some(DateRange::ALL));
    }

    #[test]
    fn what_is_no_list_of_sums_is_told() {
        assert_eq!(YearSums::from_bytes(&[VERSION]), Some(YearSums::default()));
        assert_eq!(YearSums::from_bytes(&[]), None);
        assert_eq!(YearSums::from_bytes(&[VERSION + 1]), None, "of another version");
        assert_eq!(YearSums::from_bytes(&[VERSION; 18]), None);
        assert_eq!(YearSums::from_bytes(&[VERSION; 37]), None, "a year twice");
    }

    proptest! {
        #[test]
        fn sums_depend_on_what_is_there_and_on_nothing_else(
            kept in prop::collection::btree_map(-800..800_i32, 0..9_i64, 0..40),
            gone in prop::collection::vec((-800..800_i32, 0..9_i64), 0..20),
            seed in any::<prop::sample::Index>(),
        ) {
            let mut bars: Vec<Bar> = kept.iter().map(|(day, close)| bar(*day, *close)).collect();
            let whole = YearSums::of(&bars);
            if !bars.is_empty() {
                let middle = seed.index(bars.len());
                bars.rotate_left(middle);
            }
            let mut built = YearSums::default();
            for (day, close) in &gone {
                built.merge(&YearSums::of(&[bar(*day, *close)]));
            }
            for bar in &bars {
                built.merge(&YearSums::of([bar]));
            }
            for (day, close) in gone.iter().rev() {
                built.remove(&bar(*day, *close));
            }
            prop_assert_eq!(&built, &whole);
            prop_assert_eq!(YearSums::of(&bars), whole.clone());
            prop_assert_eq!(YearSums::from_bytes(&whole.to_bytes()), Some(whole));
        }
    }
}
