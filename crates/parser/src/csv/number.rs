//! The numbers of CSV: decimal text to exact whole numbers of a unit.

use crate::number::{Number, ZEROS, others, pow10, value};

/// Eight bytes as a word without its [`ZEROS`].
#[inline(always)]
fn word(chunk: &[u8; 24], start: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*chunk.get(start..)?.first_chunk()?) ^ ZEROS)
}

/// Whether a byte ends a cell: the separator or a line end.
#[inline(always)]
pub(crate) const fn ends(byte: u8, separator: u8) -> bool {
    byte == separator || byte == b'\n' || byte == b'\r'
}

/// Reads a price of the usual shape at `start`: up to seven digits and, behind a point, up to nine,
/// 16 bytes at most. Gives it in units of 1e-9 and where it ends. `None` for any other, be it sound
/// or not, and close to the end of the bytes.
#[inline(always)]
pub(crate) fn quick_price(bytes: &[u8], start: usize, separator: u8) -> Option<(i64, usize)> {
    let chunk = bytes.get(start..)?.first_chunk::<24>()?;
    let first = word(chunk, 0)?;
    let after = others(first);
    // The point, if it is one, is the first byte that is no digit, the end is the second.
    let point_bits = after.trailing_zeros() & !7;
    let point = point_bits as usize / 8;
    if point == 0 || point > 7 {
        return None;
    }
    let stop = *chunk.get(point)?;
    if stop != b'.' {
        let nanos = value(first, point_bits) * 1_000_000_000;
        return ends(stop, separator).then_some((nanos.cast_signed(), start + point));
    }
    let after = after & after.wrapping_sub(1);
    let before = (1_u64 << point_bits) - 1;
    let (mantissa, length) = if after != 0 {
        let bits = after.trailing_zeros() & !7;
        (value(first & before | (first >> 8) & !before, bits - 8), bits as usize / 8)
    } else {
        // What stands before the point, and what stands behind it, side by side.
        let bits = others(word(chunk, 8)?).trailing_zeros() & !7;
        if bits == 0 {
            (value(first & before | (first >> 8) & !before, 56), 8)
        } else {
            let (high, low) = (first & before | word(chunk, 1)? & !before, word(chunk, 9)?);
            let length = 8 + bits as usize / 8;
            (value(high, 64) * pow10(length - 9) + value(low, bits - 8), length)
        }
    };
    let scale = length - point - 1;
    if scale == 0 || scale > 9 || !ends(*chunk.get(length)?, separator) {
        return None;
    }
    Some(((mantissa * pow10(9 - scale)).cast_signed(), start + length))
}

/// Reads a whole number of up to 15 digits at `start`, perhaps with `.0` behind it. Gives it and
/// where it ends. `None` for any other, be it sound or not, and close to the end of the bytes.
#[inline(always)]
pub(crate) fn quick_whole(bytes: &[u8], start: usize, separator: u8) -> Option<(i64, usize)> {
    let chunk = bytes.get(start..)?.first_chunk::<24>()?;
    let first = word(chunk, 0)?;
    let bits = others(first).trailing_zeros() & !7;
    let (mut number, mut length) = (value(first, bits), bits as usize / 8);
    if bits == 64 {
        let second = word(chunk, 8)?;
        let bits = others(second).trailing_zeros() & !7;
        number = number * pow10(bits as usize / 8) + value(second, bits);
        length += bits as usize / 8;
    }
    if length == 0 || length > 15 {
        return None;
    }
    if chunk.get(length) == Some(&b'.') && chunk.get(length + 1) == Some(&b'0') {
        length += 2;
    }
    ends(*chunk.get(length)?, separator).then_some((number.cast_signed(), start + length))
}

/// What a whole cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing is known.
    Unknown,
    /// A number in the unit asked for, and whether it was rounded half to even.
    Number(i64, bool),
    /// Neither, or out of range.
    Bad,
}

/// The price that a text stands for by the rule of [`crate::number`].
fn widened(text: &[u8]) -> Option<(i64, bool)> {
    let number = Number::scan(text, 0).ok().filter(|number| number.end == text.len())?;
    number.yahoo_price(text)
}

/// Reads a whole cell of any length, in units of 10^-`places`.
pub(crate) fn cell(text: &[u8], places: i64, commas: bool) -> Cell {
    let text = text.trim_ascii();
    let is = |name: &str| text.eq_ignore_ascii_case(name.as_bytes());
    let is_number = text.first().is_some_and(u8::is_ascii_digit);
    if !is_number && ["", "-", "--", "nan", "null", "n/a", "na", "none"].into_iter().any(is) {
        return Cell::Unknown;
    }
    match scaled(text, places, commas) {
        // Tables of Yahoo's data hold its 32-bit floats widened: they stand for fewer digits.
        Some((_, true)) if let Some((nanos, rounded)) = widened(text).filter(|_| places == 9) => {
            Cell::Number(nanos, rounded)
        }
        Some((value, rounded)) => Cell::Number(value, rounded),
        None => Cell::Bad,
    }
}

/// A decimal text times 10^`places`, rounded half to even, and whether it was rounded; `None`
/// where it is none or does not fit.
fn scaled(text: &[u8], places: i64, commas: bool) -> Option<(i64, bool)> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let text = text.strip_prefix(b"$").unwrap_or(text);
    let split = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let (digits, exponent) = text.split_at_checked(split)?;
    let exponent = match exponent {
        [] => 0,
        [_, b'-', rest @ ..] => -whole(rest)?,
        [_, b'+', rest @ ..] | [_, rest @ ..] => whole(rest)?,
    };
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    let (before, behind) = digits.split_at_checked(point)?;
    let grouped = commas && before.contains(&b',');
    if grouped {
        let mut groups = before.split(|&byte| byte == b',');
        let first = groups.next().map_or(0, <[u8]>::len);
        if !(1..=3).contains(&first) || groups.any(|group| group.len() != 3) {
            return None;
        }
    }
    let behind_point = behind.get(1..).unwrap_or_default();
    if behind.len() == 1 || before.is_empty() && behind.is_empty() || behind_point.contains(&b',') {
        return None;
    }
    let separators = before.iter().filter(|&&byte| byte == b',').count();
    let point = i64::try_from(point - separators).ok()?;
    // How many digits count; those behind them are rounded away.
    let mut kept = point.saturating_add(exponent).saturating_add(places);
    let (mut value, mut first_dropped, mut sticky) = (0_u64, None, false);
    for &byte in before.iter().chain(behind_point) {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b',' if grouped => continue,
            _ => return None,
        };
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
fn whole(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0_i64, |sum, byte| {
        sum.saturating_mul(10).saturating_add(i64::from(byte - b'0')).min(1 << 60)
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A text with a separator and something behind it.
    fn padded(text: &str) -> Vec<u8> {
        format!("{text},99.9,99999999999999999999999").into_bytes()
    }

    fn slow(text: &str, places: i64) -> Option<i64> {
        match cell(text.as_bytes(), places, false) {
            Cell::Number(value, false) => Some(value),
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn the_quick_way_gives_what_the_slow_way_gives(
            text in "[0-9]{0,18}(\\.[0-9]{0,12})?[,.e\"\\xE9 -]?[0-9]{0,2}",
        ) {
            let cell = text.split(',').next().unwrap_or_default();
            if let Some((nanos, end)) = quick_price(&padded(&text), 0, b',') {
                prop_assert_eq!(end, cell.len());
                prop_assert_eq!(Some(nanos), slow(cell, 9), "{}", text);
            }
            if let Some((value, end)) = quick_whole(&padded(&text), 0, b',') {
                prop_assert_eq!(end, cell.len());
                prop_assert_eq!(Some(value), slow(cell, 0), "{}", text);
            }
        }

        #[test]
        fn the_usual_shapes_are_quick(whole in 0_u32..10_000_000, fraction in 0_u32..100_000_000, digits in 1_usize..=8) {
            let fraction = format!("{fraction:08}");
            let fraction: String = fraction.chars().take(digits).collect();
            let text = format!("{whole}.{fraction}");
            let nanos = format!("{whole}{fraction:0<9}").parse().unwrap();
            prop_assert_eq!(quick_price(&padded(&text), 0, b','), Some((nanos, text.len())));
            let volume = format!("{whole}{fraction}");
            prop_assert_eq!(
                quick_whole(&padded(&volume), 0, b','),
                Some((volume.parse().unwrap(), volume.len()))
            );
        }

        #[test]
        fn an_exact_decimal_reads_back(nanos: i64) {
            let text = cream_models::Price::from_nanos(nanos).to_string();
            prop_assert_eq!(slow(&text, 9), Some(nanos));
        }

        #[test]
        fn nothing_panics(bytes: Vec<u8>, places in 0_i64..10) {
            let _ = (cell(&bytes, places, true), quick_price(&bytes, 0, b';'), quick_whole(&bytes, 0, b'\t'));
        }
    }

    #[test]
    fn rounding_is_half_to_even_however_long_the_text() {
        for (text, places, expected) in [
            ("2.5", 0, Cell::Number(2, true)),
            ("3.5", 0, Cell::Number(4, true)),
            ("2.50000000000000000000000000000000000000000001", 0, Cell::Number(3, true)),
            ("0.000000000000000000000000000000000000000000", 9, Cell::Number(0, false)),
            ("12345e-4", 4, Cell::Number(12345, false)),
            ("1e-99999999999999999999", 9, Cell::Number(0, true)),
            ("1e99999999999999999999", 9, Cell::Bad),
            ("0e99999999999999999999", 9, Cell::Number(0, false)),
            ("9223372036.854775807", 9, Cell::Number(i64::MAX, false)),
            ("-9223372036.854775808", 9, Cell::Number(i64::MIN, false)),
            ("9223372036.854775808", 9, Cell::Bad),
        ] {
            assert_eq!(cell(text.as_bytes(), places, false), expected, "{text}");
        }
    }
}
