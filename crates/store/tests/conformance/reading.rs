//! Bars, actions, stocks, the digest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use cream_models::{
    Bar, BarField, BarFlags, CorporateAction, CorporateEvent, Date, DateRange, Instrument, Price,
    SplitRatio, Symbol, Vendor,
};
use cream_store::{BarQuery, Order, StockQuery, Store};
use proptest::prelude::*;

use crate::harness::{Database, Done, bar, instant, stock, symbol};

const CHART: Vendor = Vendor::YahooChart;
const PAGE: Vendor = Vendor::YahooPage;

fn days(bars: &[cream_store::StoredBar]) -> Vec<String> {
    bars.iter().map(|stored| stored.bar.date().to_string()).collect()
}

pub(crate) fn bars_come_back_as_they_went_in(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "TSLA");
    let odd = Bar::new("2020-04-20".parse().unwrap())
        .with_open("17.73".parse().unwrap())
        .with_close("-37.630000001".parse().unwrap())
        .with_volume(0)
        .with_final(false)
        .with_flags(BarFlags::NEGATIVE_PRICE | BarFlags::ZERO_VOLUME);
    let bars = [bar("2020-04-17", "18.27"), odd];
    store.write(|w| w.insert_bars(id, CHART, instant(7), &bars)).unwrap();
    let read = store.read(|r| r.bars(id, CHART, &BarQuery::default())).unwrap();
    assert_eq!(read.iter().map(|stored| stored.bar).collect::<Vec<_>>(), bars);
    assert!(read.iter().all(|b| b.as_of == instant(7) && b.withdrawn_at.is_none()));
    let latest = store.read(|r| r.latest_bar(id, CHART)).unwrap();
    assert_eq!(latest.unwrap().bar, odd);
}

fn any_bar() -> impl Strategy<Value = Bar> {
    let number = || proptest::option::weighted(0.8, any::<i64>());
    let prices = [number(), number(), number(), number(), number()];
    let volume = proptest::option::of(0..i64::MAX);
    (prices, volume, any::<bool>(), 0_u16..128).prop_map(|(prices, volume, is_final, flags)| {
        let mut bar = Bar::new(Date::MIN)
            .with_final(is_final)
            .with_flags(BarFlags::from_bits(flags).unwrap());
        for (field, value) in BarField::ALL.into_iter().zip(prices) {
            bar.set(field, value);
        }
        bar.set(BarField::Volume, volume);
        if !bar.has_price() {
            bar.set(BarField::Close, Some(i64::MIN));
        }
        bar
    })
}

fn any_bars() -> impl Strategy<Value = Vec<Bar>> {
    let day = Date::MIN.days()..=Date::MAX.days();
    // Around the size of a statement, so that whole and broken chunks occur.
    proptest::collection::btree_map(day, any_bar(), 0..150).prop_map(|bars: BTreeMap<i32, Bar>| {
        let dated = |(day, bar): (i32, Bar)| bar.with_date(Date::from_days(day).unwrap());
        bars.into_iter().map(dated).collect()
    })
}

pub(crate) fn any_bars_are_read_back(database: &dyn Database) {
    let store = database.store();
    let count = AtomicU32::new(0);
    proptest!(ProptestConfig::with_cases(48), |(bars in any_bars(), later in any_bars())| {
        let id = stock(store, &format!("P{}", count.fetch_add(1, Ordering::Relaxed)));
        let read = |store: &Store| {
            let stored = store.read(|r| r.all_bars(id, CHART, DateRange::ALL)).unwrap();
            stored.iter().map(|stored| stored.bar).collect::<Vec<_>>()
        };
        store.write(|w| w.insert_bars(id, CHART, instant(1), &bars)).unwrap();
        prop_assert_eq!(read(store), bars.clone());

        store.write(|w| w.update_bars(id, CHART, instant(2), &later)).unwrap();
        let mut merged: BTreeMap<Date, Bar> = bars.iter().map(|bar| (bar.date(), *bar)).collect();
        merged.extend(later.iter().map(|bar| (bar.date(), *bar)));
        prop_assert_eq!(read(store), merged.into_values().collect::<Vec<_>>());
    });
}

pub(crate) fn many_bars_are_written_and_written_over(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let days = || (0..1_000).map(|n| Date::from_days(n - 500).unwrap());
    let nanos = |n: i32| Price::from_nanos(i64::from(n) * i64::from(i32::MAX));
    let bars: Vec<Bar> = days()
        .map(|day| match day.days() % 4 {
            0 => Bar::new(day).with_low(nanos(day.days())).with_flags(BarFlags::NEGATIVE_PRICE),
            1 => Bar::new(day).with_high(Price::MAX).with_final(false),
            _ => Bar::new(day).with_close(Price::MIN).with_open(nanos(1)).with_volume(i64::MAX),
        })
        .collect();
    // Two transactions' worth of each size of batch, so that both ways of writing are taken.
    for (at, part) in [(1, 0..3), (1, 3..11), (1, 11..1_000)] {
        store.write(|w| w.insert_bars(id, CHART, instant(at), &bars[part])).unwrap();
    }
    let read = || store.read(|r| r.all_bars(id, CHART, DateRange::ALL)).unwrap();
    assert_eq!(read().iter().map(|stored| stored.bar).collect::<Vec<_>>(), bars);

    let gone: Vec<Date> = days().step_by(3).collect();
    store.write(|w| w.withdraw_bars(id, CHART, instant(2), &gone)).unwrap();
    let over = |from: usize, to: usize| -> Vec<Bar> {
        bars[from..to].iter().map(|bar| Bar::new(bar.date()).with_adj_close(nanos(3))).collect()
    };
    store
        .write(|w| -> Done {
            // Twice in one transaction: what is staged for one is not taken for the other.
            w.update_bars(id, CHART, instant(3), &over(0, 400))?;
            w.update_bars(id, CHART, instant(4), &over(400, 800))?;
            w.update_bars(id, CHART, instant(5), &over(800, 802))
        })
        .unwrap();
    for (index, stored) in read().into_iter().enumerate() {
        let (bar, at) = match index {
            0..400 => (over(index, index + 1)[0], 3),
            400..800 => (over(index, index + 1)[0], 4),
            800..802 => (over(index, index + 1)[0], 5),
            _ => (bars[index], 1),
        };
        assert_eq!((stored.bar, stored.as_of), (bar, instant(at)), "{index}");
        let withdrawn = (index >= 802 && index % 3 == 0).then_some(instant(2));
        assert_eq!(stored.withdrawn_at, withdrawn, "{index}");
    }
}

pub(crate) fn order_range_and_limit_hold(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let bars: Vec<Bar> = (1..=9).map(|day| bar(&format!("2020-01-0{day}"), "1")).collect();
    store.write(|w| w.insert_bars(id, CHART, instant(1), &bars)).unwrap();
    let read = |range: &str, order, limit| {
        let query = BarQuery { range: range.parse().unwrap(), order, limit };
        days(&store.read(|r| r.bars(id, CHART, &query)).unwrap())
    };
    assert_eq!(
        read("2020-01-03..2020-01-05", Order::Ascending, 9),
        ["2020-01-03", "2020-01-04", "2020-01-05"]
    );
    assert_eq!(read("2020-01-03..2030-01-01", Order::Descending, 2), ["2020-01-09", "2020-01-08"]);
    assert_eq!(read("2020-01-03..2030-01-01", Order::Ascending, 1), ["2020-01-03"]);
    assert!(read("2021-01-01..2030-01-01", Order::Ascending, 9).is_empty());
    assert!(read("2020-01-01..2020-01-09", Order::Ascending, 0).is_empty());
    let all = BarQuery { limit: u32::MAX, ..BarQuery::default() };
    assert_eq!(store.read(|r| r.bars(id, CHART, &all)).unwrap().len(), 9);
}

pub(crate) fn withdrawn_bars_are_left_out_and_come_back(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let bars = [bar("2020-01-02", "1"), bar("2020-01-03", "2")];
    let second = bars[1].date();
    store.write(|w| w.insert_bars(id, CHART, instant(1), &bars)).unwrap();
    store
        .write(|w| {
            // A date without a bar is no error.
            let dates = [second, "2021-01-01".parse().unwrap()];
            w.withdraw_bars(id, CHART, instant(2), &dates)?;
            w.withdraw_bars(id, CHART, instant(3), &[second])
        })
        .unwrap();
    let served = || store.read(|r| r.bars(id, CHART, &BarQuery::default())).unwrap();
    let all = || store.read(|r| r.all_bars(id, CHART, DateRange::ALL)).unwrap();
    assert_eq!(days(&served()), ["2020-01-02"]);
    assert_eq!(all()[1].withdrawn_at, Some(instant(2)), "withdrawn once");
    assert_eq!(all()[1].as_of, instant(1));
    assert_eq!(store.read(|r| r.latest_bar(id, CHART)).unwrap().unwrap().bar, bars[0]);

    store.write(|w| w.update_bars(id, CHART, instant(4), &bars[1..])).unwrap();
    assert_eq!(days(&served()), ["2020-01-02", "2020-01-03"]);
    assert_eq!((all()[1].as_of, all()[1].withdrawn_at), (instant(4), None));
    assert_eq!(all()[0].as_of, instant(1));
}

fn actions() -> Vec<CorporateAction> {
    let date: Date = "2020-08-31".parse().unwrap();
    let amount = "0.26".parse().unwrap();
    let ratio = SplitRatio::new("1000".parse().unwrap(), "961".parse().unwrap()).unwrap();
    let mut actions = vec![
        CorporateAction { date, event: CorporateEvent::Split(ratio) },
        CorporateAction { date, event: CorporateEvent::Dividend { amount } },
        CorporateAction { date, event: CorporateEvent::CapitalGain { amount } },
    ];
    let earlier = date.previous().unwrap();
    actions.push(CorporateAction { date: earlier, event: CorporateEvent::Dividend { amount } });
    actions
}

pub(crate) fn actions_are_ordered_and_withdrawn(database: &dyn Database) {
    let store = database.store();
    let id = stock(store, "A");
    let mut expected = actions();
    store.write(|w| w.put_actions(id, CHART, instant(1), &expected)).unwrap();
    expected.sort_by_key(CorporateAction::key);
    let served = |range| {
        let list = store.read(|r| r.actions(id, CHART, range)).unwrap();
        list.iter().map(|stored| stored.action).collect::<Vec<_>>()
    };
    assert_eq!(served(DateRange::ALL), expected);
    assert_eq!(served(DateRange::single(expected[0].date)), expected[..1]);

    let keys = [expected[1].key()];
    store.write(|w| w.withdraw_actions(id, CHART, instant(2), &keys)).unwrap();
    assert_eq!(served(DateRange::ALL).len(), 3);
    let all = store.read(|r| r.all_actions(id, CHART, DateRange::ALL)).unwrap();
    assert_eq!((all.len(), all[1].withdrawn_at), (4, Some(instant(2))));

    let amount = "0.27".parse().unwrap();
    expected[1].event = CorporateEvent::Dividend { amount };
    store.write(|w| w.put_actions(id, CHART, instant(3), &expected[1..2])).unwrap();
    assert_eq!(served(DateRange::ALL), expected);
    let all = store.read(|r| r.all_actions(id, CHART, DateRange::ALL)).unwrap();
    assert_eq!((all[1].as_of, all[1].withdrawn_at), (instant(3), None));
}

pub(crate) fn series_do_not_mix(database: &dyn Database) {
    let store = database.store();
    let (a, b) = (stock(store, "A"), stock(store, "B"));
    store
        .write(|w| {
            w.insert_bars(a, CHART, instant(1), &[bar("2020-01-02", "1")])?;
            w.insert_bars(a, PAGE, instant(1), &[bar("2020-01-02", "2")])?;
            w.insert_bars(b, CHART, instant(1), &[bar("2020-01-02", "3")])?;
            w.withdraw_bars(a, PAGE, instant(2), &["2020-01-02".parse().unwrap()])
        })
        .unwrap();
    let close = |id, vendor| {
        let latest = store.read(|r| r.latest_bar(id, vendor)).unwrap();
        latest.and_then(|stored| stored.bar.close()).map(|price| price.to_string())
    };
    assert_eq!(close(a, CHART).as_deref(), Some("1"));
    assert_eq!(close(a, PAGE), None);
    assert_eq!(close(b, CHART).as_deref(), Some("3"));
    assert_eq!(close(b, PAGE), None);
}

pub(crate) fn stocks_are_listed_and_found(database: &dyn Database) {
    let store = database.store();
    let named = |name: &str| Instrument { name: Some(name.to_owned()), ..Instrument::default() };
    let describe = |id, vendor, name: &str, at| {
        let said = |w: &mut cream_store::Writer<'_>| -> Done {
            let mut state = w.lock_series(id, vendor)?;
            state.describe(&named(name), instant(at));
            w.save_series(state)
        };
        store.write(said).unwrap();
    };
    for (text, name) in [
        ("TSLA", "Tesla, Inc."),
        ("^GSPC", "S&P 500"),
        ("A_B", "100% Cotton"),
        ("BRK-B", "Berkshire Hathaway"),
        ("AAPL", "Apple Inc."),
    ] {
        let id = stock(store, text);
        describe(id, PAGE, name, 1);
        if text == "TSLA" {
            describe(id, CHART, "Tesla Motors", 0);
        }
    }
    stock(store, "NAMELESS");
    let list = |contains: Option<&str>, after: Option<&str>, limit| {
        let query =
            StockQuery { contains: contains.map(str::to_owned), after: after.map(symbol), limit };
        let found = store.read(|r| r.stocks(&query)).unwrap();
        found.iter().map(|(stock, _)| stock.symbol.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 9), ["AAPL", "A_B", "BRK-B", "NAMELESS", "TSLA", "^GSPC"]);
    assert_eq!(list(None, None, 2), ["AAPL", "A_B"]);
    assert_eq!(list(None, Some("A_B"), 2), ["BRK-B", "NAMELESS"]);
    assert_eq!(list(None, Some("B"), 1), ["BRK-B"], "after a symbol that is not there");
    assert_eq!(list(Some("INC"), None, 9), ["AAPL", "TSLA"]);
    assert_eq!(list(Some("inc"), Some("AAPL"), 9), ["TSLA"]);
    assert_eq!(list(Some("tsl"), None, 9), ["TSLA"]);
    assert_eq!(list(Some("%"), None, 9), ["A_B"], "taken literally");
    assert_eq!(list(Some("a_b"), None, 9), ["A_B"], "taken literally");
    assert!(list(Some("\\"), None, 9).is_empty());
    assert_eq!(list(Some(""), None, 9).len(), 6);
    assert_eq!(list(Some("motors"), None, 9), ["TSLA"], "whichever vendor says it");

    let wanted = ["TSLA", "NONE", "NAMELESS"].map(symbol);
    // More than go into one statement.
    let more: Vec<Symbol> = (0..1_200).map(|number| symbol(&format!("X{number}"))).collect();
    let wanted: Vec<&Symbol> = wanted.iter().chain(&more).collect();
    let mut found = store.read(|r| r.stocks_named(&wanted)).unwrap();
    found.sort_by_key(|(stock, _)| stock.symbol.to_string());
    let found: Vec<(String, usize)> =
        found.iter().map(|(stock, held)| (stock.symbol.to_string(), held.len())).collect();
    assert_eq!(found, [("NAMELESS".to_owned(), 0), ("TSLA".to_owned(), 2)]);
    assert!(store.read(|r| r.stocks_named(&[])).unwrap().is_empty());

    let all = store.read(|r| r.stocks(&StockQuery::default())).unwrap();
    let vendors: Vec<Vendor> = all[4].1.iter().map(|series| series.vendor).collect();
    assert_eq!(vendors, [CHART, PAGE], "in the vendors' order, not that of the rows");
    assert_eq!(store.read(|r| r.series_of(all[4].0.id)).unwrap(), all[4].1);
    assert!(all[3].1.is_empty());
    assert_eq!(store.read(|r| r.stock(&symbol("NONE"))).unwrap(), None);
}

pub(crate) fn the_digest_is_of_what_is_served(database: &dyn Database) {
    let store = database.store();
    let digest = || store.read(|r| r.digest()).unwrap();
    // The SHA-256 of nothing.
    assert_eq!(digest(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let fill = |symbols: [&str; 2], vendors: [Vendor; 2], at: i64| {
        for text in symbols {
            let id = stock(store, text);
            for vendor in vendors {
                let mut bars =
                    vec![bar("2020-01-02", "1.5"), bar("2020-01-03", "2").with_volume(3)];
                if at == 2 {
                    bars.reverse();
                }
                store
                    .write(|w| {
                        w.insert_bars(id, vendor, instant(at), &bars)?;
                        w.put_actions(id, vendor, instant(at), &actions())?;
                        w.recount_series(id, vendor, instant(at))
                    })
                    .unwrap();
            }
        }
    };
    fill(["A", "B"], [CHART, PAGE], 1);
    let first = digest();
    database.raw("DELETE FROM corporate_action").unwrap();
    assert_ne!(digest(), first, "actions count");
    for table in ["stock_data", "series", "stock"] {
        database.raw(&format!("DELETE FROM {table}")).unwrap();
    }
    fill(["B", "A"], [PAGE, CHART], 2);
    assert_eq!(digest(), first, "neither order nor time counts");

    let id = stock(store, "A");
    let extra = [bar("2020-01-04", "9")];
    store.write(|w| w.insert_bars(id, CHART, instant(3), &extra)).unwrap();
    assert_ne!(digest(), first);
    store.write(|w| w.withdraw_bars(id, CHART, instant(4), &[extra[0].date()])).unwrap();
    assert_eq!(digest(), first, "withdrawn bars do not count");
    store
        .write(|w| {
            let mut state = w.lock_series(id, CHART)?;
            let name = Some("Named".to_owned());
            state.describe(&Instrument { name, ..Instrument::default() }, instant(5));
            w.save_series(state)
        })
        .unwrap();
    stock(store, "EMPTY");
    assert_eq!(digest(), first, "nor do stocks without bars");
}

pub(crate) fn totals_count_what_is_served(database: &dyn Database) {
    let store = database.store();
    assert_eq!(store.read(|r| r.totals()).unwrap(), cream_store::Totals::default());
    let id = stock(store, "A");
    stock(store, "B");
    store
        .write(|w| {
            let bars = [bar("2020-01-02", "1"), bar("2020-01-03", "2")];
            w.insert_bars(id, CHART, instant(1), &bars)?;
            w.withdraw_bars(id, CHART, instant(2), &[bars[0].date()])?;
            w.put_actions(id, CHART, instant(1), &actions())?;
            w.withdraw_actions(id, CHART, instant(1), &[actions()[0].key()])?;
            w.recount_series(id, CHART, instant(2))
        })
        .unwrap();
    let totals = store.read(|r| r.totals()).unwrap();
    assert_eq!((totals.stocks, totals.series, totals.bars, totals.actions), (2, 1, 1, 3));
}
