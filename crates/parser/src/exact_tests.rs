use proptest::prelude::*;

use super::*;

fn price_of(json: &str, writing: Writing) -> Result<Cell> {
    let mut reader = Reader::new(json.as_bytes(), 0);
    let cell = price(&mut reader, writing)?;
    reader.finish()?;
    Ok(cell)
}

fn volume_of(json: &str) -> Cell {
    volume(&mut Reader::new(json.as_bytes(), 0), Writing::Plain).unwrap()
}

const fn exactly(nanos: i64) -> Cell {
    Cell::Known((nanos, false))
}

#[test]
fn a_number_is_what_its_text_says() {
    for (json, cell) in [
        ("125.07", exactly(125_070_000_000)),
        (" -0.5 ", exactly(-500_000_000)),
        // Yahoo's reading, by 32-bit floats, would give 1.266667.
        ("1.2666670083999634", Cell::Known((1_266_667_008, true))),
        ("1.3e2", exactly(130_000_000_000)),
        ("0.0000000005", Cell::Known((0, true))),
        ("0.0000000015", Cell::Known((2, true))),
        ("9223372036.854775807", exactly(i64::MAX)),
        ("-9223372036.854775808", exactly(i64::MIN)),
        ("9223372036.854775808", Cell::Odd),
        ("0.33333333333333333333333333333333333333", Cell::Known((333_333_333, true))),
        ("0.2500000000000000000000000000000000", exactly(250_000_000)),
        ("12345678901234567890.5", Cell::Odd),
        ("1e400", Cell::Odd),
        ("0e400", exactly(0)),
        ("\"125.245\"", exactly(125_245_000_000)),
        ("\"1\\u0030\"", exactly(10_000_000_000)),
        ("\" 7 \"", exactly(7_000_000_000)),
        ("\"1e1\"", exactly(10_000_000_000)),
        ("null", Cell::Unknown),
        ("\"\"", Cell::Unknown),
        ("\"N/A\"", Cell::Unknown),
        ("\"-\"", Cell::Unknown),
        ("\"--\"", Cell::Unknown),
        ("\"1,000\"", Cell::Odd),
        ("\"$1\"", Cell::Odd),
        ("\"+1\"", Cell::Odd),
        ("\"1.\"", Cell::Odd),
        ("\"x\"", Cell::Odd),
        ("true", Cell::Odd),
        ("[1]", Cell::Odd),
        ("{\"a\":1}", Cell::Odd),
    ] {
        assert_eq!(price_of(json, Writing::Plain), Ok(cell), "{json}");
    }
    for json in ["nul", "1.", "-", "\"1", "[1", "01", "+1", "NaN", ""] {
        assert!(price_of(json, Writing::Plain).is_err(), "{json}");
    }
}

#[test]
fn shown_numbers_have_dollars_and_commas_between_groups_of_three() {
    for (json, cell) in [
        ("\"$507.18\"", exactly(507_180_000_000)),
        ("\"$1,507.18\"", exactly(1_507_180_000_000)),
        ("\"-$1,507\"", exactly(-1_507_000_000_000)),
        ("\"5,123,456\"", exactly(5_123_456_000_000_000)),
        ("\"1507.18\"", exactly(1_507_180_000_000)),
        ("1507.18", exactly(1_507_180_000_000)),
        ("\"$0.25\"", exactly(250_000_000)),
        ("\"N/A\"", Cell::Unknown),
        ("\"--\"", Cell::Unknown),
        ("\"1,50\"", Cell::Odd),
        ("\"1,5000\"", Cell::Odd),
        ("\"1500,000\"", Cell::Odd),
        ("\",500\"", Cell::Odd),
        ("\"1,500,\"", Cell::Odd),
        ("\"1.5,000\"", Cell::Odd),
        ("\"$\"", Cell::Odd),
        ("\"$$1\"", Cell::Odd),
        ("\"€1\"", Cell::Odd),
        ("\"1111111111111111111111111111111111111111111\"", Cell::Odd),
    ] {
        assert_eq!(price_of(json, Writing::Shown), Ok(cell), "{json}");
    }
}

#[test]
fn volumes_are_whole_or_rounded() {
    for (json, cell) in [
        ("65874459", exactly(65_874_459)),
        ("1.12117471e+08", exactly(112_117_471)),
        ("8.9100633e+07", exactly(89_100_633)),
        ("100.0", exactly(100)),
        ("\"134271125\"", exactly(134_271_125)),
        ("0.5", Cell::Known((0, true))),
        ("1.5", Cell::Known((2, true))),
        ("2.5", Cell::Known((2, true))),
        ("9223372036854775807", exactly(i64::MAX)),
        ("9223372036854775808", Cell::Odd),
        ("-1", Cell::Odd),
        ("-0", exactly(0)),
        ("null", Cell::Unknown),
        ("\"--\"", Cell::Unknown),
    ] {
        assert_eq!(volume_of(json), cell, "{json}");
    }
}

#[test]
fn dates_are_those_of_the_calendar_in_the_vendors_writing() {
    let text = |date: Option<Date>| date.map_or("none".to_owned(), |date| date.to_string());
    for (written, date) in [
        ("2024-02-29", "2024-02-29"),
        ("2023-01-31T00:00:00.000Z", "2023-01-31"),
        ("2018-04-12T00:00:00+00:00", "2018-04-12"),
        ("2018-04-12T00:00:00Z", "2018-04-12"),
        ("2018-04-12T00:00:00.000000+00:00", "2018-04-12"),
        ("2018-04-12T00:00:00.Z", "none"),
        ("2018-04-12T09:30:00.000Z", "none"),
        ("2018-04-12T00:00:00-04:00", "none"),
        ("2018-04-12 ", "none"),
        ("2023-02-29", "none"),
        ("2023-2-28", "none"),
        ("+023-02-28", "none"),
        ("", "none"),
        ("é023-02-2", "none"),
    ] {
        assert_eq!(text(midnight(written.as_bytes())), date, "{written}");
    }
    assert_eq!(text(iso(b"2024-12-31")), "2024-12-31");
    assert_eq!(text(iso(b"2024-12-31T00:00:00Z")), "none");
    assert_eq!(text(american(b"08/14/2026")), "2026-08-14");
    for bad in [&b"14/08/2026"[..], b"8/14/2026", b"08/14/26", b"N/A", b"08-14-2026"] {
        assert_eq!(american(bad), None);
    }
}

proptest! {
    #[test]
    fn any_price_reads_back_in_every_writing(nanos: i64, pad in 0_usize..12) {
        let price = cream_models::Price::from_nanos(nanos).to_string();
        let dot = if price.contains('.') { "" } else { "." };
        let padded = format!("{price}{dot}{}", "0".repeat(pad + 1));
        for json in [price.clone(), padded.clone(), format!("\"{price}\""), format!("\"{padded}\"")] {
            prop_assert_eq!(price_of(&json, Writing::Plain), Ok(exactly(nanos)));
        }
        let (sign, digits) = price.strip_prefix('-').map_or(("", price.as_str()), |rest| ("-", rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut grouped = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let dot = if fraction.is_empty() { "" } else { "." };
        let shown = format!("\"{sign}${grouped}{dot}{fraction}\"");
        prop_assert_eq!(price_of(&shown, Writing::Shown), Ok(exactly(nanos)));
    }

    #[test]
    fn nothing_panics(text in "[-$,.0-9eE+\"\\\\nul ]{0,50}", bytes: Vec<u8>) {
        for bytes in [text.as_bytes(), format!("\"{text}\"").as_bytes(), &bytes] {
            for writing in [Writing::Plain, Writing::Shown] {
                let _ = price(&mut Reader::new(bytes, 0), writing);
                let _ = volume(&mut Reader::new(bytes, 0), writing);
            }
            let _ = (iso(bytes), midnight(bytes), american(bytes));
        }
    }
}
