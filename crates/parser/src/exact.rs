//! Cells of JSON rows: numbers that are what their decimal text says, and dates.
//!
//! Vendors write a number as JSON's or within a string. `null`, an empty string, dashes and `N/A`
//! mean that it is unknown. Nothing is allocated but for a string with escapes.

use cream_models::Date;

use crate::error::Result;
use crate::json::{Reader, Text};
use crate::number::{Nanos, Number};

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing is known.
    Unknown,
    /// A number and whether digits were rounded away: in units of 1e-9 for a price, whole for a
    /// volume.
    Known(Nanos),
    /// No number, or one out of range.
    Odd,
}

/// How a vendor writes numbers within strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// As JSON would: `-1234.5`.
    Plain,
    /// As a page would show it: `$1,234.50`, `13,132,340`.
    Shown,
}

/// Reads a price.
#[inline]
pub(crate) fn price(reader: &mut Reader<'_>, writing: Writing) -> Result<Cell> {
    cell(reader, writing, Number::exact_price)
}

/// Reads a volume, rounded to a whole number.
#[inline]
pub(crate) fn volume(reader: &mut Reader<'_>, writing: Writing) -> Result<Cell> {
    match cell(reader, writing, Number::whole)? {
        Cell::Known((volume, _)) if volume < 0 => Ok(Cell::Odd),
        cell => Ok(cell),
    }
}

#[inline(always)]
fn cell(
    reader: &mut Reader<'_>,
    writing: Writing,
    value: impl Fn(&Number, &[u8]) -> Option<Nanos>,
) -> Result<Cell> {
    match reader.peek() {
        Some(b'-' | b'0'..=b'9') => {
            let number = reader.number()?;
            Ok(value(&number, reader.bytes()).map_or(Cell::Odd, Cell::Known))
        }
        Some(b'"') => {
            let text = reader.string()?;
            Ok(in_string(reader.bytes(), &text, writing, &value)?)
        }
        Some(b'n') => reader.null().map(|_| Cell::Unknown),
        _ => reader.skip().map(|()| Cell::Odd),
    }
}

fn in_string(
    bytes: &[u8],
    text: &Text<'_>,
    writing: Writing,
    value: &impl Fn(&Number, &[u8]) -> Option<Nanos>,
) -> Result<Cell> {
    let raw = text.raw();
    if raw.contains(&b'\\') {
        return Ok(of_text(text.text()?.as_bytes(), writing, value));
    }
    // The bytes behind the string make it faster to read than alone.
    if writing == Writing::Plain
        && matches!(raw, [b'-', b'0'..=b'9', ..] | [b'0'..=b'9', ..])
        && let Ok(number) = Number::scan(bytes, text.start)
        && number.end == text.start + raw.len()
    {
        return Ok(value(&number, bytes).map_or(Cell::Odd, Cell::Known));
    }
    Ok(of_text(raw, writing, value))
}

fn of_text(
    text: &[u8],
    writing: Writing,
    value: &impl Fn(&Number, &[u8]) -> Option<Nanos>,
) -> Cell {
    let text = text.trim_ascii();
    if matches!(text, b"" | b"-" | b"--" | b"N/A") {
        return Cell::Unknown;
    }
    let mut buffer = [0; LONGEST];
    let text = match writing {
        Writing::Plain => Some(text),
        Writing::Shown => plain(text, &mut buffer),
    };
    let number = text.and_then(|text| {
        let number = Number::scan(text, 0).ok().filter(|number| number.end == text.len())?;
        value(&number, text)
    });
    number.map_or(Cell::Odd, Cell::Known)
}

/// The longest number that is read of those that are shown, in bytes.
const LONGEST: usize = 40;

/// A shown number without its dollar sign and its commas, which stand between groups of three.
fn plain<'a>(text: &[u8], buffer: &'a mut [u8; LONGEST]) -> Option<&'a [u8]> {
    let (sign, rest) = match text {
        [b'-', rest @ ..] => (&b"-"[..], rest),
        rest => (&b""[..], rest),
    };
    let rest = rest.strip_prefix(b"$").unwrap_or(rest);
    let point = rest.iter().position(|byte| *byte == b'.').unwrap_or(rest.len());
    let (whole, fraction) = rest.split_at_checked(point)?;
    let mut groups = whole.split(|byte| *byte == b',');
    let is_first = |first: &&[u8]| first.len() <= 3 || first.len() == whole.len();
    let first = groups.next().filter(is_first).filter(|first| !first.is_empty())?;
    let mut length = 0;
    let mut put = |bytes: &[u8]| {
        let end = length + bytes.len();
        buffer.get_mut(length..end)?.copy_from_slice(bytes);
        length = end;
        Some(())
    };
    put(sign)?;
    put(first)?;
    for group in groups {
        put(Some(group).filter(|group| group.len() == 3)?)?;
    }
    put(fraction)?;
    buffer.get(..length)
}

fn number(digits: &[u8]) -> Option<i32> {
    digits
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i32::from(byte - b'0')))
}

fn date(year: &[u8], month: &[u8], day: &[u8]) -> Option<Date> {
    let small = |digits| u8::try_from(number(digits)?).ok();
    Date::from_ymd(number(year)?, small(month)?, small(day)?)
}

/// The date of a text such as `2024-12-31`.
#[inline]
pub(crate) fn iso(text: &[u8]) -> Option<Date> {
    match text {
        [year @ .., b'-', m1, m2, b'-', d1, d2] if year.len() == 4 => {
            date(year, &[*m1, *m2], &[*d1, *d2])
        }
        _ => None,
    }
}

/// The date of a text such as `2024-12-31`, `2024-12-31T00:00:00.000Z` or
/// `2024-12-31T00:00:00+00:00`: a day in UTC, whose time is its beginning.
#[inline]
pub(crate) fn midnight(text: &[u8]) -> Option<Date> {
    let (day, time) = text.split_at_checked(10)?;
    if matches!(time, b"" | b"T00:00:00.000Z" | b"T00:00:00+00:00" | b"T00:00:00Z") {
        return iso(day);
    }
    let fraction = time.strip_prefix(b"T00:00:00.")?;
    let zeros = fraction.iter().take_while(|byte| **byte == b'0').count();
    let zone = fraction.get(zeros..)?;
    if zeros == 0 || !matches!(zone, b"Z" | b"+00:00") {
        return None;
    }
    iso(day)
}

/// The date of a text such as `12/31/2024`.
pub(crate) fn american(text: &[u8]) -> Option<Date> {
    match text {
        [m1, m2, b'/', d1, d2, b'/', year @ ..] if year.len() == 4 => {
            date(year, &[*m1, *m2], &[*d1, *d2])
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "exact_tests.rs"]
mod tests;
