//! Yahoo's history page: everything in one page.

use cream_models::Vendor;

use super::yahoo::{HOSTS, LIMITS, judge, period};
use super::{About, Asked, Key, Need, Question, Source, in_turn};
use crate::address::{Request, Target};
use crate::error::Failure;

pub(crate) struct YahooPage;

static ABOUT: About = About {
    vendor: Vendor::YahooPage,
    host: "finance.yahoo.com",
    hosts: HOSTS,
    limits: LIMITS,
    key: Key::None,
    headers: &[("accept", "text/html, */*;q=0.8"), ("accept-language", "en-US,en;q=0.9")],
    is_single: true,
};

impl Source for YahooPage {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn next(&self, question: &Question, before: &[Asked]) -> Option<Request> {
        let (start, end) = period(question);
        let target = Target::new(&["quote", &question.symbol, "history"])
            .folder()
            .with("period1", start)
            .with("period2", end)
            .with("interval", "1d")
            .with("filter", "history")
            .with("frequency", "1d")
            .with("includeAdjustedClose", "true")
            .with("events", "capitalGain|div|split");
        in_turn(vec![Request::prices(target.build())], before)
    }

    fn judge(&self, status: u16, body: &[u8]) -> Option<Failure> {
        judge(status, body)
    }

    fn session(&self) -> Need {
        Need::Cookie
    }
}
