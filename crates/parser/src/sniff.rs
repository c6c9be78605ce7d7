//! Which format a response is of, by its content.

use crate::csv;
use crate::error::{ParseError, Result, at, excerpt};
use crate::formats::{self, Source};
use crate::json::Reader;
use crate::{Vendor, pull, refusals};

/// What a response looks like from its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An archived pull: several answers, and what was asked.
    Pull,
    /// A JSON object.
    Object,
    /// A JSON array.
    Array,
    /// HTML.
    Markup,
    /// Anything else.
    Text,
}

/// The shape and where it begins, behind a byte order mark and white space.
pub(crate) fn shape(bytes: &[u8]) -> Result<(Shape, usize)> {
    let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let start = bytes.len() - body.len();
    let shape = match body.first() {
        None => return Err(ParseError::Empty),
        Some(b'{') => Shape::Object,
        Some(b'[') => Shape::Array,
        // The names of Stooq's bulk files stand in such brackets.
        Some(b'<') if csv::vendor(bytes, start).is_none() => Shape::Markup,
        Some(_) if body.starts_with(pull::MAGIC) => Shape::Pull,
        Some(_) => Shape::Text,
    };
    Ok((shape, start))
}

/// The format of a response that is no pull.
pub(crate) fn format(bytes: &[u8], shape: Shape, start: usize) -> Result<&'static dyn Source> {
    let unknown = || unknown(bytes, start);
    let of = |vendor| formats::of(vendor).ok_or_else(unknown);
    match shape {
        Shape::Markup => of(Vendor::YahooPage),
        Shape::Object => by_key(&mut Reader::new(bytes, start))?.ok_or_else(unknown),
        Shape::Array => {
            let mut reader = Reader::new(bytes, start);
            let mut elements = reader.array("an array")?;
            if !reader.next_element(&mut elements)? || reader.peek() != Some(b'{') {
                return Err(unknown());
            }
            by_key(&mut reader)?.ok_or_else(unknown)
        }
        Shape::Text | Shape::Pull => {
            if let Some(vendor) = csv::vendor(bytes, start) {
                return of(vendor);
            }
            let body = bytes.get(start..).unwrap_or_default();
            match refusals::of_text(body) {
                Some(error) => Err(error.moved(|position| position + at(start))),
                None => Err(unknown()),
            }
        }
    }
}

/// The format by the first key of an object that a vendor owns.
fn by_key(reader: &mut Reader<'_>) -> Result<Option<&'static dyn Source>> {
    let mut members = reader.object("an object")?;
    while let Some(key) = reader.next_key(&mut members)? {
        if let Some(format) = formats::owner(key.as_ref()) {
            return Ok(Some(format));
        }
        reader.skip()?;
    }
    Ok(None)
}

fn unknown(bytes: &[u8], start: usize) -> ParseError {
    let found = excerpt(bytes.get(start..).unwrap_or_default());
    ParseError::UnknownFormat { found, position: at(start) }
}
