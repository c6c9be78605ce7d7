//! Which path belongs to which vendor.

use cream_models::Vendor;

use super::http::{Answer, Request, TEXT};
use super::world::{Format, World};
use super::{alpha_vantage, eodhd, massive, nasdaq, stooq, tiingo, yahoo};

/// The beginnings of the vendors' paths.
const PATHS: [(&str, Vendor); 11] = [
    ("/v8/finance/chart/", Vendor::YahooChart),
    ("/quote/", Vendor::YahooPage),
    ("/tiingo/daily/", Vendor::Tiingo),
    ("/query", Vendor::AlphaVantage),
    ("/v2/aggs/", Vendor::Massive),
    ("/v3/reference/", Vendor::Massive),
    ("/api/eod/", Vendor::Eodhd),
    ("/api/splits/", Vendor::Eodhd),
    ("/api/div/", Vendor::Eodhd),
    ("/q/d/l/", Vendor::Stooq),
    ("/api/quote/", Vendor::Nasdaq),
];

/// The path of a redirect that leads nowhere, followed by the vendor's name and a step.
pub(crate) const LOOP: &str = "/moved/";

/// The key that the server takes for a vendor; `None` for a vendor that needs none.
#[must_use]
pub const fn key(vendor: Vendor) -> Option<&'static str> {
    match vendor {
        Vendor::Tiingo => Some("own-tiingo-key-6f1d"),
        Vendor::AlphaVantage => Some("OWNALPHAKEY93"),
        Vendor::Massive => Some("own_massive_key_77ab"),
        Vendor::Eodhd => Some("own-eodhd-key.5512"),
        _ => None,
    }
}

/// The vendor that a path belongs to; `None` for those that only lead up to Yahoo's answers.
pub(crate) fn vendor_of(path: &str) -> Option<Vendor> {
    if let Some(rest) = path.strip_prefix(LOOP) {
        return rest.split('/').next()?.parse().ok();
    }
    PATHS.iter().find(|(start, _)| path.starts_with(start)).map(|(_, vendor)| *vendor)
}

/// The format of a vendor; `None` for files of the user's own, which nobody serves.
pub(crate) fn format_of(vendor: Vendor) -> Option<&'static dyn Format> {
    Some(match vendor {
        Vendor::YahooChart => &yahoo::Chart,
        Vendor::YahooPage => &yahoo::Page,
        Vendor::Tiingo => &tiingo::Tiingo,
        Vendor::AlphaVantage => &alpha_vantage::AlphaVantage,
        Vendor::Massive => &massive::Massive,
        Vendor::Eodhd => &eodhd::Eodhd,
        Vendor::Stooq => &stooq::Stooq,
        Vendor::Nasdaq => &nasdaq::Nasdaq,
        _ => return None,
    })
}

/// The answer of a vendor in its right mind.
pub(crate) fn answer(world: &World, request: &Request) -> Answer {
    let path = request.path();
    if let Some(rest) = path.strip_prefix(LOOP) {
        let vendor = rest.split('/').next().unwrap_or_default();
        let step = if path.ends_with("/there") { "back" } else { "there" };
        return Answer::redirect(format!("{LOOP}{vendor}/{step}"));
    }
    if let Some(format) = vendor_of(path).and_then(format_of) {
        return format.answer(world, request);
    }
    yahoo::door(world, request)
        .unwrap_or_else(|| Answer::other(404, TEXT, format!("nothing is at {path}\n")))
}
