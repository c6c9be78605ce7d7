//! Records and fields by RFC 4180, any that are legal and many that are not.

use memchr::{memchr, memchr2};

use crate::error::{ParseError, Result, at};

/// More columns than any price table has.
pub(crate) const MAX_COLUMNS: usize = 1000;

/// A field, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) quoted: bool,
}

impl Field {
    /// The text, quotes within it doubled as they stand.
    pub(crate) fn text<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// What is known of a record beside its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Where the next one begins.
    pub(crate) next: usize,
    /// Whether a line end closes it.
    pub(crate) closed: bool,
    /// Where something other than a separator follows a closing quote.
    pub(crate) stray: Option<usize>,
}

/// Reads the record at `start` into `fields`, of which there are no more than one above
/// [`MAX_COLUMNS`]; a record that has more is read no further than to the end of its line.
///
/// # Errors
///
/// Where a quote is never closed.
pub(crate) fn read(
    bytes: &[u8],
    start: usize,
    separator: u8,
    fields: &mut Vec<Field>,
) -> Result<Record> {
    fields.clear();
    let mut stray = None;
    let mut pos = start;
    loop {
        let rest = bytes.get(pos..).unwrap_or_default();
        let blank = rest.iter().take_while(|&&byte| byte == b' ').count();
        let mut field = Field { start: pos, end: pos, quoted: false };
        let mut from = pos;
        if rest.get(blank) == Some(&b'"') {
            let opened = pos + blank;
            let closed = closing(bytes, opened)?;
            field = Field { start: opened + 1, end: closed, quoted: true };
            from = closed + 1;
        }
        let tail = bytes.get(from..).unwrap_or_default();
        let stop = memchr2(separator, b'\n', tail).unwrap_or(tail.len());
        let mut text = tail.get(..stop).unwrap_or_default();
        let is_last = tail.get(stop) != Some(&separator);
        if is_last {
            text = text.strip_suffix(b"\r").unwrap_or(text);
        }
        if !field.quoted {
            field.end = from + text.len();
        } else if !text.trim_ascii().is_empty() && stray.is_none() {
            stray = Some(from);
        }
        fields.push(field);
        if is_last {
            let closed = stop < tail.len();
            return Ok(Record { next: from + stop + usize::from(closed), closed, stray });
        }
        pos = from + stop + 1;
        if fields.len() > MAX_COLUMNS {
            let rest = bytes.get(pos..).unwrap_or_default();
            let stop = memchr(b'\n', rest);
            let next = pos + stop.map_or(rest.len(), |stop| stop + 1);
            return Ok(Record { next, closed: stop.is_some(), stray });
        }
    }
}

/// Where the quote stands that closes the one at `opened`.
fn closing(bytes: &[u8], opened: usize) -> Result<usize> {
    let mut pos = opened + 1;
    loop {
        let rest = bytes.get(pos..).unwrap_or_default();
        let Some(quote) = memchr(b'"', rest) else {
            return Err(ParseError::Truncated {
                position: at(bytes.len()),
                expected: format!("the quote that closes the one at byte {opened}"),
            });
        };
        if rest.get(quote + 1) != Some(&b'"') {
            return Ok(pos + quote);
        }
        pos += quote + 2;
    }
}
