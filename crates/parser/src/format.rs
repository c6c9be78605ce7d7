//! What a response may be written in.

use std::fmt;

use cream_models::Vendor;

/// How a response is written.
///
/// ```
/// use cream_parser::{Format, Vendor, detect};
/// assert_eq!(detect(br#"[{"date":"2025-06-13","adjClose":1}]"#)?, Format::Vendor(Vendor::Tiingo));
/// assert_eq!(Format::from(Vendor::Tiingo).to_string(), "tiingo");
/// # Ok::<(), cream_parser::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// As a vendor answers: each has one format, which may have several forms.
    Vendor(Vendor),
    /// An archived [pull](crate::pull), which holds all answers to one question.
    Pull,
}

impl From<Vendor> for Format {
    fn from(vendor: Vendor) -> Self {
        Self::Vendor(vendor)
    }
}

/// The vendor's name, such as `yahoo-chart`, or `pull`.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vendor(vendor) => vendor.fmt(f),
            Self::Pull => f.pad("pull"),
        }
    }
}
