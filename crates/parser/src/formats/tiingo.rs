//! Tiingo's end-of-day prices, `/tiingo/daily/<ticker>/prices`.
//!
//! Read: an array of one object a day, with `date`, `open`, `high`, `low`, `close`, `volume` as
//! traded, `adjClose`, `divCash` (a dividend where it is not 0) and `splitFactor` (a split where it
//! is not 1). Dates are days, written as midnight in UTC; another time of day makes a row
//! unreadable. Of dividends and splits, a response tells all where its rows have these keys.
//!
//! Refused: `{"detail":"…"}` and plain texts, which Tiingo sends with status 200 too, by what they
//! say: the allocation is spent, the token is not taken, the symbol is not known. An empty array is
//! no answer: Tiingo sends it for dates without trading.
//!
//! Described at <https://www.tiingo.com/documentation/end-of-day>.

use cream_models::{BarField, PriceHistory, Vendor};

use super::Source;
use crate::answer::Answer;
use crate::ask::Ask;
use crate::error::{ParseError, Result, at};
use crate::exact::{self, Writing};
use crate::json::Reader;
use crate::record::{self, Events, Key, Row};
use crate::rows::Rows;
use crate::warnings::Warnings;
use crate::words;

pub(crate) struct Tiingo;

impl Source for Tiingo {
    fn vendor(&self) -> Vendor {
        Vendor::Tiingo
    }

    fn owns_key(&self, key: &[u8]) -> bool {
        matches!(
            key,
            b"adjClose"
                | b"adjOpen"
                | b"adjHigh"
                | b"adjLow"
                | b"adjVolume"
                | b"divCash"
                | b"splitFactor"
                | b"detail"
        )
    }

    fn read(
        &self,
        answers: &[Answer<'_>],
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory> {
        if let Some(other) = answers.iter().find(|answer| answer.json().is_none()) {
            return super::text(other, self.vendor(), ask, warnings);
        }
        let (mut rows, mut events) = (Rows::new(ask.limit), Events::new(ask.limit));
        for mut reader in answers.iter().filter_map(Answer::json) {
            prices(&mut reader, &mut rows, &mut events, warnings)?;
        }
        if rows.is_empty() {
            let position = answers.first().map_or(0, |answer| at(answer.start()));
            return Err(ParseError::NoRows { place: "the array of prices", position });
        }
        let told = events.told(&mut rows);
        let mut history = PriceHistory::new(self.vendor());
        rows.finish(&mut history, told, ask, warnings)?;
        Ok(history)
    }
}

fn prices(
    reader: &mut Reader<'_>,
    rows: &mut Rows,
    events: &mut Events,
    warnings: &mut Warnings,
) -> Result<()> {
    if reader.peek() == Some(b'{') {
        let keys: &[&[u8]] = &[b"detail", b"message", b"error"];
        return Err(words::of_object(reader, keys, "an array of daily prices"));
    }
    let mut elements = reader.array("an array of daily prices")?;
    while reader.next_element(&mut elements)? {
        row(reader, rows, events, warnings)?;
    }
    reader.finish()
}

#[inline]
fn row(
    reader: &mut Reader<'_>,
    rows: &mut Rows,
    events: &mut Events,
    warnings: &mut Warnings,
) -> Result<()> {
    let (mut row, mut members) = match Row::enter(reader, Writing::Plain)? {
        Ok(entered) => entered,
        Err(position) => {
            rows.push_unreadable_action(None);
            return record::no_object(reader.bytes(), position, rows);
        }
    };
    let (mut dividend, mut factor) = (None, None);
    while let Some(key) = rows.keys.next(reader, &mut members)? {
        match key.as_ref() {
            b"date" => row.date(reader, exact::midnight, "a date such as 2024-12-31T00:00:00Z")?,
            b"open" => row.price(reader, BarField::Open)?,
            b"high" => row.price(reader, BarField::High)?,
            b"low" => row.price(reader, BarField::Low)?,
            b"close" => row.price(reader, BarField::Close)?,
            b"adjClose" => row.price(reader, BarField::AdjClose)?,
            b"volume" => row.volume(reader)?,
            b"divCash" => dividend = Some(row.beside(reader, Key::Dividend)?),
            b"splitFactor" => factor = Some(row.beside(reader, Key::Split)?),
            _ => reader.skip()?,
        }
    }
    let json = reader.bytes();
    events.beside(row.date, dividend, factor, json, rows, warnings)?;
    row.finish(json, rows)
}

#[cfg(test)]
#[path = "tiingo_tests.rs"]
mod tests;
