//! Stooq's daily CSV.

use cream_models::{Date, Timestamp, Vendor};

use super::{About, Asked, Key, Question, Source, in_turn, next_day, per_minute};
use crate::address::{KeyPlace, Request, Target};
use crate::error::Failure;

pub(crate) struct Stooq;

static ABOUT: About = About {
    vendor: Vendor::Stooq,
    host: "stooq.com",
    hosts: &["stooq.com", "www.stooq.com", "stooq.pl"],
    limits: &[per_minute(30)],
    key: Key::Optional(KeyPlace::Query("apikey"), "https://stooq.com/q/d/?get_apikey"),
    headers: &[("accept", "text/csv, text/plain")],
    is_single: true,
};

impl Source for Stooq {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn next(&self, question: &Question, before: &[Asked]) -> Option<Request> {
        let compact = |date: Date| date.to_string().replace('-', "");
        // Both dates or none.
        let from = question.from.map_or_else(|| "19000101".to_owned(), compact);
        let target = Target::new(&["q", "d", "l"])
            .folder()
            .with("s", &question.symbol)
            .with("d1", from)
            .with("d2", compact(question.to))
            .with("i", "d");
        in_turn(vec![Request::prices(target.build())], before)
    }

    fn judge(&self, status: u16, body: &[u8]) -> Option<Failure> {
        // Half a CSV would be one of fewer days.
        let is_cut = status == 200 && body.starts_with(b"Date,") && !body.ends_with(b"\n");
        is_cut.then(|| Failure::Cut { reason: "its last line has no end".to_owned() })
    }

    fn renewed(&self, now: Timestamp, _words: &str) -> Timestamp {
        // Midnight in Warsaw, in winter.
        next_day(now, 23)
    }
}
