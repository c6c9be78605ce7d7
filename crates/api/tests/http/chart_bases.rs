//! The chart route over what vendors hold on other share counts, in other zones, and over weeks.

use cream_models::{Bar, Date, DateRange, Vendor};
use serde_json::{Value, json};

use crate::chart::{EVERYTHING, Loaded, closes, dividend, load, price, refused, result, split};
use crate::support::{Api, bar, day};

/// The split lies within a week, and the days before it are brought to its share count first.
#[test]
fn weeks_and_months_are_joined_from_adjusted_days() {
    let bars = [
        bar("2024-12-27", "30").with_volume(10),
        bar("2024-12-30", "32").with_volume(20),
        bar("2024-12-31", "36").with_volume(30),
        bar("2025-01-02", "9").with_volume(400),
        bar("2025-01-06", "7.5"),
    ];
    let four = split("2025-01-02", "4", "1");
    let api = Api::start(true, |store| {
        let (vendor, told) = (Vendor::Tiingo, ["USD", "America/New_York", ""]);
        let known = &[DateRange::ALL][..];
        let actions = &[four, dividend("2024-12-31", "4")][..];
        load(store, &Loaded { symbol: "W", vendor, told, bars: &bars, actions, known });
    });
    let get = |query: &str| result(&api.get(&format!("/v8/finance/chart/W?{query}")));
    let all = get("interval=1wk&range=max&events=div,split");
    // Mondays at midnight in New York.
    assert_eq!(all["timestamp"], json!([1_734_930_000, 1_735_534_800, 1_736_139_600]));
    assert_eq!(*closes(&all), json!([7.5, 9, 7.5]));
    assert_eq!(all["indicators"]["quote"][0]["volume"], json!([40, 600, null]));
    assert_eq!(all["indicators"]["adjclose"], json!([{"adjclose": [6.5625, 9, 7.5]}]));
    assert_eq!(all["meta"]["dataGranularity"], "1wk");
    assert_eq!(all["events"]["dividends"]["1735655400"]["amount"], 1);
    for (query, expected, previous) in [
        // One day, and the week that it is of.
        ("interval=1wk&range=1d", json!([7.5]), json!(9)),
        ("interval=1wk&range=2d", json!([9, 7.5]), json!(7.5)),
        // From within the middle week into it: all of it.
        ("interval=1wk&period1=1735740000&period2=1735920000", json!([9]), json!(7.5)),
        ("interval=1mo&range=max", json!([9, 7.5]), Value::Null),
        ("interval=1mo&range=ytd", json!([7.5]), json!(9)),
        ("interval=1wk&period1=4102444800", Value::Null, Value::Null),
    ] {
        let found = get(query);
        assert_eq!(*closes(&found), expected, "{query}");
        assert_eq!(found["meta"]["chartPreviousClose"], previous, "{query}");
    }
}

/// Apple in 2020: paid out on 2020-08-07, split on 2020-08-31.
#[test]
fn as_traded_prices_and_dividends_come_split_adjusted() {
    let as_traded = [
        bar("2020-08-06", "455.61").with_volume(50_607_200),
        bar("2020-08-07", "444.45").with_volume(49_511_400),
        bar("2020-08-28", "499.23").with_volume(46_907_479),
        bar("2020-08-31", "129.04").with_volume(225_702_700),
    ];
    let adjusted = [
        bar("2020-08-06", "113.9025").with_volume(202_428_800),
        bar("2020-08-07", "111.1125").with_volume(198_045_600),
        bar("2020-08-28", "124.8075").with_volume(187_629_916),
        as_traded[3],
    ];
    let (four, paid) = (split("2020-08-31", "4", "1"), dividend("2020-08-07", "0.82"));
    let told = ["USD", "", ""];
    let api = Api::start(true, |store| {
        for (vendor, bars, actions, known) in [
            (Vendor::Tiingo, &as_traded, &[paid, four][..], &[DateRange::ALL][..]),
            (Vendor::Massive, &adjusted, &[paid, four], &[DateRange::ALL]),
            (Vendor::Nasdaq, &adjusted, &[paid], &[DateRange::ALL]),
            (Vendor::AlphaVantage, &as_traded, &[paid], &[]),
        ] {
            load(store, &Loaded { symbol: "AAPL", vendor, told, bars, actions, known });
        }
        // Fresher, and of an unknown basis.
        let fresh = [bar("2020-09-01", "134.18")];
        let (vendor, actions, known) = (Vendor::Stooq, &[][..], &[][..]);
        load(store, &Loaded { symbol: "AAPL", vendor, told, bars: &fresh, actions, known });
        load(store, &Loaded { symbol: "ONLY", vendor, told, bars: &fresh, actions, known });
    });
    let get = |vendor: Vendor| {
        result(&api.get(&format!("/v8/finance/chart/AAPL?{EVERYTHING}&vendor={vendor}")))
    };
    let split_adjusted = json!([113.9025, 111.1125, 124.8075, 129.04]);
    let volumes = json!([202_428_800, 198_045_600, 187_629_916, 225_702_700]);
    let computed = json!([{"adjclose": [113.6975, 111.1125, 124.8075, 129.04]}]);
    for vendor in [Vendor::Tiingo, Vendor::Massive] {
        let result = get(vendor);
        assert_eq!(*closes(&result), split_adjusted, "{vendor}");
        assert_eq!(result["indicators"]["quote"][0]["volume"], volumes, "{vendor}");
        assert_eq!(result["indicators"]["adjclose"], computed, "{vendor}");
        let dividends = result["events"]["dividends"].as_object().unwrap();
        let amounts: Vec<_> = dividends.values().map(|event| &event["amount"]).collect();
        assert_eq!(amounts, [0.205], "{vendor}");
        assert_eq!(result["meta"]["exchangeTimezoneName"], "America/New_York");
    }
    // The first bar's window: adjusted by what comes behind it, and so is the close before.
    let part = result(
        &api.get("/v8/finance/chart/AAPL?vendor=tiingo&period1=1596758400&period2=1596844800"),
    );
    assert_eq!(*closes(&part), json!([111.1125]));
    assert_eq!(part["meta"]["chartPreviousClose"], 113.9025);
    assert_eq!(part["indicators"]["adjclose"], json!([{"adjclose": [111.1125]}]));
    // Nasdaq's own prices stand, and what was paid is on a share count that it does not tell.
    let nasdaq = get(Vendor::Nasdaq);
    assert_eq!(*closes(&nasdaq), split_adjusted);
    assert_eq!((nasdaq.get("events"), nasdaq["indicators"].get("adjclose")), (None, None));
    // Where actions are not known, neither are prices before the last bar.
    let unknown = get(Vendor::AlphaVantage);
    assert_eq!(*closes(&unknown), json!([null, null, null, 129.04]));
    assert_eq!((unknown.get("events"), unknown["indicators"].get("adjclose")), (None, None));
    // Without a vendor the freshest is answered of those that can be.
    assert_eq!(*closes(&result(&api.get("/v8/finance/chart/AAPL?range=1d"))), json!([129.04]));
    for path in ["ONLY?range=1d", "AAPL?range=1d&vendor=stooq"] {
        let answer = api.get(&format!("/v8/finance/chart/{path}"));
        let words = refused(&answer, 422, "Unprocessable Entity");
        assert!(words.contains("share count"), "{words}");
    }
}

#[test]
fn the_date_is_that_of_the_exchange_all_year_round() {
    for (symbol, zone, local) in [
        ("AAPL", "America/New_York", "09:30"),
        ("BHP.AX", "Australia/Sydney", "09:30"),
        ("BHP.AX", "", "09:30"),
        ("EURUSD=X", "Europe/London", "00:00"),
        ("BTC-USD", "", "00:00"),
        // Midnight is leapt over there, on 2018-11-04 for one.
        ("BTC-BRL=X", "America/Sao_Paulo", "00:00"),
        ("X", "Pacific/Kiritimati", "09:30"),
        ("X", "No/Where", "09:30"),
    ] {
        let first = day("2018-01-01").days();
        let bars: Vec<Bar> = (first..first + 400)
            .map(|days| Bar::new(Date::from_days(days).unwrap()).with_close(price("1")))
            .collect();
        let api = Api::start(true, |store| {
            let told = ["USD", zone, ""];
            let (vendor, actions, known) = (Vendor::YahooChart, &[][..], &[][..]);
            load(store, &Loaded { symbol, vendor, told, bars: &bars, actions, known });
        });
        let answer = api.get(&format!("/v8/finance/chart/{symbol}?range=max"));
        let history = cream_parser::parse(&answer.body).unwrap();
        let dates = |bars: &[Bar]| bars.iter().map(Bar::date).collect::<Vec<_>>();
        assert_eq!(dates(&history.bars), dates(&bars), "{symbol} {zone}");
        let meta = &result(&answer)["meta"];
        let name = meta["exchangeTimezoneName"].as_str().unwrap();
        assert!(name == zone || zone.is_empty() || zone == "No/Where", "{name} for {zone}");
        let (time, offset) = (&meta["firstTradeDate"], &meta["gmtoffset"]);
        let minutes = (time.as_i64().unwrap() + offset.as_i64().unwrap()).rem_euclid(86_400) / 60;
        // The first bar is of the same season as the last one.
        assert_eq!(format!("{:02}:{:02}", minutes / 60, minutes % 60), local, "{symbol} {zone}");
    }
}
