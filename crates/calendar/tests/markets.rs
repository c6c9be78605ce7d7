//! Markets of real symbols, and their days around changes of the clocks, worked out by hand.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::time::Duration;

use cream_calendar::{Days, Market, market_of};
use cream_models::{Symbol, Timestamp};
use jiff::tz::TimeZone;

const HOUR: Duration = Duration::from_secs(3600);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn of(symbol: &str, exchange: Option<&str>, zone: Option<&str>) -> Market {
    market_of(&Symbol::parse(symbol).unwrap(), exchange, zone)
}

/// Symbol, exchange, time zone; name, zone, close.
type Case = (&'static str, Option<&'static str>, Option<&'static str>, &'static str);

#[test]
fn each_symbol_has_its_market() {
    let london = Some("Europe/London");
    let new_york = Some("America/New_York");
    let cases: [Case; 60] = [
        // By the exchange: codes, names, MICs, in any case and with any spaces.
        ("AAPL", Some("NMS"), new_york, "XNYS America/New_York 960"),
        ("AAPL", Some("NasdaqGS"), new_york, "XNYS America/New_York 960"),
        ("SPY", Some("NYSEArca"), None, "XNYS America/New_York 960"),
        ("IBM", Some("XNYS"), None, "XNYS America/New_York 960"),
        ("TCEHY", Some("OTC Markets OTCPK"), new_york, "XNYS America/New_York 960"),
        ("GS2C.DE", Some("XETRA"), Some("Europe/Berlin"), "XETR Europe/Berlin 1055"),
        ("^N225", Some("Osaka"), Some("Asia/Tokyo"), "XTKS Asia/Tokyo 930"),
        ("^VIX", Some("Cboe Indices"), Some("America/Chicago"), "XCBO America/Chicago 915"),
        ("0700.HK", Some("HKSE"), None, "XHKG Asia/Hong_Kong 970"),
        ("ES=F", Some("CME"), new_york, "XCME America/New_York 1020"),
        ("GC=F", Some("COMEX"), new_york, "XCME America/New_York 1020"),
        ("CL=F", Some("NY Mercantile"), new_york, "XCME America/New_York 1020"),
        ("TSCO", Some(" lse "), None, "XLON Europe/London 995"),
        // The exchange goes before the suffix, a name that is not known does not.
        ("BHP.AX", Some("NYSE"), None, "XNYS America/New_York 960"),
        ("BHP.AX", Some("Nowhere"), london, "XASX Australia/Sydney 972"),
        ("BHP.AX", Some(""), None, "XASX Australia/Sydney 972"),
        ("BHP.AX", Some("é€ 北京 \0"), None, "XASX Australia/Sydney 972"),
        // By the suffix.
        ("AAPL", None, None, "XNYS America/New_York 960"),
        ("BRK-B", None, None, "XNYS America/New_York 960"),
        ("TSCO.L", None, None, "XLON Europe/London 995"),
        ("BT-A.L", None, None, "XLON Europe/London 995"),
        ("SAP.DE", None, None, "XETR Europe/Berlin 1055"),
        ("SAP.F", None, None, "XFRA Europe/Berlin 1320"),
        ("MC.PA", None, None, "XPAR Europe/Paris 1055"),
        ("GALP.LS", None, None, "XLIS Europe/Lisbon 995"),
        ("NESN.SW", None, None, "XSWX Europe/Zurich 1050"),
        ("NOKIA.HE", None, None, "XHEL Europe/Helsinki 1110"),
        ("THYAO.IS", None, None, "XIST Europe/Istanbul 1090"),
        ("2222.SR", None, None, "XSAU Asia/Riyadh 920"),
        ("TEVA.TA", None, None, "XTAE Asia/Jerusalem 1055"),
        ("SHOP.TO", None, None, "XTSE America/Toronto 960"),
        ("PETR4.SA", None, None, "BVMF America/Sao_Paulo 1080"),
        ("7203.T", None, None, "XTKS Asia/Tokyo 930"),
        ("600519.SS", None, None, "XSHG Asia/Shanghai 900"),
        ("005930.KS", None, None, "XKRX Asia/Seoul 930"),
        ("2330.TW", None, None, "XTAI Asia/Taipei 815"),
        ("M&M.NS", None, None, "XNSE Asia/Kolkata 940"),
        ("DX-Y.NYB", None, None, "IFUS America/New_York 1080"),
        ("CL=F", None, None, "XCME America/New_York 1020"),
        ("^FTSE", None, None, "XLON Europe/London 995"),
        ("^GSPC", None, None, "XNYS America/New_York 960"),
        // Funds of the United States, and what is none.
        ("VFINX", None, None, "US funds America/New_York 1200"),
        ("VFINX", Some("Nasdaq"), new_york, "US funds America/New_York 1200"),
        ("0P0000XTS7", Some("OTC Markets OTCPK"), new_york, "US funds America/New_York 1200"),
        ("NETFX.L", None, None, "XLON Europe/London 995"),
        ("NETFX", Some("LSE"), None, "XLON Europe/London 995"),
        ("0P000071W8.TO", None, None, "XTSE America/Toronto 960"),
        ("NFLX", None, None, "XNYS America/New_York 960"),
        // No exchange: the day ends with the date that the vendor puts on it.
        ("EURUSD=X", None, None, "FX America/New_York 1020"),
        ("EURUSD=X", Some("CCY"), london, "FX Europe/London 1440"),
        ("BTC-USD", None, None, "crypto UTC 1440"),
        ("BTC-USD", Some("CCC"), Some("UTC"), "crypto UTC 1440"),
        // By the time zone.
        ("^OWN", None, Some("Asia/Tokyo"), "unknown Asia/Tokyo 1080"),
        ("OWN.ZZ", None, new_york, "unknown America/New_York 1080"),
        ("OWN", Some("Nowhere"), london, "unknown Europe/London 1080"),
        ("IBM", None, Some("US/Eastern"), "XNYS America/New_York 960"),
        ("VFINX", None, new_york, "US funds America/New_York 1200"),
        // Nothing is known.
        ("^OWN", None, None, "XNYS America/New_York 960"),
        ("OWN.ZZ", None, Some("Mars/Olympus"), "XNYS America/New_York 960"),
        ("OWN", None, Some(""), "XNYS America/New_York 960"),
    ];
    for (symbol, exchange, zone, expected) in cases {
        let market = of(symbol, exchange, zone);
        let zone_name = market.time_zone.iana_name().unwrap_or("none");
        let found = format!("{} {zone_name} {}", market.name, market.close);
        assert_eq!(found, expected, "{symbol}, {exchange:?}, {zone:?}");
    }
}

#[test]
fn every_suffix_of_yahoo_is_known() {
    let suffixes = ".L .DE .F .PA .AS .BR .LS .MI .MC .SW .ST .CO .HE .OL .VI .WA .AT .IS .JO .TA .SR \
                    .TO .V .CN .NE .SA .MX .BA .SN .T .HK .SS .SZ .TW .TWO .KS .KQ .NS .BO .SI .KL .JK \
                    .BK .AX .NZ .QA .IR .IC .PR .BD .RG .TL .VS .CA .ME .BE .BM .DU .HM .HA .MU .SG .IL";
    for suffix in suffixes.split_whitespace() {
        let market = of(&format!("OWN{suffix}"), None, Some("Etc/GMT+12"));
        assert_ne!(market.name, "unknown", "{suffix}");
    }
}

/// Trading days of a market, one after the other, an hour after their ends.
fn assert_days(market: &Market, settle: Duration, start: &str, expected: &[&str]) {
    let mut now = at(start);
    for day in expected {
        let next = market.next_settled(now, settle);
        assert_eq!(next.to_string(), *day, "after {now}, {market:?}");
        assert_eq!(market.last_settled(next, settle), next);
        let before = Timestamp::from_micros(next.micros() - 1);
        assert_eq!(market.next_settled(before, settle), next);
        assert!(market.last_settled(before, settle) <= now, "{market:?}");
        now = next;
    }
}

#[test]
fn closes_move_with_the_clocks() {
    // New York: summer time from 2026-03-08, winter time from 2026-11-01. 16:00 and an hour.
    let market = of("AAPL", None, None);
    let days = [
        "2026-03-05T22:00:00Z",
        "2026-03-06T22:00:00Z",
        "2026-03-09T21:00:00Z",
        "2026-03-10T21:00:00Z",
    ];
    assert_days(&market, HOUR, "2026-03-04T22:00:00Z", &days);
    assert_days(
        &market,
        HOUR,
        "2026-10-29T21:00:00Z",
        &["2026-10-30T21:00:00Z", "2026-11-02T22:00:00Z"],
    );
    // London: from 2026-03-29, from 2026-10-25. 16:35 and an hour.
    let market = of("TSCO.L", None, None);
    assert_days(
        &market,
        HOUR,
        "2026-03-26T17:35:00Z",
        &["2026-03-27T17:35:00Z", "2026-03-30T16:35:00Z"],
    );
    assert_days(
        &market,
        HOUR,
        "2026-10-22T16:35:00Z",
        &["2026-10-23T16:35:00Z", "2026-10-26T17:35:00Z"],
    );
    // Sydney, the other way: winter time from 2026-04-05, summer time from 2026-10-04. 16:12 and an hour.
    let market = of("BHP.AX", None, None);
    assert_days(
        &market,
        HOUR,
        "2026-04-02T06:12:00Z",
        &["2026-04-03T06:12:00Z", "2026-04-06T07:12:00Z"],
    );
    assert_days(
        &market,
        HOUR,
        "2026-10-01T07:12:00Z",
        &["2026-10-02T07:12:00Z", "2026-10-05T06:12:00Z"],
    );
}

#[test]
fn each_market_has_its_week() {
    // 2026-06-04 is a Thursday. Riyadh (UTC+3), 15:20: Thursday, Sunday, Monday.
    let market = of("2222.SR", None, None);
    let days = ["2026-06-04T13:20:00Z", "2026-06-07T13:20:00Z", "2026-06-08T13:20:00Z"];
    assert_days(&market, HOUR, "2026-06-03T13:20:00Z", &days);
    // Tel Aviv (UTC+3 in summer), 17:35: Thursday, Friday, Monday.
    let market = of("TEVA.TA", None, None);
    let days = ["2026-06-04T15:35:00Z", "2026-06-05T15:35:00Z", "2026-06-08T15:35:00Z"];
    assert_days(&market, HOUR, "2026-06-03T15:35:00Z", &days);
    // Currencies, 17:00 in New York (UTC-4 in summer): Friday, Monday.
    let market = of("EURUSD=X", None, None);
    let days = ["2026-06-05T22:00:00Z", "2026-06-08T22:00:00Z"];
    assert_days(&market, HOUR, "2026-06-04T22:00:00Z", &days);
    // As Yahoo dates them, midnight in London (UTC+1 in summer): Friday's ends with Friday.
    let market = of("EURUSD=X", Some("CCY"), Some("Europe/London"));
    let days = ["2026-06-06T00:00:00Z", "2026-06-09T00:00:00Z"];
    assert_days(&market, HOUR, "2026-06-05T00:00:00Z", &days);
    // Coins: every day.
    let market = of("BTC-USD", None, None);
    let days = [
        "2026-06-05T01:00:00Z",
        "2026-06-06T01:00:00Z",
        "2026-06-07T01:00:00Z",
        "2026-06-08T01:00:00Z",
    ];
    assert_days(&market, HOUR, "2026-06-04T01:00:00Z", &days);
    // Futures: Friday 17:00 in New York, then Monday.
    let market = of("CL=F", None, None);
    assert_days(
        &market,
        Duration::ZERO,
        "2026-06-04T21:00:00Z",
        &["2026-06-05T21:00:00Z", "2026-06-08T21:00:00Z"],
    );
    // New York's Thursday settles at 05:00 UTC on Friday when it takes nine hours; a weekend between.
    let market = of("AAPL", None, None);
    let days = ["2026-06-05T05:00:00Z", "2026-06-06T05:00:00Z", "2026-06-09T05:00:00Z"];
    assert_days(&market, 9 * HOUR, "2026-06-04T05:00:00Z", &days);
}

#[test]
fn a_close_that_the_clocks_leap_over_or_repeat_is_found() {
    let new_york = TimeZone::get("America/New_York").unwrap();
    let own = |close| Market { name: "own", time_zone: new_york.clone(), close, days: Days::ALL };
    // 02:30 is missing on 2026-03-08: 03:30 summer time.
    let days = ["2026-03-07T07:30:00Z", "2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z"];
    assert_days(&own(150), Duration::ZERO, "2026-03-06T07:30:00Z", &days);
    // 01:30 comes twice on 2026-11-01: the first, in summer time.
    let days = ["2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"];
    assert_days(&own(90), Duration::ZERO, "2026-10-30T05:30:00Z", &days);
    // Midnight is missing in Cairo on 2026-04-24, a Friday: Thursday's market ends at 01:00 (UTC+3).
    let cairo = Market { close: 1440, ..of("COMI.CA", None, None) };
    let days = ["2026-04-23T22:00:00Z", "2026-04-26T21:00:00Z"];
    assert_days(&cairo, Duration::ZERO, "2026-04-22T22:00:00Z", &days);
    // Samoa had no 2011-12-30: its close is that of the 31st, which is not told twice.
    let zone = TimeZone::get("Pacific/Apia").unwrap();
    let samoa = Market { time_zone: zone, ..own(18 * 60) };
    let days = ["2011-12-30T04:00:00Z", "2011-12-31T04:00:00Z", "2012-01-01T04:00:00Z"];
    assert_days(&samoa, Duration::ZERO, "2011-12-29T04:00:00Z", &days);
}
