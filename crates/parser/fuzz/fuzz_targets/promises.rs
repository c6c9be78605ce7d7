//! What must hold of every history, whatever the bytes.

use cream_models::{ActionKind, Date, PriceHistory, Symbol, Timestamp, Vendor};
use cream_parser::pull::{Answer, Pull};
use cream_parser::{ParseOptions, parse_with};

/// Reads bytes of an unknown sender.
fn check(bytes: &[u8]) {
    check_with(bytes, ParseOptions::default());
}

/// Reads bytes as a vendor's.
fn check_as(vendor: Vendor, bytes: &[u8]) {
    check_with(bytes, ParseOptions::default().with_vendor(vendor));
}

/// Reads a pull: as it is, or made of a vendor's name and of answers, each an address and a body on
/// the next line, apart by the byte 0x1E.
fn check_pull(bytes: &[u8]) {
    if bytes.starts_with(b"WARC/") {
        return check(bytes);
    }
    let line = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (line, rest) = bytes.split_at(end);
        let rest = rest.strip_prefix(b"\n").unwrap_or(rest).to_vec();
        (String::from_utf8_lossy(line).into_owned(), rest)
    };
    let (name, answers) = line(bytes);
    let Ok(vendor) = name.parse() else { return };
    let at: Timestamp = "2025-06-16T21:30:00Z".parse().expect("an instant");
    let answers = answers.split(|byte| *byte == 0x1E).take(20).map(|answer| {
        let (url, body) = line(answer);
        Answer { url, at, status: 200, headers: Vec::new(), body }
    });
    let pull = Pull {
        vendor,
        symbol: Symbol::parse("DEMO").expect("a symbol"),
        vendor_symbol: "DEMO".to_owned(),
        from: Some("2024-01-01".parse().expect("a date")),
        to: "2025-06-16".parse().expect("a date"),
        actions: true,
        fetched_at: at,
        answers: answers.collect(),
    };
    let whole = Pull { from: None, ..pull.clone() };
    check(&pull.to_bytes(1));
    check(&whole.to_bytes(1));
}

/// What a fuzz target of this name does.
pub fn check_target(name: &str, bytes: &[u8]) {
    match name {
        "pull" => check_pull(bytes),
        "chart" | "page" => check(bytes),
        name => match name.replace('_', "-").parse() {
            Ok(vendor) => check_as(vendor, bytes),
            Err(_) => check(bytes),
        },
    }
}

fn check_with(bytes: &[u8], options: ParseOptions) {
    let fetched_on: Date = "2025-06-16".parse().expect("a date");
    for options in [
        options.clone(),
        options.clone().with_fetched_on(fetched_on).with_asked_events(true),
        options.clone().with_max_warnings(0),
        options.with_asked("2024-01-01..2025-06-16".parse().expect("a range")),
    ] {
        match parse_with(bytes, &options) {
            Ok(history) => sound(&history),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn sound(history: &PriceHistory) {
    assert!(history.bars.is_sorted_by(|one, next| one.date() < next.date()));
    assert!(history.actions.is_sorted_by(|one, next| one.key() < next.key()));
    for bar in &history.bars {
        assert!(bar.has_price());
        assert!(bar.volume().is_none_or(|volume| volume >= 0));
        assert!(bar.flags().contains(bar.judged_flags()));
        assert!(history.coverage.decides_bar(bar.date()));
    }
    for action in &history.actions {
        assert!(history.coverage.decides_action(action.key()));
    }
    let gains = ActionKind::CapitalGain;
    if history.coverage.undecided_kinds.contains(gains) && !history.vendor.tells().contains(gains) {
        // Answers about actions alone: of bars they decide nothing.
        assert!(history.bars.is_empty());
        let range = history.coverage.range.into_iter().collect::<Vec<_>>();
        assert_eq!(history.coverage.undecided_bars, range);
    }
    for warning in &history.warnings {
        assert!(!warning.to_string().is_empty());
    }
}
