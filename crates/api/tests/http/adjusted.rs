//! Adjusted histories, and on which share count and in which unit numbers are.

use cream_models::{
    Bar, CorporateAction, CorporateEvent, Date, DateRange, Instrument, Price, SplitRatio, Symbol,
    Vendor,
};
use cream_store::Store;

use crate::support::{Answer, Api, at, bar, day};

const FETCHED: &str = "2021-01-01T00:00:00Z";

struct Loaded<'a> {
    symbol: &'a str,
    vendor: Vendor,
    currency: &'a str,
    bars: &'a [Bar],
    actions: &'a [CorporateAction],
    known: &'a [DateRange],
}

fn load(store: &Store, loaded: &Loaded<'_>) {
    let Loaded { symbol, vendor, currency, bars, actions, known } = *loaded;
    let instrument = Instrument { currency: Some(currency.to_owned()), ..Instrument::default() };
    let written = store.write(|writer| {
        let stock = writer.ensure_stock(&Symbol::parse(symbol).unwrap())?;
        writer.insert_bars(stock.id, vendor, at(FETCHED), bars)?;
        writer.put_actions(stock.id, vendor, at(FETCHED), actions)?;
        let mut state = writer.lock_series(stock.id, vendor)?;
        state.add(bars);
        state.describe(&instrument, at(FETCHED));
        state.know_actions(known);
        state.revise(at(FETCHED));
        writer.save_series(state)
    });
    written.unwrap();
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn split(date: &str, numerator: &str, denominator: &str) -> CorporateAction {
    let ratio = SplitRatio::new(price(numerator), price(denominator)).unwrap();
    CorporateAction { date: day(date), event: CorporateEvent::Split(ratio) }
}

fn dividend(date: Date, amount: &str) -> CorporateAction {
    CorporateAction { date, event: CorporateEvent::Dividend { amount: price(amount) } }
}

/// Apple in 2020: paid out on 2020-08-07, split on 2020-08-31.
fn apple() -> Api {
    let as_traded = [
        bar("2020-08-06", "455.61").with_volume(50_607_200),
        bar("2020-08-07", "444.45").with_volume(49_511_400),
        bar("2020-08-28", "499.23").with_volume(46_907_479),
        bar("2020-08-31", "129.04").with_volume(225_702_700).with_adj_close(price("127.1")),
    ];
    let split_adjusted = [
        bar("2020-08-06", "113.9025").with_volume(202_428_800),
        bar("2020-08-07", "111.1125").with_volume(198_045_600),
        bar("2020-08-28", "124.8075").with_volume(187_629_916),
        as_traded[3],
    ];
    let four = split("2020-08-31", "4", "1");
    let (paid, today) = (dividend(day("2020-08-07"), "0.82"), dividend(day("2020-08-07"), "0.205"));
    Api::start(true, |store| {
        for (vendor, bars, actions) in [
            (Vendor::Tiingo, &as_traded, &[paid, four][..]),
            (Vendor::YahooChart, &split_adjusted, &[today, four]),
            (Vendor::Massive, &split_adjusted, &[paid, four]),
            (Vendor::Eodhd, &as_traded, &[paid, four]),
            (Vendor::Nasdaq, &split_adjusted, &[paid]),
            (Vendor::Stooq, &split_adjusted, &[]),
        ] {
            let known = &[DateRange::ALL];
            load(store, &Loaded { symbol: "AAPL", vendor, currency: "USD", bars, actions, known });
        }
        load(
            store,
            &Loaded {
                symbol: "ONLY",
                vendor: Vendor::Stooq,
                currency: "GBp",
                bars: &split_adjusted,
                actions: &[],
                known: &[],
            },
        );
    })
}

/// Close and volume of each bar, as the answer writes them.
fn rows(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let lines = answer.text().lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{} {} {}", cells[0], cells[4], cells[6])
    });
    lines.collect()
}

#[test]
fn every_vendor_gives_the_same_numbers_once_adjusted() {
    let api = apple();
    let get = |vendor: Vendor, adjustment: &str| {
        api.get(&format!(
            "/stock-data/AAPL/history?format=csv&vendor={vendor}&adjustment={adjustment}"
        ))
    };
    let raw = [
        "2020-08-06 455.61 50607200",
        "2020-08-07 444.45 49511400",
        "2020-08-28 499.23 46907479",
        "2020-08-31 129.04 225702700",
    ];
    let splits = [
        "2020-08-06 113.9025 202428800",
        "2020-08-07 111.1125 198045600",
        "2020-08-28 124.8075 187629916",
        "2020-08-31 129.04 225702700",
    ];
    // 455.61 / 4 * (1 - 0.82 / 455.61) is 454.79 / 4.
    let all = ["2020-08-06 113.6975 202428800", splits[1], splits[2], splits[3]];
    for vendor in [Vendor::Tiingo, Vendor::YahooChart, Vendor::Massive] {
        for (adjustment, wanted, basis) in [
            ("raw", raw, "as_traded"),
            ("splits", splits, "split_adjusted"),
            ("all", all, "split_adjusted"),
        ] {
            let answer = get(vendor, adjustment);
            assert_eq!(rows(&answer), wanted, "{vendor} {adjustment}");
            assert_eq!(answer.header("cream-adjustment"), adjustment);
            assert_eq!(answer.header("cream-price-basis"), basis);
            assert_eq!(answer.header("cream-adjusted-from"), "");
        }
    }
    // On which count EODHD's volume is, nobody says: it is known where there was no split since.
    let unknown = ["2020-08-06 113.6975 ", "2020-08-07 111.1125 ", "2020-08-28 124.8075 ", raw[3]];
    assert_eq!(rows(&get(Vendor::Eodhd, "all")), unknown);
    assert_eq!(rows(&get(Vendor::Nasdaq, "splits")), splits);
}

#[test]
fn an_answer_says_on_which_share_count_and_in_which_unit_it_is() {
    let api = apple();
    let path = "/stock-data/AAPL/history?vendor=tiingo&start=2020-08-31";
    insta::assert_snapshot!(api.get(path).text(), @r#"{"symbol":"AAPL","vendor":"tiingo","currency":"USD","currency_major":"USD","currency_units":1,"time_zone":null,"interval":"1d","price_basis":"as_traded","adjustment":null,"adjusted_from":null,"start":"2020-08-31","end":null,"bars":[{"date":"2020-08-31","open":null,"high":null,"low":null,"close":129.04,"adj_close":127.1,"volume":225702700,"is_final":true,"flags":[],"as_of":"2021-01-01T00:00:00Z"}],"count":1,"next":null}"#);
    insta::assert_snapshot!(api.get(&format!("{path}&adjustment=all")).text(), @r#"{"symbol":"AAPL","vendor":"tiingo","currency":"USD","currency_major":"USD","currency_units":1,"time_zone":null,"interval":"1d","price_basis":"split_adjusted","adjustment":"all","adjusted_from":null,"start":"2020-08-31","end":null,"bars":[{"date":"2020-08-31","open":null,"high":null,"low":null,"close":129.04,"adj_close":127.1,"volume":225702700,"is_final":true,"flags":[],"as_of":"2021-01-01T00:00:00Z"}],"count":1,"next":null}"#);
    let csv = api.get("/stock-data/ONLY/history?format=csv");
    for (name, value) in [
        ("cream-price-basis", "unknown"),
        ("cream-adjustment", ""),
        ("cream-currency", "GBp"),
        ("cream-currency-major", "GBP"),
        ("cream-currency-units", "100"),
    ] {
        assert_eq!(csv.header(name), value, "{name}");
    }
    let latest = api.get("/stock-data/ONLY").json();
    assert_eq!(latest["price_basis"], "unknown");
    assert_eq!(
        (&latest["currency_major"], &latest["currency_units"]),
        (&"GBP".into(), &100.into())
    );
    let actions = |vendor| api.get(&format!("/stock-data/AAPL/actions?vendor={vendor}")).json();
    assert_eq!(actions("yahoo-chart")["dividend_basis"], "split_adjusted");
    assert_eq!(actions("massive")["dividend_basis"], "as_traded");
    let listed = api.get("/stock-data?q=aapl").json();
    let series = listed["stocks"][0]["series"].as_array().unwrap().clone();
    for (series, basis) in series.iter().zip([
        ("yahoo-chart", "split_adjusted"),
        ("tiingo", "as_traded"),
        ("massive", "split_adjusted"),
        ("eodhd", "as_traded"),
        ("stooq", "unknown"),
        ("nasdaq", "split_adjusted"),
    ]) {
        assert_eq!(series["vendor"], basis.0);
        assert_eq!(series["price_basis"], basis.1);
    }
}

#[test]
fn a_vendor_that_cannot_be_adjusted_is_told_with_what_can() {
    let api = apple();
    let refused = |path: &str| {
        let problem = api.get(&format!("/stock-data/{path}")).problem(422, "not_adjustable");
        (problem["detail"].as_str().unwrap().to_owned(), problem["vendors"].to_string())
    };
    let able = r#"["yahoo-chart","tiingo","massive","eodhd"]"#;
    let (detail, vendors) = refused("AAPL/history?vendor=nasdaq&adjustment=raw");
    insta::assert_snapshot!(detail, @"nasdaq does not tell of splits, which adjustment=raw needs: its prices are split-adjusted; what works: leaving adjustment out (prices as delivered), adjustment=splits, vendor=yahoo-chart");
    assert_eq!(vendors, able);
    let (detail, vendors) = refused("AAPL/history?vendor=nasdaq&adjustment=all&start=2030-01-01");
    insta::assert_snapshot!(detail, @"nasdaq does not tell of splits, which adjustment=all needs: its dividends are as paid and its prices split-adjusted; what works: leaving adjustment out (prices as delivered), adjustment=splits, vendor=yahoo-chart");
    assert_eq!(vendors, able);
    let (detail, vendors) = refused("ONLY/history?adjustment=splits&format=csv");
    insta::assert_snapshot!(detail, @"on which share count numbers from stooq are given is not known; what works: leaving adjustment out (prices as delivered)");
    assert_eq!(vendors, "[]");
    let problem =
        api.get("/stock-data/AAPL/history?adjustment=none").problem(400, "invalid_parameters");
    assert_eq!(problem["errors"][0]["message"], "expected raw or splits or all");
}

/// Two months of days with dividends and splits, some days without a close, and the first two
/// weeks of them before what is known.
fn long() -> Api {
    let date = |n: i32| Date::from_days(day("2024-01-01").days() + n).unwrap();
    let bars: Vec<Bar> = (0..60)
        .map(|n| {
            let bar =
                Bar::new(date(n)).with_open(Price::from_nanos(i64::from(n + 100) * 1_234_567_891));
            let has_close = !(19..=31).contains(&n) && n % 7 != 0;
            let close = Price::from_nanos(i64::from(n + 100) * 1_111_111_111);
            (if has_close { bar.with_close(close) } else { bar }).with_volume(i64::from(n) * 3 + 1)
        })
        .collect();
    let mut actions: Vec<CorporateAction> =
        [3, 12, 20, 28, 30, 44, 59].map(|n| dividend(date(n), "1.37")).to_vec();
    actions.push(split("2024-01-22", "3", "2"));
    actions.push(split("2024-02-14", "1", "7"));
    let known = [DateRange::new(date(15), date(59)).unwrap()];
    Api::start(true, |store| {
        for vendor in [Vendor::Tiingo, Vendor::YahooChart, Vendor::Massive] {
            let (symbol, currency) = ("LONG", "USD");
            load(
                store,
                &Loaded { symbol, vendor, currency, bars: &bars, actions: &actions, known: &known },
            );
        }
    })
}

#[test]
fn pages_in_either_order_hold_the_numbers_of_the_whole() {
    let api = long();
    for vendor in ["tiingo", "yahoo-chart", "massive"] {
        for adjustment in ["raw", "splits", "all"] {
            let base = format!(
                "/stock-data/LONG/history?vendor={vendor}&adjustment={adjustment}&format=csv"
            );
            let lines = |answer: &Answer| -> Vec<String> {
                assert_eq!(answer.status, 200, "{}", answer.text());
                answer.text().lines().skip(1).map(ToOwned::to_owned).collect()
            };
            let whole = lines(&api.get(&base));
            assert_eq!(whole.len(), 60);
            for (order, limit) in [("asc", 1), ("asc", 7), ("asc", 59), ("desc", 1), ("desc", 13)] {
                let mut path = format!("{base}&order={order}&limit={limit}");
                let mut joined = Vec::new();
                loop {
                    let page = api.get(&path);
                    joined.extend(lines(&page));
                    let link = page.header("link");
                    let Some((next, _)) = link.split_once(">;") else { break };
                    path = next.trim_start_matches('<').to_owned();
                }
                if order == "desc" {
                    joined.reverse();
                }
                assert_eq!(joined, whole, "{vendor} {adjustment} {order} {limit}");
            }
        }
    }
}

#[test]
fn what_is_not_known_is_null_and_the_answer_says_from_when_on_it_is() {
    let api = long();
    let get = |query: &str| api.get(&format!("/stock-data/LONG/history?{query}")).json();
    let body = get("vendor=tiingo&adjustment=splits");
    // The day before the first one known of.
    assert_eq!(body["adjusted_from"], "2024-01-15");
    insta::assert_snapshot!(body["adjusted_from_reason"].as_str().unwrap(), @"which corporate actions there were up to 2024-01-15 is not known");
    for bar in body["bars"].as_array().unwrap() {
        let is_known = bar["date"].as_str().unwrap() >= "2024-01-15";
        assert_eq!(
            (bar["open"].is_null(), bar["volume"].is_null()),
            (!is_known, !is_known),
            "{bar}"
        );
    }
    // Nothing of the answer lies before.
    let later = get("vendor=tiingo&adjustment=splits&start=2024-01-15");
    assert!(later["adjusted_from"].is_null() && later["adjusted_from_reason"].is_null());
    // What is stored so is known.
    let stored = get("vendor=yahoo-chart&adjustment=splits");
    assert!(stored["adjusted_from"].is_null());
    let delivered = get("vendor=yahoo-chart");
    assert_eq!(stored["bars"], delivered["bars"]);
    assert!(delivered["adjustment"].is_null() && delivered["adjusted_from"].is_null());
    let none = get("vendor=tiingo&adjustment=all&start=2030-01-01");
    assert_eq!((&none["count"], &none["adjustment"]), (&0.into(), &"all".into()));
}

#[test]
fn a_tag_belongs_to_one_adjustment_and_to_what_is_known() {
    let api = long();
    let path = |adjustment: &str| format!("/stock-data/LONG/history?vendor=tiingo{adjustment}");
    let tag = |adjustment: &str| api.get(&path(adjustment)).header("etag").to_owned();
    let all = ["", "&adjustment=raw", "&adjustment=splits", "&adjustment=all"];
    let before = all.map(tag);
    for (index, tag) in before.iter().enumerate() {
        assert!(!before[..index].contains(tag));
        let again = api.get_with(&path(all[index]), &[("if-none-match", tag)]);
        assert_eq!(again.status, 304);
    }
    // A response that covers earlier dates, and changes no bar.
    let written = api.store.write(|writer| {
        let stock = writer.ensure_stock(&Symbol::parse("LONG").unwrap())?;
        let mut state = writer.lock_series(stock.id, Vendor::Tiingo)?;
        state.know_actions(&[DateRange::ALL]);
        writer.save_series(state)
    });
    written.unwrap();
    let after = api.get_with(&path(all[2]), &[("if-none-match", &before[2])]);
    assert_eq!(after.status, 200);
    assert!(after.json()["adjusted_from"].is_null());
    assert_eq!(tag(""), before[0]);
}

#[test]
fn a_cursor_belongs_to_one_adjustment() {
    let api = long();
    let page = api.get("/stock-data/LONG/history?adjustment=all&limit=5").json();
    let cursor = page["next"].as_str().unwrap();
    let with = |adjustment: &str| {
        api.get(&format!("/stock-data/LONG/history?limit=5&cursor={cursor}{adjustment}"))
    };
    assert_eq!(with("&adjustment=all").status, 200);
    for other in ["", "&adjustment=raw"] {
        let problem = with(other).problem(400, "invalid_parameters");
        assert_eq!(problem["errors"][0]["field"], "cursor");
    }
}
