//! Single values of a chart answer.

use cream_models::Price;

use crate::error::{ParseError, Result, at, excerpt};
use crate::json::Reader;
use crate::number::Number;

/// A string, or `None` for null.
///
/// Longer than [`MAX_TEXT`] is an error: no name is, and what is stored of a response is bounded.
pub(crate) fn text(reader: &mut Reader<'_>) -> Result<Option<String>> {
    if reader.null()? {
        return Ok(None);
    }
    let position = at(reader.pos);
    let text = reader.string()?.text()?;
    if text.len() > MAX_TEXT {
        return Err(ParseError::Syntax {
            position,
            expected: format!("at most {MAX_TEXT} bytes of text"),
            found: excerpt(text.as_bytes()),
        });
    }
    Ok(Some(text.into_owned()))
}

/// The longest text about an instrument, in bytes.
pub(crate) const MAX_TEXT: usize = 1024;

/// A whole number, or `None` for null.
pub(crate) fn integer(reader: &mut Reader<'_>) -> Result<Option<i64>> {
    if reader.null()? {
        return Ok(None);
    }
    let start = reader.pos;
    let number = reader.number()?;
    match number.integer(reader.bytes()) {
        Some(value) => Ok(Some(value)),
        None => Err(Reader::new(reader.bytes(), start).unexpected("a whole number of seconds")),
    }
}

/// The JSON value at a position, shortened.
pub(crate) fn value_at(json: &[u8], position: usize) -> String {
    let mut reader = Reader::new(json, position);
    drop(reader.skip());
    excerpt(json.get(position..reader.pos).unwrap_or_default())
}

/// The price of a number in chart data, or `None` where it is none or out of range.
pub(crate) fn price(reader: &mut Reader<'_>) -> Option<Price> {
    reader.peek();
    let number = Number::scan(reader.bytes(), reader.pos).ok()?;
    number.yahoo_price(reader.bytes()).map(|(nanos, _)| Price::from_nanos(nanos))
}
