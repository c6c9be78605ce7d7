//! Times of the wall clock.

use std::fmt;

use cream_models::Timestamp;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::ScheduleError;
use crate::error::excerpt;
use crate::schedule::EXCERPT;

/// Times of the wall clock of a time zone, as five fields: minute (0–59), hour (0–23), day of the
/// month (1–31), month (1–12 or JAN–DEC), day of the week (0–7 or SUN–SAT; 0 and 7 are Sunday); each
/// `*`, a number, a range (`1-5`), a step (`*/2`, `1-31/2`) or a list of them. Where both days are
/// restricted, either is enough, as cron has always done it.
///
/// A time of the day that summer time leaves out is kept as soon as the clock has moved on, and one
/// that comes twice is kept once, the first time; but what is to be run at more than one hour or
/// minute is run whenever the wall clock shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    /// The fields as written, a space in between, and the time zone where one was given.
    text: String,
    pattern: Box<croner::Cron>,
    zone: TimeZone,
}

/// What the five fields are, with the names that are numbers there.
const FIELDS: [(&str, &str, &[&str]); 5] = [
    ("a minute", "0 to 59", &[]),
    ("an hour", "0 to 23", &[]),
    ("a day of the month", "1 to 31", &[]),
    (
        "a month",
        "1 to 12 or JAN to DEC",
        &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    ),
    (
        "a day of the week",
        "0 to 7 or SUN to SAT",
        &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    ),
];

/// No expression of sense is longer; what is longer need not be looked at.
const LONGEST: usize = 400;

impl Cron {
    /// Reads five fields and a time zone, or none.
    pub(crate) fn parse(text: &str) -> Result<Self, ScheduleError> {
        let shown = || excerpt(text, EXCERPT);
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let (fields, zone) = match parts.as_slice() {
            [fields @ .., zone] if fields.len() == FIELDS.len() => (fields, Some(*zone)),
            fields if fields.len() == FIELDS.len() => (fields, None),
            _ => return Err(ScheduleError::Syntax { text: shown() }),
        };
        if text.len() > LONGEST {
            return Err(ScheduleError::Syntax { text: shown() });
        }
        for (at, (field, (what, expected, names))) in fields.iter().zip(FIELDS).enumerate() {
            // Alone, so that it is known which field it is.
            let alone: Vec<&str> =
                (0..FIELDS.len()).map(|other| if other == at { *field } else { "*" }).collect();
            if !is_plain(field, names) || pattern(&alone).is_none() {
                let (text, field) = (shown(), excerpt(field, EXCERPT));
                return Err(ScheduleError::Field { text, field, what, expected });
            }
        }
        let pattern = pattern(fields).ok_or_else(|| ScheduleError::Syntax { text: shown() })?;
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => {
                TimeZone::get(name).ok().filter(|zone| !zone.is_unknown()).ok_or_else(|| {
                    ScheduleError::Zone { text: shown(), zone: excerpt(name, EXCERPT) }
                })?
            }
        };
        let cron = Self { text: parts.join(" "), pattern: Box::new(pattern), zone };
        // 29 February comes once in eight years at least.
        cron.next(Timestamp::from_seconds(0))
            .ok_or_else(|| ScheduleError::Never { text: shown() })?;
        Ok(cron)
    }

    /// The next time after a moment; `None` where time ends.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = jiff::Timestamp::from_microsecond(after.micros()).ok()?;
        let after = Zoned::new(after, self.zone.clone());
        let next = self.pattern.find_next_occurrence(&after, false).ok()?;
        Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
    }
}

impl fmt::Debug for Cron {
    /// The text alone: what it was read into fills pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cron").field(&self.text).finish()
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a field holds what the documentation says and nothing else: the library knows more
/// signs (L, W, #, ?, +), finds names within words, and passes over empty items.
fn is_plain(field: &str, names: &[&str]) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_value =
        |text: &str| is_number(text) || names.iter().any(|name| name.eq_ignore_ascii_case(text));
    field.split(',').all(|item| {
        let (values, step) = item.split_once('/').unwrap_or((item, "1"));
        let (first, last) = values.split_once('-').unwrap_or((values, values));
        is_number(step) && (values == "*" || is_value(first) && is_value(last))
    })
}

fn pattern(fields: &[&str]) -> Option<croner::Cron> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(&fields.join(" ")).ok()
}
