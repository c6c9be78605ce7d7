//! Currency codes as vendors write them, and the subunits among them.

/// A currency code as delivered, understood: which currency it is, and in which unit of it prices
/// are given.
///
/// Prices are stored in the unit that the vendor delivers, with its code. London quotes in pence
/// (`GBp`, also `GBX`), Johannesburg in cents (`ZAc`), Tel Aviv in agorot (`ILA`): taking those
/// for pounds, rands and shekels is where most errors by a factor of 100 come from.
///
/// ```
/// use cream_models::Currency;
/// let pence = Currency::of("GBp");
/// assert_eq!((pence.major(), pence.units_per_major()), ("GBP", 100));
/// assert_eq!(Currency::of("USD").units_per_major(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency<'a> {
    code: &'a str,
    major: &'a str,
    units_per_major: u32,
}

/// Codes of a hundredth, and the currency that it is one of. Written with the last letter in lower
/// case by Yahoo and Bloomberg, and in capitals by others.
const HUNDREDTHS: [(&str, &str); 7] = [
    ("GBp", "GBP"),
    ("GBX", "GBP"),
    ("GBx", "GBP"),
    ("ZAc", "ZAR"),
    ("ZAC", "ZAR"),
    ("ILA", "ILS"),
    ("ILa", "ILS"),
];

impl<'a> Currency<'a> {
    /// What a code means. One that is no known subunit stands for itself.
    #[must_use]
    pub fn of(code: &'a str) -> Self {
        match HUNDREDTHS.iter().find(|(subunit, _)| *subunit == code) {
            Some((_, major)) => Self { code, major, units_per_major: 100 },
            None => Self { code, major: code, units_per_major: 1 },
        }
    }

    /// The code as delivered, such as `GBp`.
    #[must_use]
    pub const fn code(self) -> &'a str {
        self.code
    }

    /// The currency that it is, or is a subunit of, such as `GBP`.
    #[must_use]
    pub const fn major(self) -> &'a str {
        self.major
    }

    /// How many units of the code make one of the major currency: 100 for pence, or else 1.
    #[must_use]
    pub const fn units_per_major(self) -> u32 {
        self.units_per_major
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subunits_are_told_from_their_currencies() {
        for (code, major, units) in [
            ("GBp", "GBP", 100),
            ("GBX", "GBP", 100),
            ("GBP", "GBP", 1),
            ("ZAc", "ZAR", 100),
            ("ZAR", "ZAR", 1),
            ("ILA", "ILS", 100),
            ("USD", "USD", 1),
            ("gbp", "gbp", 1),
            ("", "", 1),
        ] {
            let currency = Currency::of(code);
            assert_eq!((currency.code(), currency.major()), (code, major));
            assert_eq!(currency.units_per_major(), units, "{code}");
        }
    }
}
