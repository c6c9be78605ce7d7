//! Yahoo's chart answer and history page, and the cookies, crumbs and consent before them.

use std::sync::atomic::Ordering;

use cream_models::{ActionKind, Timestamp, Vendor};

use super::http::{Answer, HTML, JSON, Request, TEXT};
use super::world::{Format, Found, Saying, World};
use crate::failures;
use crate::{ChartOptions, PageOptions, SyntheticSeries};

/// What Yahoo wants to see before it sends prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum YahooDoor {
    /// Nothing.
    #[default]
    Open,
    /// The cookie `A3` that `GET /` sets, and the crumb that `GET /v1/test/getcrumb` tells for it.
    /// The history page does without.
    Crumb,
    /// The same, but that the cookie is given only to those who agreed to the page at
    /// `GET /consent`, by `POST /v2/collectConsent` and then `GET /copyConsent`. To others, chart
    /// and page are that page.
    Consent,
}

/// `/v8/finance/chart/SYMBOL`.
pub(crate) struct Chart;

impl Format for Chart {
    fn answer(&self, world: &World, request: &Request) -> Answer {
        if let Some(refusal) = refusal(world, request, true) {
            return refusal;
        }
        match asked(world, request, Vendor::YahooChart) {
            Some(asked) => {
                let kinds = request.query("events").unwrap_or_default();
                let mut series = asked.series;
                series.actions.retain(|action| {
                    let name = match action.kind() {
                        ActionKind::Dividend => "div",
                        ActionKind::Split => "split",
                        ActionKind::CapitalGain => "capitalGain",
                    };
                    kinds.split([',', '|']).any(|kind| kind.starts_with(name))
                });
                Answer::healthy(JSON, series.chart_json_with(&asked.chart))
                    .with("cache-control", "public, max-age=10, stale-while-revalidate=20")
            }
            None => self.says(Saying::UnknownSymbol, request),
        }
    }

    fn says(&self, saying: Saying, request: &Request) -> Answer {
        match saying {
            Saying::TooFast => Answer::other(429, TEXT, failures::too_many_requests()),
            Saying::QuotaSpent => Answer::other(429, TEXT, failures::edge_too_many_requests()),
            Saying::BadKey => Answer::other(401, JSON, failures::invalid_crumb()),
            Saying::UnknownSymbol => Answer::other(404, JSON, failures::chart_not_found()),
            Saying::NoData => {
                let symbol = request.segments().pop().unwrap_or_default();
                Answer::other(200, JSON, failures::chart_without_data(&symbol))
            }
        }
    }
}

/// `/quote/SYMBOL/history/`.
pub(crate) struct Page;

impl Format for Page {
    fn answer(&self, world: &World, request: &Request) -> Answer {
        if let Some(refusal) = refusal(world, request, false) {
            return refusal;
        }
        match asked(world, request, Vendor::YahooPage) {
            Some(asked) => {
                let options = PageOptions {
                    chart: asked.chart,
                    period_start: Some(asked.start),
                    period_end: Some(asked.end),
                    ..PageOptions::default()
                };
                Answer::healthy(HTML, asked.series.history_page(&options))
            }
            None => self.says(Saying::UnknownSymbol, request),
        }
    }

    fn says(&self, saying: Saying, request: &Request) -> Answer {
        match saying {
            Saying::UnknownSymbol => Answer::other(404, HTML, failures::page_without_table()),
            Saying::NoData => {
                let symbol = request.segments().get(1).cloned().unwrap_or_default();
                let listing = crate::Listing::us_stock(&symbol, "Own Warrants");
                let listing = crate::Listing { currency: None, ..listing };
                let series = SyntheticSeries { listing, rows: vec![], actions: vec![], live: None };
                Answer::other(200, HTML, series.history_page(&PageOptions::default()))
            }
            saying => Chart.says(saying, request),
        }
    }
}

/// What a request asks for.
struct Asked {
    series: SyntheticSeries,
    chart: ChartOptions,
    start: Timestamp,
    end: Timestamp,
}

fn asked(world: &World, request: &Request, vendor: Vendor) -> Option<Asked> {
    let segments = request.segments();
    let symbol = segments.get(if vendor == Vendor::YahooChart { 3 } else { 1 })?;
    let Found { name, instrument } = world.find(vendor, symbol)?;
    let mut series = instrument.series().clone();
    let sessions = series.listing.sessions();
    let bound = |name: &str| {
        let seconds = request.query(name)?.parse().ok()?;
        Some(Timestamp::from_seconds(seconds))
    };
    let whole = series.range();
    let start = bound("period1").unwrap_or(Timestamp::from_seconds(0));
    let after =
        whole.map_or(start, |range| Timestamp::start_of(range.last()).plus_seconds(172_800));
    let end = bound("period2").unwrap_or(after);
    // These are of the whole history, whatever part is asked for.
    let last_trade = match (series.live, series.rows.iter().rev().find(|row| !row.is_null())) {
        (Some(live), _) => Some(live.at),
        (None, Some(row)) => Some(sessions.close(row.date).plus_seconds(1)),
        (None, None) => None,
    };
    let chart = ChartOptions {
        regular_market_time: last_trade,
        first_trade: whole.map(|range| sessions.open(range.first())),
        ..ChartOptions::default()
    };
    let within = |at: Timestamp| start <= at && at < end;
    series.rows.retain(|row| within(sessions.open(row.date)));
    series.actions.retain(|action| within(sessions.open(action.date)));
    series.live = series.live.filter(|live| within(live.at));
    series.listing.symbol = name;
    Some(Asked { series, chart, start, end })
}

/// The answer to those who are not let in.
fn refusal(world: &World, request: &Request, needs_crumb: bool) -> Option<Answer> {
    let has_cookie = request.cookie("A3") == Some(&cookie(world));
    match world.yahoo_door {
        YahooDoor::Open => None,
        YahooDoor::Consent if !has_cookie => Some(consent(world)),
        _ if !needs_crumb => None,
        _ => {
            let has_crumb = request.query("crumb") == Some(crumb(world));
            (!has_cookie || !has_crumb).then(|| Chart.says(Saying::BadKey, request))
        }
    }
}

fn cookie(world: &World) -> String {
    format!("d=own-{}&S=AQ", world.crumbs_expired)
}

/// Crumbs hold characters that a query must not.
fn crumb(world: &World) -> String {
    format!("Own/{}.x&y", world.crumbs_expired)
}

fn with_cookie(world: &World, answer: Answer) -> Answer {
    let cookie = cookie(world);
    answer.with("set-cookie", format!("A3={cookie}; Max-Age=31557600; Path=/; HttpOnly"))
}

/// The consent page, with a form that comes back to this server.
fn consent(world: &World) -> Answer {
    let page = String::from_utf8(failures::consent_page()).unwrap();
    let page = page.replace("https://consent.yahoo.com", &world.base_url);
    Answer::other(200, HTML, page)
}

/// The answers that lead up to the chart; `None` for a path that is none of them.
pub(crate) fn door(world: &World, request: &Request) -> Option<Answer> {
    let has_session = |given: Option<String>| given.as_deref() == Some("own-session");
    Some(match (request.method.as_str(), request.path()) {
        ("GET", "/") if world.yahoo_door == YahooDoor::Consent => consent(world),
        // The host that hands out cookies has no page.
        ("GET", "/") => with_cookie(world, Answer::other(404, HTML, "<html>own 404</html>")),
        ("GET", "/v1/test/getcrumb") => {
            if request.cookie("A3") == Some(&cookie(world)) {
                Answer::other(200, TEXT, crumb(world))
            } else {
                Answer::other(401, JSON, failures::invalid_cookie())
            }
        }
        ("GET", "/consent") => consent(world),
        ("POST", "/v2/collectConsent") => {
            let has_token = request.form("csrfToken").as_deref() == Some("own-token");
            let agrees = request.form("agree").as_deref() == Some("agree");
            if has_token && agrees && has_session(request.form("sessionId")) {
                world.has_agreed.store(true, Ordering::SeqCst);
                Answer::redirect(format!("{}/copyConsent?sessionId=own-session", world.base_url))
            } else {
                consent(world)
            }
        }
        ("GET", "/copyConsent") => {
            let agreed = world.has_agreed.load(Ordering::SeqCst);
            if agreed && has_session(request.query("sessionId")) {
                with_cookie(world, Answer::other(200, HTML, "<html>own page</html>"))
            } else {
                consent(world)
            }
        }
        _ => return None,
    })
}
