//! The histories of many symbols in one answer.

use std::collections::HashMap;

use cream_models::{Symbol, Vendor};
use cream_store::{Reader, Series, Stock, Store};

use super::Long;
use super::ask::{Ask, Head, Tail, header_name, why_empty};
use super::source::Source;
use crate::adjusted;
use crate::answer::{Answer, Body, Content, Rows, tag};
use crate::cursor::Fingerprint;
use crate::formats::{Document, FORMATS};
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType};
use crate::params::{Params, encode};
use crate::periods::CHUNK;
use crate::problem::{ApiError, ErrorCode};
use crate::state::{choose_series, unknown_symbol};
use crate::streams::Outlet;

/// Symbols in a request at most.
const MAX_SYMBOLS: usize = 2_000;
/// Bars of a symbol at most, where `limit` is given.
const MAX_LIMIT: u32 = super::query::MAX_LIMIT;
/// As much of a header as symbols that failed may take.
const MAX_FAILED_LEN: usize = 2_048;

pub(super) struct ManyQuery {
    /// As asked for, in that order: each a symbol, or why it is none.
    symbols: Vec<Result<Symbol, Failure>>,
    vendor: Option<Vendor>,
    ask: Ask,
    pub(super) media: MediaType,
}

/// Why a symbol has no bars in the answer.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    symbol: String,
    code: ErrorCode,
    detail: String,
}

impl Failure {
    fn new(symbol: &str, error: &ApiError) -> Self {
        Self { symbol: symbol.to_owned(), code: error.code(), detail: error.detail().to_owned() }
    }
}

/// What became of a symbol.
pub(crate) enum Outcome {
    Ok(Stock, Box<Series>),
    Failed(Failure),
}

impl Outcome {
    /// The facts about it, as JSON.
    pub(crate) fn write(&self, ask: &Ask, object: &mut Object<'_>) {
        match self {
            Self::Ok(stock, series) => {
                object.string("symbol", stock.symbol.as_str());
                object.string("outcome", "ok");
                Head { ask, stock, series, limit: None }.write_series(object);
                object.string("price_basis", ask.price_basis(series).name());
            }
            Self::Failed(Failure { symbol, code, detail }) => {
                object.string("symbol", symbol);
                object.string("outcome", code.code());
                object.string("detail", detail);
            }
        }
    }

    const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Ok(..) => None,
            Self::Failed(failure) => Some(failure),
        }
    }
}

impl ManyQuery {
    pub(super) fn read(
        mut params: Params,
        by_accept: impl FnOnce() -> Result<MediaType, ApiError>,
    ) -> Result<Self, ApiError> {
        let symbols = read_symbols(&mut params);
        let vendor = params.vendor();
        let span = params.range();
        let order = Ask::order(&mut params);
        // Without one, all there is: it is sent as it is read.
        let limit = params.limit(u32::MAX, MAX_LIMIT);
        let media = params.word("format", &FORMATS);
        let interval = Ask::interval(&mut params);
        let adjustment = Ask::adjustment(&mut params);
        params.finish()?;
        // What the query asks for goes before what the header likes.
        let media = media.map_or_else(by_accept, Ok)?;
        let ask = Ask { span, interval, adjustment, order, limit };
        Ok(Self { symbols, vendor, ask, media })
    }
}

/// Every symbol of the list; what is none is an outcome and no error of the request.
fn read_symbols(params: &mut Params) -> Vec<Result<Symbol, Failure>> {
    let Some(text) = params.text("symbols").filter(|text| !text.is_empty()) else {
        let message = "expected the symbols wanted, between commas; a symbol named HISTORY is \
                       read from /stock-data/HISTORY, in capitals";
        params.wrong("symbols", "", message);
        return Vec::new();
    };
    let count = text.split(',').count();
    if count > MAX_SYMBOLS {
        let message = format!("expected at most {MAX_SYMBOLS} symbols, not {count}");
        params.wrong("symbols", &text, message);
        return Vec::new();
    }
    let mut seen = HashMap::with_capacity(count);
    let mut symbols = Vec::with_capacity(count);
    for text in text.split(',') {
        let symbol = Symbol::parse(text);
        let name = symbol.as_ref().map_or(text, Symbol::as_str).to_owned();
        if seen.insert(name, ()).is_some() {
            params.wrong("symbols", text, "this symbol is named more than once");
        }
        symbols.push(symbol.map_err(|error| {
            let shown: String = text.chars().take(64).collect();
            Failure::new(&shown, &ApiError::new(ErrorCode::InvalidSymbol, error.to_string()))
        }));
    }
    symbols
}

pub(super) struct Many {
    pub(super) query: ManyQuery,
    pub(super) held: IfNoneMatch,
    pub(super) is_head: bool,
}

/// What became of all of them, in the state that the tag names.
struct Found {
    outcomes: Vec<Outcome>,
    tag: String,
}

impl Many {
    /// Finds every series. Two statements take 500 symbols, so that a request which is answered
    /// with "unchanged" costs little.
    fn find(&self, reader: &mut Reader<'_>) -> Result<Result<Found, Answer>, ApiError> {
        let query = &self.query;
        let symbols: Vec<&Symbol> = query.symbols.iter().flatten().collect();
        let held = reader.stocks_named(&symbols)?;
        let mut held: HashMap<Symbol, (Stock, Vec<Series>)> =
            held.into_iter().map(|found| (found.0.symbol.clone(), found)).collect();
        let mut outcomes = Vec::with_capacity(query.symbols.len());
        for symbol in &query.symbols {
            outcomes.push(match symbol {
                Ok(symbol) => self.find_one(reader, symbol, held.remove(symbol))?,
                Err(failure) => Outcome::Failed(failure.clone()),
            });
        }
        let state = Fingerprint::new("histories").part(query.media.name());
        let state = outcomes.iter().fold(query.ask.mark(state), |state, outcome| match outcome {
            Outcome::Ok(stock, series) => {
                state.part(query.ask.state("series", stock, series).hex(16))
            }
            Outcome::Failed(Failure { symbol, code, detail }) => {
                state.part(symbol).part(code.code()).part(detail)
            }
        });
        let tag = tag(state);
        Ok(Answer::unchanged(&self.held, &tag).map_or(Ok(Found { outcomes, tag }), Err))
    }

    fn find_one(
        &self,
        reader: &mut Reader<'_>,
        symbol: &Symbol,
        held: Option<(Stock, Vec<Series>)>,
    ) -> Result<Outcome, ApiError> {
        let refused = |error: &ApiError| Outcome::Failed(Failure::new(symbol.as_str(), error));
        let Some((stock, held)) = held else { return Ok(refused(&unknown_symbol(symbol))) };
        let (stock, series) = match choose_series(stock, held, self.query.vendor) {
            Ok(found) => found,
            Err(error) => return Ok(refused(&error)),
        };
        if let Some(adjustment) = self.query.ask.adjustment
            && let Err(error) = adjusted::check(reader, &series, adjustment)
        {
            // Of this symbol alone; anything else is a failure of the whole.
            let is_outcome = error.code() == ErrorCode::NotAdjustable;
            return if is_outcome { Ok(refused(&error)) } else { Err(error) };
        }
        Ok(Outcome::Ok(stock, Box::new(series)))
    }

    /// The answer without its bytes.
    fn body(&self, found: &Found) -> Body {
        let facts = match self.query.media {
            // They are within.
            MediaType::Json => Vec::new(),
            _ => facts(&self.query.ask, &found.outcomes),
        };
        let media = self.query.media;
        let (tag, rows) = (found.tag.clone(), Rows::default());
        Body { tag, media, content: Content::Omitted, next: None, facts, rows }
    }

    /// Writes all of it; `pass_on` may take away what is written.
    fn write(
        &self,
        reader: &mut Reader<'_>,
        found: &Found,
        bytes: &mut Vec<u8>,
        rows: &Rows,
        mut pass_on: impl FnMut(&mut Vec<u8>) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let ask = self.query.ask;
        let range = Some(ask.interval.widen(ask.span.range()));
        let mut document = Document::many(self.query.media, &ask, &found.outcomes)?;
        document.begin(bytes)?;
        for outcome in &found.outcomes {
            let Outcome::Ok(stock, series) = outcome else {
                document.failed(bytes, &ask, outcome);
                continue;
            };
            let mut source = Source::open(reader, (**series).clone(), ask, range)?;
            source.look_ahead(reader)?;
            let limit = source.told().limit;
            document.begin_series(bytes, &Head { ask: &ask, stock, series, limit });
            let mut count = 0;
            while let Some(bars) = source.next(reader)? {
                count += u64::try_from(bars.len()).unwrap_or(u64::MAX);
                document.bars(bytes, &bars)?;
                pass_on(bytes)?;
            }
            rows.add(count);
            let reason = (count == 0).then(|| why_empty(series, ask.whole_span()));
            document.end_series(bytes, &Tail { count, next: None, reason });
        }
        document.end(bytes)
    }
}

/// What of the answer stands in headers.
fn facts(ask: &Ask, outcomes: &[Outcome]) -> Vec<(String, String)> {
    let failed: Vec<&Failure> = outcomes.iter().filter_map(Outcome::failure).collect();
    let mut facts = vec![
        ("interval", ask.interval.to_string()),
        ("symbols_ok", (outcomes.len() - failed.len()).to_string()),
        ("symbols_failed", failed.len().to_string()),
    ];
    if let Some(adjustment) = ask.adjustment {
        facts.push(("adjustment", adjustment.to_string()));
    }
    let mut list = String::new();
    for Failure { symbol, code, .. } in failed {
        // What is no symbol may hold anything.
        let entry = format!("{}={code}", encode(symbol));
        if list.len() + entry.len() > MAX_FAILED_LEN {
            list.push_str(", ...");
            break;
        }
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(&entry);
    }
    if !list.is_empty() {
        facts.push(("outcomes", list));
    }
    facts.into_iter().map(|(name, value)| (header_name(name), value)).collect()
}

impl Long for Many {
    fn at_once(&self, store: &Store) -> Result<Option<Answer>, ApiError> {
        store.read_any(|reader| {
            let found = match self.find(reader)? {
                Ok(found) => found,
                Err(unchanged) => return Ok(Some(unchanged)),
            };
            if self.is_head {
                return Ok(Some(Answer::Body(self.body(&found))));
            }
            let ask = self.query.ask;
            let range = Some(ask.interval.widen(ask.span.range()));
            let days = found.outcomes.iter().map(|outcome| match outcome {
                Outcome::Ok(_, series) => ask.most_days(series, range),
                Outcome::Failed(_) => 0,
            });
            if days.sum::<u64>() > u64::from(CHUNK) {
                return Ok(None);
            }
            let mut bytes = Vec::new();
            let body = self.body(&found);
            self.write(reader, &found, &mut bytes, &body.rows, |_| Ok(()))?;
            Ok(Some(Answer::Body(Body { content: Content::Whole(bytes.into()), ..body })))
        })
    }

    fn stream(&self, store: &Store, outlet: &mut Outlet) -> Result<(), ApiError> {
        store.read_any(|reader| {
            // They may be in another state by now.
            let found = match self.find(reader)? {
                Ok(found) => found,
                Err(unchanged) => {
                    outlet.answer(unchanged);
                    return Ok(());
                }
            };
            let body = self.body(&found);
            let (mut bytes, rows) = (Vec::new(), body.rows.clone());
            outlet.begin(body);
            self.write(reader, &found, &mut bytes, &rows, |written| outlet.pass_on(written))?;
            outlet.send(&mut bytes)
        })
    }
}
