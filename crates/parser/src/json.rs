//! A pull reader of JSON: no tree, no recursion, no allocation a value.

use std::borrow::Cow;

use crate::error::{ParseError, Result, at, excerpt};
use crate::number::Number;

/// How deeply skipped values may nest.
const DEPTH: usize = 128;

/// Reads one JSON text from front to back.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// The next byte to read.
    pub(crate) pos: usize,
}

/// Whether the next member or element is the first of its object or array.
#[derive(Debug)]
pub(crate) struct First(bool);

impl First {
    pub(crate) const fn is_first(&self) -> bool {
        self.0
    }

    /// Notes that one came.
    pub(crate) const fn pass(&mut self) {
        self.0 = false;
    }
}

/// A JSON string as it stands, between its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    raw: &'a [u8],
    /// Where the text begins, after the quote.
    pub(crate) start: usize,
    escaped: bool,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8], pos: usize) -> Self {
        Self { bytes, pos }
    }

    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next byte that is not white space, which is skipped.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.pos) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.pos += 1,
                other => return other.copied(),
            }
        }
    }

    /// The error of something else standing here than expected.
    #[cold]
    pub(crate) fn unexpected(&self, expected: &str) -> ParseError {
        let (position, expected) = (at(self.pos.min(self.bytes.len())), expected.to_owned());
        match self.bytes.get(self.pos..) {
            None | Some([]) => ParseError::Truncated { position, expected },
            Some(rest) => ParseError::Syntax { position, expected, found: excerpt(rest) },
        }
    }

    fn take(&mut self, byte: u8, expected: &str) -> Result<()> {
        if self.peek() == Some(byte) {
            self.pos += 1;
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    /// Enters an object.
    pub(crate) fn object(&mut self, expected: &str) -> Result<First> {
        self.take(b'{', expected)?;
        Ok(First(true))
    }

    /// The next member's key, or `None` at the end of the object, which is left.
    pub(crate) fn next_key(&mut self, first: &mut First) -> Result<Option<Cow<'a, [u8]>>> {
        match self.peek() {
            Some(b'}') => {
                self.pos += 1;
                return Ok(None);
            }
            Some(b',') if !first.0 => {
                self.pos += 1;
                self.peek();
            }
            _ if first.0 => {}
            _ => return Err(self.unexpected("a comma or the end of the object")),
        }
        first.0 = false;
        let key = self.key()?;
        Ok(Some(if key.escaped {
            Cow::Owned(key.text()?.into_owned().into_bytes())
        } else {
            Cow::Borrowed(key.raw)
        }))
    }

    fn key(&mut self) -> Result<Text<'a>> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in double quotes"));
        }
        let key = self.string()?;
        self.take(b':', "a colon after the key")?;
        Ok(key)
    }

    /// Enters an array.
    pub(crate) fn array(&mut self, expected: &str) -> Result<First> {
        self.take(b'[', expected)?;
        Ok(First(true))
    }

    /// Whether another element follows; the array is left where not.
    #[inline(always)]
    pub(crate) fn next_element(&mut self, first: &mut First) -> Result<bool> {
        match self.peek() {
            Some(b']') => {
                self.pos += 1;
                return Ok(false);
            }
            Some(b',') if !first.0 => {
                self.pos += 1;
                self.peek();
            }
            _ if first.0 => {}
            _ => return Err(self.unexpected("a comma or the end of the array")),
        }
        first.0 = false;
        Ok(true)
    }

    /// Enters an array; whether it has an element.
    pub(crate) fn enter(&mut self, expected: &str) -> Result<bool> {
        self.take(b'[', expected)?;
        let is_empty = self.peek() == Some(b']');
        self.pos += usize::from(is_empty);
        Ok(!is_empty)
    }

    /// Behind an element: whether another follows. The array is left where not.
    #[inline(always)]
    pub(crate) fn more(&mut self) -> Result<bool> {
        let next = self.peek();
        if !matches!(next, Some(b',' | b']')) {
            return Err(self.unexpected("a comma or the end of the array"));
        }
        self.pos += 1;
        Ok(next == Some(b','))
    }

    /// Reads `null` if it stands here.
    pub(crate) fn null(&mut self) -> Result<bool> {
        if self.peek() == Some(b'n') {
            self.literal(b"null")?;
            return Ok(true);
        }
        Ok(false)
    }

    fn literal(&mut self, literal: &'static [u8]) -> Result<()> {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        if rest.starts_with(literal) {
            self.pos += literal.len();
            return Ok(());
        }
        if literal.starts_with(rest) {
            self.pos = self.bytes.len();
        }
        Err(self.unexpected("a JSON value"))
    }

    /// Reads a number.
    pub(crate) fn number(&mut self) -> Result<Number> {
        let number = Number::scan(self.bytes, self.pos)?;
        self.pos = number.end;
        Ok(number)
    }

    /// Reads a string.
    pub(crate) fn string(&mut self) -> Result<Text<'a>> {
        self.take(b'"', "a string")?;
        let start = self.pos;
        if let Some(end) = short_end(self.bytes, start) {
            self.pos = end + 1;
            let raw = self.bytes.get(start..end).unwrap_or_default();
            return Ok(Text { raw, start, escaped: false });
        }
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.pos..).unwrap_or_default();
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(offset) => {
                    self.pos += offset;
                    if rest.get(offset) == Some(&b'"') {
                        let raw = self.bytes.get(start..self.pos).unwrap_or_default();
                        self.pos += 1;
                        return Ok(Text { raw, start, escaped });
                    }
                    escaped = true;
                    self.pos += 2;
                }
                None => {
                    self.pos = self.bytes.len();
                    return Err(self.unexpected("the end of a string"));
                }
            }
        }
    }

    /// Skips one value of any kind.
    pub(crate) fn skip(&mut self) -> Result<()> {
        // One bit a level: 1 for an object.
        let (mut levels, mut depth) = (0_u128, 0_usize);
        loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if depth == DEPTH {
                        return Err(ParseError::TooDeep { limit: DEPTH, position: at(self.pos) });
                    }
                    self.pos += 1;
                    let is_object = open == b'{';
                    let close = if is_object { b'}' } else { b']' };
                    if self.peek() == Some(close) {
                        self.pos += 1;
                    } else {
                        levels = levels << 1 | u128::from(is_object);
                        depth += 1;
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => drop(self.string()?),
                Some(b'-' | b'0'..=b'9') => drop(self.number()?),
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                _ => return Err(self.unexpected("a JSON value")),
            }
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let is_object = levels & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.pos += 1;
                        if is_object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if is_object => {}
                    Some(b']') if !is_object => {}
                    _ if is_object => {
                        return Err(self.unexpected("a comma or the end of the object"));
                    }
                    _ => return Err(self.unexpected("a comma or the end of the array")),
                }
                self.pos += 1;
                levels >>= 1;
                depth -= 1;
            }
        }
    }

    /// Makes sure that nothing but white space follows.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the JSON text")),
        }
    }
}

/// Where the quote stands that ends a string of up to 15 bytes without escapes, such as a key or a
/// date: told eight bytes at a time, which for so few is less work than to set out on a search.
#[inline(always)]
fn short_end(bytes: &[u8], start: usize) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xFF;
    // The top bit of each byte that is 0, and perhaps of others behind the first such byte.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    for start in [start, start + 8] {
        let word = u64::from_le_bytes(*bytes.get(start..)?.first_chunk()?);
        let marks =
            zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if marks != 0 {
            let end = start + marks.trailing_zeros() as usize / 8;
            return (bytes.get(end) == Some(&b'"')).then_some(end);
        }
    }
    None
}

impl<'a> Text<'a> {
    /// The bytes between the quotes, escapes and all.
    pub(crate) const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The text that the string stands for.
    pub(crate) fn text(&self) -> Result<Cow<'a, str>> {
        let not_utf8 = || ParseError::NotUtf8 { position: at(self.start) };
        if !self.escaped {
            return std::str::from_utf8(self.raw).map(Cow::Borrowed).map_err(|_| not_utf8());
        }
        let mut bytes = Vec::new();
        unescape(self.raw, self.start, &mut bytes)?;
        String::from_utf8(bytes).map(Cow::Owned).map_err(|_| not_utf8())
    }
}

/// Appends what a string stands for; `start` is where it stands, for errors.
pub(crate) fn unescape(raw: &[u8], start: usize, out: &mut Vec<u8>) -> Result<()> {
    let mut rest = raw;
    while let Some(offset) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at_checked(offset).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let (length, decoded) = escape_at(escape).ok_or_else(|| ParseError::Syntax {
            position: at(start + raw.len() - escape.len()),
            expected: "an escape such as \\n or \\u0041".to_owned(),
            found: excerpt(escape),
        })?;
        out.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Where in an escaped text stands what is at positions in the unescaped one. These are asked for
/// in ascending order, and the text is passed over once, however many there are.
#[derive(Debug)]
pub(crate) struct EscapedPositions<'a> {
    raw: &'a [u8],
    /// How far it was read, counted in the unescaped text and in the escaped one.
    inside: usize,
    outside: usize,
}

impl<'a> EscapedPositions<'a> {
    pub(crate) const fn new(raw: &'a [u8]) -> Self {
        Self { raw, inside: 0, outside: 0 }
    }

    pub(crate) fn of(&mut self, position: usize) -> usize {
        loop {
            let rest = self.raw.get(self.outside..).unwrap_or_default();
            let wanted = position.saturating_sub(self.inside).min(rest.len());
            let found = memchr::memchr(b'\\', rest.get(..wanted).unwrap_or_default());
            let plain = found.unwrap_or(wanted);
            (self.inside, self.outside) = (self.inside + plain, self.outside + plain);
            if found.is_none() {
                return self.outside;
            }
            let escape = rest.get(plain..).unwrap_or_default();
            let (length, decoded) = escape_at(escape).unwrap_or((1, '?'));
            (self.inside, self.outside) = (self.inside + decoded.len_utf8(), self.outside + length);
        }
    }
}

/// The escape at the start of the bytes: its length and its character. A lone half of a
/// surrogate pair is the replacement character.
fn escape_at(bytes: &[u8]) -> Option<(usize, char)> {
    let single = |character| Some((2, character));
    match bytes.get(1)? {
        b'"' => single('"'),
        b'\\' => single('\\'),
        b'/' => single('/'),
        b'b' => single('\u{8}'),
        b'f' => single('\u{c}'),
        b'n' => single('\n'),
        b'r' => single('\r'),
        b't' => single('\t'),
        b'u' => {
            let high = hex(bytes.get(2..6)?)?;
            if let Some(character) = char::from_u32(high) {
                return Some((6, character));
            }
            let low = match bytes.get(6..12) {
                Some([b'\\', b'u', digits @ ..]) => hex(digits),
                _ => None,
            };
            match low {
                Some(low @ 0xDC00..=0xDFFF) if high < 0xDC00 => {
                    let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    Some((12, char::from_u32(code)?))
                }
                _ => Some((6, char::REPLACEMENT_CHARACTER)),
            }
        }
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, &digit| Some(sum * 16 + char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skipped(text: &str) -> Result<()> {
        let mut reader = Reader::new(text.as_bytes(), 0);
        reader.skip()?;
        reader.finish()
    }

    #[test]
    fn values_of_every_kind_are_skipped() {
        for text in [
            "1",
            "-1.5e+3",
            "\"a\\\"b\"",
            " [ ] ",
            "{}",
            "[1, [2, {\"a\": [true, false, null]}], \"x\"]",
            "{\"a\":{\"b\":{}},\"c\":[]}",
        ] {
            assert_eq!(skipped(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn broken_values_say_where_and_what() {
        for (text, message) in [
            ("", "cut off at byte 0: expected a JSON value"),
            ("[1 2]", "\"2]\" at byte 3: expected a comma or the end of the array"),
            ("[1,]", "\"]\" at byte 3: expected a JSON value"),
            ("{\"a\":1,}", "\"}\" at byte 7: expected a key"),
            ("{\"a\" 1}", "\"1}\" at byte 5: expected a colon"),
            ("{1:2}", "\"1:2}\" at byte 1: expected a key"),
            ("{\"a\":1]", "\"]\" at byte 6: expected a comma or the end of the object"),
            ("[nul", "cut off at byte 4: expected a JSON value"),
            ("nulx", "\"nulx\" at byte 0: expected a JSON value"),
            ("\"a\\", "cut off at byte 3: expected the end of a string"),
            ("[1]x", "\"x\" at byte 3: expected the end"),
            ("NaN", "\"NaN\" at byte 0: expected a JSON value"),
        ] {
            let error = skipped(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(skipped(&nested(DEPTH)), Ok(()));
        let error = skipped(&nested(DEPTH + 2)).unwrap_err();
        assert_eq!(error, ParseError::TooDeep { limit: DEPTH, position: 128 });
    }

    #[test]
    fn members_and_elements_are_walked() {
        let mut reader = Reader::new(br#"{"a":[1,2],"b\u0063":null}"#, 0);
        let mut members = reader.object("an object").unwrap();
        assert_eq!(reader.next_key(&mut members).unwrap().as_deref(), Some(&b"a"[..]));
        let mut elements = reader.array("an array").unwrap();
        let mut sum = 0;
        while reader.next_element(&mut elements).unwrap() {
            sum += reader.number().unwrap().integer(reader.bytes()).unwrap();
        }
        assert_eq!(sum, 3);
        assert_eq!(reader.next_key(&mut members).unwrap().as_deref(), Some(&b"bc"[..]));
        assert!(reader.null().unwrap());
        assert_eq!(reader.next_key(&mut members).unwrap(), None);
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn texts_that_are_not_utf8_or_badly_escaped_are_refused() {
        let read =
            |bytes: &[u8]| Reader::new(bytes, 0).string().unwrap().text().map(Cow::into_owned);
        assert_eq!(read(b"\"\xff\""), Err(ParseError::NotUtf8 { position: 1 }));
        assert_eq!(read(br#""\ud83d\ude00\ud83d""#).unwrap(), "\u{1F600}\u{FFFD}");
        let error = read(br#""ab\x""#).unwrap_err().to_string();
        assert!(error.contains("at byte 3: expected an escape"), "{error}");
    }

    proptest! {
        #[test]
        fn strings_and_positions_agree_with_serde_json(text: String) {
            let escaped = serde_json::to_string(&text).unwrap();
            let mut reader = Reader::new(escaped.as_bytes(), 0);
            let read = reader.string().unwrap();
            prop_assert_eq!(read.text().unwrap(), text.as_str());
            let mut positions = EscapedPositions::new(read.raw());
            for (position, character) in text.char_indices() {
                let outside = positions.of(position);
                prop_assert_eq!(outside, EscapedPositions::new(read.raw()).of(position));
                let mut one = Vec::new();
                let raw = &read.raw()[outside..];
                let length = escape_at(raw).filter(|_| raw[0] == b'\\').map_or(character.len_utf8(), |e| e.0);
                unescape(&raw[..length], 0, &mut one).unwrap();
                prop_assert_eq!(one, character.to_string().into_bytes());
            }
        }

        #[test]
        fn skipping_agrees_with_serde_json(text in r#"[\[\]{}",:0-9a-c\\ truefalsn.eE+-]{0,24}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            // Theirs also checks escapes and the range of numbers, which skipping does not.
            if theirs {
                prop_assert_eq!(skipped(&text), Ok(()));
            }
        }

        #[test]
        fn nothing_panics(bytes: Vec<u8>) {
            let _ = Reader::new(&bytes, 0).skip();
            let _ = unescape(&bytes, 0, &mut Vec::new());
            let _ = EscapedPositions::new(&bytes).of(bytes.len() / 2);
        }
    }
}
