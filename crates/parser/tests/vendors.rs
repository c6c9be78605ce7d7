//! What holds of every answer of the vendors of JSON, however it is laid out: the same rows in
//! another order of keys, with white space or with numbers within strings are the same history, and
//! what is spoilt or cut is an error or says what it lacks.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

use cream_models::{Date, Price, PriceHistory, Vendor};
use cream_parser::{ParseOptions, detect, parse_with};
use proptest::prelude::*;

/// A row of prices in units of 1e-9: open, high, low, close, and the volume.
type Values = ([Option<i64>; 4], Option<i64>);

const VENDORS: [Vendor; 5] =
    [Vendor::Tiingo, Vendor::AlphaVantage, Vendor::Massive, Vendor::Eodhd, Vendor::Nasdaq];

/// A number after another, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Writes JSON with keys in any order and white space anywhere.
struct Writer {
    dice: Dice,
    shuffles: bool,
}

impl Writer {
    fn space(&mut self) -> &'static str {
        if self.shuffles { ["", "", " ", "\n", "\t\r\n  "][self.dice.roll(5)] } else { "" }
    }

    fn object(&mut self, mut members: Vec<(String, String)>) -> String {
        if self.shuffles {
            for index in (1..members.len()).rev() {
                members.swap(index, self.dice.roll(index + 1));
            }
        }
        let members: Vec<String> = members
            .into_iter()
            .map(|(key, value)| {
                let spaces = [self.space(), self.space(), self.space(), self.space()];
                format!("{}\"{key}\"{}:{}{value}{}", spaces[0], spaces[1], spaces[2], spaces[3])
            })
            .collect();
        format!("{{{}{}}}", self.space(), members.join(","))
    }

    fn array(&mut self, elements: &[String]) -> String {
        format!("[{}{}{}]", self.space(), elements.join(","), self.space())
    }

    /// A number as it is, or within a string.
    fn number(&mut self, text: Option<String>) -> String {
        match text {
            Some(text) if self.shuffles && self.dice.roll(2) == 0 => format!("\"{text}\""),
            Some(text) => text,
            None if self.shuffles => ["null", "\"\"", "\"N/A\""][self.dice.roll(3)].to_owned(),
            None => "null".to_owned(),
        }
    }
}

fn date_of(index: usize) -> Date {
    Date::from_days(19_000 + i32::try_from(index).unwrap()).unwrap()
}

/// Midnight in New York, in milliseconds since 1970.
fn midnight(date: Date) -> String {
    let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let (year, month, day) = date.ymd();
    let (month, day) = (i8::try_from(month).unwrap(), i8::try_from(day).unwrap());
    let day = jiff::civil::date(i16::try_from(year).unwrap(), month, day);
    day.to_zoned(zone).unwrap().timestamp().as_millisecond().to_string()
}

fn written(vendor: Vendor, rows: &[Values], mut writer: Writer) -> String {
    let names: [&str; 6] = match vendor {
        Vendor::AlphaVantage => ["1. open", "2. high", "3. low", "4. close", "6. volume", ""],
        Vendor::Massive => ["o", "h", "l", "c", "v", "t"],
        _ => ["open", "high", "low", "close", "volume", "date"],
    };
    let mut days: Vec<(String, String)> = Vec::new();
    for (index, (prices, volume)) in rows.iter().enumerate() {
        let date = date_of(index);
        let (year, month, day) = date.ymd();
        let text = |price: i64| Price::from_nanos(price).to_string();
        let mut members: Vec<(String, String)> = Vec::new();
        for (name, price) in names.iter().zip(prices) {
            members.push(((*name).to_owned(), writer.number(price.map(text))));
        }
        let volume = writer.number(volume.map(|volume| volume.to_string()));
        members.push((names[4].to_owned(), volume));
        let member = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        match vendor {
            Vendor::Tiingo => {
                members.push(("date".to_owned(), format!("\"{date}T00:00:00.000Z\"")));
                members.push(member("splitFactor", "1.0"));
                members.push(member("divCash", if index == 0 { "0.5" } else { "0.0" }));
            }
            Vendor::AlphaVantage => {
                members.push(member("8. split coefficient", "\"1.0\""));
                let dividend = if index == 0 { "\"0.5000\"" } else { "\"0.0000\"" };
                members.push(member("7. dividend amount", dividend));
            }
            Vendor::Massive => members.push(("t".to_owned(), midnight(date))),
            Vendor::Nasdaq => {
                members.push(("date".to_owned(), format!("\"{month:02}/{day:02}/{year:04}\"")));
            }
            _ => {
                members.push(("date".to_owned(), format!("\"{date}\"")));
                members.push(member("adjusted_close", "null"));
            }
        }
        members.push(member("unknown", "{\"a\":[1,{\"date\":2}]}"));
        days.push((date.to_string(), writer.object(members)));
    }
    let rows: Vec<String> = days.iter().map(|(_, row)| row.clone()).collect();
    let member = |key: &str, value: String| (key.to_owned(), value);
    match vendor {
        Vendor::Tiingo | Vendor::Eodhd => writer.array(&rows),
        Vendor::AlphaVantage => {
            let meta = vec![member("2. Symbol", "\"DEMO\"".to_owned())];
            let meta = writer.object(meta);
            let series = writer.object(days);
            writer.object(vec![member("Meta Data", meta), member("Time Series (Daily)", series)])
        }
        Vendor::Massive => {
            let results = writer.array(&rows);
            writer.object(vec![
                member("ticker", "\"DEMO\"".to_owned()),
                member("adjusted", "true".to_owned()),
                member("results", results),
                member("status", "\"OK\"".to_owned()),
            ])
        }
        _ => {
            let rows = writer.array(&rows);
            let table = writer.object(vec![member("rows", rows)]);
            let data = vec![member("symbol", "\"DEMO\"".to_owned()), member("tradesTable", table)];
            let data = writer.object(data);
            let status = "{\"rCode\":200}".to_owned();
            writer.object(vec![member("data", data), member("status", status)])
        }
    }
}

fn read(vendor: Vendor, bytes: &[u8]) -> Result<PriceHistory, cream_parser::ParseError> {
    parse_with(bytes, &ParseOptions::default().with_vendor(vendor))
}

/// What a history says, but for where its warnings stand: days of Alpha Vantage are keys, too.
fn said(mut history: PriceHistory) -> PriceHistory {
    for warning in &mut history.warnings {
        warning.position = 0;
    }
    history.warnings.sort_by_key(ToString::to_string);
    history
}

fn values() -> impl Strategy<Value = Vec<Values>> {
    let price = prop::option::weighted(0.9, prop_oneof![1_i64..i64::MAX, 1_i64..1_000_000_000_000]);
    let prices = [price.clone(), price.clone(), price.clone(), price];
    let volume = prop::option::weighted(0.9, 0_i64..i64::MAX);
    prop::collection::vec((prices, volume), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn rows_are_read_exactly_however_they_are_laid_out(
        rows in values(),
        vendor in prop::sample::select(VENDORS.to_vec()),
        seed in 1_u64..,
    ) {
        let plain = written(vendor, &rows, Writer { dice: Dice(seed), shuffles: false });
        let shuffled = written(vendor, &rows, Writer { dice: Dice(seed), shuffles: true });
        prop_assert_eq!(detect(shuffled.as_bytes()), Ok(vendor.into()));
        let history = read(vendor, plain.as_bytes()).unwrap();
        let mut bars = history.bars.iter();
        for (index, (prices, volume)) in rows.iter().enumerate() {
            if prices.iter().all(Option::is_none) {
                prop_assert!(!history.coverage.decides_bar(date_of(index)));
                continue;
            }
            let bar = bars.next().unwrap();
            let found = [bar.open(), bar.high(), bar.low(), bar.close()];
            prop_assert_eq!(found.map(|price| price.map(Price::nanos)), *prices);
            prop_assert_eq!((bar.date(), bar.volume()), (date_of(index), *volume));
        }
        prop_assert!(bars.next().is_none());
        let has_dividend = matches!(vendor, Vendor::Tiingo | Vendor::AlphaVantage);
        prop_assert_eq!(history.actions.len(), usize::from(has_dividend));
        prop_assert_eq!(said(read(vendor, shuffled.as_bytes()).unwrap()), said(history));
    }

    #[test]
    fn what_is_cut_is_an_error_or_whole(
        rows in values(),
        vendor in prop::sample::select(VENDORS.to_vec()),
        seed in 1_u64..,
        cut in any::<prop::sample::Index>(),
    ) {
        let text = written(vendor, &rows, Writer { dice: Dice(seed), shuffles: true });
        let text = text.as_bytes();
        if let Ok(history) = read(vendor, &text[..cut.index(text.len())]) {
            prop_assert_eq!(history, read(vendor, text).unwrap());
        }
    }

    #[test]
    fn what_is_spoilt_does_not_panic_and_stays_sound(
        rows in values(),
        vendor in prop::sample::select(VENDORS.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..6),
    ) {
        let text = written(vendor, &rows, Writer { dice: Dice(7), shuffles: false });
        let mut bytes = text.into_bytes();
        for (place, byte, how) in changes {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                2 => drop(bytes.remove(place)),
                _ => {
                    let piece: Vec<u8> =
                        bytes[place..].iter().take(usize::from(byte)).copied().collect();
                    bytes.splice(place..place, piece);
                }
            }
        }
        if let Ok(history) = read(vendor, &bytes) {
            prop_assert!(history.bars.is_sorted_by(|one, next| one.date() < next.date()));
            for bar in &history.bars {
                prop_assert!(history.coverage.decides_bar(bar.date()));
            }
            for action in &history.actions {
                prop_assert!(history.coverage.decides_action(action.key()));
            }
            for warning in &history.warnings {
                prop_assert!(warning.position <= bytes.len() as u64, "{}", warning);
            }
        }
    }
}
