//! Alpha Vantage's daily series: adjusted and whole with a premium key, the last hundred days as
//! traded otherwise.

use cream_models::{Timestamp, Vendor};

use super::{About, Asked, Key, Question, Source, in_turn, next_day, per_day, per_minute};
use crate::address::{KeyPlace, Request, Target};
use crate::error::Failure;

pub(crate) struct AlphaVantage;

static ABOUT: About = About {
    vendor: Vendor::AlphaVantage,
    host: "www.alphavantage.co",
    hosts: &["www.alphavantage.co", "alphavantage.co"],
    limits: &[per_minute(5), per_day(25)],
    key: Key::Required(KeyPlace::Query("apikey"), "https://www.alphavantage.co/support/#api-key"),
    headers: &[("accept", "application/json")],
    is_single: true,
};

impl Source for AlphaVantage {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn next(&self, question: &Question, before: &[Asked]) -> Option<Request> {
        let (function, size) = if question.premium {
            ("TIME_SERIES_DAILY_ADJUSTED", "full")
        } else {
            ("TIME_SERIES_DAILY", "compact")
        };
        let target = Target::new(&["query"])
            .with("function", function)
            .with("symbol", &question.symbol)
            .with("outputsize", size)
            .with("datatype", "json");
        in_turn(vec![Request::prices(target.build())], before)
    }

    fn judge(&self, status: u16, body: &[u8]) -> Option<Failure> {
        // How it says that there is nothing.
        let is_nothing = status == 200 && body.trim_ascii() == b"{}";
        is_nothing.then_some(Failure::NoData { asked: None })
    }

    fn renewed(&self, now: Timestamp, _words: &str) -> Timestamp {
        // Midnight in New York, in winter.
        next_day(now, 5)
    }

    fn is_cut(&self, question: &Question) -> bool {
        !question.premium
    }

    fn asks_actions(&self, question: &Question) -> bool {
        question.premium
    }
}
