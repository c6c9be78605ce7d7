//! What the vendors have, as the days pass, and what they were asked.

use std::collections::{BTreeMap, BTreeSet};

use cream_models::{Date, Timestamp, Vendor};
use cream_testkit::vendors::{Fault, Seen, Times, VendorServer};
use cream_testkit::{Listing, Rng};
use cream_tests::{Growing, VENDORS};

use crate::site::day_of;

/// For so many days after a vendor failed, symbols may still be pulled at odd times: the wait after
/// a failure grows to a day.
const AFTERMATH: i64 = 2;

/// How many trading days there are before the first.
const BEFORE: usize = 40;

/// A vendor's failing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) vendor: Vendor,
    pub(crate) fault: Fault,
}

pub(crate) struct World<'a> {
    server: &'a VendorServer,
    rng: Rng,
    start: Timestamp,
    stocks: Vec<Growing>,
    /// Which stock is pulled from whom.
    pairs: Vec<(usize, Vendor)>,
    /// Pairs by the vendor and its spelling, folded.
    by_spelling: BTreeMap<(Vendor, String), usize>,
    outages: &'a [Outage],
    failing: BTreeSet<Vendor>,
    gone: (&'a str, Timestamp),
    is_gone: bool,
    /// Nothing but bars is new.
    pub(crate) is_quiet: bool,
    requests: u64,
    splits_and_dividends: usize,
    corrections: usize,
    quiet_days: usize,
    /// How many sessions ended on a day, by stock.
    sessions: BTreeMap<(usize, i64), u32>,
    /// How often prices were asked for on a day, by pair.
    asked: BTreeMap<(usize, i64), u32>,
    /// Days on which there was more to a stock's session than a bar.
    loud: BTreeSet<(usize, i64)>,
}

impl<'a> World<'a> {
    pub(crate) fn new(
        server: &'a VendorServer,
        seed: u64,
        start: Timestamp,
        outages: &'a [Outage],
        gone: (&'a str, Timestamp),
    ) -> Self {
        let mut stocks = Vec::new();
        let mut add = |listing: Listing, vendor: Vendor| {
            stocks.push(grown_until(start, listing, vendor, seed));
        };
        for vendor in VENDORS {
            for number in 0..2 {
                let symbol = format!("{}{number}", vendor.name().replace('-', ""));
                add(Listing::us_stock(&symbol.to_ascii_uppercase(), "Cream Dairies, Inc."), vendor);
            }
        }
        add(Listing::us_stock(gone.0, "Gone, Inc."), Vendor::YahooChart);
        add(Listing::london_stock("CREAM.L", "Cream plc"), Vendor::YahooChart);
        add(Listing::german_stock("RAHM.DE", "Rahm AG"), Vendor::YahooPage);
        add(Listing::australian_stock("CRM.AX", "Cream Pty"), Vendor::YahooChart);
        add(Listing::crypto_pair("CREAM-USD", "Cream"), Vendor::YahooChart);
        let mut pairs: Vec<_> = stocks.iter().map(|stock| stock.vendor).enumerate().collect();
        // One that is pulled from two.
        pairs.push((0, Vendor::Tiingo));
        assert_ne!(stocks[0].vendor, Vendor::Tiingo);
        let mut by_spelling = BTreeMap::new();
        for (pair, (stock, vendor)) in pairs.iter().enumerate() {
            let instrument = stocks[*stock].instrument();
            let spelling = instrument.spelling(*vendor).to_ascii_lowercase();
            assert!(by_spelling.insert((*vendor, spelling), pair).is_none());
            server.serve(instrument);
        }
        Self {
            server,
            rng: Rng::new(seed),
            start,
            stocks,
            pairs,
            by_spelling,
            outages,
            failing: BTreeSet::new(),
            gone,
            is_gone: false,
            is_quiet: false,
            requests: 0,
            splits_and_dividends: 0,
            corrections: 0,
            quiet_days: 0,
            sessions: BTreeMap::new(),
            asked: BTreeMap::new(),
            loud: BTreeSet::new(),
        }
    }

    /// Which symbol is pulled from whom.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, Vendor)> {
        self.pairs.iter().map(|(stock, vendor)| (self.stocks[*stock].symbol.as_str(), *vendor))
    }

    /// How many requests there were.
    pub(crate) const fn requests(&self) -> u64 {
        self.requests
    }

    pub(crate) fn told(&self) -> String {
        format!(
            "{} splits and dividends, {} corrections, {} trading days of a symbol without any",
            self.splits_and_dividends, self.corrections, self.quiet_days
        )
    }

    /// Lets everything happen that happens until a moment.
    pub(crate) fn pass_until(&mut self, now: Timestamp) {
        for outage in self.outages {
            let is_failing =
                (outage.from.seconds()..outage.until.seconds()).contains(&now.seconds());
            if is_failing && self.failing.insert(outage.vendor) {
                self.server.misbehave(outage.vendor, outage.fault, Times::Always);
            } else if outage.until == now && self.failing.remove(&outage.vendor) {
                self.server.behave(outage.vendor);
            }
        }
        if !self.is_gone && now >= self.gone.1 {
            self.is_gone = true;
            self.server.withdraw(self.gone.0);
        }
        for index in 0..self.stocks.len() {
            if self.stocks[index].symbol == self.gone.0 && self.is_gone {
                continue;
            }
            let mut is_changed = false;
            while self.stocks[index].next_close() <= now {
                let at = self.stocks[index].next_close();
                let day = day_of(self.start, at);
                *self.sessions.entry((index, day)).or_default() += 1;
                if self.happens(index) {
                    self.loud.insert((index, day));
                }
                is_changed = true;
            }
            if is_changed {
                self.serve(index);
            }
        }
    }

    /// A stock's session ends. Whether there is more to it than a bar.
    fn happens(&mut self, index: usize) -> bool {
        let stock = &mut self.stocks[index];
        let is_stock = !stock.listing.every_day;
        if self.is_quiet || !is_stock {
            stock.lengthen();
            return false;
        }
        if stock.grow(&mut self.rng, 12) {
            self.splits_and_dividends += 1;
            return true;
        }
        let is_corrected = self.rng.below(25) == 0;
        if is_corrected {
            self.stocks[index].correct(&mut self.rng);
            self.corrections += 1;
        }
        is_corrected
    }

    fn serve(&mut self, index: usize) {
        self.server.serve(self.stocks[index].instrument());
    }

    /// Serves what is gone as it was when it went.
    pub(crate) fn serve_what_is_gone(&mut self) {
        let gone = self.stocks.iter().position(|stock| stock.symbol == self.gone.0);
        self.serve(gone.unwrap());
    }

    /// Counts what was asked since the last time, by vendors.
    pub(crate) fn count_requests(&mut self, now: Timestamp) -> BTreeMap<Vendor, u32> {
        let day = day_of(self.start, now);
        let mut of_vendors: BTreeMap<Vendor, u32> = VENDORS.map(|vendor| (vendor, 0)).into();
        for seen in self.server.requests() {
            self.requests += 1;
            let Some(vendor) = seen.vendor else { continue };
            *of_vendors.entry(vendor).or_default() += 1;
            let Some(spelling) = priced(&seen) else { continue };
            let key = (vendor, spelling.to_ascii_lowercase());
            let pair = self.by_spelling.get(&key);
            let pair = pair.unwrap_or_else(|| panic!("{key:?} is nobody's"));
            *self.asked.entry((*pair, day)).or_default() += 1;
        }
        self.server.forget_requests();
        of_vendors
    }

    /// On each day on which nothing was out of order, prices of each symbol were asked for once for
    /// each session that ended, and not at all where none did.
    pub(crate) fn assert_pulled_once_a_trading_day(&mut self, limited: Vendor) {
        let last = self.asked.keys().map(|(_, day)| *day).max().unwrap();
        for (pair, &(index, vendor)) in self.pairs.iter().enumerate() {
            let symbol = &self.stocks[index].symbol;
            // Which symbol of a limited vendor has to wait is left to chance.
            let alike = self
                .pairs
                .iter()
                .filter(|(stock, of)| *stock == index || vendor == limited && *of == limited);
            let alike: Vec<usize> = alike.map(|(stock, _)| *stock).collect();
            // The first day is that of the first pull.
            for day in 1..=last {
                let is_loud = alike.iter().any(|at| self.loud.contains(&(*at, day)));
                let is_failing = self.outages.iter().any(|outage| {
                    let from = day_of(self.start, outage.from);
                    let until = day_of(self.start, outage.until) + AFTERMATH;
                    outage.vendor == vendor && (from..=until).contains(&day)
                });
                let is_gone = symbol == self.gone.0 && day >= day_of(self.start, self.gone.1) - 1;
                if is_loud || is_failing || is_gone {
                    continue;
                }
                let sessions = self.sessions.get(&(index, day)).copied().unwrap_or(0);
                let asked = self.asked.get(&(pair, day)).copied().unwrap_or(0);
                let at = self.start.plus_seconds(day * 86_400);
                assert_eq!(asked, sessions, "{symbol} of {vendor} on the day from {at} on");
                self.quiet_days += sessions as usize;
            }
        }
        assert!(self.quiet_days > 300, "{} quiet days", self.quiet_days);
    }
}

/// A stock with some history, up to the last session before a moment.
fn grown_until(start: Timestamp, listing: Listing, vendor: Vendor, seed: u64) -> Growing {
    let name = listing.symbol.bytes().map(u64::from).sum::<u64>();
    let first: Date = "2025-07-01".parse().unwrap();
    let mut stock = Growing::new(listing, vendor, seed ^ name, first, BEFORE);
    while stock.next_close() <= start {
        stock.lengthen();
    }
    stock
}

/// Whose prices a request asks for, in the vendor's spelling; `None` where it asks for something
/// else.
fn priced(seen: &Seen) -> Option<String> {
    let segments = seen.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments[..] {
        ["v8", "finance", "chart", symbol]
        | ["quote", symbol, "history", ..]
        | ["tiingo", "daily", symbol, "prices"]
        | ["v2", "aggs", "ticker", symbol, ..]
        | ["api", "eod", symbol]
        | ["api", "quote", symbol, "historical"] => Some(symbol.to_owned()),
        ["query"] if seen.query("function")?.starts_with("TIME_SERIES") => seen.query("symbol"),
        ["q", "d", "l", ..] => seen.query("s"),
        _ => None,
    }
}
