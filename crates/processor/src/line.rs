//! Text from outside, in one line of a terminal.

use std::fmt::{self, Write as _};

/// Shows a text so that nothing in it can end the line or steer a terminal: control characters,
/// separators of lines, and what reverses the order of reading are escaped.
///
/// File names and what responses say of themselves come from outside.
///
/// ```
/// use cream_processor::OneLine;
/// assert_eq!(OneLine("Ä.html\n\u{1b}[2Jdone").to_string(), r"Ä.html\n\u{1b}[2Jdone");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if is_unsafe(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The same set as in the log.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}')
}

/// An error with its causes, those left out that it quotes itself.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_line_or_steers_the_terminal() {
        let hostile = "a\nb\r\tc\u{1b}[31m\u{9b}d\u{202e}e\u{2028}f\0\u{feff}\u{7f}";
        let shown = OneLine(hostile).to_string();
        assert_eq!(shown, r"a\nb\r\tc\u{1b}[31m\u{9b}d\u{202e}e\u{2028}f\u{0}\u{feff}\u{7f}");
        let plain = "Müller & Söhne: 中文 \\ \"x\" 🦀";
        assert_eq!(OneLine(plain).to_string(), plain);
    }

    #[test]
    fn a_cause_that_is_quoted_is_not_repeated() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: {source}")]
        struct Quoting {
            source: std::io::Error,
        }
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Silent {
            source: std::io::Error,
        }
        let source = || std::io::Error::other("inner");
        assert_eq!(chain(&Quoting { source: source() }), "outer: inner");
        assert_eq!(chain(&Silent { source: source() }), "outer: inner");
    }
}
