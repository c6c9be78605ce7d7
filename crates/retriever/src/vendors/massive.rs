//! Massive, once Polygon: split-adjusted aggregates, then splits and dividends, each in pages.

use cream_models::{Date, Timestamp, Vendor};

use super::{About, Asked, Got, Key, Question, Source, per_minute};
use crate::address::{KeyPlace, Request, Target};

pub(crate) struct Massive;

static ABOUT: About = About {
    vendor: Vendor::Massive,
    host: "api.massive.com",
    hosts: &["api.massive.com", "api.polygon.io"],
    limits: &[per_minute(5)],
    key: Key::Required(KeyPlace::Authorization("Bearer"), "https://massive.com/dashboard/keys"),
    headers: &[("accept", "application/json")],
    is_single: false,
};

/// How far back the free plan goes, in days.
const FREE_DAYS: i32 = 2 * 365 - 1;

impl Source for Massive {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn next(&self, question: &Question, before: &[Asked]) -> Option<Request> {
        let Some(last) = before.last() else { return Some(prices(question, question.from)) };
        match &last.result {
            Got::Answer { next_page: Some(target) } => {
                let is_essential = last.request.is_essential;
                return Some(Request { target: target.clone(), is_essential });
            }
            Got::Answer { next_page: None } => {}
            // The whole history is more than the free plan gives: then as much as it does.
            Got::NotInPlan if question.from.is_none() && before.len() == 1 => {
                let from = Date::from_days(question.to.days() - FREE_DAYS);
                return Some(prices(question, from));
            }
            _ if last.request.is_essential => return None,
            _ => {}
        }
        // Neither indices nor currencies have actions.
        if !question.actions || question.symbol.contains(':') {
            return None;
        }
        [("splits", "execution_date"), ("dividends", "ex_dividend_date")]
            .into_iter()
            .find(|(kind, _)| !before.iter().any(|asked| is_of(&asked.request, kind)))
            .map(|(kind, date)| actions(question, kind, date))
    }

    fn next_page(&self, body: &[u8]) -> Option<String> {
        next_page(body)
    }

    fn renewed(&self, now: Timestamp, _words: &str) -> Timestamp {
        now.plus_seconds(60)
    }
}

fn prices(question: &Question, from: Option<Date>) -> Request {
    let from = from.map_or_else(|| "1970-01-01".to_owned(), |from| from.to_string());
    let to = question.to.to_string();
    let target =
        Target::new(&["v2", "aggs", "ticker", &question.symbol, "range", "1", "day", &from, &to])
            .with("adjusted", "true")
            .with("sort", "asc")
            .with("limit", 50_000);
    Request::prices(target.build())
}

fn actions(question: &Question, kind: &str, date: &str) -> Request {
    let target = Target::new(&["v3", "reference", kind])
        .with("ticker", &question.symbol)
        .with_some(&format!("{date}.gte"), question.from)
        .with(&format!("{date}.lte"), question.to)
        .with("order", "asc")
        .with("sort", date)
        .with("limit", 1000);
    Request::actions(target.build())
}

fn is_of(request: &Request, kind: &str) -> bool {
    request.target.split('?').next().is_some_and(|path| path.ends_with(kind))
}

/// The address of the next page, which an answer names near its end or its start.
fn next_page(body: &[u8]) -> Option<String> {
    let name = b"\"next_url\"";
    let rest = body.get(memchr::memmem::find(body, name)? + name.len()..)?;
    let text = std::str::from_utf8(rest.get(..4096).unwrap_or(rest)).ok()?;
    let value = text.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let value = value.get(..value.find('"')?)?.replace("\\/", "/").replace("\\u0026", "&");
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::next_page;

    #[test]
    fn the_next_page_is_where_the_answer_says() {
        let page = |text: &str| next_page(text.as_bytes());
        assert_eq!(
            page(r#"{"results":[],"next_url": "https:\/\/h\/v2?cursor=a\u0026b=c"}"#).as_deref(),
            Some("https://h/v2?cursor=a&b=c")
        );
        for none in ["{}", r#"{"next_url":null}"#, r#"{"next_url":""}"#, r#"{"next_url":"cut"#] {
            assert_eq!(page(none), None, "{none}");
        }
    }
}
