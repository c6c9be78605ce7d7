//! EODHD's end-of-day prices, then splits and dividends.

use cream_models::{Timestamp, Vendor};

use super::{About, Asked, Key, Question, Source, in_turn, next_day, per_day, per_minute};
use crate::address::{KeyPlace, Request, Target};
use crate::error::Failure;
use crate::words::quoted;

pub(crate) struct Eodhd;

static ABOUT: About = About {
    vendor: Vendor::Eodhd,
    host: "eodhd.com",
    hosts: &["eodhd.com", "www.eodhd.com", "eodhistoricaldata.com"],
    limits: &[per_minute(1000), per_day(20)],
    key: Key::Required(KeyPlace::Query("api_token"), "https://eodhd.com/cp/dashboard"),
    headers: &[("accept", "application/json")],
    is_single: false,
};

impl Source for Eodhd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn next(&self, question: &Question, before: &[Asked]) -> Option<Request> {
        let target = |kind| {
            Target::new(&["api", kind, &question.symbol])
                .with("fmt", "json")
                .with_some("from", question.from)
                .with("to", question.to)
        };
        let prices = target("eod").with("period", "d").with("order", "a");
        let mut requests = vec![Request::prices(prices.build())];
        // Only what belongs to an exchange has actions.
        let has_actions =
            [".INDX", ".FOREX", ".CC"].iter().all(|end| !question.symbol.ends_with(end));
        if question.actions && has_actions {
            requests.push(Request::actions(target("splits").build()));
            requests.push(Request::actions(target("div").build()));
        }
        in_turn(requests, before)
    }

    fn judge(&self, status: u16, body: &[u8]) -> Option<Failure> {
        let words = quoted(body);
        // 402 is for both.
        let is_quota = status == 402 && words.to_lowercase().contains("limit");
        let until = Timestamp::from_seconds(0);
        is_quota.then_some(Failure::QuotaSpent { until, words })
    }

    fn renewed(&self, now: Timestamp, _words: &str) -> Timestamp {
        next_day(now, 0)
    }
}
