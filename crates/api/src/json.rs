//! JSON and CSV text of bars, written straight into bytes: no value tree, no float, no allocation
//! a cell.

use cream_models::{Bar, Currency, Date, Price, Timestamp};
use cream_store::StoredBar;

/// A JSON object under way.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Goes on with one that has fields already and is not closed.
    pub(crate) fn resume(out: &'a mut Vec<u8>) -> Self {
        Self { out, empty: false }
    }

    /// Writes a field's name; what is appended next is its value.
    pub(crate) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        string(self.out, name);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn string(&mut self, name: &str, value: &str) {
        string(self.key(name), value);
    }

    pub(crate) fn optional_string(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.string(name, value),
            None => null(self.key(name)),
        }
    }

    pub(crate) fn integer(&mut self, name: &str, value: Option<i64>) {
        optional_integer(self.key(name), value);
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.key(name).extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(crate) fn price(&mut self, name: &str, value: Option<Price>) {
        optional_price(self.key(name), value);
    }

    pub(crate) fn date(&mut self, name: &str, value: Option<Date>) {
        match value {
            Some(value) => date(self.key(name), value),
            None => null(self.key(name)),
        }
    }

    /// In which unit prices are given: the code as delivered, the currency that it is a unit of,
    /// and how many of it make one of that.
    pub(crate) fn currency(&mut self, code: Option<&str>) {
        let currency = code.map(Currency::of);
        self.optional_string("currency", code);
        self.optional_string("currency_major", currency.map(Currency::major));
        let units = currency.map(|currency| i64::from(currency.units_per_major()));
        self.integer("currency_units", units);
    }

    pub(crate) fn instant(&mut self, name: &str, value: Timestamp) {
        // An instant's text needs no escape.
        let text = value.to_string();
        self.string(name, &text);
    }

    pub(crate) fn optional_instant(&mut self, name: &str, value: Option<Timestamp>) {
        match value {
            Some(value) => self.instant(name, value),
            None => null(self.key(name)),
        }
    }

    pub(crate) fn strings<'s>(&mut self, name: &str, values: impl Iterator<Item = &'s str>) {
        self.list(name, values, string);
    }

    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, T),
    ) {
        let out = self.key(name);
        out.push(b'[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write(out, value);
        }
        out.push(b']');
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }
}

/// Writes text in quotes, escaped.
pub(crate) fn string(out: &mut Vec<u8>, value: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    out.push(b'"');
    if value.bytes().all(plain) {
        out.extend_from_slice(value.as_bytes());
    } else {
        for character in value.chars() {
            match character {
                '"' | '\\' => {
                    out.push(b'\\');
                    // Both are ASCII.
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                '\0'..'\x20' => {
                    out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
                }
                _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    out.push(b'"');
}

fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

fn date(out: &mut Vec<u8>, value: Date) {
    out.push(b'"');
    value.write_to(out);
    out.push(b'"');
}

/// Writes a price as the exact decimal, unknown as null.
pub(crate) fn optional_price(out: &mut Vec<u8>, value: Option<Price>) {
    match value {
        Some(value) => value.write_to(out),
        None => null(out),
    }
}

/// Writes an integer in decimal, unknown as null.
pub(crate) fn optional_integer(out: &mut Vec<u8>, value: Option<i64>) {
    match value {
        Some(value) => integer(out, value),
        None => null(out),
    }
}

/// Writes an integer in decimal.
pub(crate) fn integer(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0_u8; 20];
    let mut rest = value.unsigned_abs();
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// Roughly what a bar takes, to reserve a buffer once.
pub(crate) const JSON_BAR_LEN: usize = 176;
/// The same for CSV.
pub(crate) const CSV_BAR_LEN: usize = 104;

/// Writes bars as JSON objects between commas.
pub(crate) fn json_bars(out: &mut Vec<u8>, bars: &[StoredBar]) {
    let mut tail = Tail::new(json_tail);
    for (index, stored) in bars.iter().enumerate() {
        let bar = &stored.bar;
        out.extend_from_slice(if index == 0 { b"{\"date\":\"" } else { b",{\"date\":\"" });
        bar.date().write_to(out);
        for (name, price) in [
            (&b"\",\"open\":"[..], bar.open()),
            (b",\"high\":", bar.high()),
            (b",\"low\":", bar.low()),
            (b",\"close\":", bar.close()),
            (b",\"adj_close\":", bar.adj_close()),
        ] {
            out.extend_from_slice(name);
            optional_price(out, price);
        }
        out.extend_from_slice(b",\"volume\":");
        optional_integer(out, bar.volume());
        out.extend_from_slice(tail.of(stored));
    }
}

/// The header line of [`csv_bars`].
pub(crate) const CSV_HEADER: &[u8] =
    b"date,open,high,low,close,adj_close,volume,is_final,flags,as_of\n";

/// Writes bars as CSV lines behind the cells of `prefix`: unknown is empty, flags are joined by
/// `|`, lines end in LF.
pub(crate) fn csv_bars(out: &mut Vec<u8>, prefix: &[u8], bars: &[StoredBar]) {
    let mut tail = Tail::new(csv_tail);
    for stored in bars {
        let bar = &stored.bar;
        out.extend_from_slice(prefix);
        bar.date().write_to(out);
        for price in [bar.open(), bar.high(), bar.low(), bar.close(), bar.adj_close()] {
            out.push(b',');
            if let Some(price) = price {
                price.write_to(out);
            }
        }
        out.push(b',');
        if let Some(volume) = bar.volume() {
            integer(out, volume);
        }
        out.extend_from_slice(tail.of(stored));
    }
}

/// The text behind the numbers. Neighbours mostly share it, for they came in one response, so it
/// is kept until it changes.
struct Tail {
    of: Option<(bool, u16, Timestamp)>,
    text: Vec<u8>,
    write: fn(&mut Vec<u8>, &Bar, Timestamp),
}

impl Tail {
    fn new(write: fn(&mut Vec<u8>, &Bar, Timestamp)) -> Self {
        Self { of: None, text: Vec::new(), write }
    }

    fn of(&mut self, stored: &StoredBar) -> &[u8] {
        let key = (stored.bar.is_final(), stored.bar.flags().bits(), stored.as_of);
        if self.of != Some(key) {
            self.of = Some(key);
            self.text.clear();
            (self.write)(&mut self.text, &stored.bar, stored.as_of);
        }
        &self.text
    }
}

fn json_tail(out: &mut Vec<u8>, bar: &Bar, as_of: Timestamp) {
    let flags: Vec<String> = bar.flags().names().map(|name| format!("\"{name}\"")).collect();
    let text = format!(
        ",\"is_final\":{},\"flags\":[{}],\"as_of\":\"{as_of}\"}}",
        bar.is_final(),
        flags.join(",")
    );
    out.extend_from_slice(text.as_bytes());
}

fn csv_tail(out: &mut Vec<u8>, bar: &Bar, as_of: Timestamp) {
    let flags: Vec<&str> = bar.flags().names().collect();
    out.extend_from_slice(format!(",{},{},{as_of}\n", bar.is_final(), flags.join("|")).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use cream_models::{BarField, BarFlags};
    use proptest::prelude::*;

    fn stored(bar: Bar, as_of: i64) -> StoredBar {
        StoredBar { bar, as_of: Timestamp::from_micros(as_of), withdrawn_at: None }
    }

    fn any_bar() -> impl Strategy<Value = StoredBar> {
        let values = prop::array::uniform6(any::<Option<i64>>());
        let as_of = -62_135_596_800_000_000_i64..=253_402_300_799_999_999;
        (Date::MIN.days()..=Date::MAX.days(), values, any::<bool>(), 0_u16..128, as_of).prop_map(
            |(days, values, is_final, flags, as_of)| {
                let mut bar = Bar::new(Date::from_days(days).unwrap()).with_final(is_final);
                for (field, value) in BarField::ALL.into_iter().zip(values) {
                    bar.set(field, value);
                }
                stored(bar.with_flags(BarFlags::from_bits(flags).unwrap()), as_of)
            },
        )
    }

    #[test]
    fn text_is_escaped() {
        let mut out = Vec::new();
        let text = "a\"b\\c\n\0\u{1f}ü\u{2028}";
        string(&mut out, text);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn an_empty_and_a_filled_object_are_json() {
        let mut out = Vec::new();
        Object::open(&mut out).close();
        assert_eq!(out, b"{}");
        out.clear();
        let mut object = Object::open(&mut out);
        object.integer("a", Some(i64::MIN));
        object.optional_string("b", None);
        object.strings("c", ["x", "y"].into_iter());
        object.close();
        assert_eq!(out, br#"{"a":-9223372036854775808,"b":null,"c":["x","y"]}"#);
    }

    proptest! {
        #[test]
        fn integers_are_decimal(value: i64) {
            let mut out = Vec::new();
            integer(&mut out, value);
            prop_assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }

        #[test]
        fn any_text_reads_back(text in any::<String>()) {
            let mut out = Vec::new();
            string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn any_bars_read_back_exactly(bars in prop::collection::vec(any_bar(), 0..5)) {
            let mut json = b"[".to_vec();
            json_bars(&mut json, &bars);
            json.push(b']');
            let rows: Vec<std::collections::BTreeMap<String, Box<serde_json::value::RawValue>>> =
                serde_json::from_slice(&json).unwrap();
            let mut csv = Vec::new();
            csv_bars(&mut csv, b"", &bars);
            let csv = String::from_utf8(csv).unwrap();
            let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
            prop_assert_eq!((rows.len(), lines.len()), (bars.len(), bars.len()));
            for ((stored, row), line) in bars.iter().zip(&rows).zip(&lines) {
                for (index, field) in BarField::ALL.into_iter().enumerate() {
                    let text = stored.bar.value(field).map(|value| match field {
                        BarField::Volume => value.to_string(),
                        _ => Price::from_nanos(value).to_string(),
                    });
                    prop_assert_eq!(row[field.name()].get(), text.as_deref().unwrap_or("null"));
                    prop_assert_eq!(line[index + 1], text.as_deref().unwrap_or(""));
                }
                let flags: Vec<String> = serde_json::from_str(row["flags"].get()).unwrap();
                prop_assert_eq!(flags.join(","), stored.bar.flags().to_string());
                prop_assert_eq!(flags.join("|"), line[8]);
                prop_assert_eq!(row["is_final"].get(), stored.bar.is_final().to_string());
                prop_assert_eq!(row["as_of"].get(), format!("\"{}\"", stored.as_of));
                prop_assert_eq!(line[9], stored.as_of.to_string());
                prop_assert_eq!(line[0], stored.bar.date().to_string());
            }
        }
    }
}
