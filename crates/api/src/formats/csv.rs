//! Histories as CSV.

use cream_models::Symbol;
use cream_store::StoredBar;

use crate::history::Head;
use crate::json::{CSV_BAR_LEN, CSV_HEADER, csv_bars};

/// Roughly what a line takes.
pub(super) const BAR_LEN: usize = CSV_BAR_LEN;

pub(crate) struct CsvDocument {
    is_many: bool,
    /// What each line begins with.
    prefix: Vec<u8>,
}

impl CsvDocument {
    pub(super) const fn new(is_many: bool) -> Self {
        Self { is_many, prefix: Vec::new() }
    }

    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        if self.is_many {
            out.extend_from_slice(b"symbol,vendor,currency,");
        }
        out.extend_from_slice(CSV_HEADER);
    }

    pub(super) fn begin_series(&mut self, head: &Head<'_>) {
        if self.is_many {
            self.prefix =
                prefix(&head.stock.symbol, head.series.vendor.name(), head.series.currency());
        }
    }

    pub(super) fn bars(&mut self, out: &mut Vec<u8>, bars: &[StoredBar]) {
        csv_bars(out, &self.prefix, bars);
    }
}

/// The cells of a series, with the comma behind them. A symbol has no comma nor quote; a
/// currency, which is the vendor's text, may.
fn prefix(symbol: &Symbol, vendor: &str, currency: Option<&str>) -> Vec<u8> {
    let currency = currency.unwrap_or_default();
    let is_plain = !currency.contains([',', '"', '\n', '\r']);
    let currency = match is_plain {
        true => currency.to_owned(),
        false => format!("\"{}\"", currency.replace('"', "\"\"")),
    };
    format!("{symbol},{vendor},{currency},").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_that_is_no_code_is_quoted() {
        let symbol = Symbol::parse("EURUSD=X").unwrap();
        let prefix = |currency| String::from_utf8(prefix(&symbol, "csv", currency)).unwrap();
        assert_eq!(prefix(None), "EURUSD=X,csv,,");
        assert_eq!(prefix(Some("GBp")), "EURUSD=X,csv,GBp,");
        assert_eq!(prefix(Some("a,\"b")), "EURUSD=X,csv,\"a,\"\"b\",");
    }
}
