//! What a pull from each vendor holds.

use cream_models::{Bar, CorporateAction, Date, Vendor};
use cream_parser::pull::Pull;
use cream_retriever::{Failure, Fetched};
use cream_testkit::vendors::{Fault, Instrument, Times};
use cream_testkit::{Listing, Scenario};

use crate::setup::{ASKABLE, SYMBOL, last, options, pull, retriever, series, server, whole};

/// Without what depends on the day of the fetch.
fn settled(bars: Vec<Bar>) -> Vec<Bar> {
    bars.into_iter().map(|bar| bar.with_final(true)).collect()
}

fn expected(vendor: Vendor, from: Date) -> (Vec<Bar>, Vec<CorporateAction>) {
    let instrument = Instrument::new(SYMBOL, series());
    let mut bars = instrument.expected_bars(vendor);
    bars.retain(|bar| bar.date() >= from);
    let mut actions = instrument.expected_actions(vendor);
    actions.retain(|action| action.date >= from);
    (settled(bars), actions)
}

#[test]
fn every_vendor_gives_a_whole_history() {
    let server = server();
    let retriever = retriever(options(&server.base_url()));
    for vendor in ASKABLE {
        let found = pull(retriever.fetch(&whole(vendor)));
        let (bars, actions) = expected(vendor, Date::MIN);
        assert_eq!(settled(found.history.bars.clone()), bars, "{vendor}");
        assert_eq!(found.history.actions, actions, "{vendor}");
        assert_eq!((found.pull.vendor, found.pull.from, found.pull.to), (vendor, None, last()));
        assert_eq!(found.history.symbol.as_ref().map(|symbol| symbol.as_str()), Some(SYMBOL));
        // What is archived says the same.
        let file = found.pull.to_bytes(1);
        assert_eq!(Pull::read(&file).unwrap(), found.pull, "{vendor}");
        assert_eq!(cream_parser::parse(&file).unwrap(), found.history, "{vendor}");
    }
}

#[test]
fn every_vendor_gives_the_last_days_alone() {
    let server = server();
    let retriever = retriever(options(&server.base_url()));
    let from: Date = "2025-06-02".parse().unwrap();
    for vendor in ASKABLE {
        let found = pull(retriever.fetch(&whole(vendor).from(from)));
        // Alpha Vantage knows no dates.
        let first = if vendor == Vendor::AlphaVantage { Date::MIN } else { from };
        let (bars, actions) = expected(vendor, first);
        assert_eq!(settled(found.history.bars.clone()), bars, "{vendor}");
        let actions_since: Vec<_> =
            found.history.actions.iter().filter(|action| action.date >= first).collect();
        assert_eq!(actions_since, actions.iter().collect::<Vec<_>>(), "{vendor}");
        let range = found.history.coverage.range.unwrap();
        assert!(range.first() <= from && range.last() == last(), "{vendor}: {range}");
    }
}

#[test]
fn a_history_in_pages_is_put_together() {
    let server = server();
    server.page_size(70);
    let retriever = retriever(options(&server.base_url()));
    let found = pull(retriever.fetch(&whole(Vendor::Massive)));
    let (bars, actions) = expected(Vendor::Massive, Date::MIN);
    assert_eq!(settled(found.history.bars), bars);
    assert_eq!(found.history.actions, actions);
    assert_eq!(found.pull.answers.len(), 7, "five pages, splits and dividends");
}

#[test]
fn the_class_of_asset_is_found_by_trying() {
    let server = server();
    let mut listing = Listing::us_stock("OWNETF", "Own Fund");
    listing.kind = "ETF".to_owned();
    let series = Scenario::new(listing, 3).ending(last(), 50).build();
    server.serve(Instrument::new("OWNETF", series));
    let retriever = retriever(options(&server.base_url()));
    let mut ask = whole(Vendor::Nasdaq);
    ask.symbol = "OWNETF".parse().unwrap();
    let found = pull(retriever.fetch(&ask));
    assert_eq!(found.history.bars.len(), 50);
    assert_eq!(server.requests_of(Vendor::Nasdaq).len(), 3, "stocks, etf, dividends");
    assert_eq!(found.pull.answers.len(), 2, "what was tried in vain is not kept");
}

#[test]
fn a_free_plan_gives_what_it_has() {
    let server = server();
    for vendor in [Vendor::AlphaVantage, Vendor::Massive, Vendor::Eodhd] {
        server.free_plan(vendor, true);
    }
    let mut options = options(&server.base_url());
    options.vendor_mut(Vendor::AlphaVantage).premium = false;
    let retriever = retriever(options);
    let found = pull(retriever.fetch(&whole(Vendor::AlphaVantage)));
    assert_eq!(found.history.bars.len(), 100);
    assert!(!found.pull.actions);
    let short = retriever.fetch(&whole(Vendor::AlphaVantage).from("2024-06-03".parse().unwrap()));
    let short = pull(short);
    assert_eq!(short.pull.from, None, "it was not asked for");
    let first = short.history.coverage.range.unwrap().first();
    assert!(first > "2024-12-01".parse().unwrap(), "nothing is said of what the plan leaves out");
    let found = pull(retriever.fetch(&whole(Vendor::Eodhd)));
    assert!(found.history.bars.len() > 240 && found.history.bars.len() < 270);

    // Older than two years.
    let series = Scenario::new(Listing::us_stock("OLD", "Old"), 5).ending(last(), 800).build();
    server.serve(Instrument::new("OLD", series));
    let mut ask = whole(Vendor::Massive);
    ask.symbol = "OLD".parse().unwrap();
    let found = pull(retriever.fetch(&ask));
    assert!(found.history.bars.len() > 490, "{}", found.history.bars.len());
    assert_eq!(found.pull.from, None);
}

#[test]
fn actions_that_the_plan_leaves_out_are_left_open() {
    let server = server();
    server.misbehave_at("/api/div/", Fault::BadKey, Times::Always);
    let retriever = retriever(options(&server.base_url()));
    let error = retriever.fetch(&whole(Vendor::Eodhd)).unwrap_err();
    assert!(matches!(error.failure, Failure::KeyRefused { .. }), "{error}");
    server.behave_at_all();
    server.misbehave_at("/api/div/", Fault::UnknownSymbol, Times::Always);
    let found = pull(retriever.fetch(&whole(Vendor::Eodhd)));
    let open = found.history.coverage.undecided_kinds;
    assert!(open.contains(cream_models::ActionKind::Dividend), "{open:?}");
    assert!(!open.contains(cream_models::ActionKind::Split), "{open:?}");
    assert_eq!(found.history.actions.len(), 1, "the split");
}

#[test]
fn what_did_not_change_is_not_sent_again() {
    let server = server();
    let retriever = retriever(options(&server.base_url()));
    for vendor in ASKABLE {
        let found = pull(retriever.fetch(&whole(vendor)));
        let single = !matches!(vendor, Vendor::Massive | Vendor::Eodhd | Vendor::Nasdaq);
        assert_eq!(found.validators.is_some(), single, "{vendor}");
        let Some(validators) = found.validators else { continue };
        let again = retriever.fetch(&whole(vendor).unless(validators.clone()));
        assert_eq!(again.unwrap(), Fetched::Unchanged, "{vendor}");
        // Of another address they say nothing.
        if vendor != Vendor::AlphaVantage {
            let ask = whole(vendor).from("2025-06-02".parse().unwrap());
            server.forget_requests();
            pull(retriever.fetch(&ask.unless(validators)));
            assert_eq!(server.requests()[0].header("if-none-match"), None, "{vendor}");
        }
    }
}

#[test]
fn the_users_spelling_is_asked_for_as_it_is() {
    let server = server();
    server.serve(Instrument::new(SYMBOL, series()).spelled(Vendor::Massive, "CrEAM"));
    let retriever = retriever(options(&server.base_url()));
    let found = pull(retriever.fetch(&whole(Vendor::Massive).spelled("CrEAM")));
    assert_eq!(found.pull.vendor_symbol, "CrEAM");
    let error = retriever.fetch(&whole(Vendor::Massive).spelled("CREAM")).unwrap_err();
    assert!(
        matches!(error.failure, Failure::UnknownSymbol { .. } | Failure::NoData { .. }),
        "{error}"
    );
}

#[test]
fn what_cannot_be_asked_for_is_refused_without_asking() {
    let server = server();
    let mut options = options(&server.base_url());
    options.vendor_mut(Vendor::Tiingo).key = None;
    let retriever = retriever(options);
    let failure = |ask: &_| retriever.fetch(ask).unwrap_err().failure;
    assert!(matches!(failure(&whole(Vendor::Tiingo)), Failure::KeyMissing { .. }));
    assert!(matches!(failure(&whole(Vendor::Csv)), Failure::NobodyToAsk(Vendor::Csv)));
    let reversed = whole(Vendor::Stooq).from("2025-06-14".parse().unwrap());
    assert!(matches!(failure(&reversed), Failure::Reversed { .. }));
    let mut futures = whole(Vendor::Nasdaq);
    futures.symbol = "ES=F".parse().unwrap();
    assert!(matches!(failure(&futures), Failure::Spelling(_)));
    assert!(server.requests().is_empty());
}

#[test]
fn a_plan_is_what_is_asked() {
    let server = server();
    let retriever = retriever(options(&server.base_url()));
    for vendor in ASKABLE {
        let ask = whole(vendor).from("2025-01-02".parse().unwrap());
        let plan = retriever.plan(&ask).unwrap();
        assert!(server.requests().is_empty(), "a plan asks nobody");
        pull(retriever.fetch(&ask));
        let asked: Vec<_> =
            server.requests().iter().map(|seen| seen.path_and_query.clone()).collect();
        server.forget_requests();
        assert_eq!(plan.len(), asked.len(), "{vendor}: {plan:?} {asked:?}");
        for (planned, asked) in plan.iter().zip(asked) {
            let path = planned.strip_prefix(&format!("GET {}", server.base_url())).unwrap();
            let path = path.split(' ').next().unwrap();
            let start = path.split("***").next().unwrap();
            assert!(asked.starts_with(start), "{vendor}: {planned} {asked}");
        }
    }
    let lines: Vec<String> = retriever
        .vendors()
        .iter()
        .map(|of| format!("{} {} {} {}", of.vendor, of.key, of.key_is_set, of.price_basis))
        .collect();
    assert_eq!(lines[2], "tiingo required true as_traded");
    assert_eq!(lines[6], "stooq optional false unknown");
}
