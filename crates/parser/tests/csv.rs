//! Whatever table of bars is written as CSV, in whatever dialect, reads back as it is; and a file
//! cut off does not pass for a whole one.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cream_models::{Bar, BarField, Date, Price, PriceHistory, Vendor};
use cream_parser::{ParseError, ParseOptions, parse, parse_with};
use proptest::prelude::*;

/// How a table is written.
#[derive(Clone, Debug)]
struct Dialect {
    separator: &'static str,
    line_end: &'static str,
    ends_with_line_end: bool,
    mark: &'static str,
    quotes_names: bool,
    /// Of seven cells, which are in quotes.
    quotes: u8,
    thousands: bool,
    unknown: &'static str,
    date: usize,
    /// 0 is the plain name, 1 and 2 are others.
    names: usize,
    /// In what order the columns come, by their place in the customary one; 7 is one more, of
    /// which nothing is known.
    order: Vec<usize>,
    descending: bool,
    blank_lines: bool,
}

fn dialect() -> impl Strategy<Value = Dialect> {
    (
        (
            prop::sample::select(vec![",", ";", "\t"]),
            prop::sample::select(vec!["\n", "\r\n"]),
            any::<bool>(),
            prop::sample::select(vec!["", "\u{FEFF}", "# a comment\n", "\n\n"]),
            any::<bool>(),
            any::<u8>(),
            any::<bool>(),
        ),
        (
            prop::sample::select(vec!["", "NaN", "null", "N/A", "-"]),
            0_usize..5,
            0_usize..3,
            Just((0_usize..8).collect::<Vec<_>>()).prop_shuffle(),
            any::<bool>(),
            any::<bool>(),
        ),
    )
        .prop_map(|(first, second)| {
            let (separator, line_end, ends_with_line_end, mark, quotes_names, quotes, thousands) =
                first;
            let (unknown, date, names, order, descending, blank_lines) = second;
            Dialect {
                separator,
                line_end,
                ends_with_line_end,
                mark,
                quotes_names,
                quotes,
                thousands,
                unknown,
                date,
                names,
                order,
                descending,
                blank_lines,
            }
        })
}

const NAMES: [[&str; 8]; 3] = [
    ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume", "Note"],
    ["timestamp", "<OPEN>", "HIGH", "low", "Last", "adjusted_close", "<VOL>", "adjHigh"],
    ["DATE-TIME", "oPen", "High ", "_low", "Close/Last", "adjClose", "volume", ""],
];

/// A number with commas between thousands.
fn grouped(text: &str) -> String {
    if !text.ends_with(|last: char| last.is_ascii_digit()) {
        return text.to_owned();
    }
    let digits = text.trim_start_matches('-');
    let (sign, end) = (text.len() - digits.len(), digits.find('.').unwrap_or(digits.len()));
    let mut grouped = text.to_owned();
    for comma in (1..end).rev().filter(|place| (end - place) % 3 == 0).collect::<Vec<_>>() {
        grouped.insert(sign + comma, ',');
    }
    grouped
}

impl Dialect {
    fn write(&self, bars: &[Bar]) -> String {
        let mut text = self.mark.to_owned();
        let names = NAMES.get(self.names).unwrap();
        let names: Vec<String> = self
            .order
            .iter()
            .map(|column| names.get(*column).unwrap())
            .map(|name| if self.quotes_names { format!("\"{name}\"") } else { (*name).to_owned() })
            .collect();
        let _ = write!(text, "{}{}", names.join(self.separator), self.line_end);
        let mut bars = bars.to_vec();
        if self.descending {
            bars.reverse();
        }
        for (index, bar) in bars.iter().enumerate() {
            let cells: Vec<String> =
                self.order.iter().map(|column| self.cell(bar, *column)).collect();
            text.push_str(&cells.join(self.separator));
            if index + 1 < bars.len() || self.ends_with_line_end {
                text.push_str(self.line_end);
                if self.blank_lines {
                    text.push_str(self.line_end);
                }
            }
        }
        text
    }

    fn cell(&self, bar: &Bar, column: usize) -> String {
        let in_quotes = self.quotes >> column & 1 == 1;
        let (y, m, d) = bar.date().ymd();
        let mut text = match column {
            0 => match self.date {
                0 => format!("{y:04}-{m:02}-{d:02}"),
                1 => format!("{y:04}{m:02}{d:02}"),
                2 => format!("{m:02}/{d:02}/{y:04}"),
                3 => format!("{y:04}-{m:02}-{d:02}T00:00:00.000Z"),
                _ => format!("{y:04}-{m:02}-{d:02} 00:00:00-04:00"),
            },
            7 if in_quotes => format!("a{}\"\"b\"\"\n1", self.separator),
            7 => "x 5\" y".to_owned(),
            _ => {
                let field = BarField::ALL.get(column - 1).copied().unwrap();
                match bar.value(field) {
                    None => self.unknown.to_owned(),
                    Some(volume) if field == BarField::Volume => volume.to_string(),
                    Some(nanos) => Price::from_nanos(nanos).to_string(),
                }
            }
        };
        if (1..7).contains(&column) && in_quotes && self.thousands && self.separator != ";" {
            text = grouped(&text);
        }
        if in_quotes { format!("\"{text}\"") } else { text }
    }
}

fn price() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        8 => (1_i64..10_000_000).prop_map(|n| Some(n * 100_000)),
        2 => (0_i64..900_000_000_000).prop_map(|n| Some(n * 10_000_000)),
        1 => any::<i64>().prop_map(Some),
    ]
}

/// Bars in order, each with a close, so that every row tells something.
fn bars() -> impl Strategy<Value = Vec<Bar>> {
    let numbers = [price().boxed(), price().boxed(), price().boxed(), price().boxed()];
    let volume = prop_oneof![1 => Just(None), 8 => (0_i64..10_000_000_000).prop_map(Some)];
    let close = (1_i64..1_000_000_000).prop_map(|n| n * 1_000_000);
    let row = (numbers, close, volume);
    prop::collection::btree_map(-200_000_i32..200_000, row, 1..12).prop_map(
        |rows: BTreeMap<_, _>| {
            let bar = |(days, (numbers, close, volume))| {
                let mut bar = Bar::new(Date::from_days(days).unwrap());
                let [open, high, low, adjusted]: [Option<i64>; 4] = numbers;
                bar.set(BarField::Open, open);
                bar.set(BarField::High, high);
                bar.set(BarField::Low, low);
                bar.set(BarField::AdjClose, adjusted);
                bar.set(BarField::Close, Some(close));
                bar.set(BarField::Volume, volume);
                bar
            };
            rows.into_iter().map(bar).collect()
        },
    )
}

fn read(text: &[u8]) -> Result<PriceHistory, ParseError> {
    parse_with(text, &ParseOptions::default().with_vendor(Vendor::Csv))
}

/// The numbers of bars, without what is judged of them.
fn plain(bars: &[Bar]) -> Vec<Bar> {
    let plain = |bar: &Bar| bar.with_final(true).with_flags(cream_models::BarFlags::NONE);
    bars.iter().map(plain).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_is_written_in_any_dialect_reads_back(bars in bars(), dialect in dialect()) {
        let mut bars = bars;
        if dialect.date == 2 {
            // Four digits of a year are all that these hold.
            bars.retain(|bar| bar.date().year() >= 1000);
        }
        prop_assume!(!bars.is_empty());
        let text = dialect.write(&bars);
        let is_cut = !dialect.ends_with_line_end
            && dialect.unknown.is_empty()
            && dialect.order.last().is_some_and(|last| *last != 7 && dialect.quotes >> last & 1 == 0);
        let history = match read(text.as_bytes()) {
            Ok(history) => history,
            // An empty cell at the file's very end may be one that was cut off.
            Err(error) if is_cut && error.to_string().contains("ends within the row") => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("{error}\n{text}"))),
        };
        if is_cut && !history.warnings.is_empty() && history.bars.len() + 1 == bars.len() {
            return Ok(());
        }
        prop_assert_eq!(plain(&history.bars), bars, "{}", text);
        for bar in &history.bars {
            prop_assert_eq!(bar.flags(), bar.judged_flags());
        }
    }

    #[test]
    fn spoilt_files_do_not_panic(
        bars in bars(),
        dialect in dialect(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let mut bytes = dialect.write(&bars).into_bytes();
        for (place, byte, how) in changes {
            let place = place.index(bytes.len());
            match how {
                0 => drop(bytes.splice(place..=place, [byte])),
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        for vendor in [Vendor::Csv, Vendor::Stooq] {
            let options = ParseOptions::default().with_vendor(vendor);
            match parse_with(&bytes, &options) {
                Ok(history) => {
                    prop_assert!(history.bars.is_sorted_by(|a, b| a.date() < b.date()));
                    for warning in &history.warnings {
                        prop_assert!(warning.position <= bytes.len() as u64, "{}", warning);
                    }
                }
                Err(error) => prop_assert!(error.position() <= bytes.len() as u64, "{}", error),
            }
        }
        let _ = parse(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn a_cut_file_gives_whole_rows_only(bars in bars(), dialect in dialect()) {
        let mut dialect = dialect;
        dialect.descending = false;
        dialect.blank_lines = false;
        let text = dialect.write(&bars);
        let whole = read(text.as_bytes()).map(|history| plain(&history.bars)).unwrap_or_default();
        for length in 0..text.len() {
            let cut = text.as_bytes().get(..length).unwrap();
            let Ok(history) = read(cut) else { continue };
            let read = plain(&history.bars);
            prop_assert!(read.len() <= whole.len());
            let (last, before) = read.split_last().unwrap();
            prop_assert_eq!(before, whole.get(..before.len()).unwrap());
            // A last row without a line end has all cells but perhaps the end of the last one.
            let expected = whole.get(before.len()).unwrap();
            prop_assert_eq!(last.date(), expected.date());
            let column = dialect.order.last().copied().unwrap();
            let is_ended = cut.ends_with(b"\n") || cut.ends_with(b"\r");
            for (index, field) in BarField::ALL.into_iter().enumerate() {
                if last.value(field) != expected.value(field) {
                    prop_assert!(!is_ended && index + 1 == column, "{field:?} at {length}\n{text}");
                }
            }
        }
    }
}

#[test]
fn a_short_row_at_the_end_is_no_shorter_number() {
    let whole = "Date,Open,Close,Volume\n2025-06-12,1,2,300\n2025-06-13,4,5,600";
    assert_eq!(read(whole.as_bytes()).unwrap().bars.len(), 2);
    for cut in ["", ",", ",4", ",4,", ",4,5", ",4,5,"] {
        let text = format!("Date,Open,Close,Volume\n2025-06-12,1,2,300\n2025-06-13{cut}");
        let history = read(text.as_bytes()).unwrap();
        assert_eq!((history.bars.len(), history.warnings.len()), (1, 1), "{cut}");
        let date = "2025-06-13".parse().unwrap();
        assert!(!history.coverage.decides_bar(date), "{cut}");
    }
}

/// A recorded answer; where it is absent the test says so and passes.
#[test]
fn csv_is_read_as_an_independent_reader_reads_it() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/real");
    let Ok(text) = std::fs::read_to_string(format!("{folder}/tiingo_GOOGL.csv")) else {
        eprintln!("skipped: ../shared is absent");
        return;
    };
    // By the user's own vendor: what the columns are is the same.
    let history = read(text.as_bytes()).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let lines: Vec<_> = lines.collect();
    assert_eq!((history.bars.len(), lines.len()), (2, 2));
    for (bar, line) in history.bars.iter().zip(lines) {
        let column = |name| names.iter().position(|other| *other == name);
        let cell = |name| *line.get(column(name).unwrap()).unwrap();
        assert_eq!(bar.date().to_string(), cell("date"));
        for (field, name) in [
            (BarField::Open, "open"),
            (BarField::High, "high"),
            (BarField::Low, "low"),
            (BarField::Close, "close"),
            (BarField::AdjClose, "adjClose"),
        ] {
            let price: Price = cell(name).parse().unwrap();
            assert_eq!(bar.value(field), Some(price.nanos()), "{} {name}", bar.date());
        }
        assert_eq!(bar.volume().unwrap().to_string(), cell("volume"));
        assert_eq!((cell("divCash"), cell("splitFactor")), ("0.0", "1.0"));
    }
    assert!(history.actions.is_empty() && history.warnings.is_empty());
    assert!(history.coverage.undecided_actions.is_empty(), "the columns say that there is none");
}
