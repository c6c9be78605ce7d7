//! Massive, once Polygon: aggregates, splits and dividends, in pages.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use cream_models::{CorporateEvent, Date, DateRange, Price, Timestamp, Vendor};

use super::basis::{self, Day};
use super::http::{Answer, JSON, Request};
use super::routes::key;
use super::world::{Format, Found, Saying, World, date, range};
use crate::Listing;
use crate::json::Json;

/// How far back a key of the free plan reaches, in days.
const FREE_DAYS: i32 = 2 * 365;

pub(crate) struct Massive;

impl Format for Massive {
    fn answer(&self, world: &World, request: &Request) -> Answer {
        let header = request.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
        let given = header.map(str::to_owned).or(request.query("apiKey"));
        match given {
            None => return error(request, 401, "API Key was not provided"),
            Some(given) if Some(given.as_str()) != key(Vendor::Massive) => {
                return self.says(Saying::BadKey, request);
            }
            Some(_) => {}
        }
        let segments = request.segments();
        match &segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["v2", "aggs", "ticker", ticker, "range", "1", "day", from, to] => {
                match day_of(from).zip(day_of(to)).and_then(|(from, to)| range(from, to)) {
                    Some(range) => aggregates(world, request, ticker, range),
                    None => error(request, 400, "Could not parse the time parameter: 'from', 'to'"),
                }
            }
            ["v3", "reference", "splits"] => reference(world, request, "execution_date", split),
            ["v3", "reference", "dividends"] => {
                reference(world, request, "ex_dividend_date", dividend)
            }
            _ => self.says(Saying::UnknownSymbol, request),
        }
    }

    fn says(&self, saying: Saying, request: &Request) -> Answer {
        match saying {
            Saying::TooFast | Saying::QuotaSpent => error(
                request,
                429,
                "You've exceeded the maximum requests per minute, please wait or upgrade your \
                 subscription to continue. https://massive.com/pricing",
            ),
            Saying::BadKey => error(request, 401, "Unknown API Key"),
            Saying::UnknownSymbol => {
                let status = Json::text("NOT_FOUND");
                let message = Json::text("Ticker not found.");
                let entries =
                    [("status", status), ("request_id", request_id(request)), ("message", message)];
                Answer::other(404, JSON, Json::object(entries).compact())
            }
            Saying::NoData => {
                let mut entries = vec![
                    ("queryCount".to_owned(), Json::raw(0)),
                    ("resultsCount".to_owned(), Json::raw(0)),
                    ("adjusted".to_owned(), Json::raw(true)),
                ];
                if let Some(ticker) = request.segments().get(3) {
                    entries.insert(0, ("ticker".to_owned(), Json::text(ticker)));
                } else {
                    entries = vec![("results".to_owned(), Json::List(Vec::new()))];
                }
                entries.push(("status".to_owned(), Json::text("OK")));
                entries.push(("request_id".to_owned(), request_id(request)));
                Answer::other(200, JSON, Json::Object(entries).compact())
            }
        }
    }
}

/// `2025-06-13`, or an instant in milliseconds.
fn day_of(text: &str) -> Option<Date> {
    let millis: Option<i64> = text.parse().ok().filter(|_| text.len() > 8);
    millis.map(|millis| Timestamp::from_seconds(millis / 1000).date()).or_else(|| date(text))
}

fn request_id(request: &Request) -> Json {
    let mut hasher = DefaultHasher::new();
    request.path_and_query.hash(&mut hasher);
    Json::Text(format!("{:032x}", hasher.finish()))
}

fn error(request: &Request, status: u16, text: &str) -> Answer {
    let entries = [
        ("status", Json::text("ERROR")),
        ("request_id", request_id(request)),
        ("error", Json::text(text)),
    ];
    Answer::other(status, JSON, Json::object(entries).compact())
}

/// Which part of the rows a request asks for.
struct Page {
    skip: usize,
    take: usize,
    descending: bool,
}

impl Page {
    fn of(world: &World, request: &Request, order: &str, default: (&str, usize)) -> Self {
        let limit = request.query("limit").and_then(|text| text.parse().ok()).unwrap_or(default.1);
        let skip = request.query("cursor").and_then(|text| usize::from_str_radix(&text, 16).ok());
        let order = request.query(order).unwrap_or(default.0.to_owned());
        let take = world.page_size.min(limit).max(1);
        Self { skip: skip.unwrap_or(0), take, descending: order == "desc" }
    }

    /// The rows of the page, and the address of the next one where there is more.
    fn cut<T>(&self, mut rows: Vec<T>, world: &World, request: &Request) -> (Vec<T>, Option<Json>) {
        if self.descending {
            rows.reverse();
        }
        let end = self.skip + self.take;
        let next = (end < rows.len()).then(|| {
            // The next page is of the same request but for the key, which the client adds anew.
            let query = request.path_and_query.split_once('?').map_or("", |(_, query)| query);
            let kept = query.split('&').filter(|pair| {
                let name = pair.split('=').next().unwrap_or_default();
                !matches!(name, "" | "apiKey" | "cursor")
            });
            let query: String = kept.map(|pair| format!("{pair}&")).collect();
            Json::Text(format!("{}{}?{query}cursor={end:08x}", world.base_url, request.path()))
        });
        (rows.into_iter().skip(self.skip).take(self.take).collect(), next)
    }
}

fn aggregates(world: &World, request: &Request, ticker: &str, range: DateRange) -> Answer {
    let Some(found) = world.find(Vendor::Massive, ticker) else {
        // An unknown ticker is one without results.
        return Massive.says(Saying::NoData, request);
    };
    let mut days = found.instrument.days();
    if let Some(last) = days.last()
        && world.is_free(Vendor::Massive)
        && last.date.days() - range.first().days() > FREE_DAYS
    {
        let entries = [
            ("status", Json::text("NOT_AUTHORIZED")),
            ("request_id", request_id(request)),
            (
                "message",
                Json::text(
                    "Your plan doesn't include this data timeframe. Please upgrade your plan at \
                     https://massive.com/pricing",
                ),
            ),
        ];
        return Answer::other(403, JSON, Json::object(entries).compact());
    }
    days.retain(|day| range.contains(day.date));
    let page = Page::of(world, request, "sort", ("asc", 5000));
    let (days, next) = page.cut(days, world, request);
    let is_adjusted = request.query("adjusted").as_deref() != Some("false");
    let sessions = Listing::us_stock("A", "A").sessions();
    let bar = |day: &Day| {
        let millis = sessions.at(day.date, 0).seconds() * 1000;
        aggregate(day, is_adjusted, millis)
    };
    let count = Json::raw(days.len());
    let mut entries = vec![
        ("ticker", Json::text(&found.name)),
        ("queryCount", Json::raw(days.len())),
        ("resultsCount", Json::raw(days.len())),
        ("adjusted", Json::raw(is_adjusted)),
    ];
    if !days.is_empty() {
        entries.push(("results", Json::List(days.iter().map(bar).collect())));
    }
    entries.extend([
        ("status", Json::text("OK")),
        ("request_id", request_id(request)),
        ("count", count),
    ]);
    entries.extend(next.map(|next| ("next_url", next)));
    let entries = entries.into_iter().map(|(name, value)| (name.to_owned(), value));
    Answer::healthy(JSON, Json::Object(entries.collect()).compact())
}

fn aggregate(day: &Day, is_adjusted: bool, millis: i64) -> Json {
    let ([open, high, low, close], volume) = if is_adjusted {
        (day.split_adjusted, day.volume)
    } else {
        (day.traded, day.traded_volume)
    };
    let number = |price: Option<Price>| price.map_or(Json::raw("null"), Json::raw);
    Json::object([
        ("v", Json::Raw(scientific(volume.unwrap_or(0)))),
        ("vw", number(close)),
        ("o", number(open)),
        ("c", number(close)),
        ("h", number(high)),
        ("l", number(low)),
        ("t", Json::raw(millis)),
        ("n", Json::raw(volume.unwrap_or(0) / 120 + 1)),
    ])
}

/// As the vendor writes a volume: `1.12117471e+08`.
fn scientific(volume: i64) -> String {
    let digits = volume.to_string();
    if volume < 1_000_000 {
        return digits;
    }
    let (first, rest) = digits.split_at(1);
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    format!("{first}{point}{rest}e+{:02}", digits.len() - 1)
}

/// The splits or dividends of a ticker, or of all.
fn reference(
    world: &World,
    request: &Request,
    date_name: &str,
    event: fn(&Found, Date, CorporateEvent) -> Option<Json>,
) -> Answer {
    let all = || world.instruments.iter().map(|known| known.spelling(Vendor::Massive)).collect();
    let tickers: Vec<String> = request.query("ticker").map_or_else(all, |ticker| vec![ticker]);
    let mut events: Vec<(Date, Json)> = Vec::new();
    for found in tickers.iter().filter_map(|ticker| world.find(Vendor::Massive, ticker)) {
        for action in basis::actions(found.instrument.series(), Vendor::Massive) {
            let event = event(&found, action.date, action.event);
            events.extend(event.map(|event| (action.date, event)));
        }
    }
    let bound = |suffix: &str| request.query(&format!("{date_name}{suffix}"));
    let text_of = |date: Date| date.to_string();
    events.retain(|(date, _)| {
        let date = text_of(*date);
        bound("").is_none_or(|exact| date == exact)
            && bound(".gte").is_none_or(|first| date >= first)
            && bound(".gt").is_none_or(|before| date > before)
            && bound(".lte").is_none_or(|last| date <= last)
            && bound(".lt").is_none_or(|after| date < after)
    });
    events.sort_by_key(|(date, _)| *date);
    let page = Page::of(world, request, "order", ("desc", 10));
    let (events, next) = page.cut(events, world, request);
    let events = events.into_iter().map(|(_, event)| event).collect();
    let mut entries = vec![
        ("results".to_owned(), Json::List(events)),
        ("status".to_owned(), Json::text("OK")),
        ("request_id".to_owned(), request_id(request)),
    ];
    entries.extend(next.map(|next| ("next_url".to_owned(), next)));
    Answer::healthy(JSON, Json::Object(entries).compact())
}

fn split(found: &Found, date: Date, event: CorporateEvent) -> Option<Json> {
    let CorporateEvent::Split(ratio) = event else { return None };
    Some(Json::object([
        ("execution_date", Json::text(&date.to_string())),
        ("id", Json::Text(format!("E{:08x}", date.days()))),
        ("split_from", Json::raw(ratio.denominator())),
        ("split_to", Json::raw(ratio.numerator())),
        ("ticker", Json::text(&found.name)),
    ]))
}

fn dividend(found: &Found, date: Date, event: CorporateEvent) -> Option<Json> {
    let CorporateEvent::Dividend { amount } = event else { return None };
    let day = |offset: i32| {
        Json::text(&Date::from_days(date.days() + offset).unwrap_or(date).to_string())
    };
    let currency = found.instrument.series().listing.currency.clone();
    Some(Json::object([
        ("cash_amount", Json::raw(amount)),
        ("currency", currency.map_or(Json::raw("null"), Json::Text)),
        ("declaration_date", day(-8)),
        ("dividend_type", Json::text("CD")),
        ("ex_dividend_date", day(0)),
        ("frequency", Json::raw(4)),
        ("id", Json::Text(format!("D{:08x}", date.days()))),
        ("pay_date", day(6)),
        ("record_date", day(0)),
        ("ticker", Json::text(&found.name)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::scientific;

    #[test]
    fn volumes_are_written_as_the_vendor_writes_them() {
        assert_eq!(scientific(112_117_471), "1.12117471e+08");
        assert_eq!(scientific(70_000_000), "7e+07");
        assert_eq!(scientific(999_999), "999999");
        assert_eq!(scientific(0), "0");
    }
}
