//! Weekly and monthly histories.

use cream_models::{
    Bar, BarFlags, CorporateAction, CorporateEvent, Date, DateRange, SplitRatio, Symbol, Vendor,
};
use cream_store::Store;

use crate::support::{Answer, Api, at, bar, day};

const FETCHED: &str = "2025-02-01T00:00:00Z";

fn load(
    store: &Store,
    symbol: &str,
    vendor: Vendor,
    bars: &[Bar],
    actions: &[CorporateAction],
    known: DateRange,
) {
    let written = store.write(|writer| {
        let stock = writer.ensure_stock(&Symbol::parse(symbol).unwrap())?;
        writer.insert_bars(stock.id, vendor, at(FETCHED), bars)?;
        writer.put_actions(stock.id, vendor, at(FETCHED), actions)?;
        let mut state = writer.lock_series(stock.id, vendor)?;
        state.add(bars);
        state.know_actions(&[known]);
        state.revise(at(FETCHED));
        writer.save_series(state)
    });
    written.unwrap();
}

fn split(date: &str, numerator: &str, denominator: &str) -> CorporateAction {
    let price = |text: &str| text.parse().unwrap();
    let ratio = SplitRatio::new(price(numerator), price(denominator)).unwrap();
    CorporateAction { date: day(date), event: CorporateEvent::Split(ratio) }
}

fn ohlcv(date: &str, [open, high, low, close]: [&str; 4], volume: i64) -> Bar {
    let price = |text: &str| text.parse().unwrap();
    bar(date, close)
        .with_open(price(open))
        .with_high(price(high))
        .with_low(price(low))
        .with_adj_close(price(close))
        .with_volume(volume)
}

/// The turn of 2024 and 2025: New Year's Day and a Monday are holidays, a week is without a
/// session.
fn turn() -> Api {
    Api::start(true, |store| {
        let bars = [
            ohlcv("2024-12-27", ["9", "9.5", "8", "9"], 90),
            ohlcv("2024-12-30", ["10", "12", "9", "11"], 100),
            ohlcv("2024-12-31", ["11", "11.5", "8.5", "9"], 200).with_flags(BarFlags::ROUNDED),
            ohlcv("2025-01-02", ["9", "14", "9", "13"], 300),
            ohlcv("2025-01-03", ["13", "13", "12", "12.25"], 400)
                .with_flags(BarFlags::OUTSIDE_RANGE),
            ohlcv("2025-01-14", ["1", "2", "1", "2"], 1),
            ohlcv("2025-01-28", ["3", "4", "3", "4"], 2).with_final(false),
        ];
        load(store, "TURN", Vendor::YahooChart, &bars, &[], DateRange::ALL);
    })
}

fn lines(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().lines().skip(1).map(ToOwned::to_owned).collect()
}

#[test]
fn a_week_goes_over_the_end_of_a_year_and_over_holidays() {
    let api = turn();
    let weekly = api.get("/stock-data/TURN/history?interval=1wk&format=csv");
    insta::assert_snapshot!(weekly.text(), @r"
    date,open,high,low,close,adj_close,volume,is_final,flags,as_of
    2024-12-23,9,9.5,8,9,9,90,true,,2025-02-01T00:00:00Z
    2024-12-30,10,14,8.5,12.25,12.25,1000,true,outside_range|rounded,2025-02-01T00:00:00Z
    2025-01-13,1,2,1,2,2,1,true,,2025-02-01T00:00:00Z
    2025-01-27,3,4,3,4,4,2,false,,2025-02-01T00:00:00Z
    ");
    assert_eq!(weekly.header("cream-interval"), "1wk");
    let monthly = api.get("/stock-data/TURN/history?interval=1mo&format=csv&order=desc");
    insta::assert_snapshot!(monthly.text(), @r"
    date,open,high,low,close,adj_close,volume,is_final,flags,as_of
    2025-01-01,9,14,1,4,4,703,false,outside_range,2025-02-01T00:00:00Z
    2024-12-01,9,12,8,9,9,390,true,rounded,2025-02-01T00:00:00Z
    ");
    let daily = api.get("/stock-data/TURN/history?interval=1d&format=csv");
    assert_eq!(daily.body, api.get("/stock-data/TURN/history?format=csv").body);
    assert_eq!((daily.header("cream-interval"), lines(&daily).len()), ("1d", 7));
}

#[test]
fn start_and_end_are_widened_to_whole_periods() {
    let api = turn();
    let history = "/stock-data/TURN/history";
    let one = api.get(&format!("{history}?interval=1wk&start=2025-01-05&end=2025-01-05"));
    insta::assert_snapshot!(one.text(), @r#"{"symbol":"TURN","vendor":"yahoo-chart","currency":null,"currency_major":null,"currency_units":null,"time_zone":null,"interval":"1wk","price_basis":"split_adjusted","adjustment":null,"adjusted_from":null,"start":"2025-01-05","end":"2025-01-05","bars":[{"date":"2024-12-30","open":10,"high":14,"low":8.5,"close":12.25,"adj_close":12.25,"volume":1000,"is_final":true,"flags":["outside_range","rounded"],"as_of":"2025-02-01T00:00:00Z"}],"count":1,"next":null}"#);
    for (query, wanted) in [
        ("interval=1wk&end=2024-12-31", "2024-12-23 2024-12-30"),
        ("interval=1wk&start=2025-01-05&order=desc", "2025-01-27 2025-01-13 2024-12-30"),
        ("interval=1mo&start=2024-12-31&end=2025-01-01", "2024-12-01 2025-01-01"),
        ("interval=1mo&end=2024-12-01", "2024-12-01"),
    ] {
        let answer = api.get(&format!("{history}?format=csv&{query}"));
        let lines = lines(&answer);
        let dates: Vec<&str> = lines.iter().filter_map(|line| line.get(..10)).collect();
        assert_eq!(dates.join(" "), wanted, "{query}");
    }
    let none = api.get(&format!("{history}?interval=1wk&start=2025-01-22&end=2025-01-22")).json();
    assert_eq!((&none["count"], &none["next"]), (&0.into(), &serde_json::Value::Null));
    assert_eq!(
        none["reason"],
        "no bar from 2025-01-20 to 2025-01-26; the series runs from 2024-12-27 to 2025-01-28"
    );
}

#[test]
fn a_month_of_a_leap_year_has_its_last_day() {
    let api = Api::start(true, |store| {
        let bars = [
            ohlcv("2024-02-01", ["1", "1", "1", "1"], 1),
            ohlcv("2024-02-29", ["2", "2", "2", "2"], 1),
            ohlcv("2024-03-01", ["3", "3", "3", "3"], i64::MAX),
            ohlcv("2024-03-04", ["4", "4", "4", "4"], 1),
            // A day of which no high is known, and one without a volume.
            bar("2024-04-01", "5").with_volume(3),
            bar("2024-05-01", "6"),
            ohlcv("2024-05-31", ["7", "7", "7", "7"], 3),
        ];
        load(store, "LEAP", Vendor::Tiingo, &bars, &[], DateRange::ALL);
    });
    let monthly = api.get("/stock-data/LEAP/history?interval=1mo&format=csv");
    insta::assert_snapshot!(monthly.text(), @r"
    date,open,high,low,close,adj_close,volume,is_final,flags,as_of
    2024-02-01,1,2,1,2,2,2,true,,2025-02-01T00:00:00Z
    2024-03-01,3,4,3,4,4,,true,,2025-02-01T00:00:00Z
    2024-04-01,,,,5,,3,true,,2025-02-01T00:00:00Z
    2024-05-01,,,,7,7,,true,,2025-02-01T00:00:00Z
    ");
}

/// Apple in August 2020, split on Monday the 31st.
fn apple() -> Api {
    Api::start(true, |store| {
        let bars = [
            bar("2020-08-27", "500.04").with_volume(38_888_096),
            bar("2020-08-28", "499.23").with_volume(46_907_479),
            bar("2020-08-31", "129.04").with_volume(225_702_700),
            bar("2020-09-01", "134.18").with_volume(152_470_100),
        ]
        .map(|bar| bar.with_high(bar.close().unwrap()).with_low(bar.close().unwrap()));
        let splits = [split("2020-08-31", "4", "1")];
        for vendor in [Vendor::Tiingo, Vendor::Csv] {
            load(store, "AAPL", vendor, &bars, &splits, DateRange::ALL);
        }
        let same = [split("2020-08-31", "4", "4")];
        load(store, "SAME", Vendor::Tiingo, &bars, &same, DateRange::ALL);
        let late = DateRange::new(day("2020-08-31"), day("2020-09-01")).unwrap();
        load(store, "LATE", Vendor::Tiingo, &bars, &splits, late);
        let today = bars.map(|bar| {
            let is_old = bar.date() < day("2020-08-31");
            let price = |price: cream_models::Price| {
                if is_old { price.checked_mul_ratio(1, 4).unwrap() } else { price }
            };
            let volume = bar.volume().unwrap() * if is_old { 4 } else { 1 };
            let (high, close) = (price(bar.high().unwrap()), price(bar.close().unwrap()));
            bar.with_high(high)
                .with_low(price(bar.low().unwrap()))
                .with_close(close)
                .with_volume(volume)
        });
        load(store, "AAPL", Vendor::YahooChart, &today, &splits, DateRange::ALL);
    })
}

/// Date, high, low, volume and flags.
fn extremes(answer: &Answer) -> Vec<String> {
    let cells = |line: &String| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{} {} {} {} {}", cells[0], cells[2], cells[3], cells[6], cells[8])
            .trim()
            .to_owned()
    };
    lines(answer).iter().map(cells).collect()
}

#[test]
fn a_bar_of_two_share_counts_says_so_and_adjusted_days_make_one_of_one() {
    let api = apple();
    let get =
        |query: &str| extremes(&api.get(&format!("/stock-data/{query}&format=csv&end=2020-08-31")));
    let mixed = "2020-08-01 500.04 129.04 311498275 mixed_share_counts";
    let single = "2020-08-01 129.04 124.8075 568885000";
    for (vendor, adjustment, wanted) in [
        ("tiingo", "", mixed),
        ("csv", "", mixed),
        ("yahoo-chart", "", "2020-08-01 129.04 124.8075 568885000"),
        ("tiingo", "&adjustment=splits", single),
        ("yahoo-chart", "&adjustment=splits", single),
        ("tiingo", "&adjustment=all", single),
        // As traded is on two share counts, whoever tells of it.
        ("tiingo", "&adjustment=raw", mixed),
        ("yahoo-chart", "&adjustment=raw", mixed),
    ] {
        let got = get(&format!("AAPL/history?interval=1mo&vendor={vendor}{adjustment}"));
        assert_eq!(got, [wanted], "{vendor}{adjustment}");
    }
    // The split is on the first day of its week.
    let weeks = ["2020-08-24 500.04 499.23 85795575", "2020-08-31 134.18 129.04 378172800"];
    assert_eq!(get("AAPL/history?interval=1wk&vendor=tiingo"), weeks);
    assert_eq!(get("SAME/history?interval=1mo"), ["2020-08-01 500.04 129.04 311498275"]);
}

#[test]
fn a_period_with_a_day_that_cannot_be_adjusted_is_not_made_of_the_others() {
    let api = apple();
    let month = "/stock-data/LATE/history?interval=1mo&adjustment=splits";
    let body = api.get(month).json();
    assert_eq!(body["adjusted_from"], "2020-08-30");
    let august = &body["bars"][0];
    assert_eq!((&august["date"], &august["close"]), (&"2020-08-01".into(), &129.04.into()));
    for field in ["open", "high", "low", "volume"] {
        assert!(august[field].is_null(), "{august}");
    }
    let later = api.get(&format!("{month}&start=2020-09-01")).json();
    assert!(later["adjusted_from"].is_null());
    assert_eq!(later["bars"][0]["high"], 134.18);
}

/// Every weekday of two years and some, with gaps of days, weeks and a month, and splits.
fn long() -> Api {
    let first = day("2022-12-20").days();
    let date = |n: i32| Date::from_days(first + n).unwrap();
    let is_weekday = |n: &i32| (first + n + 3).rem_euclid(7) < 5;
    let is_held = |n: &i32| n % 23 != 0 && !(100..120).contains(n) && !(300..365).contains(n);
    let days: Vec<i32> = (0..760).filter(|n| is_weekday(n) && is_held(n)).collect();
    let bars: Vec<Bar> = days
        .iter()
        .map(|&n| {
            let price = |m: i32| (100 + (n * m) % 37).to_string();
            let prices = [price(3), price(5), price(7), price(11)];
            let prices = prices.each_ref().map(String::as_str);
            ohlcv(&date(n).to_string(), prices, i64::from(n) * 3 + 1)
        })
        .collect();
    let actions = [split("2023-06-14", "3", "2"), split("2024-09-18", "1", "7")];
    Api::start(true, |store| {
        for vendor in [Vendor::Tiingo, Vendor::YahooChart] {
            load(store, "LONG", vendor, &bars, &actions, DateRange::ALL);
        }
    })
}

#[test]
fn pages_never_cut_a_period() {
    let api = long();
    for vendor in ["tiingo", "yahoo-chart"] {
        // Of 106 weeks and 25 months, less 11 and one without a session.
        for (interval, count) in [("1wk", 95), ("1mo", 24)] {
            for adjustment in ["", "&adjustment=raw", "&adjustment=all"] {
                let base = format!(
                    "/stock-data/LONG/history?vendor={vendor}{adjustment}&interval={interval}\
                     &format=csv&start=2023-01-04&end=2025-01-07"
                );
                let whole = lines(&api.get(&base));
                assert_eq!(whole.len(), count, "{base}");
                for (order, limit) in [("asc", 1), ("asc", 9), ("desc", 1), ("desc", 7)] {
                    let mut path = format!("{base}&order={order}&limit={limit}");
                    let mut joined = Vec::new();
                    loop {
                        let page = api.get(&path);
                        let bars = lines(&page);
                        let link = page.header("link");
                        let Some((next, _)) = link.split_once(">;") else {
                            assert!((1..=limit).contains(&bars.len()), "{path}");
                            joined.extend(bars);
                            break;
                        };
                        assert_eq!(bars.len(), limit, "{path}");
                        joined.extend(bars);
                        path = next.trim_start_matches('<').to_owned();
                    }
                    if order == "desc" {
                        joined.reverse();
                    }
                    assert_eq!(joined, whole, "{base} {order} {limit}");
                }
            }
        }
    }
}

#[test]
fn a_tag_and_a_cursor_belong_to_one_interval() {
    let api = long();
    let path = |interval: &str| format!("/stock-data/LONG/history?limit=5&interval={interval}");
    let all = ["1d", "1wk", "1mo"].map(path);
    let tags = all.each_ref().map(|path| api.get(path).header("etag").to_owned());
    for (index, (path, tag)) in all.iter().zip(&tags).enumerate() {
        assert!(!tags[..index].contains(tag));
        assert_eq!(api.get_with(path, &[("if-none-match", tag)]).status, 304);
        let cursor = api.get(path).json()["next"].as_str().unwrap().to_owned();
        for other in &all {
            let status = api.get(&format!("{other}&cursor={cursor}")).status;
            assert_eq!(status, if other == path { 200 } else { 400 }, "{other}");
        }
    }
}
