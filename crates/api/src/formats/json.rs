//! Histories as JSON: what is known before the bars stands before them.

use cream_models::Adjustment;
use cream_store::StoredBar;

use crate::history::{Ask, Head, Outcome, Tail};
use crate::json::{Object, json_bars};

pub(crate) struct JsonDocument {
    /// The begin of the object around many, as far as its list.
    opening: Option<Vec<u8>>,
    is_many: bool,
    /// Whether an entry of the list was written.
    has_entries: bool,
    /// Whether a bar of the series was written.
    has_bars: bool,
}

impl JsonDocument {
    pub(super) const fn one() -> Self {
        Self { opening: None, is_many: false, has_entries: false, has_bars: false }
    }

    pub(super) fn many(ask: &Ask, outcomes: &[Outcome]) -> Self {
        let mut opening = Vec::new();
        let mut object = Object::open(&mut opening);
        object.string("interval", ask.interval.name());
        object.optional_string("adjustment", ask.adjustment.map(Adjustment::name));
        object.date("start", ask.span.start);
        object.date("end", ask.span.end);
        let failed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed(_)));
        let (count, failed) = (outcomes.len(), failed.count());
        object.integer("symbols_ok", i64::try_from(count - failed).ok());
        object.integer("symbols_failed", i64::try_from(failed).ok());
        object.key("series").push(b'[');
        Self { opening: Some(opening), is_many: true, has_entries: false, has_bars: false }
    }

    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend(self.opening.take().unwrap_or_default());
    }

    fn begin_entry(&mut self, out: &mut Vec<u8>) {
        if self.has_entries {
            out.push(b',');
        }
        self.has_entries = true;
        self.has_bars = false;
    }

    pub(super) fn begin_series(&mut self, out: &mut Vec<u8>, head: &Head<'_>) {
        self.begin_entry(out);
        let Head { ask, stock, series, .. } = head;
        let mut object = Object::open(out);
        object.string("symbol", stock.symbol.as_str());
        if self.is_many {
            object.string("outcome", "ok");
        }
        head.write_series(&mut object);
        if !self.is_many {
            object.string("interval", ask.interval.name());
        }
        object.string("price_basis", ask.price_basis(series).name());
        if !self.is_many {
            object.optional_string("adjustment", ask.adjustment.map(Adjustment::name));
        }
        head.write_limit(&mut object);
        if !self.is_many {
            object.date("start", ask.span.start);
            object.date("end", ask.span.end);
        }
        object.key("bars").push(b'[');
    }

    pub(super) fn bars(&mut self, out: &mut Vec<u8>, bars: &[StoredBar]) {
        if self.has_bars && !bars.is_empty() {
            out.push(b',');
        }
        self.has_bars |= !bars.is_empty();
        json_bars(out, bars);
    }

    pub(super) fn end_series(&mut self, out: &mut Vec<u8>, tail: &Tail<'_>) {
        out.push(b']');
        let mut object = Object::resume(out);
        object.integer("count", i64::try_from(tail.count).ok());
        if !self.is_many {
            object.optional_string("next", tail.next);
        }
        if let Some(reason) = &tail.reason {
            object.string("reason", reason);
        }
        object.close();
    }

    pub(super) fn failed(&mut self, out: &mut Vec<u8>, ask: &Ask, outcome: &Outcome) {
        self.begin_entry(out);
        let mut object = Object::open(out);
        outcome.write(ask, &mut object);
        object.close();
    }

    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if self.is_many {
            out.extend_from_slice(b"]}");
        }
    }
}
