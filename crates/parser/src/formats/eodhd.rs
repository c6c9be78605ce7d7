//! EODHD's end-of-day prices, dividends and splits: `/api/eod/`, `/api/div/`, `/api/splits/`.
//!
//! Read: arrays of one object a day or an action. Prices have `date`, `open`, `high`, `low`, `close`
//! as traded, `adjusted_close` and `volume`; splits have `date` and `split`, a text such as
//! `4.000000/1.000000`; dividends have `date` and `unadjustedValue`, as paid. One with `value` alone,
//! which later splits change, is unreadable: it would be on another share count than the prices. Which
//! of them an answer is, its address tells in a pull, and its first row elsewhere. A splits or dividends
//! answer alone decides nothing about prices.
//!
//! On the free plan the last row has a `warning`: the row is read, the words become a warning, and
//! the answer decides from its first row on, since what is older may have been cut off.
//!
//! Refused: plain texts such as `Unauthenticated` and `Ticker Not Found.`, pages, and objects with a
//! `message` or an `error`, by what they say.
//!
//! Described at <https://eodhd.com/financial-apis/api-for-historical-data-and-volumes>.

use cream_models::{
    ActionKind, ActionKinds, BarField, CorporateEvent, PriceHistory, Vendor, WarningKind,
};

use super::Source;
use crate::answer::Answer;
use crate::ask::{Ask, Cut};
use crate::error::{ParseError, Result, at};
use crate::events::parse_ratio;
use crate::exact::{self, Writing};
use crate::json::Reader;
use crate::record::{self, Events, Key, Row};
use crate::rows::Rows;
use crate::warnings::Warnings;
use crate::words;

pub(crate) struct Eodhd;

/// What an answer is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Prices,
    Dividends,
    Splits,
}

const DATE: &str = "a date such as 2024-12-31";

impl Source for Eodhd {
    fn vendor(&self) -> Vendor {
        Vendor::Eodhd
    }

    fn owns_key(&self, key: &[u8]) -> bool {
        matches!(key, b"adjusted_close" | b"unadjustedValue" | b"split")
    }

    fn read(
        &self,
        answers: &[Answer<'_>],
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory> {
        if let Some(other) = answers.iter().find(|answer| answer.json().is_none()) {
            // CSV has no place for the words that older rows are cut off.
            let ask = ask.cut(Cut::Start);
            return super::text(other, self.vendor(), &ask, warnings);
        }
        let (mut rows, mut events) = (Rows::new(ask.limit), Events::new(ask.limit));
        let mut told = ActionKinds::NONE;
        let mut ask = *ask;
        for (answer, mut reader) in answers.iter().filter_map(|a| Some((a, a.json()?))) {
            let role = role(answer, &reader);
            let start = reader.pos;
            let mut reading = Reading { rows: &mut rows, events: &mut events, warnings };
            let (count, is_cut) = reading.answer(role, &mut reader)?;
            let kind = match role {
                Role::Prices if count == 0 => {
                    let position = at(start);
                    return Err(ParseError::NoRows { place: "the array of prices", position });
                }
                Role::Prices => {
                    ask = if is_cut { ask.cut(Cut::Start) } else { ask };
                    continue;
                }
                Role::Dividends => ActionKind::Dividend,
                Role::Splits => ActionKind::Split,
            };
            told = told.with(kind);
            if is_cut {
                rows.push_unreadable_action(None);
            }
        }
        if rows.is_empty() {
            let position = answers.first().map_or(0, |answer| at(answer.start()));
            return Err(ParseError::NoRows { place: "the answer", position });
        }
        let mut history = PriceHistory::new(self.vendor());
        rows.finish(&mut history, told, &ask, warnings)?;
        Ok(history)
    }
}

/// What an answer is about, by its address or else by its first row.
fn role(answer: &Answer<'_>, reader: &Reader<'_>) -> Role {
    for (part, role) in [
        ("/api/eod/", Role::Prices),
        ("/api/div/", Role::Dividends),
        ("/api/splits/", Role::Splits),
    ] {
        if answer.asked(part) {
            return role;
        }
    }
    let mut reader = reader.clone();
    let mut find = || -> Result<Role> {
        let mut elements = reader.array("an array")?;
        if !reader.next_element(&mut elements)? {
            return Ok(Role::Prices);
        }
        let mut members = reader.object("a row")?;
        while let Some(key) = reader.next_key(&mut members)? {
            match key.as_ref() {
                b"split" => return Ok(Role::Splits),
                b"value" | b"unadjustedValue" => return Ok(Role::Dividends),
                b"open" | b"high" | b"low" | b"close" | b"adjusted_close" => break,
                _ => reader.skip()?,
            }
        }
        Ok(Role::Prices)
    };
    // What is wrong with it is told by reading it.
    find().unwrap_or(Role::Prices)
}

struct Reading<'a> {
    rows: &'a mut Rows,
    events: &'a mut Events,
    warnings: &'a mut Warnings,
}

impl Reading<'_> {
    /// Reads one answer: how many rows it has, and whether the vendor says that it was cut.
    fn answer(&mut self, role: Role, reader: &mut Reader<'_>) -> Result<(usize, bool)> {
        if reader.peek() == Some(b'{') {
            let keys: &[&[u8]] = &[b"message", b"error", b"errors", b"warning"];
            return Err(words::of_object(reader, keys, "an array of rows"));
        }
        let mut elements = reader.array("an array of rows")?;
        let (mut count, mut is_cut) = (0, false);
        while reader.next_element(&mut elements)? {
            count += 1;
            is_cut |= match role {
                Role::Prices => self.price(reader)?,
                Role::Dividends | Role::Splits => self.action(role, reader)?,
            };
        }
        reader.finish()?;
        Ok((count, is_cut))
    }

    #[inline]
    fn price(&mut self, reader: &mut Reader<'_>) -> Result<bool> {
        let (mut row, mut members) = match Row::enter(reader, Writing::Plain)? {
            Ok(entered) => entered,
            Err(position) => {
                record::no_object(reader.bytes(), position, self.rows)?;
                return Ok(false);
            }
        };
        let mut is_cut = false;
        while let Some(key) = self.rows.keys.next(reader, &mut members)? {
            match key.as_ref() {
                b"date" => row.date(reader, exact::iso, DATE)?,
                b"open" => row.price(reader, BarField::Open)?,
                b"high" => row.price(reader, BarField::High)?,
                b"low" => row.price(reader, BarField::Low)?,
                b"close" => row.price(reader, BarField::Close)?,
                b"adjusted_close" => row.price(reader, BarField::AdjClose)?,
                b"volume" => row.volume(reader)?,
                b"warning" => is_cut |= self.warning(reader)?,
                _ => reader.skip()?,
            }
        }
        // A warning may also have a row of its own.
        if !(is_cut && row.is_blank()) {
            row.finish(reader.bytes(), self.rows)?;
        }
        Ok(is_cut)
    }

    fn action(&mut self, role: Role, reader: &mut Reader<'_>) -> Result<bool> {
        let kind = if role == Role::Splits { ActionKind::Split } else { ActionKind::Dividend };
        let json = reader.bytes();
        let (mut row, mut members) = match Row::enter(reader, Writing::Plain)? {
            Ok(entered) => entered,
            Err(position) => {
                let event = Err("it is not an object");
                let place = (kind, None, position);
                self.events.push(place, event, json, self.rows, self.warnings)?;
                return Ok(false);
            }
        };
        let (mut paid, mut ratio, mut is_cut) = (None, None, false);
        while let Some(key) = reader.next_key(&mut members)? {
            match key.as_ref() {
                b"date" => row.date(reader, exact::iso, DATE)?,
                b"unadjustedValue" => paid = Some(row.beside(reader, Key::Dividend)?),
                b"split" => ratio = row.text(reader, Key::Split)?,
                b"warning" => is_cut |= self.warning(reader)?,
                _ => reader.skip()?,
            }
        }
        if is_cut && row.is_blank() {
            return Ok(true);
        }
        let event = match role {
            Role::Splits => ratio
                .and_then(|ratio| parse_ratio(ratio.as_bytes()))
                .map(CorporateEvent::Split)
                .ok_or("it has no ratio such as \"4.000000/1.000000\", both sides above 0"),
            _ if paid.is_none() => Err("it has no \"unadjustedValue\", the amount as paid"),
            _ => record::dividend(paid),
        };
        let place = (kind, row.date, row.position);
        self.events.push(place, event, json, self.rows, self.warnings)?;
        Ok(is_cut)
    }

    /// Reads the vendor's warning; whether there is one.
    #[cold]
    fn warning(&mut self, reader: &mut Reader<'_>) -> Result<bool> {
        if reader.null()? {
            return Ok(false);
        }
        let (text, position) = words::read(reader)?;
        self.warnings.push(position, || WarningKind::Vendor { words: words::quoted(&text) });
        Ok(true)
    }
}

#[cfg(test)]
#[path = "eodhd_tests.rs"]
mod tests;
