//! One number for all that is served.

use std::fmt::Write as _;

use cream_models::{ActionKind, BarField, CorporateEvent, Date, DateRange, Price, Vendor};
use sha2::{Digest as _, Sha256};

use crate::types::{BarQuery, Order, Stock, StockQuery, StoredAction, StoredBar};
use crate::{Reader, StoreError};

/// Stocks and bars are read in pages of so many.
const STOCKS: u32 = 500;
const BARS: u32 = 8192;

impl Reader<'_> {
    /// The SHA-256, in hexadecimal, of all bars and corporate actions that are served. It is the
    /// same for the same data, whichever database holds it and however it came in.
    ///
    /// It is taken over these lines of UTF-8, each ended by a line feed, their fields separated
    /// by one tab:
    ///
    /// - `bar SYMBOL VENDOR DATE OPEN HIGH LOW CLOSE ADJ_CLOSE VOLUME STATE FLAGS`, where prices
    ///   are the shortest exact decimals, an unknown value is empty, the state is `final` or
    ///   `live`, and the flags are names joined by commas;
    /// - `action SYMBOL VENDOR DATE KIND AMOUNT NUMERATOR DENOMINATOR`, where amounts and shares
    ///   are such decimals, and what a kind does not have is empty.
    ///
    /// The order is by symbol, then by the vendor's name, each byte by byte; within a series, the
    /// bars by date, then the actions by date and the name of their kind. Withdrawn rows, stocks
    /// without rows, descriptions and the times of responses are left out.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn digest(&mut self) -> Result<String, StoreError> {
        let mut hash = Sha256::new();
        self.dump(&mut |lines| hash.update(lines))?;
        let mut text = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(text)
    }

    fn dump(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        let mut query = StockQuery { limit: STOCKS, ..StockQuery::default() };
        let mut vendors = Vendor::ALL;
        vendors.sort_unstable_by_key(|vendor| vendor.name());
        loop {
            let page = self.stocks(&query)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            query.after = Some(last.symbol.clone());
            for (stock, _) in page {
                for vendor in vendors {
                    self.dump_bars(&stock, vendor, sink)?;
                    let mut actions = self.actions(stock.id, vendor, DateRange::ALL)?;
                    actions.sort_by_key(|stored| (stored.action.date, stored.action.kind().name()));
                    let mut lines = Vec::new();
                    for action in &actions {
                        action_line(&stock, vendor, action, &mut lines);
                    }
                    sink(&lines);
                }
            }
        }
    }

    fn dump_bars(
        &mut self,
        stock: &Stock,
        vendor: Vendor,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        let mut lines = Vec::new();
        let mut first = Some(Date::MIN);
        while let Some(range) = first.and_then(|first| DateRange::new(first, Date::MAX).ok()) {
            let bars = self.bars(
                stock.id,
                vendor,
                &BarQuery { range, order: Order::Ascending, limit: BARS },
            )?;
            lines.clear();
            for bar in &bars {
                bar_line(stock, vendor, bar, &mut lines);
            }
            sink(&lines);
            first = bars.last().and_then(|last| last.bar.date().next());
        }
        Ok(())
    }
}

fn start(kind: &str, stock: &Stock, vendor: Vendor, date: Date, out: &mut Vec<u8>) {
    for part in [kind, stock.symbol.as_str(), vendor.name()] {
        out.extend_from_slice(part.as_bytes());
        out.push(b'\t');
    }
    date.write_to(out);
    out.push(b'\t');
}

fn price(price: Option<Price>, out: &mut Vec<u8>) {
    if let Some(price) = price {
        price.write_to(out);
    }
}

fn bar_line(stock: &Stock, vendor: Vendor, stored: &StoredBar, out: &mut Vec<u8>) {
    let bar = &stored.bar;
    start("bar", stock, vendor, bar.date(), out);
    for field in BarField::ALL {
        match (field, bar.value(field)) {
            (_, None) => {}
            (BarField::Volume, Some(volume)) => {
                out.extend_from_slice(volume.to_string().as_bytes());
            }
            (_, Some(nanos)) => Price::from_nanos(nanos).write_to(out),
        }
        out.push(b'\t');
    }
    out.extend_from_slice(if bar.is_final() { b"final\t" } else { b"live\t" });
    if !bar.flags().is_empty() {
        out.extend_from_slice(bar.flags().to_string().as_bytes());
    }
    out.push(b'\n');
}

fn action_line(stock: &Stock, vendor: Vendor, stored: &StoredAction, out: &mut Vec<u8>) {
    let action = &stored.action;
    start("action", stock, vendor, action.date, out);
    let kind: ActionKind = action.kind();
    out.extend_from_slice(kind.name().as_bytes());
    let (amount, ratio) = match action.event {
        CorporateEvent::Dividend { amount } | CorporateEvent::CapitalGain { amount } => {
            (Some(amount), None)
        }
        CorporateEvent::Split(ratio) => (None, Some(ratio)),
    };
    for value in
        [amount, ratio.map(|ratio| ratio.numerator()), ratio.map(|ratio| ratio.denominator())]
    {
        out.push(b'\t');
        price(value, out);
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StockId;
    use cream_models::{Bar, BarFlags, CorporateAction, SplitRatio, Symbol, Timestamp};

    fn stock() -> Stock {
        let symbol = Symbol::parse("BRK-B").unwrap();
        Stock { id: StockId(1), symbol }
    }

    #[test]
    fn a_bar_is_one_line() {
        let bar = Bar::new("2020-04-20".parse().unwrap())
            .with_open("17.73".parse().unwrap())
            .with_close("-37.63".parse().unwrap())
            .with_volume(7)
            .with_final(false)
            .with_flags(BarFlags::NEGATIVE_PRICE | BarFlags::OUTSIDE_RANGE);
        let stored = StoredBar { bar, as_of: Timestamp::from_micros(0), withdrawn_at: None };
        let mut out = Vec::new();
        bar_line(&stock(), Vendor::YahooChart, &stored, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "bar\tBRK-B\tyahoo-chart\t2020-04-20\t17.73\t\t\t-37.63\t\t7\tlive\t\
             outside_range,negative_price\n"
        );
    }

    #[test]
    fn an_action_is_one_line() {
        let line = |event| {
            let action = CorporateAction { date: "2020-08-31".parse().unwrap(), event };
            let as_of = Timestamp::from_micros(0);
            let stored = StoredAction { action, as_of, withdrawn_at: None };
            let mut out = Vec::new();
            action_line(&stock(), Vendor::YahooPage, &stored, &mut out);
            String::from_utf8(out).unwrap()
        };
        let ratio = SplitRatio::new("1.5".parse().unwrap(), "1".parse().unwrap()).unwrap();
        assert_eq!(
            line(CorporateEvent::Split(ratio)),
            "action\tBRK-B\tyahoo-page\t2020-08-31\tsplit\t\t1.5\t1\n"
        );
        assert_eq!(
            line(CorporateEvent::Dividend { amount: "0.26".parse().unwrap() }),
            "action\tBRK-B\tyahoo-page\t2020-08-31\tdividend\t0.26\t\t\n"
        );
    }
}
