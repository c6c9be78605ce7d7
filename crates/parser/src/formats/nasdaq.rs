//! Nasdaq's historical quotes and dividends, `/api/quote/<symbol>/historical` and `/dividends`.
//!
//! Read: an object with `data` and `status`. Prices are `data.tradesTable.rows`, one object a day with
//! `date`, `open`, `high`, `low`, `close` and `volume`; `data.symbol` and `data.totalRecords` stand
//! beside them. Dividends are `data.dividends.rows`, with `exOrEffDate`, `type`, `amount` and
//! `currency`. All values are strings as a page would show them: `08/14/2026`, `$1,507.18`,
//! `13,132,340`; `--` and `N/A` are unknown. There are no splits. Where fewer rows are there than
//! `totalRecords`, the answer decides from its first row on. A dividends answer alone decides nothing
//! about prices. One without rows but with a `message` tells nothing of dividends: of what is listed
//! elsewhere, as most of New York's is, Nasdaq says so that it has none to tell.
//!
//! Refused: a `status.rCode` other than 200 and `data` of null, by the words that stand with it: an
//! unknown symbol comes with status 200 too. Dividends that are not cash, or not in dollars, are
//! unreadable.
//!
//! Nasdaq does not describe it; what is known was learnt from answers.

use cream_models::{ActionKind, ActionKinds, BarField, PriceHistory, Vendor, WarningKind};

use super::Source;
use crate::answer::Answer;
use crate::ask::{Ask, Cut};
use crate::error::{ParseError, Result, at, excerpt};
use crate::exact::{self, Cell, Writing};
use crate::finish::RowLimit;
use crate::json::Reader;
use crate::record::{self, Events, Key, Row};
use crate::rows::Rows;
use crate::values::{self, value_at};
use crate::warnings::Warnings;
use crate::words;

pub(crate) struct Nasdaq;

const DATE: &str = "a date such as 12/31/2024";

impl Source for Nasdaq {
    fn vendor(&self) -> Vendor {
        Vendor::Nasdaq
    }

    fn owns_key(&self, key: &[u8]) -> bool {
        key == b"data"
    }

    fn read(
        &self,
        answers: &[Answer<'_>],
        ask: &Ask,
        warnings: &mut Warnings,
    ) -> Result<PriceHistory> {
        let mut reading = Reading::new(ask.limit, warnings);
        for answer in answers {
            let Some(mut reader) = answer.json() else { return Err(words::of_text(answer)) };
            let is_prices = answer.asked("/historical");
            reading.answer(&mut reader, is_prices)?;
        }
        let Reading { rows, symbol, prices, total, has_prices, has_dividends, warnings, .. } =
            reading;
        if has_prices && prices == 0 || rows.is_empty() {
            let prices_answer = answers.iter().find(|answer| answer.asked("/historical"));
            let position = prices_answer.or(answers.first()).map_or(0, |a| at(a.start()));
            return Err(ParseError::NoRows { place: "the data", position });
        }
        let told = if has_dividends {
            ActionKinds::NONE.with(ActionKind::Dividend)
        } else {
            ActionKinds::NONE
        };
        // Newest first: what is missing is older.
        let ask = if total > prices { ask.cut(Cut::Start) } else { *ask };
        let mut history = PriceHistory::new(self.vendor());
        rows.finish(&mut history, told, &ask, warnings)?;
        history.symbol = symbol.as_deref().and_then(record::canonical);
        history.vendor_symbol = symbol;
        Ok(history)
    }
}

struct Reading<'a> {
    rows: Rows,
    events: Events,
    symbol: Option<String>,
    /// How many rows of prices there are, and how many the vendor says it has.
    prices: usize,
    total: usize,
    /// How many rows of dividends there are.
    dividends: usize,
    has_prices: bool,
    has_dividends: bool,
    warnings: &'a mut Warnings,
}

/// What stands in one `data`.
#[derive(Default)]
struct Data {
    is_there: bool,
    has_prices: bool,
    has_dividends: bool,
}

impl<'a> Reading<'a> {
    fn new(limit: RowLimit, warnings: &'a mut Warnings) -> Self {
        Self {
            rows: Rows::new(limit),
            events: Events::new(limit),
            symbol: None,
            prices: 0,
            total: 0,
            dividends: 0,
            has_prices: false,
            has_dividends: false,
            warnings,
        }
    }

    fn answer(&mut self, reader: &mut Reader<'_>, is_prices: bool) -> Result<()> {
        let start = reader.clone();
        let dividends = self.dividends;
        let mut members = reader.object("an object with the key \"data\"")?;
        let (mut data, mut refused, mut text) = (None, None, None);
        while let Some(key) = reader.next_key(&mut members)? {
            match key.as_ref() {
                b"data" if data.is_none() => data = Some(self.data(reader)?),
                b"data" => return Err(reader.unexpected("the key \"data\" once")),
                b"status" if refused.is_none() => refused = status(reader)?,
                b"message" => {
                    if !reader.null()? {
                        text = Some(words::read(reader)?).filter(|(text, _)| !text.is_empty());
                    }
                }
                _ => reader.skip()?,
            }
        }
        reader.finish()?;
        let data = match data {
            Some(data) if data.is_there && refused.is_none() => data,
            None if refused.is_none() && text.is_none() => {
                return Err(start.unexpected("an object with the key \"data\""));
            }
            _ => return Err(refusal(refused, text, start.pos)),
        };
        if !data.has_dividends && !data.has_prices && !is_prices {
            return Err(start.unexpected("data with \"tradesTable\" or \"dividends\""));
        }
        self.has_prices |= data.has_prices || is_prices;
        // Words in place of rows are no statement that there was none.
        let is_told = self.dividends > dividends || text.is_none();
        self.has_dividends |= data.has_dividends && is_told;
        if let Some((text, position)) = text {
            self.warnings.push(position, || WarningKind::Vendor { words: words::quoted(&text) });
        }
        Ok(())
    }

    fn data(&mut self, reader: &mut Reader<'_>) -> Result<Data> {
        let mut data = Data::default();
        if reader.null()? {
            return Ok(data);
        }
        data.is_there = true;
        let mut members = reader.object("an object with \"tradesTable\" or \"dividends\"")?;
        while let Some(key) = reader.next_key(&mut members)? {
            match key.as_ref() {
                b"symbol" => {
                    reader.peek();
                    let position = reader.pos;
                    if let Some(symbol) = values::text(reader)? {
                        self.named(symbol, position)?;
                    }
                }
                b"totalRecords" => {
                    if let Cell::Known((total, _)) = exact::volume(reader, Writing::Shown)? {
                        self.total = self.total.max(usize::try_from(total).unwrap_or(usize::MAX));
                    }
                }
                b"tradesTable" if !data.has_prices => {
                    data.has_prices = true;
                    self.table(reader, Self::price)?;
                }
                b"dividends" if !data.has_dividends => {
                    data.has_dividends = true;
                    self.table(reader, Self::dividend)?;
                }
                b"tradesTable" | b"dividends" => return Err(reader.unexpected("each key once")),
                _ => reader.skip()?,
            }
        }
        Ok(data)
    }

    fn named(&mut self, symbol: String, position: usize) -> Result<()> {
        match &self.symbol {
            Some(other) if !other.eq_ignore_ascii_case(&symbol) => Err(ParseError::WrongSymbol {
                asked: excerpt(other.as_bytes()),
                found: excerpt(symbol.as_bytes()),
                position: at(position),
            }),
            _ => {
                self.symbol = Some(symbol);
                Ok(())
            }
        }
    }

    /// Reads the rows of a table.
    fn table(
        &mut self,
        reader: &mut Reader<'_>,
        row: impl Fn(&mut Self, &mut Reader<'_>) -> Result<()>,
    ) -> Result<()> {
        if reader.null()? {
            return Ok(());
        }
        let mut members = reader.object("a table with the key \"rows\"")?;
        let mut has_rows = false;
        while let Some(key) = reader.next_key(&mut members)? {
            match key.as_ref() {
                b"rows" if !has_rows => {
                    has_rows = true;
                    if reader.null()? {
                        continue;
                    }
                    let mut elements = reader.array("an array of rows")?;
                    while reader.next_element(&mut elements)? {
                        row(self, reader)?;
                    }
                }
                b"rows" => return Err(reader.unexpected("the key \"rows\" once")),
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    #[inline]
    fn price(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.prices += 1;
        let (mut row, mut members) = match Row::enter(reader, Writing::Shown)? {
            Ok(entered) => entered,
            Err(position) => return record::no_object(reader.bytes(), position, &mut self.rows),
        };
        while let Some(key) = self.rows.keys.next(reader, &mut members)? {
            match key.as_ref() {
                b"date" => row.date(reader, exact::american, DATE)?,
                b"open" => row.price(reader, BarField::Open)?,
                b"high" => row.price(reader, BarField::High)?,
                b"low" => row.price(reader, BarField::Low)?,
                b"close" => row.price(reader, BarField::Close)?,
                b"volume" => row.volume(reader)?,
                _ => reader.skip()?,
            }
        }
        row.finish(reader.bytes(), &mut self.rows)
    }

    fn dividend(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.dividends += 1;
        let json = reader.bytes();
        let (mut row, mut members) = match Row::enter(reader, Writing::Shown)? {
            Ok(entered) => entered,
            Err(position) => {
                let place = (ActionKind::Dividend, None, position);
                let event = Err("it is not an object");
                return self.events.push(place, event, json, &mut self.rows, self.warnings);
            }
        };
        let (mut kind, mut amount, mut currency) = (None, None, None);
        while let Some(key) = reader.next_key(&mut members)? {
            match key.as_ref() {
                b"exOrEffDate" => row.date(reader, exact::american, DATE)?,
                b"type" => kind = row.text(reader, Key::Kind)?,
                b"amount" => amount = Some(row.beside(reader, Key::Dividend)?),
                b"currency" => currency = row.text(reader, Key::Currency)?,
                _ => reader.skip()?,
            }
        }
        let event = if is_cash(kind.as_deref().unwrap_or_default()) {
            record::dollars(amount, currency.as_deref().filter(|code| *code != "N/A"))
        } else {
            Err("its type is not cash")
        };
        let place = (ActionKind::Dividend, row.date, row.position);
        self.events.push(place, event, json, &mut self.rows, self.warnings)
    }
}

/// Whether a type of dividend is cash and nothing else: `Cash`, `Special Cash`.
fn is_cash(kind: &str) -> bool {
    let is_known = |word: &str| {
        ["cash", "special", "extra", "regular"].iter().any(|known| word.eq_ignore_ascii_case(known))
    };
    kind.split_whitespace().any(|word| word.eq_ignore_ascii_case("cash"))
        && kind.split_whitespace().all(is_known)
}

/// The code and the words of a status, and where it stands; `None` where it is a success.
fn status(reader: &mut Reader<'_>) -> Result<Option<(String, String, usize)>> {
    if reader.null()? {
        return Ok(None);
    }
    reader.peek();
    let position = reader.pos;
    let mut members = reader.object("an object with the key \"rCode\"")?;
    let (mut code, mut text) = (None, String::new());
    while let Some(key) = reader.next_key(&mut members)? {
        match key.as_ref() {
            b"rCode" => {
                reader.peek();
                let place = reader.pos;
                reader.skip()?;
                code = Some(value_at(reader.bytes(), place));
            }
            b"bCodeMessage" => messages(reader, &mut text)?,
            _ => reader.skip()?,
        }
    }
    let code = code.map(|code| code.trim_matches('"').to_owned()).unwrap_or_default();
    Ok((code != "200").then_some((code, text, position)))
}

/// Takes the first `errorMessage` of an array of objects.
fn messages(reader: &mut Reader<'_>, text: &mut String) -> Result<()> {
    if reader.peek() != Some(b'[') {
        return reader.skip();
    }
    let mut elements = reader.array("an array of messages")?;
    while reader.next_element(&mut elements)? {
        if reader.peek() != Some(b'{') {
            reader.skip()?;
            continue;
        }
        let mut members = reader.object("a message")?;
        while let Some(key) = reader.next_key(&mut members)? {
            if key.as_ref() == b"errorMessage" && text.is_empty() {
                *text = words::read(reader)?.0;
            } else {
                reader.skip()?;
            }
        }
    }
    Ok(())
}

/// The refusal of an answer without data. Without words it is what an unknown symbol gets.
fn refusal(
    status: Option<(String, String, usize)>,
    message: Option<(String, usize)>,
    start: usize,
) -> ParseError {
    let (code, mut text, mut position) = status.unwrap_or((String::new(), String::new(), start));
    if let Some((message, place)) = message.filter(|_| text.is_empty()) {
        (text, position) = (message, place);
    }
    // An unknown symbol's code is 400, and so is that of dates that it does not take.
    if text.is_empty() && matches!(code.as_str(), "" | "400" | "404") {
        let (code, description) = (words::scrubbed(&code), "no data".to_owned());
        return ParseError::NotFound { code, description, position: at(position) };
    }
    words::refusal(&code, &text, position)
}

#[cfg(test)]
#[path = "nasdaq_tests.rs"]
mod tests;
