//! Market-data vendors.

use std::fmt;
use std::str::FromStr;

use crate::price::excerpt;

/// Who delivered a price history. A series belongs to one instrument and one vendor, since
/// vendors differ in price basis and precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Vendor {
    /// Yahoo's v8 chart endpoint: split-adjusted prices, widened from 32-bit floats.
    YahooChart,
    /// Yahoo's history page: the same data inside a page, or a table rounded to two decimals.
    YahooPage,
}

/// A vendor name that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a vendor; known are {names}", names = Vendor::ALL.map(Vendor::name).join(", "))]
pub struct UnknownVendor(String);

impl Vendor {
    /// Every vendor, in order of preference: where two series are equally fresh, the first wins.
    pub const ALL: [Self; 2] = [Self::YahooChart, Self::YahooPage];

    /// The name in settings, file names and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::YahooChart => "yahoo-chart",
            Self::YahooPage => "yahoo-page",
        }
    }

    /// The number that stands for the vendor in the database. Never changed, never reused.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Self::YahooChart => 1,
            Self::YahooPage => 2,
        }
    }

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
        assert_eq!(error, "\"yaho\" is not a vendor; known are yahoo-chart, yahoo-page");
        assert_eq!(Vendor::from_code(0), None);
    }
}
