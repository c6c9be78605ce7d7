//! Tokens in logs.

use std::borrow::Cow;

use crate::token::TokenKind;

/// What stands in place of what is hidden.
const MARK: &str = "[redacted]";
/// From so many characters on it may be a token. What is shorter is a name (`cream_processor`), or
/// a rest of a token that gives away too little: of 256 bits, 166 are missing.
const LEAST: usize = 16;

/// Replaces whatever may be a token in a text, and leaves the prefix, so that its kind can be told.
///
/// Hidden are all letters and digits behind `cream_` and `creams_` in any case, where they are at
/// least 16, whether or not they have a token's length and checksum: also a token that was cut,
/// mistyped, or runs into other text is a secret. A piece of a token without its prefix is not
/// found.
///
/// ```
/// use cream_auth::{Token, TokenKind, redact};
///
/// let token = Token::generate(TokenKind::Api)?;
/// let line = format!("GET /auth/me, Bearer {}, by cream_client", token.expose());
/// assert_eq!(redact(&line), "GET /auth/me, Bearer cream_[redacted], by cream_client");
/// # Ok::<(), cream_auth::RandomError>(())
/// ```
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut redacted = String::new();
    let mut done = 0;
    for underscore in memchr::memchr_iter(b'_', bytes) {
        let (before, from) = bytes.split_at(underscore);
        let secret = from.iter().skip(1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if secret < LEAST || !ends_like_a_prefix(before) {
            continue;
        }
        // Both ends stand beside ASCII characters; were they not the ends of characters, less
        // would be kept, not more. Two never overlap, since no secret has an underscore.
        let start = underscore.saturating_add(1);
        redacted.push_str(text.get(done..start).unwrap_or_default());
        redacted.push_str(MARK);
        done = start.saturating_add(secret);
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    redacted.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(redacted)
}

/// Whether an underscore after this makes a token's prefix.
fn ends_like_a_prefix(before: &[u8]) -> bool {
    TokenKind::ALL.into_iter().any(|kind| {
        let name = kind.prefix().trim_end_matches('_').as_bytes();
        let start = before.len().checked_sub(name.len());
        start
            .and_then(|start| before.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm";

    #[test]
    fn what_may_be_a_token_is_hidden() {
        for (text, expected) in [
            (format!("cream_{SECRET}"), "cream_[redacted]"),
            (format!("creams_{SECRET}"), "creams_[redacted]"),
            (format!("\"cream_{SECRET}\", "), "\"cream_[redacted]\", "),
            (format!("Grüße=cream_{SECRET}ß"), "Grüße=cream_[redacted]ß"),
            (format!("icecream_{SECRET}andmore;"), "icecream_[redacted];"),
            (format!("CREAM_{SECRET} Creams_{SECRET}"), "CREAM_[redacted] Creams_[redacted]"),
            (format!("cream_{SECRET}cream_{SECRET}"), "cream_[redacted]_[redacted]"),
            (format!("creams_{SECRET}_{SECRET}"), &format!("creams_[redacted]_{SECRET}")),
            ("cream_0123456789ABCDEF".to_owned(), "cream_[redacted]"),
        ] {
            assert_eq!(redact(&text), expected, "{text}");
            assert_eq!(redact(expected), expected, "again");
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        let plain = [
            "",
            "_",
            "cream_",
            "cream_0123456789ABCDE",
            "cream_processor: cream_store, CREAM_TEST_REQUIRE_POSTGRES=1",
            "scream_of_0123456789012345678901234567890123456789",
            "creamy_0123456789012345678901234567890123456789",
            "ream_0123456789012345678901234567890123456789",
            "cream-0123456789012345678901234567890123456789",
        ];
        for text in plain {
            assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
