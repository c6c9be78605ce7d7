//! Decimal text to exact numbers.
//!
//! Yahoo keeps prices as 32-bit floats and prints them widened to 64 bits: 1.266667 arrives as
//! `1.2666670083999634`. Such a text stands for the shortest decimal that reads back as the same
//! 32-bit float; any other text stands for itself. No float is ever stored.
//!
//! The fast path ([`quick`], `digits`, `single`) reads a column's numbers many at once, guesses
//! the 32-bit float, proves the guess in integers, and finds the shortest decimal in 64-bit floats
//! without a rounding. Whatever is not clear-cut takes the slow path through the standard library;
//! tests hold the two against each other.

mod digits;
pub(crate) mod quick;
mod single;

use crate::error::{ParseError, Result, at, excerpt};
use single::Decimal;

/// Digits behind the point of a [`cream_models::Price`].
const PLACES: i64 = 9;

/// Powers of ten that fit 64 bits.
const POW10: [u64; 20] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
    10_000_000_000_000,
    100_000_000_000_000,
    1_000_000_000_000_000,
    10_000_000_000_000_000,
    100_000_000_000_000_000,
    1_000_000_000_000_000_000,
    10_000_000_000_000_000_000,
];

/// A number as it stands in JSON text: `mantissa` · 10^-`scale` where it is plain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    /// Where the text begins.
    pub(crate) start: usize,
    /// Where the text ends.
    pub(crate) end: usize,
    mantissa: u64,
    scale: usize,
    negative: bool,
    /// At most 19 digits and no exponent: mantissa and scale hold the value.
    plain: bool,
}

/// A price in units of 1e-9 and whether digits were rounded away.
pub(crate) type Nanos = (i64, bool);

pub(crate) fn pow10(exponent: usize) -> u64 {
    POW10.get(exponent).copied().unwrap_or(0)
}

/// `0` in each byte: taken off, digits become 0 to 9.
pub(crate) const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The top bit of each byte that is no digit, up to and with the first such byte; `word` is
/// without its [`ZEROS`].
#[inline(always)]
pub(crate) const fn others(word: u64) -> u64 {
    (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080
}

/// The value of the first `bits / 8` digits of a word without its [`ZEROS`].
#[inline(always)]
pub(crate) fn value(word: u64, bits: u32) -> u64 {
    // The digits move to the end of the word, zeros lead.
    let word = word.checked_shl(64 - bits).unwrap_or(0);
    let pairs = (word.wrapping_mul(2561) >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(6_553_601) >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(42_949_672_960_001) >> 32
}

/// Eight bytes as a word without its [`ZEROS`].
#[inline(always)]
fn word(bytes: &[u8], start: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(start..)?.first_chunk()?) ^ ZEROS)
}

/// Up to eight digits at `start`: their value and their count.
#[inline(always)]
fn digits(bytes: &[u8], start: usize) -> (u64, usize) {
    let word = word(bytes, start).unwrap_or_else(|| {
        let mut chunk = [0; 8];
        for (to, from) in chunk.iter_mut().zip(bytes.get(start..).unwrap_or_default()) {
            *to = *from;
        }
        u64::from_le_bytes(chunk) ^ ZEROS
    });
    let bits = others(word).trailing_zeros() & !7;
    (value(word, bits), bits as usize / 8)
}

impl Number {
    /// Reads the JSON number at `start`.
    ///
    /// # Errors
    ///
    /// Where no number stands there, by the grammar of JSON.
    #[inline(always)]
    pub(crate) fn scan(bytes: &[u8], start: usize) -> Result<Self> {
        let negative = bytes.get(start) == Some(&b'-');
        let mut end = start + usize::from(negative);
        let leading_zero = bytes.get(end) == Some(&b'0');
        let (mut mantissa, mut count) = digits(bytes, end);
        if count == 0 {
            return Err(missing(bytes, end, "a number"));
        }
        end += count;
        if leading_zero && count > 1 {
            return Err(missing(bytes, end - count + 1, "no digit after a leading zero"));
        }
        if count == 8 {
            (mantissa, count, end) = more_digits(bytes, mantissa, count, end);
        }
        let mut scale = 0;
        let mut next = bytes.get(end).copied();
        if next == Some(b'.') {
            end += 1;
            let (value, length) = digits(bytes, end);
            if length == 0 {
                return Err(missing(bytes, end, "a digit after the point"));
            }
            end += length;
            scale = length;
            mantissa = mantissa.wrapping_mul(pow10(length)).wrapping_add(value);
            if length == 8 {
                (mantissa, scale, end) = more_digits(bytes, mantissa, scale, end);
            }
            next = bytes.get(end).copied();
        }
        let mut plain = count + scale <= 19;
        if matches!(next, Some(b'e' | b'E')) {
            plain = false;
            end += 1;
            end += usize::from(matches!(bytes.get(end), Some(b'+' | b'-')));
            let length = run_of_digits(bytes, end);
            if length == 0 {
                return Err(missing(bytes, end, "a digit of the exponent"));
            }
            end += length;
        }
        Ok(Self { start, end, mantissa, scale, negative, plain })
    }

    /// The price that a widened 32-bit float, or else the text itself, stands for; `None` where
    /// it is out of range.
    #[inline(always)]
    pub(crate) fn yahoo_price(&self, bytes: &[u8]) -> Option<Nanos> {
        match self.fast_price() {
            Some((nanos, rounded)) => Some((if self.negative { -nanos } else { nanos }, rounded)),
            None => slow_price(self.text(bytes)),
        }
    }

    /// The magnitude of the price by the fast path; `None` where it is not clear-cut.
    #[inline(always)]
    fn fast_price(&self) -> Option<Nanos> {
        if !self.plain || self.mantissa >> 63 != 0 {
            return None;
        }
        let decimal = Decimal::new(self.mantissa, self.scale);
        decimal.float().shortest().or_else(|| decimal.odd())
    }

    /// The value, where it is a whole number that fits 64 bits: `5`, `5.0` and `5e3` are.
    #[inline]
    pub(crate) fn integer(&self, bytes: &[u8]) -> Option<i64> {
        if self.plain && self.scale == 0 {
            let value = i64::try_from(self.mantissa).ok()?;
            return Some(if self.negative { -value } else { value });
        }
        match scaled(self.text(bytes), 0) {
            Some((value, false)) => Some(value),
            _ => None,
        }
    }

    /// The text itself.
    pub(crate) fn text<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The price that the decimal text itself is, for vendors that write decimals; `None` where it
    /// is out of range.
    #[inline(always)]
    pub(crate) fn exact_price(&self, bytes: &[u8]) -> Option<Nanos> {
        let magnitude =
            self.plain.then(|| Decimal::new(self.mantissa, self.scale).exact()).flatten();
        match magnitude {
            Some((nanos, rounded)) => Some((if self.negative { -nanos } else { nanos }, rounded)),
            None => scaled(self.text(bytes), PLACES),
        }
    }

    /// The whole number nearest to the text, half to even, and whether it was rounded; `None`
    /// where it does not fit 64 bits.
    #[inline(always)]
    pub(crate) fn whole(&self, bytes: &[u8]) -> Option<Nanos> {
        if self.plain && self.scale == 0 {
            let value = i64::try_from(self.mantissa).ok()?;
            return Some((if self.negative { -value } else { value }, false));
        }
        scaled(self.text(bytes), 0)
    }
}

#[cold]
fn missing(bytes: &[u8], position: usize, expected: &str) -> ParseError {
    let (position, expected) = (position.min(bytes.len()), expected.to_owned());
    match bytes.get(position..) {
        None | Some([]) => ParseError::Truncated { position: at(position), expected },
        Some(rest) => ParseError::Syntax { position: at(position), expected, found: excerpt(rest) },
    }
}

/// The digits after the first eight: the mantissa (meaningless beyond 19 digits), how many digits
/// there are, and where they end.
#[inline]
fn more_digits(
    bytes: &[u8],
    mut mantissa: u64,
    mut count: usize,
    mut end: usize,
) -> (u64, usize, usize) {
    loop {
        let (value, length) = digits(bytes, end);
        mantissa = mantissa.wrapping_mul(pow10(length)).wrapping_add(value);
        count += length;
        end += length;
        if length < 8 {
            return (mantissa, count, end);
        }
    }
}

fn run_of_digits(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The quotient, one more where the rest is above half the divisor, or is half and the quotient
/// is odd.
fn half_even(quotient: u64, rest: u64, divisor: u64) -> u64 {
    let up = match rest.cmp(&(divisor - rest)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    quotient + u64::from(up && rest != 0)
}

/// The price that a text stands for, by the standard library: slow and surely right.
#[cold]
#[expect(
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "whether a 64-bit float is a widened 32-bit float is asked exactly"
)]
fn slow_price(text: &[u8]) -> Option<Nanos> {
    let text = std::str::from_utf8(text).ok()?;
    let double: f64 = text.parse().ok()?;
    let single = double as f32;
    // What is too small for a float is not 0.
    if single.is_finite() && f64::from(single) == double && double != 0.0 {
        scaled(single.to_string().as_bytes(), PLACES)
    } else {
        scaled(text.as_bytes(), PLACES)
    }
}

/// A decimal text times 10^`places`, rounded half to even, and whether it was rounded; `None`
/// where it does not fit. The text is a number by the grammar of JSON, of any length.
fn scaled(text: &[u8], places: i64) -> Option<Nanos> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let split = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let (digits, exponent) = text.split_at_checked(split)?;
    let exponent = match exponent {
        [_, b'-', rest @ ..] => -saturated(rest),
        [_, b'+', rest @ ..] | [_, rest @ ..] => saturated(rest),
        [] => 0,
    };
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    // How many digits count; those behind them are rounded away.
    let mut kept = i64::try_from(point).ok()?.saturating_add(exponent).saturating_add(places);
    let mut value: u64 = 0;
    let (mut first_dropped, mut sticky) = (None, false);
    for digit in digits.iter().filter(|&&byte| byte != b'.').map(|byte| byte.wrapping_sub(b'0')) {
        if kept > 0 {
            value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
        } else if kept == 0 {
            first_dropped = Some(digit);
        } else {
            sticky |= digit != 0;
        }
        kept = kept.saturating_sub(1);
    }
    while kept > 0 && value != 0 {
        value = value.checked_mul(10)?;
        kept -= 1;
    }
    let dropped = first_dropped.unwrap_or(0);
    if dropped > 5 || dropped == 5 && (sticky || value % 2 == 1) {
        value = value.checked_add(1)?;
    }
    let signed = if negative { -i128::from(value) } else { i128::from(value) };
    Some((i64::try_from(signed).ok()?, dropped != 0 || sticky))
}

/// The value of a run of digits, held where larger ones mean the same: out of any range.
fn saturated(digits: &[u8]) -> i64 {
    digits.iter().fold(0_i64, |sum, byte| {
        sum.saturating_mul(10).saturating_add(i64::from(byte.wrapping_sub(b'0'))).min(1 << 60)
    })
}

#[cfg(test)]
#[path = "number_tests.rs"]
mod tests;
