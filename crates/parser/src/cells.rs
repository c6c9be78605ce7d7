//! The texts of a price table's cells.

use cream_models::{ActionKind, CorporateEvent, Date, Price};

use crate::events;
use crate::finish::cash;

/// A cell's number: in units of 10^-`decimals`, sign and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) value: i64,
    pub(crate) decimals: u8,
}

impl Decimal {
    /// The number in units of 1e-9, rounded half to even, and whether it was rounded.
    #[inline(always)]
    pub(crate) fn nanos(self) -> Option<(i64, bool)> {
        let missing = 9_u32.checked_sub(u32::from(self.decimals));
        match missing {
            Some(7) => Some((self.value.checked_mul(10_000_000)?, false)),
            Some(missing) => Some((self.value.checked_mul(10_i64.pow(missing))?, false)),
            None => {
                let extra = u32::from(self.decimals) - 9;
                let divisor = 10_i64.checked_pow(extra)?;
                let price = Price::from_nanos(self.value).checked_mul_ratio(1, divisor)?;
                Some((price.nanos(), self.value % divisor != 0))
            }
        }
    }
}

/// Reads a number with thousands commas at the start of the bytes: `325.31`, `128,964,300`,
/// `-37.63`; gives how many bytes it has. Up to 18 digits.
#[inline(always)]
pub(crate) fn decimal(bytes: &[u8]) -> Option<(Decimal, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let mut value = 0_i64;
    let (mut digits, mut group, mut decimals) = (0_usize, 0_usize, 0_u8);
    let (mut commas, mut point) = (false, false);
    let mut length = usize::from(negative);
    for &byte in bytes.iter().skip(length) {
        match byte {
            b'0'..=b'9' => {
                value = value.wrapping_mul(10).wrapping_add(i64::from(byte - b'0'));
                digits += 1;
                group += 1;
                decimals += u8::from(point);
                if digits > 18 {
                    return None;
                }
            }
            b',' if !point => {
                if group == 0 || group > 3 || commas && group != 3 {
                    return None;
                }
                (commas, group) = (true, 0);
            }
            b'.' if !point => {
                if group == 0 || commas && group != 3 {
                    return None;
                }
                (point, group) = (true, 0);
            }
            _ => break,
        }
        length += 1;
    }
    if group == 0 || commas && !point && group != 3 {
        return None;
    }
    Some((Decimal { value: if negative { -value } else { value }, decimals }, length))
}

/// Reads a date such as `Jun 13, 2025` at the start of the bytes; gives how many bytes it has.
#[inline(always)]
pub(crate) fn date(bytes: &[u8]) -> Option<(Date, usize)> {
    let (name, rest) = bytes.split_first_chunk::<3>()?;
    let month = month(*name)?;
    let (day, rest, length) = match rest {
        [b' ', a @ b'0'..=b'9', b @ b'0'..=b'9', b',', b' ', rest @ ..] => {
            ((a - b'0') * 10 + (b - b'0'), rest, 8)
        }
        [b' ', a @ b'0'..=b'9', b',', b' ', rest @ ..] => (a - b'0', rest, 7),
        _ => return None,
    };
    let (year, after) = rest.split_first_chunk::<4>()?;
    if after.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let mut number = 0;
    for byte in year {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i32::from(byte - b'0');
    }
    Some((Date::from_ymd(number, month, day)?, length + 4))
}

fn month(name: [u8; 3]) -> Option<u8> {
    Some(match &name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// Reads a whole cell's date: as above, or with the month's full name.
pub(crate) fn date_text(text: &str) -> Option<Date> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (name, rest) = text.split_once(' ')?;
    if name.len() > 3 && !MONTHS.contains(&name) && name != "Sept" {
        return None;
    }
    let short = format!("{} {rest}", name.get(..3)?);
    date(short.as_bytes()).filter(|(_, length)| *length == short.len()).map(|(date, _)| date)
}

/// What a whole cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing is known.
    Unknown,
    /// A number.
    Number(Decimal),
    /// Neither.
    Bad,
}

/// Reads a whole cell's number, white space already folded.
pub(crate) fn cell(text: &str) -> Cell {
    match text {
        "" | "-" | "--" | "\u{2010}" | "\u{2013}" | "\u{2014}" | "\u{2212}" | "N/A" | "n/a" => {
            Cell::Unknown
        }
        _ => {
            let plain = text.replace('\u{2212}', "-");
            match decimal(plain.as_bytes()) {
                Some((number, length)) if length == plain.len() => Cell::Number(number),
                _ => Cell::Bad,
            }
        }
    }
}

/// What the text of an event's cell says: `0.26 Dividend`, `3:1 Stock Splits`,
/// `1,000:961 Stock Split`, `0.5 Capital Gain`. The kind, where that much is readable, and the
/// event.
pub(crate) fn event(text: &str) -> (Option<ActionKind>, Option<CorporateEvent>) {
    let Some((amount, words)) = text.split_once(' ') else { return (None, None) };
    let words = words.trim().to_ascii_lowercase();
    let kind = if words.starts_with("dividend") {
        ActionKind::Dividend
    } else if words.starts_with("stock split") || words.starts_with("split") {
        ActionKind::Split
    } else if words.starts_with("capital gain") {
        ActionKind::CapitalGain
    } else {
        return (None, None);
    };
    let event = if kind == ActionKind::Split {
        events::parse_ratio(amount.as_bytes()).map(CorporateEvent::Split)
    } else {
        match cell(amount) {
            Cell::Number(number) => {
                number.nanos().map(|(nanos, _)| cash(kind, Price::from_nanos(nanos)))
            }
            _ => None,
        }
    };
    (Some(kind), event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Option<(i64, u8)> {
        match cell(text) {
            Cell::Number(number) => Some((number.value, number.decimals)),
            _ => None,
        }
    }

    #[test]
    fn numbers_are_read_with_their_commas() {
        for (text, value) in [
            ("325.31", (32531, 2)),
            ("128,964,300", (128_964_300, 0)),
            ("1,234.5", (12345, 1)),
            ("1234.50", (123_450, 2)),
            ("0", (0, 0)),
            ("-37.63", (-3763, 2)),
            ("\u{2212}37.63", (-3763, 2)),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_unknown_or_bad_is_told_apart() {
        for text in ["", "-", "—", "N/A", "--"] {
            assert_eq!(cell(text), Cell::Unknown, "{text}");
        }
        for text in [
            "1,23",
            "1,2345",
            "12,34,567",
            ",123",
            "1,",
            "1.",
            ".5",
            "1.2.3",
            "1.234,5",
            "1.5M",
            "12 5",
            "abc",
            "1234,567",
            "9999999999999999999",
            "+1",
            "1e5",
        ] {
            assert_eq!(cell(text), Cell::Bad, "{text}");
        }
    }

    #[test]
    fn dates_are_read_or_refused() {
        assert_eq!(date_text("Jun 13, 2025"), Date::from_ymd(2025, 6, 13));
        assert_eq!(date_text("Jun 3, 2025"), Date::from_ymd(2025, 6, 3));
        assert_eq!(date_text("September 3, 2025"), Date::from_ymd(2025, 9, 3));
        for text in [
            "",
            "Jun 31, 2025",
            "jun 1, 2025",
            "Junk 1, 2025",
            "Jun 1 2025",
            "Jun 1, 25",
            "Jun 1, 20255",
            "2025-06-13",
            "Jun 13, 2025x",
            "Ju\u{e9} 1, 2025",
        ] {
            assert_eq!(date_text(text), None, "{text}");
        }
    }

    #[test]
    fn events_are_read_by_their_words() {
        let read = |text| event(text).1.map(|event| format!("{event:?}"));
        assert!(read("0.26 Dividend").unwrap().contains("260000000"));
        assert!(read("3:1 Stock Splits").unwrap().contains("Split"));
        assert!(read("1,000:961 Stock Split").unwrap().contains("961000000000"));
        assert!(read("0.5 Capital Gain").unwrap().contains("CapitalGain"));
        assert!(read("0.5 Capital Gains").is_some());
        assert_eq!(event("x Dividend"), (Some(ActionKind::Dividend), None));
        assert_eq!(event("0:1 Stock Splits"), (Some(ActionKind::Split), None));
        for text in ["Dividend", "0.26 Something", ""] {
            assert_eq!(event(text), (None, None), "{text}");
        }
    }

    #[test]
    fn finer_than_a_price_is_rounded() {
        let nanos = |value, decimals| Decimal { value, decimals }.nanos();
        assert_eq!(nanos(12_345_678_905, 10), Some((1_234_567_890, true)));
        assert_eq!(nanos(12_345_678_900, 10), Some((1_234_567_890, false)));
        assert_eq!(nanos(5, 0), Some((5_000_000_000, false)));
        assert_eq!(nanos(10_000_000_000, 0), None);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in -999_999_999_999_i64..=999_999_999_999, decimals in 0_u8..=9) {
            let (unit, magnitude) = (10_u64.pow(u32::from(decimals)), value.unsigned_abs());
            let mut whole = (magnitude / unit).to_string();
            let mut at = whole.len();
            while at > 3 { at -= 3; whole.insert(at, ','); }
            let sign = if value < 0 { "-" } else { "" };
            let fraction = magnitude % unit;
            let text = if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction:0width$}", width = usize::from(decimals)) };
            prop_assert_eq!(number(&text), Some((value, decimals)));
        }

        #[test]
        fn dates_read_back(days in -700_000_i32..2_900_000) {
            let day = Date::from_days(days).unwrap();
            let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
            let text = format!("{} {}, {:04}", names[usize::from(day.month()) - 1], day.day(), day.year());
            prop_assert_eq!(date_text(&text), Some(day));
        }

        #[test]
        fn nothing_panics(text in "\\PC*", bytes: Vec<u8>) {
            let _ = (cell(&text), date_text(&text), event(&text), decimal(&bytes), date(&bytes));
        }
    }
}
