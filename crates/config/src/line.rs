//! A log record as one line, in text or JSON: pure functions, so that what is logged can be tested.
//!
//! Nothing in a record can end the line or steer a terminal: control characters, line and
//! paragraph separators and bidirectional overrides are escaped in messages, names and values.
//!
//! ```
//! use cream_config::line;
//! use log::{Level, Record};
//!
//! let fields = [("file", "x\n2025 ERROR forged"), ("attempt", "2")];
//! let line = line::text(
//!     "2025-06-16T21:30:00.25Z".parse()?,
//!     &Record::builder()
//!         .level(Level::Warn)
//!         .args(format_args!("not readable"))
//!         .key_values(&fields)
//!         .build(),
//! );
//! assert_eq!(
//!     line,
//!     r#"2025-06-16T21:30:00.250Z WARN  not readable file="x\n2025 ERROR forged" attempt=2"#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use cream_models::Timestamp;
use log::Record;
use log::kv::{self, Key, Value, VisitSource, VisitValue};

/// What precedes the name of a field that an earlier one bears already.
const RENAMED: &str = "field_";

/// A line for people, without its end: time, level, message, and the fields as `name=value`.
///
/// A value with a space, a quote or nothing in it stands in quotes.
#[must_use]
pub fn text(now: Timestamp, record: &Record<'_>) -> String {
    let mut line = format!("{} {:<5} ", instant(now), record.level());
    write_escaped(&mut line, format_args!("{}", record.args()), Escape::Message);
    each_field(record, |name, value| {
        line.push(' ');
        write_word(&mut line, name);
        line.push('=');
        match value {
            Field::Bare(bare) => line.push_str(&bare),
            Field::Text(text) => write_word(&mut line, &text),
        }
    });
    line
}

/// A JSON object for machines, without the line's end: `timestamp`, `level`, `target`, `module` and
/// `line` (null where unknown), `message`, and the record's own fields.
///
/// Numbers, truth values and null keep their type, all else is text. A field by the name of an earlier one is renamed with `field_`.
#[must_use]
pub fn json(now: Timestamp, record: &Record<'_>) -> String {
    let mut line = format!("{{\"timestamp\":\"{}\",\"level\":\"{}\"", instant(now), record.level());
    let mut put = |name: &str, value: Field| {
        line.push(',');
        write_json(&mut line, name);
        line.push(':');
        match value {
            Field::Bare(bare) => line.push_str(&bare),
            Field::Text(text) => write_json(&mut line, &text),
        }
    };
    let null = || Field::Bare("null".to_owned());
    put("target", Field::Text(record.target().to_owned()));
    put("module", record.module_path().map_or_else(null, |path| Field::Text(path.to_owned())));
    put("line", record.line().map_or_else(null, |number| Field::Bare(number.to_string())));
    put("message", Field::Text(shown(record.args())));
    let mut taken: BTreeSet<String> =
        ["timestamp", "level", "target", "module", "line", "message"].map(str::to_owned).into();
    each_field(record, |name, value| {
        let mut name = name.to_owned();
        while !taken.insert(name.clone()) {
            name.insert_str(0, RENAMED);
        }
        put(&name, value);
    });
    line.push('}');
    line
}

/// An instant to the millisecond, always of the same width.
fn instant(now: Timestamp) -> String {
    let whole = Timestamp::from_seconds(now.seconds()).to_string();
    let millis = now.micros().rem_euclid(1_000_000) / 1000;
    format!("{}.{millis:03}Z", whole.trim_end_matches('Z'))
}

/// A field's value.
enum Field {
    /// A number, a truth value or null: the same in both forms.
    Bare(String),
    Text(String),
}

fn each_field(record: &Record<'_>, put: impl FnMut(&str, Field)) {
    struct Fields<F>(F);

    impl<'kvs, F: FnMut(&str, Field)> VisitSource<'kvs> for Fields<F> {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
            let mut reader = FieldReader(None);
            value.visit(&mut reader)?;
            let field = reader.0.unwrap_or_else(|| Field::Text(shown(&value)));
            (self.0)(key.as_str(), field);
            Ok(())
        }
    }

    // A field that fails to show itself is no reason to lose the message.
    let _ = record.key_values().visit(&mut Fields(put));
}

struct FieldReader(Option<Field>);

impl FieldReader {
    fn bare(&mut self, value: impl fmt::Display) -> Result<(), kv::Error> {
        self.0 = Some(Field::Bare(shown(value)));
        Ok(())
    }

    fn text(&mut self, value: impl fmt::Display) -> Result<(), kv::Error> {
        self.0 = Some(Field::Text(shown(value)));
        Ok(())
    }
}

/// What a value shows of itself, as far as it comes: `to_string` panics where that fails.
fn shown(value: impl fmt::Display) -> String {
    let mut text = String::new();
    let _ = write!(text, "{value}");
    text
}

impl<'v> VisitValue<'v> for FieldReader {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), kv::Error> {
        self.text(value)
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.bare("null")
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.bare(value)
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.bare(value)
    }

    fn visit_u128(&mut self, value: u128) -> Result<(), kv::Error> {
        self.bare(value)
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        self.bare(value)
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        // JSON has no infinity, and none that is not a number.
        if value.is_finite() { self.bare(format_args!("{value:?}")) } else { self.text(value) }
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.bare(value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.text(value)
    }
}

/// A name or a value in a text line: as it is, or in quotes where it would not be told apart.
fn write_word(line: &mut String, word: &str) {
    let plain = |c: char| !c.is_whitespace() && !is_unsafe(c) && !matches!(c, '"' | '=' | '\\');
    if !word.is_empty() && word.chars().all(plain) {
        line.push_str(word);
    } else {
        line.push('"');
        write_escaped(line, format_args!("{word}"), Escape::Quoted);
        line.push('"');
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Escape {
    /// What could end or disturb the line.
    Message,
    /// Quotes and backslashes too.
    Quoted,
    /// As JSON wants it.
    Json,
}

fn write_json(line: &mut String, text: &str) {
    line.push('"');
    write_escaped(line, format_args!("{text}"), Escape::Json);
    line.push('"');
}

fn write_escaped(line: &mut String, text: fmt::Arguments<'_>, escape: Escape) {
    struct Escaper<'a>(&'a mut String, Escape);

    impl fmt::Write for Escaper<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let Self(line, escape) = self;
            for c in text.chars() {
                match c {
                    '"' | '\\' if *escape != Escape::Message => {
                        line.push('\\');
                        line.push(c);
                    }
                    '\n' => line.push_str("\\n"),
                    '\r' => line.push_str("\\r"),
                    '\t' => line.push_str("\\t"),
                    c if !is_unsafe(c) => line.push(c),
                    // All of them lie below U+10000.
                    c if *escape == Escape::Json => write!(line, "\\u{:04x}", u32::from(c))?,
                    c => write!(line, "\\u{{{:x}}}", u32::from(c))?,
                }
            }
            Ok(())
        }
    }

    // A message that fails to show itself is shown as far as it comes.
    let _ = Escaper(line, escape).write_fmt(text);
}

/// Control characters, separators of lines, and what reverses the order of reading.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}')
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
