//! The keys of rows of JSON, which are mostly alike.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::Result;
use crate::json::{First, Reader};

/// Reads the keys of one object after the other.
///
/// What stands between two values of an object, such as `,"close":`, is remembered, and looked for
/// in the next one before it is read as JSON. Reading JSON depends on nothing but the bytes ahead
/// and on whether a member came before, so the same bytes in the same place are the same key.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    known: Vec<Gap>,
    /// Which of them is looked for next.
    next: usize,
    /// How many were remembered, those that are forgotten included.
    learnt: usize,
}

/// What stands before a value, from behind the value or the brace before it, and where in it the key
/// stands.
#[derive(Debug)]
struct Gap {
    text: Vec<u8>,
    key: Range<usize>,
}

/// Longer ones are not remembered.
const MAX_GAP: usize = 64;
/// Where no two rows are alike, remembering ends after so many.
const MAX_LEARNT: usize = 256;

impl Keys {
    /// As [`Reader::next_key`].
    #[inline]
    pub(crate) fn next<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        first: &mut First,
    ) -> Result<Option<Cow<'a, [u8]>>> {
        let is_first = first.is_first();
        if is_first {
            self.next = 0;
        }
        let start = reader.pos;
        let rest = reader.bytes().get(start..).unwrap_or_default();
        if is_first == (self.next == 0)
            && let Some(gap) = self.known.get(self.next)
            && rest.starts_with(&gap.text)
        {
            reader.pos += gap.text.len();
            first.pass();
            self.next += 1;
            return Ok(rest.get(gap.key.clone()).map(Cow::Borrowed));
        }
        let key = reader.next_key(first)?;
        if let Some(Cow::Borrowed(key)) = key
            && is_first == (self.next == 0)
        {
            let text = rest.get(..reader.pos - start).unwrap_or_default();
            self.learn(text, key.len());
        }
        Ok(key)
    }

    #[cold]
    fn learn(&mut self, text: &[u8], length: usize) {
        let quote = text.iter().position(|byte| *byte == b'"');
        let Some(quote) = quote.filter(|_| text.len() <= MAX_GAP && self.learnt < MAX_LEARNT)
        else {
            return;
        };
        self.known.truncate(self.next);
        self.known.push(Gap { text: text.to_vec(), key: quote + 1..quote + 1 + length });
        self.next += 1;
        self.learnt += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Found = Result<Vec<Vec<u8>>>;

    /// The keys of an array of objects.
    fn walk(
        text: &str,
        mut next: impl for<'a> FnMut(&mut Reader<'a>, &mut First) -> Result<Option<Cow<'a, [u8]>>>,
    ) -> Found {
        let mut reader = Reader::new(text.as_bytes(), 0);
        let mut found = Vec::new();
        let mut elements = reader.array("an array")?;
        while reader.next_element(&mut elements)? {
            let mut members = reader.object("an object")?;
            while let Some(key) = next(&mut reader, &mut members)? {
                found.push(key.into_owned());
                reader.skip()?;
            }
        }
        reader.finish()?;
        Ok(found)
    }

    /// The same, read in both ways.
    fn keys(text: &str) -> (Found, Found) {
        let mut keys = Keys::default();
        let ours = walk(text, |reader, first| keys.next(reader, first));
        (ours, walk(text, |reader, first| reader.next_key(first)))
    }

    #[test]
    fn a_comma_is_missed_wherever_it_is_missing() {
        for text in [
            r#"[{"a":1,"b":2},{"a":1"b":2}]"#,
            r#"[{"a":1,"b":2},{,"b":2}]"#,
            r#"[{"a":1,"b":2},{"\u0061":1"a":2}]"#,
            r#"[{"\u0061":1,"b":2},{,"b":2}]"#,
        ] {
            let (ours, plain) = keys(text);
            assert!(plain.is_err(), "{text}");
            assert_eq!(ours, plain, "{text}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut known = Keys::default();
        let rows = (0..1_000).map(|row| format!(r#"{{"a{row}":1,"{}":2}}"#, "b".repeat(row)));
        for row in rows {
            let mut reader = Reader::new(row.as_bytes(), 0);
            let mut members = reader.object("an object").unwrap();
            while known.next(&mut reader, &mut members).unwrap().is_some() {
                reader.skip().unwrap();
            }
        }
        assert_eq!(known.learnt, MAX_LEARNT);
        assert!(known.known.iter().all(|gap| gap.text.len() <= MAX_GAP));
    }

    proptest! {
        #[test]
        fn rows_of_any_shape_have_the_keys_that_they_have(
            rows in prop::collection::vec(
                prop::collection::vec(("[ab]", "[ \n]{0,2}", prop::sample::select(vec!["1", "\"x\"", "{\"a\":1}"])), 0..4),
                0..6,
            ),
        ) {
            let row = |row: &Vec<(String, String, &str)>| {
                let members = row.iter().map(|(key, space, value)| format!("{space}\"{key}\"{space}:{value}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            };
            let text = format!("[{}]", rows.iter().map(row).collect::<Vec<_>>().join(","));
            let expected: Vec<Vec<u8>> =
                rows.iter().flatten().map(|(key, ..)| key.clone().into_bytes()).collect();
            prop_assert_eq!(keys(&text), (Ok(expected.clone()), Ok(expected)));
        }

        #[test]
        fn spoilt_rows_are_refused_alike(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["{", "}", ",", "\"a\":", "\"b\" :", "\"\\u0061\":", "1", " ", "},{", ",\"b\":1"]),
                0..24,
            ),
        ) {
            let (ours, plain) = keys(&format!("[{{\"a\":1,\"b\":2}},{{{}}}]", pieces.concat()));
            prop_assert_eq!(ours, plain);
        }
    }
}
