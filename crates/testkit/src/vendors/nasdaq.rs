//! Nasdaq's historical quotes and dividends, as its own pages ask for them.

use cream_models::{CorporateEvent, Date, Price, Vendor};

use super::basis::{self, Day};
use super::http::{Answer, HTML, JSON, Request};
use super::world::{Format, Found, Saying, World, dates};
use crate::json::Json;

/// The rows of an answer to a request without a limit.
const DEFAULT_LIMIT: usize = 10;

pub(crate) struct Nasdaq;

impl Format for Nasdaq {
    fn answer(&self, world: &World, request: &Request) -> Answer {
        if !request.header("user-agent").is_some_and(|agent| agent.starts_with("Mozilla/")) {
            return denied();
        }
        let segments = request.segments();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let [_, _, symbol, what @ ("historical" | "dividends")] = segments[..] else {
            return self.says(Saying::UnknownSymbol, request);
        };
        let found = world.find(Vendor::Nasdaq, symbol);
        let asset_class = request.query("assetclass");
        let is_of_class =
            |found: &Found| asset_class.as_deref() == Some(asset_class_of(&found.instrument));
        let Some(found) = found.filter(is_of_class) else {
            return self.says(Saying::UnknownSymbol, request);
        };
        if what == "dividends" {
            return dividends(&found);
        }
        let Some(range) = dates(request, "fromdate", "todate") else {
            return refused("Invalid date: expected YYYY-MM-DD.");
        };
        let mut days = found.instrument.days();
        days.retain(|day| range.contains(day.date));
        days.reverse();
        let total = days.len();
        let limit = request.query("limit").and_then(|limit| limit.parse().ok());
        days.truncate(limit.unwrap_or(DEFAULT_LIMIT));
        let sign = if asset_class.as_deref() == Some("index") { "" } else { "$" };
        let rows = days.iter().map(|day| row(day, sign)).collect();
        Answer::healthy(JSON, historical(&found.name, total, rows))
    }

    fn says(&self, saying: Saying, request: &Request) -> Answer {
        match saying {
            Saying::TooFast => Answer::other(429, HTML, "<html><body>Too many</body></html>"),
            // Nasdaq has no accounts: who asks too much is shut out for a while.
            Saying::QuotaSpent | Saying::BadKey => denied(),
            Saying::UnknownSymbol => refused("Symbol not exists."),
            Saying::NoData => {
                let segments = request.segments();
                let symbol = segments.get(2).map_or("", String::as_str);
                Answer::other(200, JSON, historical(symbol, 0, Vec::new()))
            }
        }
    }
}

fn denied() -> Answer {
    Answer::other(
        403,
        HTML,
        "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\nYou \
         don't have permission to access this on this server.\n</BODY></HTML>\n",
    )
}

/// A refusal, which comes with the HTTP status 200.
fn refused(text: &str) -> Answer {
    let reason = Json::object([("code", Json::raw(1001)), ("errorMessage", Json::text(text))]);
    let body = enveloped(Json::raw("null"), 400, Json::List(vec![reason]));
    Answer::other(200, JSON, body)
}

fn enveloped(data: Json, code: u16, reason: Json) -> Vec<u8> {
    let status = Json::object([
        ("rCode", Json::raw(code)),
        ("bCodeMessage", reason),
        ("developerMessage", Json::raw("null")),
    ]);
    Json::object([("data", data), ("message", Json::raw("null")), ("status", status)]).compact()
}

fn asset_class_of(instrument: &super::Instrument) -> &'static str {
    match instrument.series().listing.kind.as_str() {
        "ETF" => "etf",
        "INDEX" => "index",
        "MUTUALFUND" => "mutualfunds",
        _ => "stocks",
    }
}

fn historical(symbol: &str, total: usize, rows: Vec<Json>) -> Vec<u8> {
    let headers = Json::object([
        ("date", Json::text("Date")),
        ("close", Json::text("Close/Last")),
        ("volume", Json::text("Volume")),
        ("open", Json::text("Open")),
        ("high", Json::text("High")),
        ("low", Json::text("Low")),
    ]);
    let table = Json::object([
        ("asOf", Json::raw("null")),
        ("headers", headers),
        ("rows", Json::List(rows)),
    ]);
    let data = Json::object([
        ("symbol", Json::text(symbol)),
        ("totalRecords", Json::raw(total)),
        ("tradesTable", table),
    ]);
    enveloped(data, 200, Json::raw("null"))
}

fn row(day: &Day, sign: &str) -> Json {
    let [open, high, low, close] = day
        .split_adjusted
        .map(|price| Json::Text(price.map_or("N/A".to_owned(), |price| money(price, sign))));
    let volume =
        day.known_volume().map_or("--".to_owned(), |volume| thousands(&volume.to_string()));
    Json::object([
        ("date", Json::Text(us_date(day.date))),
        ("close", close),
        ("volume", Json::Text(volume)),
        ("open", open),
        ("high", high),
        ("low", low),
    ])
}

fn dividends(found: &Found) -> Answer {
    let series = found.instrument.series();
    let currency = series.listing.currency.clone().unwrap_or("N/A".to_owned());
    let mut actions = basis::actions(series, Vendor::Nasdaq);
    actions.reverse();
    let rows = actions.iter().filter_map(|action| {
        let CorporateEvent::Dividend { amount } = action.event else { return None };
        let day = |offset: i32| {
            Json::Text(us_date(Date::from_days(action.date.days() + offset).unwrap_or(action.date)))
        };
        Some(Json::object([
            ("exOrEffDate", day(0)),
            ("type", Json::text("Cash")),
            ("amount", Json::Text(money(amount, "$"))),
            ("declarationDate", Json::text("N/A")),
            ("recordDate", day(0)),
            ("paymentDate", day(6)),
            ("currency", Json::text(&currency)),
        ]))
    });
    let headers = Json::object([
        ("exOrEffDate", Json::text("Ex/EFF Date")),
        ("type", Json::text("Type")),
        ("amount", Json::text("Cash Amount")),
        ("declarationDate", Json::text("Declaration Date")),
        ("recordDate", Json::text("Record Date")),
        ("paymentDate", Json::text("Payment Date")),
    ]);
    let table = Json::object([
        ("asOf", Json::raw("null")),
        ("headers", headers),
        ("rows", Json::List(rows.collect())),
    ]);
    let newest = actions.first().map_or("N/A".to_owned(), |action| us_date(action.date));
    let label =
        Json::object([("label", Json::text("Ex-Dividend Date")), ("value", Json::text(&newest))]);
    let data = Json::object([
        ("dividendHeaderValues", Json::List(vec![label])),
        ("exDividendDate", Json::text(&newest)),
        ("dividends", table),
    ]);
    Answer::healthy(JSON, enveloped(data, 200, Json::raw("null")))
}

/// `06/13/2025`.
fn us_date(date: Date) -> String {
    let (year, month, day) = date.ymd();
    format!("{month:02}/{day:02}/{year:04}")
}

/// `$1,234.50`, with two digits behind the point or more.
fn money(price: Price, sign: &str) -> String {
    let text = price.to_string();
    let (minus, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{minus}{sign}{}.{fraction:0<2}", thousands(whole))
}

/// Whole digits with commas between thousands.
fn thousands(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::money;

    #[test]
    fn money_has_a_sign_commas_and_cents() {
        let text = |text: &str| money(text.parse().unwrap(), "$");
        assert_eq!(text("1234567.5"), "$1,234,567.50");
        assert_eq!(text("0.25"), "$0.25");
        assert_eq!(text("26.1796"), "$26.1796");
        assert_eq!(text("-37.63"), "-$37.63");
        assert_eq!(text("100"), "$100.00");
    }
}
