//! Tokens.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::random::{self, RandomError};

/// What a token is for. Each kind has its own prefix, so that people and logs tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// For programs, made by a user and named: `cream_…`.
    Api,
    /// What a login gives: `creams_…`.
    Session,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Api, Self::Session];

    /// The name in answers and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Session => "session",
        }
    }

    /// What tokens of this kind begin with. No prefix begins another one.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Api => "cream_",
            Self::Session => "creams_",
        }
    }

    /// How many characters a token of this kind has: 55 or 56.
    #[must_use]
    pub const fn token_len(self) -> usize {
        self.prefix().len() + SECRET_LEN + CHECKSUM_LEN
    }
}

/// 43 of 62 characters are 256.03 bits.
const SECRET_LEN: usize = 43;
/// 62 to the power of 6 is more than 2 to the power of 32.
const CHECKSUM_LEN: usize = 6;
const MAX_LEN: usize = TokenKind::Session.token_len();

/// A token: whoever has it, is let in.
///
/// Its prefix ([`TokenKind::prefix`]), then 43 characters `0-9A-Za-z`, drawn evenly by the
/// operating system (256 bits), then a checksum of 6: the CRC-32 (ISO-HDLC, that of zip) of all
/// before it, in base 62 with the digits `0-9A-Za-z`. So a scanner for leaked secrets can tell one
/// from any other text (`\bcreams?_[0-9A-Za-z]{49}\b`, then the checksum), and a typing error is
/// told without a database.
///
/// Hidden from `Debug`, wiped when dropped.
///
/// ```
/// use cream_auth::{Token, TokenError, TokenKind};
///
/// let token = Token::generate(TokenKind::Api)?;
/// let shown = token.expose().to_owned(); // once, to its owner
/// let stored = token.digest(); // what is kept
/// assert_eq!(format!("{token:?}"), "Token(cream_, hidden)");
///
/// let given = Token::parse(&shown)?;
/// assert!(given.digest().matches(&stored));
/// assert_eq!(given.kind(), TokenKind::Api);
/// assert_eq!(Token::parse("cream_dreams").err(), Some(TokenError::WrongLength(TokenKind::Api)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Token {
    kind: TokenKind,
    text: Zeroizing<String>,
}

/// Why a text is not a token. The text is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than any token.
    #[error("it is longer than any token: at most {MAX_LEN} characters are expected")]
    TooLong,
    /// Not the beginning of any kind of token.
    #[error(
        "it does not begin as a token does: {} or {} is expected",
        TokenKind::Api.prefix(),
        TokenKind::Session.prefix()
    )]
    WrongPrefix,
    /// Not of the length of its kind.
    #[error("it is cut or too long: {} characters are expected with {}", .0.token_len(), .0.prefix())]
    WrongLength(TokenKind),
    /// A character that no token has.
    #[error("its character {position} is none of 0-9, A-Z and a-z")]
    WrongCharacter {
        /// Which one, from 1.
        position: usize,
    },
    /// All is well but the checksum.
    #[error("its checksum is wrong: a character was changed, or it was made up")]
    WrongChecksum,
}

impl Token {
    /// Draws a new token.
    ///
    /// # Errors
    ///
    /// Where the operating system gives no random numbers.
    pub fn generate(kind: TokenKind) -> Result<Self, RandomError> {
        draw(kind, random::fill)
    }

    /// Reads a token that somebody gives. White space around it is not taken off.
    ///
    /// # Errors
    ///
    /// Where it is not of a token's form, or its checksum is wrong. Whether such a token was ever
    /// given out, this does not tell.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if text.len() > MAX_LEN {
            return Err(TokenError::TooLong);
        }
        let kind = TokenKind::ALL
            .into_iter()
            .find(|kind| text.starts_with(kind.prefix()))
            .ok_or(TokenError::WrongPrefix)?;
        if text.chars().count() != kind.token_len() {
            return Err(TokenError::WrongLength(kind));
        }
        let is_foreign = |(_, character): &(usize, char)| !character.is_ascii_alphanumeric();
        let after_prefix = text.chars().enumerate().skip(kind.prefix().len());
        if let Some((index, _)) = after_prefix.into_iter().find(is_foreign) {
            return Err(TokenError::WrongCharacter { position: index.saturating_add(1) });
        }
        let split = text.len().saturating_sub(CHECKSUM_LEN);
        let (before, given) = text.split_at_checked(split).ok_or(TokenError::WrongChecksum)?;
        if given.bytes().ne(checksum(before)) {
            return Err(TokenError::WrongChecksum);
        }
        Ok(Self { kind, text: Zeroizing::new(text.to_owned()) })
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The token itself, to be shown to its owner once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is kept of it: the SHA-256 of its whole text. A slow hash as for passwords would gain
    /// nothing, since nobody can try 256 bits.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.text.as_bytes()).into())
    }
}

/// Draws from what fills buffers with random bytes.
fn draw(
    kind: TokenKind,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), RandomError>,
) -> Result<Token, RandomError> {
    // With room for all of it: what grows leaves copies behind, which nobody wipes.
    let mut text = Zeroizing::new(String::with_capacity(kind.token_len()));
    text.push_str(kind.prefix());
    let mut bytes = Zeroizing::new([0; 64]);
    let end = kind.token_len() - CHECKSUM_LEN;
    while text.len() < end {
        fill(bytes.as_mut_slice())?;
        let left = end.saturating_sub(text.len());
        // The largest multiple of 62: with the bytes above it, some digits would come more often.
        let even = bytes.iter().filter(|byte| **byte < 248);
        text.extend(even.take(left).map(|byte| char::from(digit(u32::from(*byte)))));
    }
    let checksum = checksum(&text);
    text.extend(checksum.map(char::from));
    Ok(Token { kind, text })
}

fn checksum(before: &str) -> [u8; CHECKSUM_LEN] {
    base62(crc32fast::hash(before.as_bytes()))
}

/// With zeros in front, the highest digit first.
fn base62(mut number: u32) -> [u8; CHECKSUM_LEN] {
    let mut digits = [0; CHECKSUM_LEN];
    for place in digits.iter_mut().rev() {
        *place = digit(number);
        number /= 62;
    }
    digits
}

/// The lowest digit of a number in base 62.
fn digit(number: u32) -> u8 {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    #[expect(clippy::indexing_slicing, reason = "a remainder of 62 is below 62")]
    DIGITS[(number % 62) as usize]
}

impl ZeroizeOnDrop for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, hidden)", self.kind.prefix())
    }
}

/// The SHA-256 of a token's text: what is kept, and by which a token is found again.
///
/// There is no `==`: [`TokenDigest::matches`] takes the same time wherever two differ.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; Self::LEN]);

/// Bytes that are no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes are no digest of a token: {len} are expected", len = TokenDigest::LEN)]
pub struct DigestError(usize);

impl TokenDigest {
    /// How many bytes it has.
    pub const LEN: usize = 32;

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Whether both are of the same token, in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl TryFrom<&[u8]> for TokenDigest {
    type Error = DigestError;

    /// Of bytes that were stored.
    fn try_from(bytes: &[u8]) -> Result<Self, DigestError> {
        bytes.try_into().map(Self).map_err(|_other_length| DigestError(bytes.len()))
    }
}

/// The first bytes, enough to tell one from another in a log.
impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "TokenDigest({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_drawn_evenly() {
        const TOKENS: usize = 5_000;
        let mut counts = [0_u32; 128];
        for _ in 0..TOKENS {
            let token = Token::generate(TokenKind::Api).unwrap();
            token.expose().bytes().skip(6).take(43).for_each(|byte| counts[usize::from(byte)] += 1);
        }
        // 3468 are expected of each, give or take 58: a tenth is six times that. Without the
        // rejection, the first eight would come 4199 times.
        for character in ('0'..='9').chain('A'..='Z').chain('a'..='z') {
            let count = counts[character as usize];
            assert!((3_121..=3_815).contains(&count), "{character} {count} times");
        }
    }

    #[test]
    fn what_would_be_uneven_is_not_used() {
        let mut calls = 0_u8;
        let token = draw(TokenKind::Session, |bytes| {
            calls += 1;
            // 22 of them are of use, so that two calls give the 43.
            bytes.fill(248 + calls);
            bytes.iter_mut().take(22).for_each(|byte| *byte = 247);
            Ok(())
        })
        .unwrap();
        assert_eq!(calls, 2);
        let secret: String = token.expose().chars().skip(7).take(43).collect();
        assert_eq!(secret, "z".repeat(43), "247 is 3 * 62 + 61");
        assert_eq!(token.expose().len(), 56);
        assert_eq!(token.text.capacity(), 56, "never moved");
    }

    #[test]
    fn what_holds_the_text_is_wiped() {
        fn is_wiped<T: ZeroizeOnDrop>(_: &T) {}
        is_wiped(&Token::generate(TokenKind::Api).unwrap().text);
    }

    #[test]
    fn without_random_numbers_there_is_no_token() {
        let error = RandomError::for_tests();
        let mut calls = 0;
        let result = draw(TokenKind::Api, |bytes| {
            calls += 1;
            bytes.fill(255);
            if calls < 3 { Ok(()) } else { Err(error) }
        });
        assert_eq!(result.err(), Some(error));
    }

    #[test]
    fn checksums_are_numbers_of_six_digits() {
        let text = |number| String::from_utf8(base62(number).to_vec()).unwrap();
        assert_eq!(
            [text(0), text(61), text(62), text(u32::MAX)],
            ["000000", "00000z", "000010", "4gfFC3"]
        );
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum("123456789"), *b"3jZRME");
    }
}
