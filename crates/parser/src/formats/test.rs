//! What the tests of all vendors share.

use cream_models::{CorporateEvent, Date, PriceHistory, Symbol, Vendor};

use crate::pull::{Answer, Pull};
use crate::{ParseError, ParseOptions, parse_with};

pub(super) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// Reads a file that is known to be this vendor's.
pub(super) fn read(vendor: Vendor, text: &str) -> Result<PriceHistory, ParseError> {
    parse_with(text.as_bytes(), &ParseOptions::default().with_vendor(vendor))
}

pub(super) fn message(vendor: Vendor, text: &str) -> String {
    match read(vendor, text) {
        Ok(history) => format!("{history:?}"),
        Err(error) => error.to_string(),
    }
}

/// A pull of these addresses and bodies, fetched on 2024-06-30.
pub(super) fn pull(
    vendor: Vendor,
    symbol: &str,
    from: Option<&str>,
    answers: &[(&str, &str)],
) -> Result<PriceHistory, ParseError> {
    let at = "2024-06-30T21:30:00Z".parse().unwrap();
    let answers = answers.iter().map(|(url, body)| Answer {
        url: format!("https://vendor.example{url}"),
        at,
        status: 200,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    });
    let pull = Pull {
        vendor,
        symbol: Symbol::parse("DEMO").unwrap(),
        vendor_symbol: symbol.to_owned(),
        from: from.map(date),
        to: date("2024-06-30"),
        actions: true,
        fetched_at: at,
        answers: answers.collect(),
    };
    parse_with(&pull.to_bytes(1), &ParseOptions::default())
}

/// The bars as they print, without their dressing.
pub(super) fn bars(history: &PriceHistory) -> Vec<String> {
    let text = |bar| format!("{bar:?}").trim_start_matches("Bar(").trim_end_matches(')').to_owned();
    history.bars.iter().map(text).collect()
}

/// The actions, as `date kind value`.
pub(super) fn actions(history: &PriceHistory) -> Vec<String> {
    let text = |action: &cream_models::CorporateAction| {
        let value = match action.event {
            CorporateEvent::Dividend { amount } | CorporateEvent::CapitalGain { amount } => {
                amount.to_string()
            }
            CorporateEvent::Split(ratio) => ratio.to_string(),
        };
        format!("{} {} {value}", action.date, action.kind())
    };
    history.actions.iter().map(text).collect()
}

/// What is decided: the range, and what of bars, actions and kinds is not.
pub(super) fn coverage(history: &PriceHistory) -> String {
    let coverage = &history.coverage;
    let list = |ranges: &[cream_models::DateRange]| {
        ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    format!(
        "{} bars[{}] actions[{}] kinds[{}]",
        coverage.range.map_or("none".to_owned(), |range| range.to_string()),
        list(&coverage.undecided_bars),
        list(&coverage.undecided_actions),
        coverage.undecided_kinds
    )
}

pub(super) fn warnings(history: &PriceHistory) -> String {
    history.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Reads a good file cut at every byte: an error, or all of it.
pub(super) fn cut_anywhere(vendor: Vendor, text: &str) {
    let whole = read(vendor, text).unwrap();
    for length in 0..text.len() {
        if let Ok(history) = parse_with(
            text.as_bytes().get(..length).unwrap(),
            &ParseOptions::default().with_vendor(vendor),
        ) {
            assert_eq!(history, whole, "cut at {length}");
        }
    }
}
