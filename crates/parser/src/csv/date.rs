//! The dates of CSV.

use cream_models::Date;

use super::number::ends;

/// A date as it is written, and whether a time of day other than midnight stands with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) date: Date,
    pub(crate) timed: bool,
}

/// Why a cell is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoDay {
    /// A date with the day before the month: so may be all others of the file.
    DayFirst,
    /// Anything else.
    Bad,
}

/// Reads dates such as `2025-06-13` and `20250613` quickly: the month of the date before is kept,
/// since rows of a month stand together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Months {
    /// `2025-06-` or `202506` as a word.
    text: u64,
    /// The days from 1970-01-01 to the day before the first of the month.
    before: i32,
    /// How many days the month has.
    days: u8,
}

impl Months {
    pub(crate) const fn new() -> Self {
        Self { text: 0, before: 0, days: 0 }
    }

    /// The date at `start`, if a separator or a line end follows right behind it, or behind `tail`
    /// (a midnight, as the rows before had it), and where the cell ends.
    #[inline(always)]
    pub(crate) fn quick(
        &mut self,
        bytes: &[u8],
        start: usize,
        separator: u8,
        tail: &[u8],
    ) -> Option<(Date, usize)> {
        let chunk = bytes.get(start..)?.first_chunk::<16>()?;
        let [a, b, c, d, e, f, g, h, i, j, after, ..] = *chunk;
        let (text, tens, ones, stop, length) = if e == b'-' {
            (u64::from_le_bytes([a, b, c, d, e, f, g, h]), i, j, after, 10)
        } else {
            (u64::from_le_bytes([a, b, c, d, e, f, 0, 0]), g, h, i, 8)
        };
        if text != self.text {
            self.seek(text)?;
        }
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        let mut end = start + length;
        if !ends(stop, separator) {
            if tail.is_empty() || !bytes.get(end..)?.starts_with(tail) {
                return None;
            }
            end += tail.len();
            if !ends(*bytes.get(end)?, separator) {
                return None;
            }
        }
        if tens > 9 || ones > 9 {
            return None;
        }
        let day = tens * 10 + ones;
        if day == 0 || day > self.days {
            return None;
        }
        Some((Date::from_days(self.before + i32::from(day))?, end))
    }

    #[inline(never)]
    fn seek(&mut self, text: u64) -> Option<()> {
        let ([a, b, c, d, b'-', e, f, b'-'] | [a, b, c, d, e, f, 0, 0]) = text.to_le_bytes() else {
            return None;
        };
        let (year, month) = (number(&[a, b, c, d])?, number(&[e, f])?);
        let (year, month) = (i32::from(year), u8::try_from(month).ok()?);
        let first = Date::from_ymd(year, month, 1)?;
        let last = (28..=31).rev().find(|day| Date::from_ymd(year, month, *day).is_some())?;
        *self = Self { text, before: first.days() - 1, days: last };
        Some(())
    }
}

/// What stands behind the day in a cell that [`Months`] can read but for this.
pub(crate) fn tail(cell: &[u8]) -> &[u8] {
    let length = if cell.get(4) == Some(&b'-') { 10 } else { 8 };
    match cell.get(length..) {
        Some(tail @ [b' ' | b'T', ..]) => tail,
        _ => b"",
    }
}

/// The value of up to four digits.
fn number(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, byte| sum * 10 + u16::from(byte - b'0')))
}

fn date(year: &[u8], month: &[u8], day: &[u8]) -> Option<Date> {
    let small = |text: &[u8]| u8::try_from(number(text)?).ok();
    Date::from_ymd(i32::from(number(year)?), small(month)?, small(day)?)
}

/// Reads a whole cell's date.
pub(crate) fn day(text: &[u8]) -> Result<Day, NoDay> {
    let text = text.trim_ascii();
    let end = text.iter().position(|byte| matches!(byte, b' ' | b'T')).unwrap_or(text.len());
    let (day, rest) = text.split_at_checked(end).ok_or(NoDay::Bad)?;
    let timed = time(rest).ok_or(NoDay::Bad)?;
    let found = match *day {
        [a, b, c, d, e, f, g, h] if day.iter().all(u8::is_ascii_digit) => {
            date(&[a, b, c, d], &[e, f], &[g, h])
        }
        [a, b, c, d, s @ (b'-' | b'/'), e, f, t, g, h] if s == t => {
            date(&[a, b, c, d], &[e, f], &[g, h])
        }
        _ => return month_first(day).map(|date| Day { date, timed }),
    };
    found.map(|date| Day { date, timed }).ok_or(NoDay::Bad)
}

/// Reads `06/13/2025` or `6/3/2025`.
fn month_first(text: &[u8]) -> Result<Date, NoDay> {
    let mut parts = text.splitn(3, |&byte| byte == b'/');
    let (Some(month), Some(day), Some(year)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoDay::Bad);
    };
    if month.len() > 2 || day.len() > 2 || year.len() != 4 {
        return Err(NoDay::Bad);
    }
    match date(year, month, day) {
        Some(date) => Ok(date),
        None if date(year, day, month).is_some() => Err(NoDay::DayFirst),
        None => Err(NoDay::Bad),
    }
}

/// Whether what stands behind a date is a time of day other than midnight; `None` where it is no
/// time of day. `T00:00:00.000Z`, ` 16:00`, ` 00:00:00-04:00`.
fn time(text: &[u8]) -> Option<bool> {
    let Some((_, text)) = text.split_first() else { return Some(false) };
    let is_clock = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.');
    let end = text.iter().position(|byte| !is_clock(byte)).unwrap_or(text.len());
    let (clock, zone) = text.split_at_checked(end)?;
    let (seconds, fraction) = match clock.iter().position(|&byte| byte == b'.') {
        Some(point) => clock.split_at_checked(point)?,
        None => (clock, &[][..]),
    };
    let mut parts = seconds.split(|&byte| byte == b':');
    let mut part = |below: u16, optional: bool| match parts.next() {
        None => optional.then_some(0),
        Some(text) if text.len() > 2 => None,
        Some(text) => number(text).filter(|number| *number < below),
    };
    let (hour, minute, second) = (part(24, false)?, part(60, false)?, part(60, true)?);
    let digits = fraction.get(1..).unwrap_or_default();
    let is_fraction = fraction.is_empty() || !digits.is_empty() && !digits.contains(&b'.');
    if parts.next().is_some() || digits.contains(&b':') || !is_fraction || !is_zone(zone) {
        return None;
    }
    Some(hour != 0 || minute != 0 || second != 0 || digits.iter().any(|&digit| digit != b'0'))
}

/// Whether this is a zone: nothing, `Z`, ` UTC`, `-04:00`, `+0530`.
fn is_zone(text: &[u8]) -> bool {
    let digits = match text.trim_ascii() {
        b"" | b"Z" | b"UTC" | b"GMT" => return true,
        [b'+' | b'-', h, g] => [*h, *g, b'0', b'0'],
        [b'+' | b'-', h, g, m, n] | [b'+' | b'-', h, g, b':', m, n] => [*h, *g, *m, *n],
        _ => return false,
    };
    digits.iter().all(u8::is_ascii_digit)
}

/// Whether a cell of a column of times is midnight: `00:00:00`, `000000`, nothing.
pub(crate) fn is_midnight(text: &[u8]) -> bool {
    text.trim_ascii().iter().all(|byte| matches!(byte, b'0' | b':' | b'.'))
}
