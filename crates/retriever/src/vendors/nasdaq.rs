//! Nasdaq's historical quotes and dividends, by class of asset: which one a symbol is of has to
//! be tried.

use cream_models::Vendor;

use super::{About, Asked, Got, Key, Question, Source, per_minute};
use crate::address::{Request, Target};

pub(crate) struct Nasdaq;

static ABOUT: About = About {
    vendor: Vendor::Nasdaq,
    host: "api.nasdaq.com",
    hosts: &["api.nasdaq.com", "www.nasdaq.com"],
    limits: &[per_minute(30)],
    key: Key::None,
    // Without these it does not answer at all.
    headers: &[
        ("accept", "application/json, text/plain, */*"),
        ("accept-language", "en-US,en;q=0.9"),
        ("origin", "https://www.nasdaq.com"),
        ("referer", "https://www.nasdaq.com/"),
    ],
    is_single: false,
};

const CLASSES: [&str; 4] = ["stocks", "etf", "index", "mutualfunds"];

impl Source for Nasdaq {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn next(&self, question: &Question, before: &[Asked]) -> Option<Request> {
        let answered = before.iter().find(|asked| matches!(asked.result, Got::Answer { .. }));
        let Some(answered) = answered else {
            return CLASSES.get(before.len()).map(|class| prices(question, class));
        };
        if before.last().is_some_and(|last| !last.request.is_essential) || !question.actions {
            return None;
        }
        let class = CLASSES
            .into_iter()
            .find(|class| answered.request.target.contains(&format!("assetclass={class}&")))?;
        (class != "index").then(|| {
            let target = Target::new(&["api", "quote", &question.symbol, "dividends"])
                .with("assetclass", class);
            Request::actions(target.build())
        })
    }
}

fn prices(question: &Question, class: &str) -> Request {
    let from = question.from.map_or_else(|| "1970-01-01".to_owned(), |from| from.to_string());
    let target = Target::new(&["api", "quote", &question.symbol, "historical"])
        .with("assetclass", class)
        .with("fromdate", from)
        .with("todate", question.to)
        .with("limit", 99_999);
    Request::prices(target.build())
}
