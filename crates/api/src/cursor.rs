//! Cursors: where the next page begins.
//!
//! A cursor is hexadecimal text that says nothing to a client. Within: a version, a digest of the
//! query that it belongs to, the position, and a check over all of it. It is no secret and
//! guards nothing; the check and the digest only turn a mangled cursor, or one of another query,
//! into an error instead of a wrong page.

use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const SCOPE_LEN: usize = 8;
const CHECK_LEN: usize = 4;
/// Bytes, so that a hostile cursor is refused before it is read.
const MAX_POSITION: usize = 64;

/// Why a text is not a cursor of this query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CursorError {
    #[error("it is not a cursor; pass on the `next` of an answer unchanged")]
    Malformed,
    #[error("it belongs to another query; keep every other parameter as it was but `limit`")]
    Foreign,
}

/// A digest of parts, each told from its neighbours by its length.
#[derive(Clone)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(crate) fn new(kind: &str) -> Self {
        Self(Sha256::new()).part(kind)
    }

    pub(crate) fn part(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.0.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub(crate) fn number(self, number: i64) -> Self {
        self.part(number.to_le_bytes())
    }

    /// Tells an absent part from an empty one.
    pub(crate) fn optional(self, bytes: Option<impl AsRef<[u8]>>) -> Self {
        match bytes {
            Some(bytes) => self.number(1).part(bytes),
            None => self.number(0),
        }
    }

    pub(crate) fn hex(self, bytes: usize) -> String {
        to_hex(self.0.finalize().get(..bytes).unwrap_or_default())
    }

    fn bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The cursor of a position within the query of `scope`.
pub(crate) fn encode(scope: &Fingerprint, position: &[u8]) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(scope.clone().bytes().into_iter().take(SCOPE_LEN));
    bytes.extend_from_slice(position);
    bytes.extend(check(&bytes));
    to_hex(&bytes)
}

/// The position that a cursor of the query of `scope` holds.
pub(crate) fn decode(scope: &Fingerprint, text: &str) -> Result<Vec<u8>, CursorError> {
    if text.len() > 2 * (1 + SCOPE_LEN + MAX_POSITION + CHECK_LEN) {
        return Err(CursorError::Malformed);
    }
    let bytes = from_hex(text).ok_or(CursorError::Malformed)?;
    let (rest, found) = bytes.split_last_chunk::<CHECK_LEN>().ok_or(CursorError::Malformed)?;
    if *found != check(rest) {
        return Err(CursorError::Malformed);
    }
    let Some((&VERSION, rest)) = rest.split_first() else {
        return Err(CursorError::Malformed);
    };
    let (found, position) = rest.split_first_chunk::<SCOPE_LEN>().ok_or(CursorError::Malformed)?;
    if !scope.clone().bytes().starts_with(found) {
        return Err(CursorError::Foreign);
    }
    Ok(position.to_vec())
}

fn check(bytes: &[u8]) -> [u8; CHECK_LEN] {
    let digest = Fingerprint::new("cursor check").part(bytes).bytes();
    digest.first_chunk().copied().unwrap_or_default()
}

/// Bytes as hexadecimal digits in lower case.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope(name: &str) -> Fingerprint {
        Fingerprint::new("test").part(name)
    }

    #[test]
    fn a_cursor_of_another_query_is_told_from_a_mangled_one() {
        let cursor = encode(&scope("a"), b"AAPL");
        assert_eq!(decode(&scope("a"), &cursor).unwrap(), b"AAPL");
        assert_eq!(decode(&scope("b"), &cursor), Err(CursorError::Foreign));
        let mangled = cursor.replacen('0', "1", 1);
        assert_eq!(decode(&scope("a"), &mangled), Err(CursorError::Malformed));
        for bad in ["", "00", "zz", "é", &"0".repeat(10_000)] {
            assert_eq!(decode(&scope("a"), bad), Err(CursorError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        let ab = Fingerprint::new("t").part("ab").part("c").hex(16);
        assert_ne!(ab, Fingerprint::new("t").part("a").part("bc").hex(16));
        assert_eq!(ab.len(), 32);
        let none = Fingerprint::new("t").optional(None::<&str>).hex(16);
        assert_ne!(none, Fingerprint::new("t").optional(Some("")).hex(16));
    }

    proptest! {
        #[test]
        fn any_position_reads_back(position in prop::collection::vec(any::<u8>(), 0..=MAX_POSITION)) {
            prop_assert_eq!(decode(&scope("a"), &encode(&scope("a"), &position)), Ok(position));
        }

        #[test]
        fn no_text_panics(text in "\\PC*", hex in "[0-9a-f]{0,80}") {
            prop_assert!(decode(&scope("a"), &text).is_err());
            prop_assert!(decode(&scope("a"), &hex).is_err());
        }
    }
}
