//! The project's own parser reads from the chart route what the database holds.

use cream_models::{
    Bar, BarField, CorporateAction, CorporateEvent, Date, Price, SplitRatio, Vendor,
};
use proptest::prelude::*;

use crate::chart::{EVERYTHING, Loaded, load};
use crate::support::Api;

#[derive(Clone, Debug)]
struct Series {
    zone: &'static str,
    bars: Vec<Bar>,
    actions: Vec<CorporateAction>,
}

fn any_bar() -> impl Strategy<Value = [Option<i64>; 6]> {
    let value = |max: i64| prop::option::weighted(0.9, 1..max);
    let row = (
        prop::array::uniform5(value(2_000_000_000_000)),
        prop::option::weighted(0.9, 0..1_i64 << 53),
    )
        .prop_map(|([open, high, low, close, adjusted], volume)| {
            [open, high, low, close, adjusted, volume]
        });
    // The database takes no bar without any price.
    prop_oneof![20 => row, 1 => Just([None, None, Some(1), None, None, None])]
}

fn any_event() -> impl Strategy<Value = CorporateEvent> {
    let side = (1_i64..50_000_000_000).prop_map(Price::from_nanos);
    let amount = (1_i64..100_000_000_000).prop_map(Price::from_nanos);
    prop_oneof![
        (side.clone(), side).prop_map(|(numerator, denominator)| {
            CorporateEvent::Split(SplitRatio::new(numerator, denominator).unwrap())
        }),
        amount.clone().prop_map(|amount| CorporateEvent::Dividend { amount }),
        amount.prop_map(|amount| CorporateEvent::CapitalGain { amount }),
    ]
}

fn any_series() -> impl Strategy<Value = Series> {
    let zones = ["America/New_York", "Asia/Tokyo", "Europe/London", "Australia/Sydney", "UTC"];
    let rows = prop::collection::vec((any_bar(), 1..5_i32), 1..60);
    let actions = prop::collection::vec((any::<prop::sample::Index>(), any_event()), 0..12);
    let is_live = any::<bool>();
    (prop::sample::select(zones.to_vec()), -5_000..25_000_i32, rows, actions, is_live).prop_map(
        |(zone, first, rows, actions, is_live)| {
            let mut date = first;
            let mut bars: Vec<Bar> = rows
                .into_iter()
                .map(|(values, step)| {
                    date += step;
                    let mut bar = Bar::new(Date::from_days(date).unwrap());
                    for (field, value) in BarField::ALL.into_iter().zip(values) {
                        bar.set(field, value);
                    }
                    if !bar.has_price() {
                        bar.set(BarField::High, Some(1));
                    }
                    bar
                })
                .collect();
            if let Some(last) = bars.last_mut() {
                *last = last.with_close(Price::from_nanos(1_500_000_000)).with_final(!is_live);
            }
            let mut actions: Vec<_> = actions
                .into_iter()
                .map(|(index, event)| CorporateAction { date: index.get(&bars).date(), event })
                .collect();
            actions.sort_by_key(CorporateAction::key);
            actions.dedup_by_key(|action| action.key());
            Series { zone, bars, actions }
        },
    )
}

fn values(bar: &Bar) -> (Date, bool, [Option<i64>; 6]) {
    (bar.date(), bar.is_final(), BarField::ALL.map(|field| bar.value(field)))
}

#[test]
fn the_projects_own_parser_reads_what_is_stored() {
    let api = Api::start(true, |_| ());
    let number = std::cell::Cell::new(0);
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() };
    proptest!(config, |(series in any_series())| {
        number.set(number.get() + 1);
        let symbol = format!("S{}", number.get());
        load(&api.store, &Loaded {
            symbol: &symbol,
            vendor: Vendor::YahooChart,
            told: ["GBp", series.zone, "ETF"],
            bars: &series.bars,
            actions: &series.actions,
            known: &[],
        });
        let answer = api.get(&format!("/v8/finance/chart/{symbol}?{EVERYTHING}"));
        prop_assert_eq!(answer.status, 200);
        let history = cream_parser::parse(&answer.body).unwrap();
        // A row without any price is none to the parser.
        let stored = series.bars.iter().filter(|bar| bar.has_price());
        prop_assert_eq!(
            history.bars.iter().map(values).collect::<Vec<_>>(),
            stored.map(values).collect::<Vec<_>>()
        );
        prop_assert_eq!(&history.actions, &series.actions);
        prop_assert_eq!(history.symbol.map(|symbol| symbol.to_string()), Some(symbol));
        let told = history.instrument;
        prop_assert_eq!(told.currency.as_deref(), Some("GBp"));
        prop_assert_eq!(told.time_zone.as_deref(), Some(series.zone));
        prop_assert_eq!(told.kind.as_deref(), Some("ETF"));
    });
}

/// What Yahoo once sent, where it lies beside the project: stored, served, and read again.
#[test]
fn recorded_answers_are_served_as_they_came() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/real");
    let files = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let charts: Vec<_> = files
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("yahoo-chart_"))
        .collect();
    if charts.is_empty() {
        eprintln!("SKIPPED: no recorded responses in {folder}");
    }
    let mut compared = 0;
    for path in &charts {
        // One of them holds no bar, which the parser refuses.
        let Ok(recorded) = cream_parser::parse(&std::fs::read(path).unwrap()) else { continue };
        let api = Api::start(true, |_| ());
        let (symbol, told) = (recorded.symbol.clone().unwrap(), &recorded.instrument);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let told = [text(&told.currency), text(&told.time_zone), text(&told.kind)];
        load(
            &api.store,
            &Loaded {
                symbol: symbol.as_str(),
                vendor: Vendor::YahooChart,
                told: [&told[0], &told[1], &told[2]],
                bars: &recorded.bars,
                actions: &recorded.actions,
                known: &[],
            },
        );
        let answer = api.get(&format!("/v8/finance/chart/{symbol}?{EVERYTHING}"));
        let served = cream_parser::parse(&answer.body).unwrap();
        let rows = |bars: &[Bar]| bars.iter().map(values).collect::<Vec<_>>();
        assert_eq!(rows(&served.bars), rows(&recorded.bars), "{symbol}");
        assert_eq!(served.actions, recorded.actions, "{symbol}");
        assert_eq!(served.instrument.time_zone, recorded.instrument.time_zone, "{symbol}");
        compared += recorded.bars.len();
    }
    assert!(charts.is_empty() || compared > 100, "{compared} bars were compared");
}
