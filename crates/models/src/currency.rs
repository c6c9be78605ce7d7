//! Currency codes as vendors write them, and the subunits among them.

/// A currency code as delivered, understood: which currency it is, and in which unit of it prices
/// are given.
///
/// Prices are stored in the unit that the vendor delivers, with its code. London quotes in pence
/// (`GBp`, also `GBX`), Johannesburg in cents (`ZAc`), Tel Aviv in agorot (`ILA`), Kuwait in fils
/// (`KWF`), and American futures on grain, coffee and cattle in cents (`USX`): taking those for
/// pounds, rands, shekels, dinars and dollars is where most errors by a factor of 100 come from.
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

/// Codes of subunits, the currency that it is one of, and how many make one. Written with the last
/// letter in lower case by Yahoo and Bloomberg, and in capitals by others.
const SUBUNITS: [(&str, &str, u32); 9] = [
    ("GBp", "GBP", 100),
    ("GBX", "GBP", 100),
    ("GBx", "GBP", 100),
    ("ZAc", "ZAR", 100),
    ("ZAC", "ZAR", 100),
    ("ILA", "ILS", 100),
    ("ILa", "ILS", 100),
    ("USX", "USD", 100),
    ("KWF", "KWD", 1000),
];

impl<'a> Currency<'a> {
    /// What a code means. One that is no known subunit stands for itself.
    #[must_use]
    pub fn of(code: &'a str) -> Self {
        match SUBUNITS.iter().find(|(subunit, ..)| *subunit == code) {
            Some((_, major, units)) => Self { code, major, units_per_major: *units },
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

    /// How many units of the code make one of the major currency: 100 for pence, 1000 for fils, 1 for what is no
    /// subunit.
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
            ("USX", "USD", 100),
            ("USD", "USD", 1),
            ("KWF", "KWD", 1000),
            ("gbp", "gbp", 1),
            ("", "", 1),
        ] {
            let currency = Currency::of(code);
            assert_eq!((currency.code(), currency.major()), (code, major));
            assert_eq!(currency.units_per_major(), units, "{code}");
        }
    }
}
