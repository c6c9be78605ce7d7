//! What must hold of every history, whatever the bytes.

use cream_models::{PriceHistory, Vendor};
use cream_parser::{ParseOptions, parse_with};

/// Checks bytes whose vendor is found by content.
#[allow(dead_code, reason = "each target has a use for one of these")]
pub fn check(bytes: &[u8]) {
    check_with(bytes, &ParseOptions::default());
}

/// Checks bytes that are said to be a vendor's.
#[allow(dead_code, reason = "each target has a use for one of these")]
pub fn check_as(bytes: &[u8], vendor: Vendor) {
    check_with(bytes, &ParseOptions::default().with_vendor(vendor));
}

fn check_with(bytes: &[u8], known: &ParseOptions) {
    let fetched_on = "2025-06-16".parse().expect("a date");
    for options in [
        known.clone(),
        known.clone().with_fetched_on(fetched_on).with_asked_events(true),
        known.clone().with_max_warnings(0),
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
    for warning in &history.warnings {
        assert!(!warning.to_string().is_empty());
    }
}
