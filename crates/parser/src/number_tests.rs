use super::quick::Quick;
use super::*;
use proptest::prelude::*;

fn price(text: &str) -> Option<Nanos> {
    let number = Number::scan(text.as_bytes(), 0).unwrap();
    assert_eq!(number.end, text.len(), "{text}");
    number.yahoo_price(text.as_bytes())
}

fn check(text: &str) {
    let slow = slow_price(text.as_bytes());
    assert_eq!(price(text), slow, "{text}");
    let (quick_price, length) = quick_price(text);
    if let Some(quick_price) = quick_price {
        assert_eq!((Some(quick_price), length), (slow, text.len()), "{text}");
    }
    if let (Some(number), length) = quick_integer(text) {
        assert_eq!((number.to_string().as_str(), length), (text, text.len()));
    }
}

/// What the quick reader makes of a text followed by a comma, and how much of the text it took.
fn quick_price(text: &str) -> (Option<Nanos>, usize) {
    let padded = format!("1234567890.12345[{text},123");
    let mut read = None;
    let end = Quick::new(padded.as_bytes()).prices(17, 1, |price| read = Some(price));
    (read, end.saturating_sub(18))
}

fn quick_integer(text: &str) -> (Option<i64>, usize) {
    let padded = format!("1234567890.12345[{text},123");
    let mut read = None;
    let end = Quick::new(padded.as_bytes()).integers(17, 1, |number| read = Some(number));
    (read, end.saturating_sub(18))
}

#[test]
fn the_quick_readers_take_the_usual_shapes_and_no_others() {
    for (text, nanos) in [
        ("1.2666670083999634", 1_266_667_000),
        ("325.30999755859375", 325_310_000_000),
        ("112.5", 112_500_000_000),
        ("0.12345678", 123_456_780),
        ("1234567.5", 1_234_567_500_000_000),
    ] {
        assert_eq!(quick_price(text), (Some((nanos, false)), text.len()), "{text}");
    }
    for text in ["1", "01.5", "1.", ".5", "-1.5", "1.5e3", "1.5.5", "1.5 ", "123456789.5", "x"] {
        assert_eq!(quick_price(text), (None, 0), "{text}");
    }
    for (text, number) in
        [("1277818200", 1_277_818_200), ("0", 0), ("123456789012345", 123_456_789_012_345)]
    {
        assert_eq!(quick_integer(text), (Some(number), text.len()), "{text}");
    }
    for text in ["1234567890123456", "01", "-1", "1.5", "1 ", "", "1e3"] {
        assert_eq!(quick_integer(text), (None, 0), "{text}");
    }
}

#[test]
fn widened_floats_become_their_shortest_decimal() {
    for (text, nanos, rounded) in [
        ("1.2666670083999634", 1_266_667_000, false),
        ("1.6666669845581055", 1_666_667_000, false),
        ("325.30999755859375", 325_310_000_000, false),
        ("-37.630001068115234", -37_630_000_000, false),
        ("0.0", 0, false),
        ("-0.0", 0, false),
        ("112", 112_000_000_000, false),
        ("97208.17", 97_208_170_000_000, false),
        // Not a widened float: the text as it stands.
        ("1.2666670083999635", 1_266_667_008, true),
        ("0.1234567885", 123_456_788, true),
        ("0.1234567895", 123_456_790, true),
        ("0.12345678950000000000001", 123_456_790, true),
        ("0.1000000000000000000000", 100_000_000, false),
        ("1.12117471e+08", 112_117_471_000_000_000, false),
        ("5e-10", 0, true),
        ("15e-10", 2, true),
        ("9223372036.854775807", i64::MAX, false),
        ("-9223372036.854775808", i64::MIN, false),
    ] {
        assert_eq!(price(text), Some((nanos, rounded)), "{text}");
    }
}

#[test]
fn what_does_not_fit_is_no_price() {
    for text in ["9223372036.854775808", "1e10", "1e999999999999999999999", "99999999999999"] {
        assert_eq!(price(text), None, "{text}");
    }
    assert_eq!(price("1e-999999999999999999999"), Some((0, false)));
    assert_eq!(price("0e999999999999999999999"), Some((0, false)));
}

#[test]
fn integers_may_look_like_floats() {
    for (text, expected) in [
        ("281494500", Some(281_494_500)),
        ("27909466112", Some(27_909_466_112)),
        ("-1", Some(-1)),
        ("5.0", Some(5)),
        ("1.12117471e+08", Some(112_117_471)),
        ("9223372036854775807", Some(i64::MAX)),
        ("9223372036854775808", None),
        ("99999999999999999999", None),
        ("0.5", None),
        ("1e-1", None),
    ] {
        let number = Number::scan(text.as_bytes(), 0).unwrap();
        assert_eq!(number.integer(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn what_is_no_number_says_where_and_what() {
    for (text, message) in [
        ("", "cut off at byte 0: expected a number"),
        ("-", "cut off at byte 1: expected a number"),
        ("-x", "\"x\" at byte 1: expected a number"),
        ("01", "\"1\" at byte 1: expected no digit after a leading zero"),
        ("1.", "cut off at byte 2: expected a digit after the point"),
        ("1.,", "\",\" at byte 2: expected a digit after the point"),
        ("1e", "cut off at byte 2: expected a digit of the exponent"),
        ("1e+", "cut off at byte 3: expected a digit of the exponent"),
        (".5", "\".5\" at byte 0: expected a number"),
    ] {
        let error = Number::scan(text.as_bytes(), 0).unwrap_err().to_string();
        assert!(error.contains(message), "{text:?}: {error}");
    }
}

#[test]
fn every_exponent_agrees_with_the_slow_path() {
    for exponent in 0..255_u32 {
        let single_bits = (0..23).map(|bit| 1 << bit);
        for fraction in
            [0, 3, 0x2A_AAAA, 0x7F_FFFE, 0x7F_FFFF, 0x19_999A].into_iter().chain(single_bits)
        {
            let single = f32::from_bits(exponent << 23 | fraction);
            check(&f64::from(single).to_string());
        }
    }
}

#[test]
fn floats_from_end_to_end_of_their_range_agree_with_the_slow_path() {
    // Every positive float in steps of a prime, subnormals with the rest.
    for bits in (0..0x7F80_0000_u32).step_by(90_001) {
        check(&f64::from(f32::from_bits(bits)).to_string());
    }
}

#[test]
fn halves_and_sixty_fourths_agree_with_the_slow_path() {
    // Their decimals end in 5, where a nearest multiple can be a tie.
    for numerator in (1..200_000_u32).step_by(41) {
        for shift in [1, 3, 6, 7, 8, 9] {
            check(&(f64::from(numerator) / f64::from(1_u32 << shift)).to_string());
        }
    }
}

/// Reads a column as the columns of a chart are read: quickly as far as that goes, then one number
/// by the whole grammar, and on.
fn column(texts: &[String]) -> Vec<Option<Nanos>> {
    let json = format!("{{\"some\":\"column\",\"c\":[{}]}}", texts.join(","));
    let bytes = json.as_bytes();
    let mut quick = Quick::new(bytes);
    let (mut read, mut pos) = (Vec::new(), json.find("[").unwrap() + 1);
    while read.len() < texts.len() {
        let want = texts.len() - read.len();
        pos = quick.prices(pos, want, |price| read.push(Some(price)));
        if read.len() < texts.len() {
            let number = Number::scan(bytes, pos).unwrap();
            read.push(number.yahoo_price(bytes));
            pos = number.end + 1;
        }
    }
    read
}

#[test]
fn many_plain_prices_agree_with_the_slow_path() {
    // Every cent from 0 to 2,000 as Yahoo would send it.
    for cents in 0..200_000_u32 {
        #[expect(clippy::cast_possible_truncation, reason = "as the vendor does it")]
        let single = (f64::from(cents) / 100.0) as f32;
        let text = f64::from(single).to_string();
        assert_eq!(price(&text), Some((i64::from(cents) * 10_000_000, false)), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn floats_agree(bits: u32) {
        let single = f32::from_bits(bits);
        prop_assume!(single.is_finite());
        check(&f64::from(single).to_string());
    }

    #[test]
    fn floats_of_usual_size_agree(exponent in 110_u32..155, fraction in 0_u32..1 << 23, negative: bool) {
        let single = f32::from_bits(u32::from(negative) << 31 | exponent << 23 | fraction);
        let text = f64::from(single).to_string();
        check(&text);
        // Neighbours of a widened float are texts of their own.
        check(&f64::from_bits(f64::from(single).to_bits() + 1).to_string());
        check(&f64::from_bits(f64::from(single).to_bits() - 1).to_string());
        check(&format!("{text}{}1", if text.contains('.') { "" } else { "." }));
    }

    #[test]
    fn what_is_almost_a_float_agrees(
        exponent in 110_u32..155,
        fraction in 0_u32..1 << 23,
        place in 0_usize..20,
        digit in b'0'..=b'9',
        more in "[0-9]{0,3}",
    ) {
        let single = f32::from_bits(exponent << 23 | fraction);
        let mut text = f64::from(single).to_string().into_bytes();
        text.extend_from_slice(if text.contains(&b'.') { b"" } else { b".0" });
        if let Some(at) = text.len().checked_sub(place + 1)
            && at > 0
            && text[at] != b'.'
        {
            text[at] = digit;
        }
        check(&(String::from_utf8(text).unwrap() + &more));
    }

    #[test]
    fn doubles_agree(value in prop::num::f64::NORMAL, usual in -1e10_f64..1e10) {
        check(&value.to_string());
        check(&usual.to_string());
    }

    #[test]
    fn decimal_texts_agree(text in "-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?") {
        check(&text);
    }

    #[test]
    fn short_texts_stay_as_they_are(cents: i32) {
        let text = format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
        check(&text);
        if cents.unsigned_abs() < 1_000_000 {
            prop_assert_eq!(price(&text), Some((i64::from(cents) * 10_000_000, false)));
        }
    }

    #[test]
    fn nothing_panics(bytes: Vec<u8>, start in 0_usize..40) {
        let mut quick = Quick::new(&bytes);
        let end = quick.prices(start, 40, |_| ());
        let _ = quick.integers(end, 40, |_| ());
        if let Ok(number) = Number::scan(&bytes, start) {
            let _ = number.yahoo_price(&bytes);
            let _ = number.integer(&bytes);
        }
    }
}

proptest! {
    #[test]
    fn columns_agree_whatever_stands_in_them(
        texts in prop::collection::vec(
            prop_oneof![
                20 => (0.001_f32..100_000.0).prop_map(|single| f64::from(single).to_string()),
                2 => (-1e9_f64..1e9).prop_map(|double| double.to_string()),
                2 => any::<u32>().prop_map(|whole| whole.to_string()),
                1 => "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?",
            ],
            1..400,
        ),
    ) {
        for (text, read) in texts.iter().zip(column(&texts)) {
            prop_assert_eq!(read, slow_price(text.as_bytes()), "{}", text);
        }
    }
}
