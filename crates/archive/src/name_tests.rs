//! Tests of names.

use super::*;
use proptest::prelude::*;

fn known(text: &str) -> (Option<String>, Option<String>, Option<Vendor>) {
    let name = FileName::parse(text).unwrap();
    assert_eq!(name.as_str(), text);
    assert_eq!(text.parse::<FileName>().unwrap(), name);
    let fetched = name.fetched().map(|fetched| match fetched {
        Fetched::At(instant) => instant.to_string(),
        Fetched::On(date) => date.to_string(),
    });
    (name.symbol().map(ToString::to_string), fetched, name.vendor())
}

#[test]
fn every_form_is_read() {
    let instant = Some("2025-06-16T21:30:00Z");
    let day = Some("2025-06-16");
    let (chart, page) = (Some(Vendor::YahooChart), Some(Vendor::YahooPage));
    for (text, symbol, fetched, vendor) in [
        ("TSLA_2025-06-16T213000Z_yahoo-chart.json", Some("TSLA"), instant, chart),
        ("%5EGSPC_2025-06-16T213000Z_yahoo-page.html", Some("^GSPC"), instant, page),
        ("A%5FB_2025-06-16T213000Z_yahoo-page.html", Some("A_B"), instant, page),
        ("BRK%2FB_2025-06-16T213000Z_yahoo-page.html", Some("BRK/B"), instant, page),
        // The vendor is missing, or is one that is not known.
        ("TSLA_2025-06-16T213000Z.json", Some("TSLA"), instant, None),
        ("TSLA_2025-06-16T213000Z_someone.json", Some("TSLA"), instant, None),
        ("TSLA_2025-06-16T213000Z_yahoo-chart.json.gz", Some("TSLA"), instant, None),
        // By hand.
        ("TSLA_2025-06-16.html", Some("TSLA"), day, None),
        ("TSLA_2025-06-16", Some("TSLA"), day, None),
        ("tsla_2025-06-16.HTML", Some("TSLA"), day, None),
        ("EURUSD=X_2025-06-16.json", Some("EURUSD=X"), day, None),
        ("^GSPC_2025-06-16.html", Some("^GSPC"), day, None),
        ("BHP.AX_2025-06-16.html", Some("BHP.AX"), day, None),
        ("BRK.B_2025-06-16", Some("BRK.B"), day, None),
        ("A_B_2025-06-16.html", Some("A_B"), day, None),
        ("TSLA_2025-06-16_yahoo-page.html", Some("TSLA"), day, page),
        ("yahoo-page_TSLA_2025-06-16.html", Some("TSLA"), day, page),
        ("AAPL.csv", Some("AAPL"), None, None),
        ("aapl.CSV", Some("AAPL"), None, None),
        ("brk-b.us.csv", Some("BRK-B.US"), None, None),
        ("my prices.csv", None, None, None),
        ("page.html", None, None, None),
        ("yahoo-chart_GS2C.DE.json", Some("GS2C.DE"), None, chart),
        ("yahoo-chart_EURUSD=X.json", Some("EURUSD=X"), None, chart),
        ("yahoo-chart_A%5fB.json", Some("A_B"), None, chart),
        // Nothing is known.
        ("TSLA_2025-06-16~0123456789ab.html", None, None, None),
        ("TSLA_2025-06-16T213000Z_yahoo-chart~0123456789ab.json", None, None, None),
        ("no symbol_2025-06-16~0123456789ab.html", None, None, None),
        ("yahoo-chart_A_B.json", None, None, None),
        ("yahoo-chart_not a symbol.json", None, None, None),
        ("someone_AAPL.json", None, None, None),
        ("Tesla, Inc. (TSLA) history.html", None, None, None),
        ("2025-06-16.html", None, None, None),
        ("page", None, None, None),
        ("données.html", None, None, None),
        ("_", None, None, None),
    ] {
        let expected = (symbol.map(str::to_owned), fetched.map(str::to_owned), vendor);
        assert_eq!(known(text), expected, "{text}");
    }
}

#[test]
fn what_names_no_response_is_refused_with_its_reason() {
    let long = "a".repeat(201);
    for (text, reason) in [
        ("", "it is empty"),
        (".", "begins with a dot"),
        ("..", "begins with a dot"),
        (".gitkeep", "begins with a dot"),
        ("a/b", "path separator"),
        ("/etc/passwd", "path separator"),
        ("..\\b", "begins with a dot"),
        ("a\\b", "path separator"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("a\u{9b}b", "control character"),
        (long.as_str(), "longer than 200 bytes"),
        ("TSLA_2025-06-16.html.7-0.partial", "unfinished write"),
        ("x.PARTIAL", "unfinished write"),
        ("_2025-06-16.html", "\"\" before the date is not a symbol"),
        ("two words_2025-06-16.html", "\"two words\" before the date is not a symbol"),
        ("%2E%2E%2Fx_2025-06-16.html", "before the date is not a symbol"),
        ("A%ff_2025-06-16.html", "before the date is not a symbol"),
        ("A%2_2025-06-16.html", "before the date is not a symbol"),
        ("%2541_2025-06-16.html", "before the date is not a symbol"),
        ("-A_2025-06-16T213000Z_yahoo-chart.json", "before the date is not a symbol"),
        ("A_2025-02-30.html", "\"2025-02-30\" is not a day"),
        ("A_2025-06-16T250000Z_yahoo-chart.json", "\"2025-06-16T250000Z\" is not a day"),
    ] {
        let error = FileName::parse(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text:?}: {error}");
        assert!(!error.contains(char::is_control), "{error:?}");
        assert!(error.len() < 400, "{error}");
    }
    assert!(FileName::parse(&"a".repeat(200)).is_ok());
}

#[test]
fn the_cause_of_a_bad_symbol_is_kept() {
    use std::error::Error as _;
    let error = FileName::parse("A..B_2025-06-16.html").unwrap_err();
    assert!(error.source().unwrap().to_string().contains("must not contain .."));
}

#[test]
fn a_canonical_name_takes_any_extension_and_instant() {
    let symbol = Symbol::parse("I:SPX").unwrap();
    let instant = "2025-06-16T21:30:59.999999Z".parse().unwrap();
    for (ext, expected) in [
        ("JSON", "I%3ASPX_2025-06-16T213059Z_yahoo-chart.json"),
        ("../x", "I%3ASPX_2025-06-16T213059Z_yahoo-chart.x"),
        ("é", "I%3ASPX_2025-06-16T213059Z_yahoo-chart.bin"),
        ("partialpartial", "I%3ASPX_2025-06-16T213059Z_yahoo-chart.partialpar"),
    ] {
        let name = FileName::canonical(&symbol, instant, Vendor::YahooChart, ext);
        assert_eq!(name.as_str(), expected);
        assert_eq!(FileName::parse(expected).unwrap(), name);
    }
    for micros in [i64::MIN, i64::MAX] {
        let instant = Timestamp::from_micros(micros);
        let name = FileName::canonical(&symbol, instant, Vendor::YahooChart, "json");
        assert_eq!(FileName::parse(name.as_str()).unwrap(), name);
    }
}

#[test]
fn the_longest_symbol_fits_beside_the_suffix_of_a_partial() {
    let symbol = Symbol::parse(&format!("^{}A", "=".repeat(30))).unwrap();
    let now = "2025-06-16T21:30:00Z".parse().unwrap();
    let name = FileName::canonical(&symbol, now, Vendor::YahooChart, "json");
    assert!(name.as_str().len() <= MAX_LEN, "{name}");
    assert!(MAX_LEN + ".4294967295-999".len() + PARTIAL.len() <= 255);
}

#[test]
fn a_partial_extension_is_never_canonical() {
    let symbol = Symbol::parse("A").unwrap();
    let now = "2025-06-16T21:30:00Z".parse().unwrap();
    let name = FileName::canonical(&symbol, now, Vendor::YahooChart, "partial");
    assert_eq!(name.extension(), Some("bin"));
}

proptest! {
    #[test]
    fn a_name_with_a_fingerprint_reads_back(
        text in prop_oneof![
            "[A-Z]{1,4}_2025-06-16(T213000Z(_yahoo-chart)?)?[.]?[a-z]{0,5}",
            "yahoo-page_[A-Z]{1,3}[.][a-z]{1,4}",
            "[a-zé~_.0-9]{1,80}[.]?[a-z]{0,9}",
            "[A-Z]_2025-06-16_[a-zé]{150,190}[.]html",
        ],
        sha256: [u8; 32],
    ) {
        if let Ok(name) = FileName::parse(&text) {
            let own = name.with_fingerprint(&sha256);
            prop_assert_eq!(FileName::parse(own.as_str()), Ok(own));
        }
    }

    #[test]
    fn a_canonical_name_reads_back(
        symbol in "[A-Za-z0-9^][A-Za-z0-9.^=&:_/-]{0,30}[A-Za-z0-9]",
        micros in -62_135_596_800_000_000i64..=253_402_300_799_999_999,
        vendor in prop::sample::select(Vendor::ALL.to_vec()),
        ext in "\\PC{0,12}",
    ) {
        let Ok(symbol) = Symbol::parse(&symbol) else { return Ok(()) };
        let instant = Timestamp::from_micros(micros);
        let name = FileName::canonical(&symbol, instant, vendor, &ext);
        let read = FileName::parse(name.as_str()).unwrap();
        prop_assert_eq!(&read, &name);
        prop_assert_eq!(read.symbol(), Some(&symbol));
        let second = Timestamp::from_seconds(instant.seconds());
        prop_assert_eq!(read.fetched(), Some(Fetched::At(second)));
        prop_assert_eq!(read.vendor(), Some(vendor));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_%".contains(&byte);
        prop_assert!(name.as_str().bytes().all(plain));
    }

    #[test]
    fn a_raw_symbol_is_read_as_it_is(
        symbol in "[A-Za-z0-9^][A-Za-z0-9.^=&:_-]{0,30}[A-Za-z0-9]",
        days in -719_162i32..=2_932_896,
    ) {
        let Ok(symbol) = Symbol::parse(&symbol) else { return Ok(()) };
        let date = Date::from_days(days).unwrap();
        let name = FileName::parse(&format!("{symbol}_{date}.html")).unwrap();
        prop_assert_eq!(name.symbol(), Some(&symbol));
        prop_assert_eq!(name.fetched(), Some(Fetched::On(date)));
    }

    #[test]
    fn no_text_panics_and_no_name_is_more_than_one_component(
        text in prop_oneof![
            "\\PC{0,60}",
            "[./\\\\%_0-9A-Za-z\\x00-\\x1f-]{0,60}",
            "[A-Z%./\\\\_]{0,9}_2025-0[0-9]-[0-3][0-9](T[0-9]{6}Z)?(_[a-z-]{0,12})?[.]?[a-z./]{0,6}",
        ],
    ) {
        if let Ok(name) = FileName::parse(&text) {
            let path = std::path::Path::new(name.as_str());
            let parts: Vec<_> = path.components().collect();
            prop_assert_eq!(parts, [std::path::Component::Normal(text.as_ref())]);
            prop_assert!(!text.contains(['/', '\\', '\0']));
            prop_assert!(text != "." && text != "..");
            let whole = match name.extension() {
                Some(ext) => format!("{}.{ext}", name.stem()),
                None => name.stem().to_owned(),
            };
            prop_assert_eq!(whole, text);
        }
    }
}
