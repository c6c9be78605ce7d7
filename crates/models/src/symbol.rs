//! Instrument symbols.

use std::fmt;
use std::str::FromStr;

use crate::price::excerpt;

/// The canonical symbol of an instrument: upper-case ASCII, 1 to 32 characters.
///
/// Grammar: `^[A-Z0-9^][A-Z0-9.^=&:_/-]{0,31}$`, without `..` or `//`, ending in a letter or a
/// digit. It takes indices (`^GSPC`), class shares (`BRK-B`), currency pairs (`EURUSD=X`) and the
/// suffixes of other markets (`BHP.AX`). Lower case is folded.
///
/// ```
/// use cream_models::Symbol;
/// assert_eq!(Symbol::parse("^gspc")?.as_str(), "^GSPC");
/// assert!(Symbol::parse("../etc").is_err());
/// # Ok::<(), cream_models::SymbolError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(Box<str>);

/// Why a text is not a [`Symbol`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a symbol: {rule}")]
pub struct SymbolError {
    text: String,
    rule: &'static str,
}

/// The longest symbol, in characters.
const MAX_LEN: usize = 32;

impl Symbol {
    /// Reads a symbol, folding lower case.
    ///
    /// # Errors
    ///
    /// Where the text breaks the grammar; the error quotes it and names the rule.
    pub fn parse(text: &str) -> Result<Self, SymbolError> {
        match broken_rule(text) {
            None => Ok(Self(text.to_ascii_uppercase().into_boxed_str())),
            Some(rule) => Err(SymbolError { text: excerpt(text), rule }),
        }
    }

    /// The symbol as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken_rule(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Some("it is empty");
    };
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b".^=&:_/-".contains(byte);
    if bytes.len() > MAX_LEN {
        Some("it is longer than 32 characters")
    } else if !bytes.iter().all(inner) {
        Some("only ASCII letters, digits and . ^ = & : _ / - are allowed")
    } else if !(first.is_ascii_alphanumeric() || *first == b'^') {
        Some("it must begin with a letter, a digit or ^")
    } else if !last.is_ascii_alphanumeric() {
        Some("it must end with a letter or a digit")
    } else if text.contains("..") || text.contains("//") {
        Some("it must not contain .. or //")
    } else {
        None
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Symbol {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        Self::parse(text)
    }
}

#[cfg(feature = "serde")]
mod serde_impl {
    use super::Symbol;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    impl Serialize for Symbol {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> Deserialize<'de> for Symbol {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            Self::parse(&text).map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn symbols_of_every_market_are_taken() {
        for text in [
            "A",
            "AAPL",
            "^GSPC",
            "BRK-B",
            "BRK.B",
            "BRK/B",
            "EURUSD=X",
            "0700.HK",
            "M&M.NS",
            "DX-Y.NYB",
            "BTC-USD",
            "0P000071W8.TO",
            "I:SPX",
            "META240426C00180000",
            "A_B",
        ] {
            assert_eq!(Symbol::parse(text).unwrap().as_str(), text);
            assert_eq!(Symbol::parse(&text.to_lowercase()).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_could_escape_is_refused() {
        for text in [
            "",
            "..",
            "../X",
            "A..B",
            "A//B",
            "/A",
            "A/",
            "-A",
            "A.",
            "A B",
            "A\0",
            "Ä",
            "A%2F",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456",
            "=X",
            "A\\B",
            "A\n",
        ] {
            let error = Symbol::parse(text).unwrap_err().to_string();
            assert!(error.contains("is not a symbol"), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent_and_never_panics(text in "\\PC*") {
            if let Ok(symbol) = Symbol::parse(&text) {
                prop_assert_eq!(Symbol::parse(symbol.as_str()), Ok(symbol));
            }
        }
    }
}
