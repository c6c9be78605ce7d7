//! Tokens: known ones, made by another program, and what holds for every one and for every text.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a panic is a failed test"
)]

use cream_auth::{Token, TokenDigest, TokenError, TokenKind, redact};
use proptest::prelude::*;
use zeroize::ZeroizeOnDrop;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Made with Python's zlib and hashlib: token, SHA-256.
const KNOWN: [(TokenKind, &str, &str); 4] = [
    (
        TokenKind::Api,
        "cream_000000000000000000000000000000000000000000026NoRJ",
        "255cf44d2614b5c572b8e47d37944f2c6892cb5f4474028d2b5e95d752339a1d",
    ),
    (
        TokenKind::Session,
        "creams_00000000000000000000000000000000000000000000Goo1D",
        "af9ad487116dee12ce450ebe9e966a72ca0fcd836cdd7c72d14409d61704b88e",
    ),
    (
        TokenKind::Api,
        "cream_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq0KVxFK",
        "99c9e44cf9b490a932a964be58944f8a011316270dfcf7085712bde3b4580a2e",
    ),
    (
        TokenKind::Session,
        "creams_JKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz4UC5af",
        "0520f323bf0a55228170cf5f25d63570a14a26f1a0ea4955a6c8254570c571f7",
    ),
];

/// CRC-32 bit by bit, from its definition.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

/// A token with its checksum, made without the crate.
fn with_checksum(prefix: &str, secret: &str) -> String {
    let mut text = format!("{prefix}{secret}");
    let crc = u64::from(crc32(text.as_bytes()));
    for power in (0..6).rev() {
        let digit = crc / 62_u64.pow(power) % 62;
        text.push(char::from(DIGITS[usize::try_from(digit).unwrap()]));
    }
    text
}

fn tokens() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!["cream_", "creams_"]), "[0-9A-Za-z]{43}")
        .prop_map(|(prefix, secret)| with_checksum(prefix, &secret))
}

/// Any text, and such as looks like a token here and there.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        3 => tokens(),
        1 => (tokens(), 0_usize..56).prop_map(|(token, cut)| token.chars().skip(cut).collect()),
        1 => (tokens(), 0_usize..56).prop_map(|(token, cut)| token.chars().take(cut).collect()),
        1 => "creams?_|CREAM_|_|cream|[a-z]{1,3}",
        2 => "\\PC{0,8}",
    ];
    prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

fn error(text: &str) -> Option<TokenError> {
    Token::parse(text).err()
}

fn hex(digest: &TokenDigest) -> String {
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn known_tokens_are_read() {
    for (kind, text, sha256) in KNOWN {
        let token = Token::parse(text).unwrap();
        assert_eq!((token.kind(), token.expose()), (kind, text));
        assert_eq!(hex(&token.digest()), sha256);
        assert_eq!(text.len(), kind.token_len());
    }
}

#[test]
fn a_new_token_is_read_back_and_is_like_no_other() {
    for kind in TokenKind::ALL {
        let token = Token::generate(kind).unwrap();
        let read = Token::parse(token.expose()).unwrap();
        assert_eq!((read.kind(), read.expose()), (kind, token.expose()));
        assert!(read.digest().matches(&token.digest()));
        let other = Token::generate(kind).unwrap();
        assert!(!other.digest().matches(&token.digest()));
        let secret = token.expose().strip_prefix(kind.prefix()).unwrap();
        assert_eq!(secret.len(), 49);
        assert_eq!(with_checksum(kind.prefix(), &secret[..43]), token.expose());
    }
}

#[test]
fn each_error_is_told() {
    let (_, good, _) = KNOWN[0];
    assert_eq!(error(""), Some(TokenError::WrongPrefix));
    assert_eq!(error("cream-"), Some(TokenError::WrongPrefix));
    assert_eq!(error(&good.to_uppercase()), Some(TokenError::WrongPrefix));
    assert_eq!(error(&format!(" {good}")), Some(TokenError::WrongPrefix));
    assert_eq!(error("cream_"), Some(TokenError::WrongLength(TokenKind::Api)));
    assert_eq!(error("creams_"), Some(TokenError::WrongLength(TokenKind::Session)));
    assert_eq!(error(&good[..54]), Some(TokenError::WrongLength(TokenKind::Api)));
    assert_eq!(error(&format!("{good}\n")), Some(TokenError::WrongLength(TokenKind::Api)));
    assert_eq!(error(&format!("{good}00")), Some(TokenError::TooLong));
    assert_eq!(error(&"x".repeat(10_000_000)), Some(TokenError::TooLong));
    let dash = good.replacen("0000", "00-0", 1);
    assert_eq!(error(&dash), Some(TokenError::WrongCharacter { position: 9 }));
    let cased = good.replace("NoRJ", "NorJ");
    assert_eq!(error(&cased), Some(TokenError::WrongChecksum));
    let other_kind = format!("creams_{}", &good[6..]);
    assert_eq!(
        error(&other_kind),
        Some(TokenError::WrongChecksum),
        "the prefix is in the checksum"
    );

    let texts = [
        TokenError::TooLong,
        TokenError::WrongPrefix,
        TokenError::WrongLength(TokenKind::Session),
        TokenError::WrongCharacter { position: 9 },
        TokenError::WrongChecksum,
    ]
    .map(|error| error.to_string());
    assert_eq!(
        texts,
        [
            "it is longer than any token: at most 56 characters are expected",
            "it does not begin as a token does: cream_ or creams_ is expected",
            "it is cut or too long: 56 characters are expected with creams_",
            "its character 9 is none of 0-9, A-Z and a-z",
            "its checksum is wrong: a character was changed, or it was made up",
        ]
    );
}

#[test]
fn debug_hides_and_drop_wipes() {
    fn is_wiped<T: ZeroizeOnDrop>() {}
    is_wiped::<Token>();
    let token = Token::parse(KNOWN[3].1).unwrap();
    assert_eq!(format!("{token:?} {token:#?}"), "Token(creams_, hidden) Token(creams_, hidden)");
    assert_eq!(format!("{:?}", token.digest()), "TokenDigest(0520f323…)");
}

#[test]
fn digests_are_kept_as_32_bytes() {
    let digest = Token::parse(KNOWN[0].1).unwrap().digest();
    let kept = digest.as_bytes().to_vec();
    assert!(TokenDigest::try_from(kept.as_slice()).unwrap().matches(&digest));
    for len in [0, 31, 33] {
        let error = TokenDigest::try_from(vec![0; len].as_slice()).map(|_| ()).unwrap_err();
        let expected = format!("{len} bytes are no digest of a token: 32 are expected");
        assert_eq!(error.to_string(), expected);
    }
    for index in 0..32 {
        let mut other = kept.clone();
        other[index] ^= 1;
        assert!(!TokenDigest::try_from(other.as_slice()).unwrap().matches(&digest), "{index}");
    }
}

#[test]
fn every_change_of_one_character_is_refused() {
    for (_, text, _) in KNOWN {
        for (at, old) in text.bytes().enumerate() {
            for new in (0..128).filter(|new| *new != old) {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] = new;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(error(&changed).is_some(), "{changed:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn tokens_are_read_as_they_are(text in tokens()) {
        let token = Token::parse(&text).unwrap();
        prop_assert_eq!(token.expose(), &text);
        prop_assert_eq!(token.kind() == TokenKind::Session, text.starts_with("creams"));
    }

    #[test]
    fn a_changed_cut_or_swapped_token_is_refused(
        text in tokens(), at in 0_usize..55, new in any::<char>(),
    ) {
        let characters: Vec<char> = text.chars().collect();
        let mut changed = characters.clone();
        changed[at] = new;
        prop_assert!(characters == changed || error(&changed.iter().collect::<String>()).is_some());
        let mut cut = characters.clone();
        cut.remove(at);
        prop_assert!(error(&cut.iter().collect::<String>()).is_some());
        // Two neighbours that are swapped, both before the checksum or both in it.
        let mut swapped = characters.clone();
        swapped.swap(at, (at + 1).min(characters.len() - 1));
        let is_across = at + 7 == characters.len();
        prop_assert!(
            is_across || swapped == characters || error(&swapped.iter().collect::<String>()).is_some()
        );
    }

    #[test]
    fn any_text_is_a_token_with_its_checksum_or_an_error_that_does_not_quote_it(
        text in prop_oneof![texts(), any::<String>(), "creams?_[0-9A-Za-z]{40,52}", "creams?_[0-9]{49}", "[0-9]{8,99}"],
    ) {
        match Token::parse(&text) {
            Ok(token) => {
                let prefix = token.kind().prefix();
                let secret = &text[prefix.len()..text.len() - 6];
                prop_assert_eq!(with_checksum(prefix, secret), text);
            }
            Err(error) => {
                let shown = format!("{error} {error:?}");
                let mut words = text.split(|c: char| !c.is_ascii_digit()).filter(|w| w.len() > 3);
                prop_assert!(words.all(|word| !shown.contains(word)), "{}", shown);
            }
        }
    }

    #[test]
    fn redacting_leaves_no_token_in_any_text(text in texts()) {
        let redacted = redact(&text);
        let starts = redacted.char_indices().map(|(start, _)| start);
        for start in starts {
            for kind in TokenKind::ALL {
                if let Some(piece) = redacted.get(start..start + kind.token_len()) {
                    prop_assert!(error(piece).is_some(), "{} in {}", piece, redacted);
                }
            }
        }
        prop_assert_eq!(redact(&redacted), redacted.as_ref());
    }

    #[test]
    fn redacting_hides_the_secret_wherever_it_stands(
        token in tokens(), before in texts(), after in texts(), keep in 0_usize..49,
    ) {
        let secret = token.trim_start_matches(|c| c != '_').trim_start_matches('_');
        let line = format!("{before} {token}{after}");
        prop_assert!(!redact(&line).contains(secret), "{}", line);
        let cut = &token[..token.len() - secret.len() + keep];
        let redacted = redact(cut).into_owned();
        let expected = if keep < 16 {
            cut.to_owned()
        } else {
            format!("{}[redacted]", &token[..token.len() - secret.len()])
        };
        prop_assert_eq!(redacted, expected);
    }

    #[test]
    fn redacting_takes_nothing_else_away(text in any::<String>(), token in tokens()) {
        prop_assume!(!text.to_lowercase().contains("cream"));
        prop_assert_eq!(redact(&text), text.as_str());
        let prefix = &token[..token.len() - 49];
        let line = format!("{text} {token} {text}");
        prop_assert_eq!(redact(&line), format!("{text} {prefix}[redacted] {text}"));
    }
}
