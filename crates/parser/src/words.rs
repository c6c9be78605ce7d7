//! What vendors say in words where prices were expected, and what it means.
//!
//! Such texts may repeat the API key of the request: whatever looks like one is blanked before a
//! text goes into an error.

use std::fmt::Write as _;

use crate::answer::Answer;
use crate::error::{ParseError, Result, at, excerpt};
use crate::json::Reader;
use crate::refusals;
use crate::values::value_at;

/// How much of a text is looked at, in characters.
const LOOKED_AT: usize = 2000;
/// How much of a text is shown, in characters.
const SHOWN: usize = 200;
/// From how many letters and digits on a word may be a key.
const KEY_LENGTH: usize = 12;
/// What stands for a key.
const BLANK: &str = "***";

/// A text without what may be an API key, shortened.
pub(crate) fn scrubbed(text: &str) -> String {
    let text: String = text.chars().take(LOOKED_AT).collect();
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let end = rest.find(|c| !is_inner(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if is_key(word) || !word.is_empty() && is_announced(&out) {
            out.push_str(BLANK);
            // A sentence may end behind it.
            out.push_str(if word.ends_with('.') { "." } else { "" });
        } else {
            out.push_str(word);
        }
        let mut others = after.char_indices().skip_while(|(_, c)| !is_inner(*c)).map(|(at, _)| at);
        let next = others.next().unwrap_or(after.len());
        let (between, after) = after.split_at_checked(next).unwrap_or((after, ""));
        out.push_str(between);
        rest = after;
    }
    let folded = out.split_whitespace().collect::<Vec<_>>().join(" ");
    match folded.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", folded.get(..end).unwrap_or_default()),
        None => folded,
    }
}

/// Whether a word looks like a key.
fn is_key(word: &str) -> bool {
    let count = |is: fn(&u8) -> bool| word.bytes().filter(is).count();
    let (letters, digits) = (count(u8::is_ascii_alphabetic), count(u8::is_ascii_digit));
    let is_shouted = count(u8::is_ascii_uppercase) == word.len();
    letters + digits >= KEY_LENGTH && (letters > 0 && digits > 0 || is_shouted)
}

/// Whether what was said so far announces a key, as `your API key as` does.
fn is_announced(before: &str) -> bool {
    let tail: String = before.chars().rev().take(24).collect();
    let tail: String = tail.chars().rev().collect::<String>().to_ascii_lowercase();
    ["api key as ", "api key: ", "api key \"", "api key '", "apikey=", "api_token=", "token="]
        .iter()
        .any(|announcement| tail.ends_with(announcement))
}

/// A text as errors quote it.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", scrubbed(text))
}

/// What kind of refusal some words are, by what they hold. The first that fits counts: texts about
/// limits also speak of keys and plans.
fn meaning(lower: &str) -> Option<Meaning> {
    const MEANINGS: [(Meaning, &[&str]); 7] = [
        (
            Meaning::NotInPlan,
            &[
                "is a premium",
                "not entitled",
                "upgrade your plan",
                "free subscription",
                "not_authorized",
                "plan doesn't include",
                "plan does not include",
                "forbidden",
            ],
        ),
        (Meaning::TooMany, &["too many requests", "per minute", "per second"]),
        (
            Meaning::Quota,
            &[
                "per day",
                "request allocation",
                "daily api",
                "daily limit",
                "daily request",
                "for this month",
                "exceeded your daily",
            ],
        ),
        (Meaning::NotInPlan, &["premium endpoint", "premium feature"]),
        (
            Meaning::Key,
            &[
                "unauthenticated",
                "unauthorized",
                "invalid token",
                "supply a token",
                "api key",
                "apikey",
                "api token",
                "api_token",
                "authentication credentials",
            ],
        ),
        (
            Meaning::NotFound,
            &[
                "not found",
                "invalid api call",
                "symbol not exist",
                "symbol does not exist",
                "not_found",
                "no data found",
            ],
        ),
        (Meaning::Back, &["will be right back"]),
    ];
    let found = MEANINGS.iter().find(|(_, words)| words.iter().any(|w| lower.contains(w)));
    found.map(|(meaning, _)| *meaning)
}

#[derive(Clone, Copy)]
enum Meaning {
    NotInPlan,
    TooMany,
    Quota,
    Key,
    NotFound,
    Back,
}

/// The refusal that a vendor's text at a place is, if its words are known.
pub(crate) fn known(code: &str, text: &str, position: usize) -> Option<ParseError> {
    let position = at(position);
    let start: String = text.chars().take(LOOKED_AT).collect();
    let words = || quoted(text);
    Some(match meaning(&format!("{} {}", code, start).to_ascii_lowercase())? {
        Meaning::NotInPlan => ParseError::NotInPlan { words: words(), position },
        Meaning::TooMany => ParseError::TooManyRequests { position },
        Meaning::Quota => ParseError::QuotaSpent { words: words(), position },
        Meaning::Key => ParseError::KeyRefused { words: words(), position },
        Meaning::NotFound => {
            ParseError::NotFound { code: scrubbed(code), description: scrubbed(text), position }
        }
        Meaning::Back => ParseError::WillBeRightBack { position },
    })
}

/// The refusal that a vendor's text at a place is, whatever its words.
pub(crate) fn refusal(code: &str, text: &str, position: usize) -> ParseError {
    known(code, text, position).unwrap_or_else(|| ParseError::VendorError {
        code: scrubbed(code),
        description: scrubbed(text),
        position: at(position),
    })
}

/// Reads the text that stands here, and where that is. Another value is taken as it is written.
pub(crate) fn read(reader: &mut Reader<'_>) -> Result<(String, usize)> {
    let is_text = reader.peek() == Some(b'"');
    let position = reader.pos;
    if is_text {
        let text = reader.string()?.text()?;
        return Ok((text.chars().take(LOOKED_AT).collect(), position));
    }
    reader.skip()?;
    Ok((value_at(reader.bytes(), position), position))
}

/// The error of something else standing here than expected, without what may be an API key.
pub(crate) fn unexpected(reader: &Reader<'_>, expected: &str) -> ParseError {
    match reader.unexpected(expected) {
        ParseError::Syntax { position, expected, .. } => {
            let rest = reader.bytes().get(reader.pos..).unwrap_or_default();
            let head = String::from_utf8_lossy(rest.get(..LOOKED_AT).unwrap_or(rest)).into_owned();
            let found = excerpt(scrubbed(&head).as_bytes());
            ParseError::Syntax { position, expected, found }
        }
        other => other,
    }
}

/// Why an object is no answer: what it says under one of these keys.
pub(crate) fn of_object(
    reader: &mut Reader<'_>,
    keys: &[&[u8]],
    expected: &'static str,
) -> ParseError {
    let start = reader.clone();
    let mut find = || -> Result<Option<ParseError>> {
        let mut found = None;
        let mut members = reader.object("an object")?;
        while let Some(key) = reader.next_key(&mut members)? {
            if found.is_none() && keys.contains(&key.as_ref()) {
                let (text, position) = read(reader)?;
                found = Some(refusal("", &text, position));
            } else {
                reader.skip()?;
            }
        }
        reader.finish()?;
        Ok(found)
    };
    match find() {
        Ok(Some(error)) | Err(error) => error,
        Ok(None) => unexpected(&start, expected),
    }
}

/// Why an answer that is neither JSON nor a table is none: what it says as a text or shows as a
/// page.
pub(crate) fn of_text(answer: &Answer<'_>) -> ParseError {
    let body = answer.body();
    let start = answer.start();
    let text = body.trim_ascii_start();
    let place = start + (body.len() - text.len());
    let move_by = at(start);
    if text.is_empty() {
        return ParseError::Truncated { position: at(place), expected: "an answer".to_owned() };
    }
    if text.starts_with(b"<")
        && let Some(error) = refusals::of_page(body)
    {
        return error.moved(|position| position.saturating_add(move_by));
    }
    if let Some(error) = refusals::of_text(body) {
        return error.moved(|position| position.saturating_add(move_by));
    }
    let head = String::from_utf8_lossy(text.get(..LOOKED_AT).unwrap_or(text)).into_owned();
    // Words, no data: a table may hold any of them further on.
    let line = head.lines().next().unwrap_or_default();
    if let Some(error) = known("", line, place) {
        return error;
    }
    let mut found = String::new();
    // Writing to a string cannot fail.
    let _ = write!(found, "{}", excerpt(scrubbed(&head).as_bytes()));
    ParseError::UnknownFormat { found, position: at(place) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> String {
        let error = format!("{:?}", refusal("", text, 7));
        error.split([' ', '{']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn words_are_told_apart() {
        for (text, expected) in [
            ("Our standard limit is 5 calls per minute and 500 calls per day.", "TooManyRequests"),
            ("We see your API key as ABC and the limit is 25 requests per day.", "QuotaSpent"),
            ("More than 1 request per second; to unlock premium endpoints, pay", "TooManyRequests"),
            ("outputsize=full is a premium feature, see the plans", "NotInPlan"),
            ("the parameter apikey is invalid or missing.", "KeyRefused"),
            ("The **demo** API key is for demo purposes only.", "KeyRefused"),
            ("Invalid API call. Please retry for TIME_SERIES_DAILY.", "NotFound"),
            ("You have run over your hourly request allocation.", "QuotaSpent"),
            ("You have run over your 500 symbol look up for this month.", "QuotaSpent"),
            ("You exceeded your daily API requests limit.", "QuotaSpent"),
            ("Not found.", "NotFound"),
            ("Invalid token.", "KeyRefused"),
            ("Unauthenticated", "KeyRefused"),
            ("You exceeded the maximum requests per minute", "TooManyRequests"),
            ("You are not entitled to this data.", "NotInPlan"),
            ("An internal mishap", "VendorError"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_are_blanked_wherever_they_stand() {
        for (text, expected) in [
            ("your API key as QWERTYUIOPASDFGH and our", "your API key as *** and our"),
            ("your API key as abc and our", "your API key as *** and our"),
            ("key 5f3a1b2c3d4e5.12345678.", "key ***."),
            ("a?apikey=demo&b", "a?apikey=***&b"),
            ("(A1B2C3D4E5F6G7H8)", "(***)"),
            ("TIME_SERIES_DAILY at www.example.co/premium/ 25 a day", ""),
            ("25 requests per day", ""),
            ("é\n\n ü", "é ü"),
            ("", ""),
        ] {
            let expected = if expected.is_empty() { text } else { expected };
            assert_eq!(scrubbed(text), expected);
        }
        // A key that the cut would halve is blanked before.
        let late = format!("{} A1B2C3D4E5F6G7H8", "x ".repeat(98));
        assert!(!scrubbed(&late).contains("A1B2"), "{}", scrubbed(&late));
        assert!(scrubbed(&"é ".repeat(9000)).chars().count() <= SHOWN + 1);
    }

    #[test]
    fn a_text_is_a_refusal_or_unknown_and_never_shows_a_key() {
        let read = |text: &str| of_text(&Answer::alone(text.as_bytes(), 0)).to_string();
        assert!(read("Unauthenticated").contains("refuses the API key"));
        assert!(read("Ticker Not Found.").contains("not found"));
        assert!(read("<h1>Too Many Requests</h1>").contains("Too Many Requests"));
        assert!(read("  ").contains("cut off at byte 2"));
        assert!(
            read("bad A1B2C3D4E5F6G7H8").contains("unknown format, it begins with \"bad ***\"")
        );
    }
}
