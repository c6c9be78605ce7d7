//! What the log is told of a request.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use log::kv::{Key, Value, VisitSource};

use crate::support::{Api, filled};

/// Keeps every record, as its message and its values as text.
struct Kept(Mutex<Vec<(String, BTreeMap<String, String>)>>);

struct Fields(BTreeMap<String, String>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        self.0.insert(key.to_string(), value.to_string());
        Ok(())
    }
}

impl log::Log for Kept {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("cream_") || metadata.target().starts_with("actix_")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut fields = Fields(BTreeMap::new());
            record.key_values().visit(&mut fields).unwrap();
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((record.args().to_string(), fields.0));
        }
    }

    fn flush(&self) {}
}

static KEPT: Kept = Kept(Mutex::new(Vec::new()));

pub(crate) fn keep_records() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        log::set_logger(&KEPT).unwrap();
        log::set_max_level(log::LevelFilter::Debug);
    });
}

/// Every line so far, of every test.
pub(crate) fn all_that_was_logged() -> Vec<String> {
    let kept = KEPT.0.lock().unwrap_or_else(PoisonError::into_inner);
    kept.iter().map(|(text, fields)| format!("{text} {fields:?}")).collect()
}

/// The record of a request, which is written when its answer is out.
pub(crate) fn record(message: &str, request_id: &str) -> BTreeMap<String, String> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        let kept = KEPT.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(text, fields)| {
            text == message && fields.get("request_id").is_some_and(|id| id == request_id)
        });
        if let Some((_, fields)) = found {
            return fields.clone();
        }
        drop(kept);
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no {message:?} for {request_id}");
}

#[test]
fn a_request_is_logged_with_its_fields() {
    keep_records();
    let answer = filled().get_with("/stock-data?q=private", &[("x-request-id", "log-1")]);
    let fields = record("request", "log-1");
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    let expected =
        ["bytes", "client", "duration_ms", "method", "path", "request_id", "status", "user"];
    assert_eq!(names, expected);
    assert_eq!(fields["client"], "127.0.0.1");
    assert_eq!(fields["method"], "GET");
    assert_eq!(fields["path"], "/stock-data");
    assert_eq!(fields["status"], "200");
    assert_eq!(fields["bytes"], answer.body.len().to_string());
    assert!(fields["duration_ms"].parse::<f64>().unwrap() < 20_000.0);
}

#[test]
fn the_log_is_told_the_cause_that_the_client_is_not() {
    keep_records();
    let api = Api::start(false, |_| ());
    let answer = api.get_with("/stock-data", &[("x-request-id", "log-2")]);
    answer.problem(500, "internal");
    let fields = record("a request failed", "log-2");
    assert_eq!(fields["code"], "internal");
    assert!(fields["error"].contains("no such table"), "{fields:?}");
    assert!(!answer.text().contains("no such table"));
    assert_eq!(record("request", "log-2")["status"], "500");
}
