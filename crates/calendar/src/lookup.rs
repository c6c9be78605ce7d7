//! From a symbol and what its series says to a market.

use cream_models::Symbol;
use jiff::tz::TimeZone;

use crate::table::{self, Row};
use crate::{Days, Market};

/// The currencies, and the coins, in which coins are quoted.
const QUOTED_IN: [&str; 10] =
    ["USD", "EUR", "GBP", "JPY", "AUD", "CAD", "CHF", "KRW", "BTC", "ETH"];

/// When a day is over where nothing but the time zone is known: 18:00, when most exchanges are
/// closed.
const UNKNOWN_CLOSE: u16 = 18 * 60;

/// The market of a symbol, by the first of these that tells:
///
/// 1. the exchange as the vendor calls it: its code or name at Yahoo (`NMS`, `NasdaqGS`), its MIC
///    (`XNAS`), a common name (`NASDAQ`);
/// 2. the symbol, spelled as Yahoo does: what stands behind it (`BHP.AX`, `EURUSD=X`, `CL=F`,
///    `BTC-USD`), or that it is a well-known index (`^FTSE`);
/// 3. the series' time zone: the day is over at 18:00 there, Monday to Friday; for a symbol that
///    looks like an American one, at 16:00 if the zone is New York's;
/// 4. nothing: New York, 16:00.
///
/// Three cases of their own: currencies (`EURUSD=X`) and coins (`BTC-USD`) have no exchange, and
/// their day ends at midnight in the time zone that the series names; where it names none, at 17:00
/// in New York for currencies, and at midnight UTC for coins. An American symbol of five letters
/// that ends in X, or one that begins with 0P0000, is a fund, whose value is told in the evening.
///
/// A name or a zone that is not known counts as none.
#[must_use]
pub fn market_of(symbol: &Symbol, exchange: Option<&str>, time_zone: Option<&str>) -> Market {
    let symbol = symbol.as_str();
    let zone = time_zone.and_then(|name| TimeZone::get(name).ok());
    let row = exchange.and_then(by_exchange).or_else(|| by_symbol(symbol));
    match (row, zone) {
        (Some(row), Some(zone)) if row.has_no_exchange => {
            Market { time_zone: zone, close: 1440, ..row.market() }
        }
        (Some(row), _) => american(row, symbol),
        (None, None) => american(&table::US, symbol),
        (None, Some(_)) if is_plain(symbol) && time_zone.is_some_and(is_new_york) => {
            american(&table::US, symbol)
        }
        (None, Some(zone)) => Market {
            name: "unknown",
            time_zone: zone,
            close: UNKNOWN_CLOSE,
            days: Days::MONDAY_TO_FRIDAY,
        },
    }
}

/// The row's market, or that of funds.
fn american(row: &Row, symbol: &str) -> Market {
    let is_fund = symbol.starts_with("0P0000")
        || symbol.len() == 5
            && symbol.ends_with('X')
            && symbol.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_fund && row.name == table::US.name { table::US_FUNDS.market() } else { row.market() }
}

fn by_exchange(text: &str) -> Option<&'static Row> {
    // Vendors differ in spaces and capitals alone: "OTC Markets OTCPK", "NYSE American".
    let mut name = [0; table::LONGEST_NAME];
    let mut length = 0;
    for byte in text.bytes().filter(u8::is_ascii_alphanumeric) {
        *name.get_mut(length)? = byte.to_ascii_uppercase();
        length += 1;
    }
    let name = name.get(..length)?;
    table::rows().find(|row| row.names.iter().any(|known| known.as_bytes() == name))
}

fn by_symbol(symbol: &str) -> Option<&'static Row> {
    if symbol.starts_with('^') {
        let (_, name) = table::INDICES.iter().find(|(index, _)| *index == symbol)?;
        return table::rows().find(|row| row.name == *name);
    }
    if symbol.ends_with("=X") {
        return Some(&table::CURRENCIES);
    }
    if symbol.ends_with("=F") {
        return Some(&table::US_FUTURES);
    }
    if let Some((_, suffix)) = symbol.rsplit_once('.') {
        return table::rows().find(|row| row.suffixes.contains(&suffix));
    }
    match symbol.rsplit_once('-') {
        Some((coin, quoted_in))
            if QUOTED_IN.contains(&quoted_in)
                && coin.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            Some(&table::COINS)
        }
        _ => None,
    }
}

/// Without a suffix: at Yahoo, a symbol of the United States.
fn is_plain(symbol: &str) -> bool {
    !symbol.contains(['.', '^', '='])
}

fn is_new_york(time_zone: &str) -> bool {
    ["America/New_York", "US/Eastern"].iter().any(|name| name.eq_ignore_ascii_case(time_zone))
}
