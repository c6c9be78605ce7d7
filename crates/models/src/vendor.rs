//! Market-data vendors.

use std::fmt;
use std::str::FromStr;

use crate::price::excerpt;
use crate::{ActionKind, ActionKinds};

/// On which share count numbers of the past are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PriceBasis {
    /// As they were on the day: a split later on changes nothing.
    AsTraded,
    /// On today's share count: each split rewrites everything before it.
    SplitAdjusted,
    /// The vendor does not say, or it differs from file to file.
    Unknown,
}

impl PriceBasis {
    /// The name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsTraded => "as_traded",
            Self::SplitAdjusted => "split_adjusted",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for PriceBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Makes the enum and its table, one row a vendor.
macro_rules! vendors {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident {
            code: $code:literal, name: $name:literal,
            prices: $prices:ident, volume: $volume:ident, dividends: $dividends:ident,
            tells: [$($kind:ident),*] $(,)?
        }
    )+) => {
        /// Who delivered a price history. A series belongs to one instrument and one vendor, since
        /// vendors differ in price basis and precision.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Vendor {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl Vendor {
            /// Every vendor, in order of preference: where two series are equally fresh, the first
            /// wins.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$variant),+];

            /// The name in settings, file names and answers.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The number that stands for the vendor in the database. Never changed, never reused.
            #[must_use]
            pub const fn code(self) -> i16 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The share count on which the vendor's open, high, low and close are given.
            #[must_use]
            pub const fn price_basis(self) -> PriceBasis {
                match self { $(Self::$variant => PriceBasis::$prices,)+ }
            }

            /// The share count on which the vendor's volume is given.
            #[must_use]
            pub const fn volume_basis(self) -> PriceBasis {
                match self { $(Self::$variant => PriceBasis::$volume,)+ }
            }

            /// The share count on which dividends and capital gains are given.
            #[must_use]
            pub const fn dividend_basis(self) -> PriceBasis {
                match self { $(Self::$variant => PriceBasis::$dividends,)+ }
            }

            /// The kinds of corporate action that the vendor tells of, where it is asked for them.
            #[must_use]
            pub const fn tells(self) -> ActionKinds {
                match self {
                    $(Self::$variant => ActionKinds::NONE$(.with(ActionKind::$kind))*,)+
                }
            }
        }
    };
}

vendors! {
    /// Yahoo's v8 chart endpoint: split-adjusted prices, widened from 32-bit floats.
    YahooChart {
        code: 1, name: "yahoo-chart",
        prices: SplitAdjusted, volume: SplitAdjusted, dividends: SplitAdjusted,
        tells: [Dividend, Split, CapitalGain],
    }
    /// Yahoo's history page: the same data inside a page, or a table rounded to two decimals.
    YahooPage {
        code: 2, name: "yahoo-page",
        prices: SplitAdjusted, volume: SplitAdjusted, dividends: SplitAdjusted,
        tells: [Dividend, Split, CapitalGain],
    }
    /// Tiingo's end-of-day prices: as traded, with an adjusted copy beside them.
    Tiingo {
        code: 3, name: "tiingo",
        prices: AsTraded, volume: AsTraded, dividends: AsTraded,
        tells: [Dividend, Split],
    }
    /// Alpha Vantage's daily series: as traded; dividends and splits with a premium key only.
    AlphaVantage {
        code: 4, name: "alpha-vantage",
        prices: AsTraded, volume: AsTraded, dividends: AsTraded,
        tells: [Dividend, Split],
    }
    /// Massive, once Polygon: split-adjusted aggregates; dividends as they were paid.
    Massive {
        code: 5, name: "massive",
        prices: SplitAdjusted, volume: SplitAdjusted, dividends: AsTraded,
        tells: [Dividend, Split],
    }
    /// EODHD's end-of-day prices: as traded, with an adjusted close.
    Eodhd {
        code: 6, name: "eodhd",
        prices: AsTraded, volume: Unknown, dividends: AsTraded,
        tells: [Dividend, Split],
    }
    /// Stooq's daily CSV, of which Stooq does not say how it is adjusted.
    Stooq {
        code: 7, name: "stooq",
        prices: Unknown, volume: Unknown, dividends: Unknown,
        tells: [],
    }
    /// Nasdaq's historical quotes: split-adjusted, without the splits; dividends as they were paid.
    Nasdaq {
        code: 8, name: "nasdaq",
        prices: SplitAdjusted, volume: SplitAdjusted, dividends: AsTraded,
        tells: [Dividend],
    }
    /// A CSV file of the user's own, whose basis only the user knows.
    Csv {
        code: 9, name: "csv",
        prices: Unknown, volume: Unknown, dividends: Unknown,
        tells: [Dividend, Split, CapitalGain],
    }
}

/// A vendor name that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a vendor; known are {names}", names = Vendor::ALL.map(Vendor::name).join(", "))]
pub struct UnknownVendor(String);

impl Vendor {
    /// The vendor of a database code.
    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.code() == code)
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Vendor {
    type Err = UnknownVendor;

    fn from_str(text: &str) -> Result<Self, UnknownVendor> {
        Self::ALL
            .into_iter()
            .find(|vendor| vendor.name() == text)
            .ok_or_else(|| UnknownVendor(excerpt(text)))
    }
}

#[cfg(feature = "serde")]
mod serde_impl {
    use super::Vendor;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    impl Serialize for Vendor {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.name())
        }
    }

    impl<'de> Deserialize<'de> for Vendor {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_are_unique_and_read_back() {
        for vendor in Vendor::ALL {
            assert_eq!(vendor.name().parse(), Ok(vendor));
            assert_eq!(Vendor::from_code(vendor.code()), Some(vendor));
        }
        let error = "yaho".parse::<Vendor>().unwrap_err().to_string();
        assert_eq!(
            error,
            "\"yaho\" is not a vendor; known are yahoo-chart, yahoo-page, tiingo, \
             alpha-vantage, massive, eodhd, stooq, nasdaq, csv"
        );
        assert_eq!(Vendor::from_code(0), None);
    }
}
