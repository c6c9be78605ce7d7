//! Exact prices.

use std::fmt;
use std::str::FromStr;

/// A price or cash amount: a whole number of 1e-9 currency units, like `databento`'s.
///
/// Range: -9,223,372,036.854775808 to 9,223,372,036.854775807, in steps of 0.000000001. The
/// currency is that of the series and is not part of the value. Text goes in and out exactly.
///
/// ```
/// use cream_models::Price;
/// let price: Price = "1.266667".parse()?;
/// assert_eq!(price.nanos(), 1_266_667_000);
/// assert_eq!(price.to_string(), "1.266667");
/// # Ok::<(), cream_models::PriceError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(i64);

/// Why a text is not a [`Price`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PriceError {
    /// Not a plain decimal number.
    #[error("{0:?} is not a decimal number such as 12.34 or -0.5")]
    Syntax(String),
    /// More than nine digits behind the point that are not zero.
    #[error("{0:?} is finer than a price can hold: at most nine digits behind the point")]
    TooFine(String),
    /// Outside of what 64 bits of 1e-9 hold.
    #[error("{0:?} is out of range: a price lies within ±9223372036.854775807")]
    OutOfRange(String),
}

/// How many units make 1.
const SCALE: u64 = 1_000_000_000;
/// Digits behind the point.
const DIGITS: usize = 9;

impl Price {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// The largest price, 9,223,372,036.854775807.
    pub const MAX: Self = Self(i64::MAX);
    /// The smallest price, -9,223,372,036.854775808.
    pub const MIN: Self = Self(i64::MIN);

    /// The price of `nanos` times 1e-9.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The value in units of 1e-9.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The sum, or `None` where it is out of range.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` where it is out of range.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The price times `numerator / denominator`, rounded half to even to 1e-9; `None` where the
    /// result is out of range or the denominator is 0.
    #[must_use]
    pub fn checked_mul_ratio(self, numerator: i64, denominator: i64) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let product = i128::from(self.0) * i128::from(numerator);
        let rounded = div_half_even(product, i128::from(denominator));
        i64::try_from(rounded).ok().map(Self)
    }

    /// The price in hundredths of the currency unit, rounded half to even.
    #[must_use]
    pub fn cents(self) -> i64 {
        let cents = div_half_even(i128::from(self.0), i128::from(SCALE / 100));
        // A hundredth of an i64 of 1e-9 always fits.
        i64::try_from(cents).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }

    /// Appends the exact decimal text to `out`, without trailing zeros: `-0.5`, `12`, `1.266667`.
    pub fn write_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(Text::new(self).as_bytes());
    }
}

/// `numerator / denominator`, rounded half to even. The denominator is not 0.
fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.div_euclid(denominator);
    let remainder = numerator.rem_euclid(denominator);
    let rest = denominator.abs() - remainder;
    // `div_euclid` with a negative denominator rounds towards the next larger quotient's floor,
    // so the step to the nearest neighbour has the denominator's sign.
    let up = quotient + denominator.signum();
    match remainder.cmp(&rest) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => up,
        std::cmp::Ordering::Equal => {
            if quotient % 2 == 0 {
                quotient
            } else {
                up
            }
        }
    }
}

/// The decimal text of a price, on the stack: a sign, ten digits, the point and nine digits have
/// their places, and what is not needed of them is left out at both ends.
struct Text {
    bytes: [u8; 21],
    start: usize,
    end: usize,
}

/// The place of the point.
const POINT: usize = 11;

impl Text {
    #[inline]
    fn new(price: Price) -> Self {
        let magnitude = price.0.unsigned_abs();
        // Below 10^10, since an i64 is below 10^19.
        let (whole, fraction) = (magnitude / SCALE, magnitude % SCALE);
        let mut bytes = *b"-0000000000.000000000";
        let mut start = POINT - 1;
        if whole < 10_000 {
            // Nearly all prices.
            let ([a, b], [c, d]) = (two_digits(whole / 100), two_digits(whole));
            (bytes[7], bytes[8], bytes[9], bytes[10]) = (a, b, c, d);
            start -= usize::from(whole >= 10) + usize::from(whole >= 100);
            start -= usize::from(whole >= 1_000);
        } else {
            let [a, b] = two_digits(whole / 100_000_000);
            (bytes[1], bytes[2]) = (a, b);
            bytes[3..POINT].copy_from_slice(&eight_digits(whole));
            start -= whole.ilog10() as usize;
        }
        if price.0 < 0 {
            start -= 1;
            if let Some(sign) = bytes.get_mut(start) {
                *sign = b'-';
            }
        }
        let mut end = POINT;
        if fraction != 0 {
            let decimals = eight_digits(fraction / 10);
            let [_, last] = two_digits(fraction % 10);
            bytes[POINT + 1..20].copy_from_slice(&decimals);
            bytes[20] = last;
            // The lowest byte that is not the digit 0 is the last decimal.
            let differ = u64::from_be_bytes(decimals) ^ u64::from_be_bytes([b'0'; 8]);
            end = if last == b'0' { 20 - differ.trailing_zeros() as usize / 8 } else { 21 };
        }
        Self { bytes, start, end }
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// The last eight digits of a number.
#[inline]
fn eight_digits(value: u64) -> [u8; 8] {
    let (high, low) = (value / 10_000, value % 10_000);
    let ([a, b], [c, d]) = (two_digits(high / 100), two_digits(high));
    let ([e, f], [g, h]) = (two_digits(low / 100), two_digits(low));
    [a, b, c, d, e, f, g, h]
}

/// The last two digits of a number.
#[inline]
#[expect(clippy::indexing_slicing, reason = "the remainder is below 100")]
fn two_digits(value: u64) -> [u8; 2] {
    PAIRS[(value % 100) as usize]
}

/// `00` to `99`.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "computed by the compiler; each value is below 100"
)]
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [*b"00"; 100];
    let mut value = 0;
    while value < 100 {
        pairs[value] = [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
        value += 1;
    }
    pairs
};

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Text::new(*self);
        let digits = std::str::from_utf8(text.as_bytes()).map_err(|_| fmt::Error)?;
        f.pad(digits)
    }
}

impl FromStr for Price {
    type Err = PriceError;

    /// Reads a plain decimal: an optional sign, digits, and up to nine significant digits behind
    /// a point. No exponent, no separators, no white space.
    fn from_str(text: &str) -> Result<Self, PriceError> {
        let syntax = || PriceError::Syntax(excerpt(text));
        let (negative, unsigned) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let point = unsigned.iter().position(|&byte| byte == b'.');
        let (whole, fraction) = match point {
            Some(at) => unsigned
                .split_at_checked(at)
                .and_then(|(whole, rest)| rest.split_first().map(|(_, fraction)| (whole, fraction)))
                .ok_or_else(syntax)?,
            None => (unsigned, &[][..]),
        };
        let all_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        if whole.is_empty()
            || !all_digits(whole)
            || !all_digits(fraction)
            || (point.is_some() && fraction.is_empty())
        {
            return Err(syntax());
        }
        let (kept, rest) = fraction.split_at_checked(DIGITS).unwrap_or((fraction, &[]));
        if rest.iter().any(|&byte| byte != b'0') {
            return Err(PriceError::TooFine(excerpt(text)));
        }
        let padding = std::iter::repeat_n(&b'0', DIGITS - kept.len());
        let mut nanos: i64 = 0;
        for byte in whole.iter().chain(kept).chain(padding) {
            let value = i64::from(byte - b'0');
            // Counting down for negative numbers reaches i64::MIN without overflow.
            nanos = nanos
                .checked_mul(10)
                .and_then(|n| if negative { n.checked_sub(value) } else { n.checked_add(value) })
                .ok_or_else(|| PriceError::OutOfRange(excerpt(text)))?;
        }
        Ok(Self(nanos))
    }
}

/// The start of a text, for messages: what is hostile may also be long.
pub(crate) fn excerpt(text: &str) -> String {
    const LIMIT: usize = 40;
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    text.chars().take(LIMIT).chain(std::iter::once('…')).collect()
}

#[cfg(feature = "serde")]
mod serde_impl {
    use super::Price;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    impl Serialize for Price {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for Price {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_exact_at_the_edges() {
        for (nanos, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (-1, "-0.000000001"),
            (-500_000_000, "-0.5"),
            (12_000_000_000, "12"),
            (i64::MAX, "9223372036.854775807"),
            (i64::MIN, "-9223372036.854775808"),
        ] {
            assert_eq!(Price(nanos).to_string(), text);
            assert_eq!(text.parse(), Ok(Price(nanos)));
        }
    }

    #[test]
    fn refusals_name_the_text_and_the_rule() {
        for bad in ["", "-", ".", "1.", ".5", "1e3", "1,000", " 1", "0x1", "１", "--1", "1.2.3"] {
            assert_eq!(bad.parse::<Price>(), Err(PriceError::Syntax(bad.to_owned())), "{bad:?}");
        }
        assert_eq!(
            "0.0000000001".parse::<Price>(),
            Err(PriceError::TooFine("0.0000000001".to_owned()))
        );
        assert_eq!("0.1000000000000".parse(), Ok(Price(100_000_000)));
        assert_eq!(
            "9223372036.854775808".parse::<Price>(),
            Err(PriceError::OutOfRange("9223372036.854775808".to_owned()))
        );
        let long = "9".repeat(500);
        let message = long.parse::<Price>().unwrap_err().to_string();
        assert!(message.len() < 150, "{message}");
    }

    #[test]
    fn rounding_is_half_to_even() {
        assert_eq!(Price(5_000_000).cents(), 0);
        assert_eq!(Price(15_000_000).cents(), 2);
        assert_eq!(Price(-15_000_000).cents(), -2);
        assert_eq!(Price(-5_000_000).cents(), 0);
        assert_eq!(Price(325_310_000_000).cents(), 32_531);
        assert_eq!(Price(3).checked_mul_ratio(1, 2), Some(Price(2)));
        assert_eq!(Price(5).checked_mul_ratio(1, 2), Some(Price(2)));
        assert_eq!(Price(5).checked_mul_ratio(1, -2), Some(Price(-2)));
        assert_eq!(Price(7).checked_mul_ratio(2, 3), Some(Price(5)));
        assert_eq!(Price(7).checked_mul_ratio(1, 0), None);
        assert_eq!(Price::MAX.checked_mul_ratio(2, 1), None);
    }

    proptest! {
        #[test]
        fn text_to_price_to_text_is_the_identity(nanos: i64) {
            let text = Price(nanos).to_string();
            prop_assert_eq!(text.parse::<Price>(), Ok(Price(nanos)));
            let mut bytes = Vec::new();
            Price(nanos).write_to(&mut bytes);
            prop_assert_eq!(bytes, text.into_bytes());
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<Price>();
        }

        #[test]
        fn no_digits_panic(text in "[-+]?[0-9.]{0,40}") {
            if let Ok(price) = text.parse::<Price>() {
                prop_assert_eq!(price.to_string().parse::<Price>(), Ok(price));
            }
        }

        #[test]
        fn order_is_the_order_of_the_numbers(a: i64, b: i64) {
            prop_assert_eq!(Price(a).cmp(&Price(b)), a.cmp(&b));
        }

        #[test]
        fn the_ratio_is_within_half_a_unit(nanos: i32, numerator in -9999i64..9999, denominator in 1i64..9999) {
            let got = Price(i64::from(nanos)).checked_mul_ratio(numerator, denominator).unwrap();
            let error = i128::from(nanos) * i128::from(numerator)
                - i128::from(got.nanos()) * i128::from(denominator);
            prop_assert!(2 * error.abs() <= i128::from(denominator));
        }
    }
}
