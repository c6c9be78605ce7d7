//! Daily bars.

use std::fmt;

use crate::{Date, Price};

/// One trading day of one series: open, high, low, close, adjusted close and volume, each known
/// or not.
///
/// Prices are as the vendor delivered them, in the series' currency and price basis. Volume is in
/// shares, contracts or currency units, at least 0 where a vendor is sane; what is odd but readable is
/// kept and [flagged](BarFlags).
///
/// 56 bytes: the values sit side by side and one byte tells which are known.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bar {
    values: [i64; 6],
    date: Date,
    flags: BarFlags,
    known: u8,
    is_final: bool,
}

/// The fields of a [`Bar`] that hold a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum BarField {
    /// The first price of the session.
    Open,
    /// The highest price.
    High,
    /// The lowest price.
    Low,
    /// The last price.
    Close,
    /// The close, adjusted by the vendor for splits and distributions.
    AdjClose,
    /// How much was traded.
    Volume,
}

impl BarField {
    /// Every field, in the customary order.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::High, Self::Low, Self::Close, Self::AdjClose, Self::Volume];

    /// The name in answers and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::AdjClose => "adj_close",
            Self::Volume => "volume",
        }
    }
}

macro_rules! price_field {
    ($field:ident, $get:ident, $with:ident, $doc:literal) => {
        #[doc = concat!("The ", $doc, ", or `None` where it is unknown.")]
        #[must_use]
        pub const fn $get(&self) -> Option<Price> {
            match self.value(BarField::$field) {
                Some(nanos) => Some(Price::from_nanos(nanos)),
                None => None,
            }
        }

        #[doc = concat!("The same bar with this ", $doc, ".")]
        #[must_use]
        pub const fn $with(mut self, price: Price) -> Self {
            self.set(BarField::$field, Some(price.nanos()));
            self
        }
    };
}

impl Bar {
    /// A final bar of which nothing but the date is known.
    #[must_use]
    pub const fn new(date: Date) -> Self {
        Self { values: [0; 6], date, flags: BarFlags::NONE, known: 0, is_final: true }
    }

    /// The trading date, in the exchange's time zone.
    #[must_use]
    pub const fn date(&self) -> Date {
        self.date
    }

    price_field!(Open, open, with_open, "opening price");
    price_field!(High, high, with_high, "highest price");
    price_field!(Low, low, with_low, "lowest price");
    price_field!(Close, close, with_close, "closing price");
    price_field!(AdjClose, adj_close, with_adj_close, "adjusted closing price");

    /// The volume, or `None` where it is unknown.
    #[must_use]
    pub const fn volume(&self) -> Option<i64> {
        self.value(BarField::Volume)
    }

    /// The same bar with this volume.
    #[must_use]
    pub const fn with_volume(mut self, volume: i64) -> Self {
        self.set(BarField::Volume, Some(volume));
        self
    }

    /// Whether the vendor had settled the day; a bar of a session under way is not final.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        self.is_final
    }

    /// The same bar, settled or not.
    #[must_use]
    pub const fn with_final(mut self, is_final: bool) -> Self {
        self.is_final = is_final;
        self
    }

    /// What is odd about the bar.
    #[must_use]
    pub const fn flags(&self) -> BarFlags {
        self.flags
    }

    /// The same bar with these flags and no others.
    #[must_use]
    pub const fn with_flags(mut self, flags: BarFlags) -> Self {
        self.flags = flags;
        self
    }

    /// The same bar on another date.
    #[must_use]
    pub const fn with_date(mut self, date: Date) -> Self {
        self.date = date;
        self
    }

    /// A field's raw number: 1e-9 for a price, units for the volume; `None` where unknown.
    #[must_use]
    pub const fn value(&self, field: BarField) -> Option<i64> {
        let index = field as usize;
        if self.known >> index & 1 == 1 {
            #[expect(clippy::indexing_slicing, reason = "a field's index is below 6")]
            Some(self.values[index])
        } else {
            None
        }
    }

    /// Sets or clears a field by its raw number.
    pub const fn set(&mut self, field: BarField, value: Option<i64>) {
        let index = field as usize;
        #[expect(clippy::indexing_slicing, reason = "a field's index is below 6")]
        if let Some(value) = value {
            self.known |= 1 << index;
            self.values[index] = value;
        } else {
            // Cleared, so that equality needs no look at what is known.
            self.known &= !(1 << index);
            self.values[index] = 0;
        }
    }

    /// Whether any of the five prices is known. A row without one decides nothing.
    #[must_use]
    pub const fn has_price(&self) -> bool {
        self.known & 0b1_1111 != 0
    }

    /// Whether nothing is known at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.known == 0
    }

    /// The flags that the values themselves call for; see [`BarFlags`].
    #[must_use]
    pub fn judged_flags(&self) -> BarFlags {
        let mut flags = BarFlags::NONE;
        let (high, low) = (self.high(), self.low());
        let outside = |price: Option<Price>| {
            price.is_some_and(|price| {
                high.is_some_and(|high| price > high) || low.is_some_and(|low| price < low)
            })
        };
        if outside(self.open()) || outside(self.close()) {
            flags |= BarFlags::OUTSIDE_RANGE;
        }
        if let (Some(high), Some(low)) = (high, low)
            && high < low
        {
            flags |= BarFlags::HIGH_BELOW_LOW;
        }
        // The adjusted close of an old bar may well round to 0 or fall below it.
        for price in [self.open(), high, low, self.close()].into_iter().flatten() {
            match price.cmp(&Price::ZERO) {
                std::cmp::Ordering::Less => flags |= BarFlags::NEGATIVE_PRICE,
                std::cmp::Ordering::Equal => flags |= BarFlags::ZERO_PRICE,
                std::cmp::Ordering::Greater => {}
            }
        }
        if self.volume() == Some(0) {
            flags |= BarFlags::ZERO_VOLUME;
        }
        flags
    }
}

impl fmt::Debug for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = || "-".to_owned();
        let price = |price: Option<Price>| price.map_or_else(unknown, |price| price.to_string());
        write!(
            f,
            "Bar({} o {} h {} l {} c {} a {} v {}",
            self.date,
            price(self.open()),
            price(self.high()),
            price(self.low()),
            price(self.close()),
            price(self.adj_close()),
            self.volume().map_or_else(unknown, |volume| volume.to_string()),
        )?;
        if !self.is_final {
            write!(f, " live")?;
        }
        if !self.flags.is_empty() {
            write!(f, " {}", self.flags)?;
        }
        write!(f, ")")
    }
}

/// What is odd about a bar that is readable all the same. Such a bar is stored as delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BarFlags(u16);

impl BarFlags {
    /// Nothing is odd.
    pub const NONE: Self = Self(0);
    /// Open or close lies above the high or below the low.
    pub const OUTSIDE_RANGE: Self = Self(1);
    /// The high is below the low.
    pub const HIGH_BELOW_LOW: Self = Self(1 << 1);
    /// A price is negative, as crude oil futures were on 2020-04-20.
    pub const NEGATIVE_PRICE: Self = Self(1 << 2);
    /// A price is 0.
    pub const ZERO_PRICE: Self = Self(1 << 3);
    /// The volume is 0: a trading halt, or an instrument whose volume the vendor does not know.
    pub const ZERO_VOLUME: Self = Self(1 << 4);
    /// The response held another, different row for the same date.
    pub const DUPLICATE_DATE: Self = Self(1 << 5);
    /// The vendor's number was finer than 1e-9 and was rounded half to even.
    pub const ROUNDED: Self = Self(1 << 6);
    /// The prices of a weekly or monthly bar are of two share counts: a split lies between its
    /// days. No daily bar has it, and the database does not hold it.
    pub const MIXED_SHARE_COUNTS: Self = Self(1 << 15);

    /// Every flag that a daily bar can have.
    const DAILY: u16 = (1 << 7) - 1;

    const NAMES: [(Self, &'static str); 8] = [
        (Self::OUTSIDE_RANGE, "outside_range"),
        (Self::HIGH_BELOW_LOW, "high_below_low"),
        (Self::NEGATIVE_PRICE, "negative_price"),
        (Self::ZERO_PRICE, "zero_price"),
        (Self::ZERO_VOLUME, "zero_volume"),
        (Self::DUPLICATE_DATE, "duplicate_date"),
        (Self::ROUNDED, "rounded"),
        (Self::MIXED_SHARE_COUNTS, "mixed_share_counts"),
    ];

    /// The bits, those of a daily bar as the database holds them.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The flags of these bits of a daily bar; `None` where a bit means nothing there.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits <= Self::DAILY { Some(Self(bits)) } else { None }
    }

    /// Whether nothing is odd.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of the flags that are set, as answers spell them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(|(_, name)| name)
    }

    /// The flags that are set, one by one, with their names.
    pub fn iter(self) -> impl Iterator<Item = (Self, &'static str)> {
        Self::NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag))
    }
}

impl std::ops::BitOr for BarFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for BarFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Display for BarFlags {
    /// The names, joined by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().enumerate() {
            write!(f, "{}{name}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
mod serde_impl {
    use super::{Bar, BarFlags};
    use serde::ser::{SerializeSeq, SerializeStruct};
    use serde::{Serialize, Serializer};

    impl Serialize for BarFlags {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut seq = serializer.serialize_seq(None)?;
            for name in self.names() {
                seq.serialize_element(name)?;
            }
            seq.end()
        }
    }

    impl Serialize for Bar {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut bar = serializer.serialize_struct("Bar", 9)?;
            bar.serialize_field("date", &self.date())?;
            bar.serialize_field("open", &self.open())?;
            bar.serialize_field("high", &self.high())?;
            bar.serialize_field("low", &self.low())?;
            bar.serialize_field("close", &self.close())?;
            bar.serialize_field("adj_close", &self.adj_close())?;
            bar.serialize_field("volume", &self.volume())?;
            bar.serialize_field("is_final", &self.is_final())?;
            bar.serialize_field("flags", &self.flags())?;
            bar.end()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(prices: [&str; 4], volume: i64) -> Bar {
        let [open, high, low, close] = prices.map(|text| text.parse().unwrap());
        Bar::new("2020-04-20".parse().unwrap())
            .with_open(open)
            .with_high(high)
            .with_low(low)
            .with_close(close)
            .with_volume(volume)
    }

    #[test]
    fn a_bar_is_small_and_unknown_is_none() {
        assert_eq!(size_of::<Bar>(), 56);
        let mut empty = Bar::new(Date::MIN);
        assert!(empty.is_empty() && !empty.has_price());
        empty.set(BarField::Volume, Some(3));
        assert!(!empty.is_empty() && !empty.has_price());
        assert_eq!(empty.volume(), Some(3));
        empty.set(BarField::Volume, None);
        assert_eq!(empty, Bar::new(Date::MIN));
    }

    #[test]
    fn odd_bars_are_flagged_by_what_is_odd() {
        let names = |bar: Bar| bar.judged_flags().to_string();
        assert_eq!(names(bar(["2", "3", "1", "2.5"], 7)), "");
        assert_eq!(names(bar(["2", "3", "1", "3.5"], 7)), "outside_range");
        assert_eq!(names(bar(["2", "1", "3", "2"], 7)), "outside_range,high_below_low");
        assert_eq!(names(bar(["17.73", "17.85", "-40.32", "-37.63"], 7)), "negative_price");
        assert_eq!(names(bar(["0", "3", "0", "2"], 0)), "zero_price,zero_volume");
        assert_eq!(names(Bar::new(Date::MIN)), "");
    }

    #[test]
    fn flags_are_kept_by_their_bits() {
        let all = BarFlags::NAMES.iter().fold(BarFlags::NONE, |all, (flag, _)| all | *flag);
        assert_eq!(all.names().count(), BarFlags::NAMES.len());
        let daily = BarFlags(all.bits() & !BarFlags::MIXED_SHARE_COUNTS.bits());
        assert_eq!(BarFlags::from_bits(daily.bits()), Some(daily));
        for bits in [daily.bits() + 1, all.bits(), BarFlags::MIXED_SHARE_COUNTS.bits()] {
            assert_eq!(BarFlags::from_bits(bits), None, "{bits}");
        }
    }
}
