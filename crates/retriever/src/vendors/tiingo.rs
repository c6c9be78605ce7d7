//! Tiingo's end-of-day prices: everything in one answer.

use cream_models::{Timestamp, Vendor};

use super::{About, Asked, Key, Question, Source, in_turn, next_day, per_day, per_hour};
use crate::address::{KeyPlace, Request, Target};

pub(crate) struct Tiingo;

static ABOUT: About = About {
    vendor: Vendor::Tiingo,
    host: "api.tiingo.com",
    hosts: &["api.tiingo.com"],
    limits: &[per_hour(50), per_day(1000)],
    key: Key::Required(
        KeyPlace::Authorization("Token"),
        "https://www.tiingo.com/account/api/token",
    ),
    headers: &[("accept", "application/json")],
    is_single: true,
};

impl Source for Tiingo {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn next(&self, question: &Question, before: &[Asked]) -> Option<Request> {
        // Without a first date there is the newest day alone.
        let from = question.from.map_or_else(|| "1900-01-01".to_owned(), |from| from.to_string());
        let target = Target::new(&["tiingo", "daily", &question.symbol, "prices"])
            .with("startDate", from)
            .with("endDate", question.to)
            .with("format", "json")
            .with("resampleFreq", "daily");
        in_turn(vec![Request::prices(target.build())], before)
    }

    fn renewed(&self, now: Timestamp, words: &str) -> Timestamp {
        if words.contains("daily") || words.contains("month") {
            // Midnight in New York, in winter.
            return next_day(now, 5);
        }
        Timestamp::from_seconds((now.seconds().div_euclid(3600) + 1) * 3600)
    }
}
