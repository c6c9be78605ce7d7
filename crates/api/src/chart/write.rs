//! The answer's text. Numbers are written as the exact decimals that they are.

use cream_models::{Bar, BarField, Date, Price};
use cream_store::{Said, StoredBar};

use super::Chart;
use super::query::{ChartQuery, RANGES};
use super::session::Session;
use crate::json::{Object, integer, optional_integer, optional_price};

/// Roughly what a bar takes, to reserve a buffer once.
const BAR_LEN: usize = 80;

pub(super) fn chart(query: &ChartQuery, chart: &Chart) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2_048 + BAR_LEN * chart.bars.len());
    let mut outer = Object::open(&mut bytes);
    let mut answer = Object::open(outer.key("chart"));
    answer.list("result", std::iter::once(chart), |out, chart| result(out, query, chart));
    answer.optional_string("error", None);
    answer.close();
    outer.close();
    bytes
}

fn result(out: &mut Vec<u8>, query: &ChartQuery, chart: &Chart) {
    let mut result = Object::open(out);
    meta(result.key("meta"), query, chart);
    // A client tells by its absence that there is no bar.
    if !chart.bars.is_empty() {
        let time = |stored: &StoredBar| chart.session.of_bar(query.interval, stored.bar.date());
        let times = chart.bars.iter().map(time);
        result.list("timestamp", times, integer);
    }
    if !chart.events.is_empty() {
        events(result.key("events"), chart);
    }
    let mut indicators = Object::open(result.key("indicators"));
    indicators.list("quote", std::iter::once(chart.bars.as_slice()), quote);
    let is_empty = chart.bars.is_empty();
    if chart.has_adjusted_closes || (is_empty && query.with_adjusted_close) {
        indicators.list("adjclose", std::iter::once(&chart.bars), |out, bars| {
            let mut column = Object::open(out);
            if !is_empty {
                let closes = bars.iter().map(|stored| stored.bar.adj_close());
                column.list("adjclose", closes, optional_price);
            }
            column.close();
        });
    }
    indicators.close();
    result.close();
}

fn quote(out: &mut Vec<u8>, bars: &[StoredBar]) {
    let mut columns = Object::open(out);
    if !bars.is_empty() {
        for field in [BarField::Open, BarField::High, BarField::Low, BarField::Close] {
            let column = bars.iter().map(|stored| stored.bar.value(field).map(Price::from_nanos));
            columns.list(field.name(), column, optional_price);
        }
        let volumes = bars.iter().map(|stored| stored.bar.volume());
        columns.list("volume", volumes, optional_integer);
    }
    columns.close();
}

fn meta(out: &mut Vec<u8>, query: &ChartQuery, chart: &Chart) {
    let Chart { stock, series, session, last, .. } = chart;
    let description = &series.description;
    let text = |said: &'_ Option<Said>| said.as_ref().map(|said| said.text.clone());
    let exchange = text(&description.exchange);
    let market_time = last.as_ref().map(|last| market_time(session, &last.bar));
    let clock = session.clock(market_time.unwrap_or(0));
    let last = last.as_ref().map(|last| &last.bar);
    let mut meta = Object::open(out);
    meta.optional_string("currency", series.currency());
    meta.string("symbol", stock.symbol.as_str());
    // Of an exchange one text is stored, its name where the vendor tells it, or else its code.
    meta.optional_string("exchangeName", exchange.as_deref());
    meta.optional_string("fullExchangeName", exchange.as_deref());
    meta.optional_string("instrumentType", text(&description.kind).as_deref());
    meta.integer("firstTradeDate", series.first_date.map(|date| session.open(date)));
    meta.integer("regularMarketTime", market_time);
    meta.boolean("hasPrePostMarketData", false);
    meta.integer("gmtoffset", Some(clock.offset));
    meta.string("timezone", &clock.abbreviation);
    meta.string("exchangeTimezoneName", session.zone_name());
    meta.price("regularMarketPrice", last.and_then(Bar::close));
    meta.price("regularMarketDayHigh", last.and_then(Bar::high));
    meta.price("regularMarketDayLow", last.and_then(Bar::low));
    meta.integer("regularMarketVolume", last.and_then(Bar::volume));
    if let Some(name) = text(&description.name) {
        meta.string("longName", &name);
        meta.string("shortName", &name);
    }
    meta.price("chartPreviousClose", chart.previous_close);
    meta.integer("priceHint", Some(price_hint(stock.symbol.as_str(), last.and_then(Bar::close))));
    if let Some(last) = last {
        trading_period(meta.key("currentTradingPeriod"), session, last.date());
    }
    meta.string("dataGranularity", query.interval.name());
    meta.string("range", &query.range);
    meta.strings("validRanges", RANGES.into_iter());
    meta.close();
}

/// The instant of the last price: the end of its session. While that was under way when the vendor
/// was asked, it is the instant of the bar itself, by which clients know it as such.
fn market_time(session: &Session, last: &Bar) -> i64 {
    if last.is_final() { session.close(last.date()) } else { session.open(last.date()) }
}

/// To how many decimals a client rounds where its user wants it to.
fn price_hint(symbol: &str, close: Option<Price>) -> i64 {
    let one = Price::from_nanos(1_000_000_000);
    let is_small = close.is_some_and(|close| close > Price::ZERO && close < one);
    if is_small || symbol.ends_with("=X") { 4 } else { 2 }
}

/// The session of the last bar. Of what comes before and after it nothing is known, so both are
/// empty.
fn trading_period(out: &mut Vec<u8>, session: &Session, date: Date) {
    let (open, close) = (session.open(date), session.close(date));
    let clock = session.clock(open);
    let mut periods = Object::open(out);
    for (name, start, end) in
        [("pre", open, open), ("regular", open, close), ("post", close, close)]
    {
        let mut period = Object::open(periods.key(name));
        period.string("timezone", &clock.abbreviation);
        period.integer("start", Some(start));
        period.integer("end", Some(end));
        period.integer("gmtoffset", Some(clock.offset));
        period.close();
    }
    periods.close();
}

fn events(out: &mut Vec<u8>, chart: &Chart) {
    let Chart { session, events, .. } = chart;
    let mut kinds = Object::open(out);
    for (kind, amounts) in
        [("dividends", &events.dividends), ("capitalGains", &events.capital_gains)]
    {
        if amounts.is_empty() {
            continue;
        }
        let mut map = Object::open(kinds.key(kind));
        for (date, amount) in amounts {
            let time = session.open(*date);
            let mut event = Object::open(map.key(&time.to_string()));
            event.price("amount", Some(*amount));
            event.integer("date", Some(time));
            event.close();
        }
        map.close();
    }
    if !events.splits.is_empty() {
        let mut map = Object::open(kinds.key("splits"));
        for (date, ratio) in &events.splits {
            let time = session.open(*date);
            let mut event = Object::open(map.key(&time.to_string()));
            event.integer("date", Some(time));
            event.price("numerator", Some(ratio.numerator()));
            event.price("denominator", Some(ratio.denominator()));
            event.string("splitRatio", &ratio.to_string());
            event.close();
        }
        map.close();
    }
    kinds.close();
}
