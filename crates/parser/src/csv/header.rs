//! What stands in which column, found from the first lines.

use cream_models::{ActionKind, ActionKinds, Vendor};
use memchr::memchr;

use super::date;
use super::record::{self, Field, MAX_COLUMNS};
use crate::error::{ParseError, Result, at, excerpt};
use crate::values::MAX_TEXT;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing that is read.
    Other,
    Date,
    /// The time of day, beside a date.
    Time,
    Open,
    High,
    Low,
    Close,
    AdjClose,
    Volume,
    Action(ActionKind),
    Symbol,
    Period,
}

/// How the rows are to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What each column holds.
    pub(crate) roles: Vec<Role>,
    pub(crate) separator: u8,
    /// Whether prices are whole numbers of 1e-4.
    pub(crate) is_lean: bool,
    /// The symbol that the header names.
    pub(crate) symbol: Option<String>,
    /// Where the first row begins.
    pub(crate) rows: usize,
}

/// The most bytes of a header line.
const MAX_LINE: usize = 64 * 1024;

/// A name in the header.
#[derive(Clone)]
struct Name {
    /// As it is written.
    raw: String,
    position: usize,
}

impl Name {
    /// In lower case, without what does not count.
    fn plain(&self) -> String {
        let kept = self.raw.chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '<' | '>'));
        kept.map(|c| c.to_ascii_lowercase()).collect()
    }
}

/// A line of the head.
struct Line {
    names: Vec<Name>,
    separator: u8,
    start: usize,
    next: usize,
}

impl Plan {
    /// Finds the columns.
    pub(crate) fn of(bytes: &[u8], start: usize) -> Result<Self> {
        let start = skip(bytes, start);
        let first = match bytes.get(start) {
            None => return Err(ParseError::Empty),
            Some(b'{' | b'[') => return Err(no_csv(bytes, start)),
            Some(_) => line(bytes, start, None)?,
        };
        if is_lean(&first) {
            return Ok(Self {
                roles: vec![
                    Role::Date,
                    Role::Open,
                    Role::High,
                    Role::Low,
                    Role::Close,
                    Role::Volume,
                ],
                separator: first.separator,
                is_lean: true,
                symbol: None,
                rows: start,
            });
        }
        if let Some(plan) = levels(bytes, &first)? {
            return Ok(plan);
        }
        let roles = roles(&first.names, first.start)?;
        let (separator, rows) = (first.separator, first.next);
        Ok(Self { roles, separator, is_lean: false, symbol: None, rows })
    }

    /// The kinds of action that have a column.
    pub(crate) fn told(&self) -> ActionKinds {
        let kinds = self.roles.iter().filter_map(|role| match role {
            Role::Action(kind) => Some(*kind),
            _ => None,
        });
        kinds.fold(ActionKinds::NONE, ActionKinds::with)
    }
}

/// Whose CSV begins here; see [`super::vendor`].
pub(crate) fn vendor(bytes: &[u8], start: usize) -> Option<Vendor> {
    let start = skip(bytes, start);
    let first = line(bytes, start, None).ok()?;
    if is_lean(&first) || levels(bytes, &first).is_ok_and(|plan| plan.is_some()) {
        return Some(Vendor::Csv);
    }
    let known = first.names.iter().filter(|name| role(name) != Role::Other).count();
    if known < 2 {
        return None;
    }
    let has = |plain: &str| first.names.iter().any(|name| name.plain() == plain);
    let own = ["divcash", "splitfactor", "adjvolume"].into_iter().filter(|name| has(name)).count();
    Some(if own >= 2 {
        Vendor::Tiingo
    } else if first.names.first().is_some_and(|name| name.raw == "timestamp") {
        Vendor::AlphaVantage
    } else if first.names.iter().any(|name| name.raw == "Adjusted_close") {
        Vendor::Eodhd
    } else {
        Vendor::Csv
    })
}

/// Where the first line begins that is neither blank nor a comment.
fn skip(bytes: &[u8], start: usize) -> usize {
    // White space was passed over before, but tabs separate a column without a name.
    let before = bytes.get(..start).unwrap_or_default();
    let mut pos = start - before.iter().rev().take_while(|byte| **byte == b'\t').count();
    loop {
        let rest = bytes.get(pos..).unwrap_or_default();
        let rest = rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest);
        let line_ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        pos = bytes.len() - rest.len() + line_ends;
        if bytes.get(pos) != Some(&b'#') {
            return pos;
        }
        let rest = bytes.get(pos..).unwrap_or_default();
        pos += memchr(b'\n', rest).unwrap_or(rest.len());
    }
}

/// Reads a line of the head.
fn line(bytes: &[u8], start: usize, separator: Option<u8>) -> Result<Line> {
    let rest = bytes.get(start..).unwrap_or_default();
    let within = rest.get(..MAX_LINE).unwrap_or(rest);
    let end = match memchr(b'\n', within) {
        Some(end) => start + end + 1,
        None if within.len() == rest.len() => bytes.len(),
        None => {
            return Err(ParseError::Syntax {
                position: at(start),
                expected: format!("a header line of at most {MAX_LINE} bytes"),
                found: excerpt(rest),
            });
        }
    };
    let head = bytes.get(..end).unwrap_or_default();
    let separator =
        separator.unwrap_or_else(|| separator_of(head.get(start..).unwrap_or_default()));
    let mut fields = Vec::new();
    let record = record::read(head, start, separator, &mut fields)?;
    if fields.len() > MAX_COLUMNS {
        return Err(ParseError::Syntax {
            position: at(start),
            expected: format!("at most {MAX_COLUMNS} columns"),
            found: excerpt(rest),
        });
    }
    let name = |field: &Field| Name {
        raw: String::from_utf8_lossy(field.text(bytes)).trim().replace("\"\"", "\""),
        position: field.start,
    };
    let names = fields.iter().map(name).collect();
    Ok(Line { names, separator, start, next: record.next })
}

/// What separates the names: the most frequent of comma, semicolon and tab outside of quotes, a
/// comma where none is.
fn separator_of(line: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        for (separator, count) in &mut counts {
            *count += usize::from(!quoted && byte == separator);
        }
    }
    // Of equal counts the last would be taken.
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(separator, _)| separator)
}

/// What a column of this name holds, `time` and `last` being what they are by themselves.
fn role(name: &Name) -> Role {
    match name.plain().as_str() {
        "date" | "timestamp" | "datetime" => Role::Date,
        "time" => Role::Time,
        "open" => Role::Open,
        "high" => Role::High,
        "low" => Role::Low,
        "close" | "close/last" | "last" => Role::Close,
        "adjclose" | "adjustedclose" => Role::AdjClose,
        "volume" | "vol" => Role::Volume,
        "dividend" | "dividends" | "divcash" | "dividendamount" => {
            Role::Action(ActionKind::Dividend)
        }
        "split" | "splits" | "stocksplit" | "stocksplits" | "splitfactor" | "splitcoefficient" => {
            Role::Action(ActionKind::Split)
        }
        "capitalgain" | "capitalgains" => Role::Action(ActionKind::CapitalGain),
        "ticker" | "symbol" => Role::Symbol,
        // Elsewhere it may be a price-earnings ratio.
        "per" if name.raw.starts_with('<') => Role::Period,
        _ => Role::Other,
    }
}

/// What the columns hold, by a header of one line.
fn roles(names: &[Name], start: usize) -> Result<Vec<Role>> {
    let mut roles: Vec<Role> = names.iter().map(role).collect();
    let has = |roles: &[Role], role: Role| roles.contains(&role);
    let pairs = || names.iter().zip(0_usize..);
    // `Last` is the close where there is no other, and the time is the date where it stands alone.
    if roles.iter().filter(|role| **role == Role::Close).count() > 1 {
        let lasts = pairs().filter(|(name, _)| name.plain() == "last").map(|(_, index)| index);
        let lasts: Vec<usize> = lasts.collect();
        if let [last] = lasts[..]
            && let Some(role) = roles.get_mut(last)
        {
            *role = Role::Other;
        }
    }
    if !has(&roles, Role::Date) {
        let stand_in = match roles.iter().position(|role| *role == Role::Time) {
            Some(time) => Some(time),
            None => names.first().filter(|name| name.raw.is_empty()).map(|_| 0),
        };
        if let Some(role) = stand_in.and_then(|index| roles.get_mut(index)) {
            *role = Role::Date;
        }
    }
    for (index, role) in roles.iter().enumerate() {
        let before = roles.get(..index).unwrap_or_default();
        if *role != Role::Other
            && before.contains(role)
            && let Some(name) = names.get(index)
        {
            let other = before.iter().position(|other| other == role);
            let other = other.and_then(|other| names.get(other)).map_or("", |name| &name.raw);
            return Err(ParseError::Syntax {
                position: at(name.position),
                expected: format!(
                    "one column of a kind, and there is {}",
                    excerpt(other.as_bytes())
                ),
                found: format!("column {}", excerpt(name.raw.as_bytes())),
            });
        }
    }
    let prices = [Role::Open, Role::High, Role::Low, Role::Close];
    if !has(&roles, Role::Date) || !prices.into_iter().any(|role| has(&roles, role)) {
        let mut found: Vec<String> =
            names.iter().take(20).map(|name| excerpt(name.raw.as_bytes())).collect();
        if names.len() > found.len() {
            found.push("…".to_owned());
        }
        return Err(ParseError::Syntax {
            position: at(start),
            expected: "a CSV header with Date and at least one of Open, High, Low and Close, and \
                       perhaps Adj Close, Volume, Dividends, Stock Splits, Capital Gains"
                .to_owned(),
            found: format!("header {}", found.join(", ")),
        });
    }
    Ok(roles)
}

/// Whether this is the first line of a daily equity file of Lean's: `20130102 00:00`, four prices
/// and a volume.
fn is_lean(line: &Line) -> bool {
    let [time, rest @ ..] = &line.names[..] else { return false };
    let is_number = |name: &Name| {
        name.raw.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !name.raw.is_empty()
    };
    time.raw.len() == 14
        && time.raw.as_bytes().get(8) == Some(&b' ')
        && date::day(time.raw.as_bytes()).is_ok()
        && rest.len() == 5
        && rest.iter().all(is_number)
}

/// Reads yfinance's head of three lines: what the columns are, whose they are (or the other way
/// around), and the name of the dates.
fn levels(bytes: &[u8], first: &Line) -> Result<Option<Plan>> {
    let label = |line: &Line| line.names.first().map(Name::plain).unwrap_or_default();
    if !matches!(label(first).as_str(), "" | "price" | "ticker") || first.names.len() < 2 {
        return Ok(None);
    }
    let Ok(second) = line(bytes, first.next, Some(first.separator)) else { return Ok(None) };
    let Ok(third) = line(bytes, second.next, Some(first.separator)) else { return Ok(None) };
    let is_third = third.names.first().is_some_and(|name| role(name) == Role::Date)
        && third.names.iter().skip(1).all(|name| name.raw.is_empty());
    let width = first.names.len();
    if !is_third || second.names.len() != width || third.names.len() != width {
        return Ok(None);
    }
    let is_turned = label(first) == "ticker" || label(&second) == "price";
    let (whose, what) =
        if is_turned { (&first.names, &second.names) } else { (&second.names, &first.names) };
    let mut symbols = whose.iter().skip(1);
    let symbol = symbols.next().map(|name| name.raw.clone()).unwrap_or_default();
    if let Some(other) = symbols.find(|name| name.raw != symbol) {
        return Err(several_symbols(symbol.as_bytes(), other.raw.as_bytes(), other.position));
    }
    let names: Vec<Name> = third.names.iter().take(1).chain(what.iter().skip(1)).cloned().collect();
    let roles = roles(&names, first.start)?;
    let symbol = Some(symbol).filter(|symbol| !symbol.is_empty() && symbol.len() <= MAX_TEXT);
    Ok(Some(Plan { roles, separator: first.separator, is_lean: false, symbol, rows: third.next }))
}

/// A file of several symbols, which is not split.
pub(crate) fn several_symbols(one: &[u8], other: &[u8], position: usize) -> ParseError {
    ParseError::Syntax {
        position: at(position),
        expected: format!("one symbol in a file, and there is {}", excerpt(one)),
        found: format!("symbol {}", excerpt(other)),
    }
}

fn no_csv(bytes: &[u8], start: usize) -> ParseError {
    ParseError::Syntax {
        position: at(start),
        expected: "CSV with a header".to_owned(),
        found: excerpt(bytes.get(start..).unwrap_or_default()),
    }
}
