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

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use cream_models::Timestamp;
use log::Record;
use log::kv::{self, Key, Value, VisitSource, VisitValue};

/// What precedes the name of a field that an earlier one bears already.
const RENAMED: &str = "field_";
/// The names of what every JSON line has.
const FIXED: [&str; 6] = ["timestamp", "level", "target", "module", "line", "message"];
/// As long as most lines are, in bytes.
const USUAL_LEN: usize = 384;

/// A line for people, without its end: time, level, message, and the fields as `name=value`.
///
/// A value with a space, a quote or nothing in it stands in quotes.
#[must_use]
pub fn text(now: Timestamp, record: &Record<'_>) -> String {
    let mut line = String::with_capacity(USUAL_LEN);
    write_instant(&mut line, now);
    // Writing to a string fails only where what is written does.
    let _ = write!(line, " {:<5} ", record.level());
    write_escaped(&mut line, *record.args(), Escape::Message);
    each_field(record, |name, value| {
        line.push(' ');
        write_word(&mut line, &name);
        line.push('=');
        match value {
            Field::Bare(bare) => drop(line.write_fmt(bare)),
            Field::Text(text) => write_word(&mut line, text),
            Field::Shown(shown) => write_word(&mut line, &as_far_as_it_comes(shown)),
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
    let mut line = String::with_capacity(USUAL_LEN);
    line.push_str("{\"timestamp\":\"");
    write_instant(&mut line, now);
    line.push('"');
    let mut put = |name: &str, value: Field<'_>| {
        line.push(',');
        write_json(&mut line, name);
        line.push(':');
        match value {
            Field::Bare(bare) => drop(line.write_fmt(bare)),
            Field::Text(text) => write_json(&mut line, text),
            Field::Shown(shown) => {
                line.push('"');
                write_escaped(&mut line, shown, Escape::Json);
                line.push('"');
            }
        }
    };
    let null = Field::Bare(format_args!("null"));
    put("level", Field::Text(record.level().as_str()));
    put("target", Field::Text(record.target()));
    put("module", record.module_path().map_or(null, Field::Text));
    match record.line() {
        Some(number) => put("line", Field::Bare(format_args!("{number}"))),
        None => put("line", null),
    }
    put("message", Field::Shown(*record.args()));
    // Few, so that to look through them takes no longer than to sort them.
    let mut taken: Vec<Cow<'_, str>> = Vec::new();
    each_field(record, |mut name, value| {
        while FIXED.contains(&&*name) || taken.contains(&name) {
            name.to_mut().insert_str(0, RENAMED);
        }
        put(&name, value);
        taken.push(name);
    });
    line.push('}');
    line
}

/// Writes an instant to the millisecond, always of the same width.
fn write_instant(line: &mut String, now: Timestamp) {
    let _ = write!(line, "{}", Timestamp::from_seconds(now.seconds()));
    if line.ends_with('Z') {
        line.pop();
    }
    let millis = now.micros().rem_euclid(1_000_000) / 1000;
    let _ = write!(line, ".{millis:03}Z");
}

/// A field's value.
#[derive(Clone, Copy)]
enum Field<'a> {
    /// A number, a truth value or null: the same in both forms.
    Bare(fmt::Arguments<'a>),
    Text(&'a str),
    /// Text, as it shows itself.
    Shown(fmt::Arguments<'a>),
}

fn each_field<'r>(record: &'r Record<'_>, put: impl FnMut(Cow<'r, str>, Field<'_>)) {
    struct Fields<F>(F);

    impl<'kvs, F: FnMut(Cow<'kvs, str>, Field<'_>)> VisitSource<'kvs> for Fields<F> {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
            let name = match key.to_borrowed_str() {
                Some(name) => Cow::Borrowed(name),
                None => Cow::Owned(key.as_str().to_owned()),
            };
            let mut reader = FieldReader { name: Some(name), put: &mut self.0 };
            value.visit(&mut reader)?;
            reader.shown(&value)
        }
    }

    // A field that fails to show itself is no reason to lose the message.
    let _ = record.key_values().visit(&mut Fields(put));
}

struct FieldReader<'p, 'kvs, F> {
    /// Until it is put.
    name: Option<Cow<'kvs, str>>,
    put: &'p mut F,
}

impl<'kvs, F: FnMut(Cow<'kvs, str>, Field<'_>)> FieldReader<'_, 'kvs, F> {
    fn field(&mut self, field: Field<'_>) -> Result<(), kv::Error> {
        if let Some(name) = self.name.take() {
            (self.put)(name, field);
        }
        Ok(())
    }

    fn bare(&mut self, value: impl fmt::Display) -> Result<(), kv::Error> {
        self.field(Field::Bare(format_args!("{value}")))
    }

    fn shown(&mut self, value: impl fmt::Display) -> Result<(), kv::Error> {
        self.field(Field::Shown(format_args!("{value}")))
    }
}

/// What a value shows of itself: `to_string` panics where that fails.
fn as_far_as_it_comes(value: fmt::Arguments<'_>) -> String {
    let mut text = String::new();
    let _ = text.write_fmt(value);
    text
}

impl<'v, 'kvs, F: FnMut(Cow<'kvs, str>, Field<'_>)> VisitValue<'v> for FieldReader<'_, 'kvs, F> {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), kv::Error> {
        self.shown(value)
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
        if value.is_finite() { self.bare(format_args!("{value:?}")) } else { self.shown(value) }
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.bare(value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.field(Field::Text(value))
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
    if is_plain(text) {
        line.push_str(text);
    } else {
        write_escaped(line, format_args!("{text}"), Escape::Json);
    }
    line.push('"');
}

fn write_escaped(line: &mut String, text: fmt::Arguments<'_>, escape: Escape) {
    struct Escaper<'a>(&'a mut String, Escape);

    impl fmt::Write for Escaper<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let Self(line, escape) = self;
            if is_plain(text) {
                line.push_str(text);
                return Ok(());
            }
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

/// Whether the text needs no escape anywhere: what most texts are, and is told fast.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
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
