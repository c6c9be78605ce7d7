//! Lists of symbols, as people keep them.

use std::io::{BufRead, Read as _};

use anyhow::{Context, Result, bail};
use cream_models::Symbol;

/// The longest list that is read, in bytes: some million symbols.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a list of symbols: one a line; what follows a `#` at the beginning of a line or behind a
/// space is a comment. `place` is what errors call the list.
///
/// # Errors
///
/// Where the list cannot be read, is larger than 64 MiB, names no symbol, or holds lines that are
/// none; up to ten of them are told.
pub fn read_symbols(list: impl BufRead, place: &str) -> Result<Vec<Symbol>> {
    let mut text = Vec::new();
    list.take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .with_context(|| format!("cannot read {place}"))?;
    if u64::try_from(text.len()).is_ok_and(|len| len > MAX_BYTES) {
        bail!("{place} is larger than {MAX_BYTES} bytes: that is no list of symbols");
    }
    let text = String::from_utf8(text).with_context(|| format!("{place} is not UTF-8 text"))?;
    let mut symbols = Vec::new();
    let mut wrong = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = without_comment(line);
        if line.is_empty() {
            continue;
        }
        match Symbol::parse(line) {
            Ok(symbol) => symbols.push(symbol),
            Err(error) => wrong.push(format!("line {}: {error}", index + 1)),
        }
    }
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(MAX_TOLD);
        wrong.truncate(MAX_TOLD);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        bail!("{place} is no list of symbols: {}{more}", wrong.join("; "));
    }
    if symbols.is_empty() {
        bail!("{place} names no symbol: expected one a line");
    }
    Ok(symbols)
}

/// How many wrong lines are told.
const MAX_TOLD: usize = 10;

fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| {
        line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
    };
    let end = line.match_indices('#').find(begins).map_or(line.len(), |(at, _)| at);
    line.get(..end).unwrap_or(line).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8]) -> Result<Vec<String>, String> {
        match read_symbols(text, "the list") {
            Ok(symbols) => Ok(symbols.iter().map(ToString::to_string).collect()),
            Err(error) => Err(format!("{error:#}")),
        }
    }

    #[test]
    fn one_a_line_with_comments_and_any_line_ends() {
        let text = "\u{feff}# mine\nAAPL\r\n  brk-b # the cheap ones\n\n^GSPC\t#\n #MSFT\nEURUSD=X";
        assert_eq!(read(text.as_bytes()).unwrap(), ["AAPL", "BRK-B", "^GSPC", "EURUSD=X"]);
    }

    #[test]
    fn wrong_lines_are_told_by_their_numbers() {
        let error = read(b"AAPL\nA B\n\xc3\xa4\n").unwrap_err();
        let expected = ["the list is no list of symbols: line 2: \"A B\" is not", "; line 3: "];
        assert!(expected.iter().all(|part| error.contains(part)), "{error}");
        let error = read("A B\n".repeat(12).as_bytes()).unwrap_err();
        assert!(error.ends_with("; and 2 more") && !error.contains("line 11"), "{error}");
        for (text, expected) in [
            (&b""[..], "the list names no symbol: expected one a line"),
            (b"# nothing\n", "the list names no symbol: expected one a line"),
            (b"AAPL\n\xff", "the list is not UTF-8 text"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let endless = std::io::BufReader::new(std::io::repeat(b'A'));
        assert!(read_symbols(endless, "it").unwrap_err().to_string().contains("is larger than"));
    }

    proptest! {
        #[test]
        fn no_list_panics_and_errors_are_bounded(text in prop::collection::vec(
            prop_oneof![any::<u8>(), Just(b'\n'), Just(b'#'), Just(b'A')], 0..300)
        ) {
            if let Err(error) = read(&text) {
                prop_assert!(error.len() < 4000);
            }
        }
    }
}
