//! Massive's (once Polygon's) daily aggregates, splits and dividends: `/v2/aggs/ticker/`, and
//! `/v3/reference/splits` and `/v3/reference/dividends` or, newer, `/stocks/v1/splits` and
//! `/stocks/v1/dividends`.
//!
//! Read: objects with `results`, an array of one object a day or an action. Aggregates have `o`, `h`,
//! `l`, `c`, `v` (a float, often in scientific notation) and `t`, the milliseconds since 1970 of a
//! midnight in New York, or in UTC for currencies (`C:`, `X:`); the object has `ticker`, `adjusted` and `resultsCount`. Splits have
//! `execution_date`, `split_to` and `split_from`; dividends have `ex_dividend_date`, `cash_amount`
//! and `currency`. Which of them an answer is, its address tells in a pull, and its first result
//! elsewhere. A page that is not the last has a `next_url`; where the last one is missing, nothing
//! is decided beyond what is there. A splits or dividends answer alone decides nothing about prices.
//!
//! Refused: prices not adjusted for splits (`"adjusted":false`), which would not go with the others
//! of this vendor; results of more than one ticker; a `status` of `ERROR`, `NOT_AUTHORIZED` or
//! `NOT_FOUND`, by its words. A result whose `t` is no midnight, as of shorter bars, is unreadable,
//! and so is a dividend in another currency than dollars.
//!
//! Described at <https://massive.com/docs/rest/stocks>.

use cream_models::{
    ActionKind, ActionKinds, BarField, CorporateEvent, Date, Price, PriceHistory, SplitRatio,
    Vendor,
};

use super::Source;
use crate::answer::Answer;
use crate::ask::{Ask, Cut};
use crate::error::{ParseError, Result, at, excerpt};
use crate::exact::{self, Cell, Writing};
use crate::json::Reader;
use crate::record::{self, Events, Key, Placed, Row};
use crate::rows::Rows;
use crate::values;
use crate::warnings::Warnings;
use crate::words;
use crate::zone::Zone;

pub(crate) struct Massive;

/// What an answer is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Prices,
    Splits,
    Dividends,
}

const DATE: &str = "a date such as 2024-12-31";
/// A day in milliseconds.
const DAY: i64 = 86_400_000;
/// Where the vendor's days begin.
const ZONE: &str = "America/New_York";

/// The pages about one thing.
#[derive(Clone, Copy, Default)]
struct Pages {
    all: usize,
    /// How many tell of a next one.
    more: usize,
    results: usize,
    is_short: bool,
}

impl Pages {
    /// Whether what the vendor has is not all here.
    const fn are_cut(self) -> bool {
        self.all == self.more || self.is_short
    }
}

impl Source for Massive {
    fn vendor(&self) -> Vendor {
        Vendor::Massive
    }

    fn owns_key(&self, key: &[u8]) -> bool {
        matches!(key, b"ticker" | b"queryCount" | b"resultsCount" | b"results" | b"request_id")
    }

    /// Case tells shares apart: `BACpL` is a preferred one.
    fn is_same_symbol(&self, asked: &str, found: &str) -> bool {
        asked == found
    }

    fn read(
        &self,
        answers: &[Answer<'_>],
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory> {
        let prices_answer = answers.iter().find(|answer| answer.asked("/v2/aggs/"));
        let start = prices_answer.or(answers.first()).map_or(0, |answer| at(answer.start()));
        let (mut prices, mut splits, mut dividends) =
            (Pages::default(), Pages::default(), Pages::default());
        let mut reading = Reading {
            rows: Rows::new(ask.limit),
            events: Events::new(ask.limit),
            ticker: None,
            utc: None,
            zone: Zone::named(ZONE).ok_or_else(|| ParseError::UnknownZone {
                name: ZONE.to_owned(),
                position: start,
            })?,
            warnings,
        };
        for answer in answers {
            let Some(mut reader) = answer.json() else { return Err(words::of_text(answer)) };
            let role = role(answer, &reader);
            let pages = match role {
                Role::Prices => &mut prices,
                Role::Splits => &mut splits,
                Role::Dividends => &mut dividends,
            };
            reading.answer(role, &mut reader, pages)?;
        }
        reading.check_utc()?;
        let Reading { mut rows, ticker, warnings, .. } = reading;
        if prices.all > 0 && prices.results == 0 || rows.is_empty() {
            return Err(ParseError::NoRows { place: "the results", position: start });
        }
        let mut told = ActionKinds::NONE;
        for (pages, kind) in [(splits, ActionKind::Split), (dividends, ActionKind::Dividend)] {
            if pages.all > 0 {
                told = told.with(kind);
                if pages.are_cut() {
                    rows.push_unreadable_action(None);
                }
            }
        }
        // Which end is missing depends on the order that was asked for.
        let is_cut = prices.all > 0 && prices.are_cut();
        let ask = if is_cut { ask.cut(Cut::Ends) } else { *ask };
        let mut history = PriceHistory::new(self.vendor());
        rows.finish(&mut history, told, &ask, warnings)?;
        let is_upper = |name: &&str| !name.bytes().any(|byte| byte.is_ascii_lowercase());
        history.symbol = ticker.as_deref().filter(is_upper).and_then(record::canonical);
        history.vendor_symbol = ticker;
        Ok(history)
    }
}

/// What an answer is about, by its address or else by its first result.
fn role(answer: &Answer<'_>, reader: &Reader<'_>) -> Role {
    for (part, role) in [
        ("/v2/aggs/", Role::Prices),
        ("/v3/reference/splits", Role::Splits),
        ("/stocks/v1/splits", Role::Splits),
        ("/v3/reference/dividends", Role::Dividends),
        ("/stocks/v1/dividends", Role::Dividends),
    ] {
        if answer.asked(part) {
            return role;
        }
    }
    let mut reader = reader.clone();
    let mut find = || -> Result<Role> {
        let mut members = reader.object("an object")?;
        while let Some(key) = reader.next_key(&mut members)? {
            if key.as_ref() == b"results" {
                break;
            }
            reader.skip()?;
        }
        let mut results = reader.array("an array")?;
        if !reader.next_element(&mut results)? {
            return Ok(Role::Prices);
        }
        let mut members = reader.object("a result")?;
        while let Some(key) = reader.next_key(&mut members)? {
            match key.as_ref() {
                b"execution_date" | b"split_from" | b"split_to" => return Ok(Role::Splits),
                b"ex_dividend_date" | b"cash_amount" => return Ok(Role::Dividends),
                b"t" | b"o" | b"h" | b"l" | b"c" => break,
                _ => reader.skip()?,
            }
        }
        Ok(Role::Prices)
    };
    // What is wrong with it is told by reading it.
    find().unwrap_or(Role::Prices)
}

struct Reading<'a> {
    rows: Rows,
    events: Events,
    /// The one ticker of all results.
    ticker: Option<String>,
    /// The first `t` that is a midnight in UTC, and what stands there: only days of currencies begin
    /// then, and the ticker may come behind its results.
    utc: Option<(usize, String)>,
    zone: Zone,
    warnings: &'a mut Warnings,
}

impl Reading<'_> {
    fn answer(&mut self, role: Role, reader: &mut Reader<'_>, pages: &mut Pages) -> Result<()> {
        let start = reader.clone();
        let mut members = reader.object("an object with the key \"results\"")?;
        let (mut status, mut text, mut count) = (None, None, None);
        let (mut results, mut is_adjusted, mut has_next) = (None, false, false);
        while let Some(key) = reader.next_key(&mut members)? {
            match key.as_ref() {
                b"results" if results.is_none() => {
                    results = Some(self.results(role, reader)?);
                }
                b"results" => return Err(reader.unexpected("the key \"results\" once")),
                b"ticker" => {
                    reader.peek();
                    let position = reader.pos;
                    if let Some(ticker) = values::text(reader)? {
                        self.named(ticker, position)?;
                    }
                }
                b"adjusted" => {
                    if reader.peek() != Some(b't') {
                        let expected = "true: prices adjusted for splits, asked with adjusted=true";
                        return Err(reader.unexpected(expected));
                    }
                    reader.skip()?;
                    is_adjusted = true;
                }
                b"resultsCount" => count = exact::volume(reader, Writing::Plain).map(Some)?,
                b"next_url" => has_next |= !reader.null()? && !words::read(reader)?.0.is_empty(),
                b"status" if status.is_none() => status = Some(words::read(reader)?),
                b"error" | b"message" if text.is_none() => text = Some(words::read(reader)?),
                _ => reader.skip()?,
            }
        }
        reader.finish()?;
        let refused = status.as_ref().is_some_and(|(status, _)| {
            ["ERROR", "NOT_AUTHORIZED", "NOT_FOUND"].contains(&status.as_str())
        });
        if refused || results.is_none() && text.is_some() {
            let (status, place) = status.unwrap_or_default();
            let (text, position) = text.unwrap_or((String::new(), place));
            return Err(words::refusal(&status, &text, position));
        }
        // Without results, only a success says that there are none.
        let is_success =
            status.as_ref().is_some_and(|(status, _)| ["OK", "DELAYED"].contains(&status.as_str()));
        if results.is_none() && !is_success {
            return Err(start.unexpected("an object with the key \"results\""));
        }
        let results = results.unwrap_or(0);
        if role == Role::Prices && results > 0 && !is_adjusted {
            let expected = "the key \"adjusted\", which tells the share count of the prices";
            return Err(start.unexpected(expected));
        }
        pages.all += 1;
        pages.more += usize::from(has_next);
        pages.results += results;
        if let Some(Cell::Known((count, _))) = count {
            pages.is_short |= usize::try_from(count).is_ok_and(|count| count > results);
        }
        Ok(())
    }

    /// Takes the name of a ticker: all are about one.
    fn named(&mut self, ticker: String, position: usize) -> Result<()> {
        match &self.ticker {
            Some(other) if *other != ticker => Err(ParseError::WrongSymbol {
                asked: excerpt(other.as_bytes()),
                found: excerpt(ticker.as_bytes()),
                position: at(position),
            }),
            _ => {
                self.ticker = Some(ticker);
                Ok(())
            }
        }
    }

    /// Reads the results; how many there are.
    fn results(&mut self, role: Role, reader: &mut Reader<'_>) -> Result<usize> {
        if reader.null()? {
            return Ok(0);
        }
        let mut elements = reader.array("an array of results")?;
        let mut count = 0;
        while reader.next_element(&mut elements)? {
            count += 1;
            if role == Role::Prices { self.price(reader)? } else { self.action(role, reader)? }
        }
        Ok(count)
    }

    #[inline]
    fn price(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let (mut row, mut members) = match Row::enter(reader, Writing::Plain)? {
            Ok(entered) => entered,
            Err(position) => return record::no_object(reader.bytes(), position, &mut self.rows),
        };
        while let Some(key) = self.rows.keys.next(reader, &mut members)? {
            match key.as_ref() {
                b"v" => row.volume(reader)?,
                b"o" => row.price(reader, BarField::Open)?,
                b"c" => row.price(reader, BarField::Close)?,
                b"h" => row.price(reader, BarField::High)?,
                b"l" => row.price(reader, BarField::Low)?,
                b"t" => {
                    row.note(reader, Key::Date)?;
                    reader.peek();
                    let position = reader.pos;
                    row.date = self.midnight(reader)?;
                    if row.date.is_none() {
                        row.odd("t", position, "the milliseconds of a midnight in New York");
                    }
                }
                b"T" => self.row_name(&mut row, reader)?,
                _ => reader.skip()?,
            }
        }
        row.finish(reader.bytes(), &mut self.rows)
    }

    fn row_name(&mut self, row: &mut Row, reader: &mut Reader<'_>) -> Result<()> {
        let position = reader.pos;
        match row.text(reader, Key::Symbol)? {
            Some(ticker) => self.named(ticker, position),
            None => Ok(()),
        }
    }

    /// Reads the beginning of a day, in milliseconds since 1970.
    #[inline]
    fn midnight(&mut self, reader: &mut Reader<'_>) -> Result<Option<Date>> {
        if !matches!(reader.peek(), Some(b'-' | b'0'..=b'9')) {
            reader.skip()?;
            return Ok(None);
        }
        let number = reader.number()?;
        let Some(millis) = number.integer(reader.bytes()) else { return Ok(None) };
        let seconds = millis.div_euclid(1000);
        let date = self.zone.date(seconds);
        let before = seconds.checked_sub(1).and_then(|seconds| self.zone.date(seconds));
        if millis.rem_euclid(DAY) == 0 {
            self.utc.get_or_insert_with(|| (number.start, excerpt(number.text(reader.bytes()))));
            let days = i32::try_from(millis.div_euclid(DAY)).ok();
            return Ok(days.and_then(Date::from_days));
        }
        Ok(date.filter(|_| millis.rem_euclid(1000) == 0 && before != date))
    }

    /// Refuses days that begin in UTC where they are not a currency's.
    fn check_utc(&mut self) -> Result<()> {
        let is_currency =
            |ticker: &String| ["C:", "X:"].iter().any(|prefix| ticker.starts_with(prefix));
        match self.utc.take() {
            Some((position, found)) if !self.ticker.as_ref().is_some_and(is_currency) => {
                let expected = "the milliseconds of a midnight in New York".to_owned();
                Err(ParseError::Syntax { position: at(position), expected, found })
            }
            _ => Ok(()),
        }
    }

    fn action(&mut self, role: Role, reader: &mut Reader<'_>) -> Result<()> {
        let kind = if role == Role::Splits { ActionKind::Split } else { ActionKind::Dividend };
        let json = reader.bytes();
        let (mut row, mut members) = match Row::enter(reader, Writing::Plain)? {
            Ok(entered) => entered,
            Err(position) => {
                let (place, event) = ((kind, None, position), Err("it is not an object"));
                return self.events.push(place, event, json, &mut self.rows, self.warnings);
            }
        };
        let (mut to, mut from, mut cash, mut currency) = (None, None, None, None);
        let is_split = role == Role::Splits;
        while let Some(key) = reader.next_key(&mut members)? {
            match key.as_ref() {
                b"execution_date" if is_split => row.date(reader, exact::iso, DATE)?,
                b"ex_dividend_date" if !is_split => row.date(reader, exact::iso, DATE)?,
                b"split_to" if is_split => to = Some(row.beside(reader, Key::Split)?),
                b"split_from" if is_split => from = Some(row.beside(reader, Key::Other)?),
                b"cash_amount" if !is_split => cash = Some(row.beside(reader, Key::Dividend)?),
                b"currency" if !is_split => currency = row.text(reader, Key::Currency)?,
                b"ticker" => self.row_name(&mut row, reader)?,
                _ => reader.skip()?,
            }
        }
        let event = match role {
            Role::Splits => ratio(to, from),
            _ => record::dollars(cash, currency.as_deref()),
        };
        let place = (kind, row.date, row.position);
        self.events.push(place, event, json, &mut self.rows, self.warnings)
    }
}

fn ratio(to: Option<Placed>, from: Option<Placed>) -> Result<CorporateEvent, &'static str> {
    let side = |side: Option<Placed>| match side {
        Some((Cell::Known((nanos, false)), _)) => Some(Price::from_nanos(nanos)),
        _ => None,
    };
    side(to)
        .zip(side(from))
        .and_then(|(to, from)| SplitRatio::new(to, from).ok())
        .map(CorporateEvent::Split)
        .ok_or("it has no \"split_to\" and \"split_from\" above 0")
}

#[cfg(test)]
#[path = "massive_tests.rs"]
mod tests;
