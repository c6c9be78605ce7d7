//! Closes adjusted by us beside those that the vendor adjusted itself, in recorded responses. They
//! are kept outside of the project; where they are absent the test says so and passes.

#![expect(
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a panic is a failed test, a skipped one says so, and what is compared is close"
)]

use std::path::PathBuf;

use cream_models::{Adjuster, Adjustment, DateRange, Price};
use cream_parser::parse;

/// Responses with an adjusted close and the actions that it was made of, and how many of their
/// closes an action adjusts within the response.
const RESPONSES: [(&str, usize); 4] = [
    ("yahoo-chart_AAPL.json", 48),
    ("yahoo-chart_MSFT.json", 202),
    ("tiingo_AAPL.json", 8),
    // No dividend: what remains is that splits are in the prices already.
    ("TSLA_2025-06-16.html", 0),
];

/// How far the two may be apart: vendors adjust by rounded factors, and round what they show.
const TOLERANCE: f64 = 5e-5;

fn folder() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/real"));
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: ../shared is absent");
    None
}

fn number(price: Price) -> f64 {
    price.nanos() as f64
}

#[test]
fn adjusted_closes_are_the_vendors() {
    let Some(folder) = folder() else { return };
    for (name, changed) in RESPONSES {
        let history = parse(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        let last = history.bars.last().unwrap();
        let closes = history.bars.iter().filter_map(|bar| Some((bar.date(), bar.close()?)));
        // The response tells of every action between its first and its last bar.
        let adjuster = Adjuster::new(
            history.vendor,
            Adjustment::All,
            &history.actions,
            closes,
            &[DateRange::ALL],
            last.date(),
        );
        let adjuster = adjuster.unwrap();
        assert_eq!(adjuster.limit(), None, "{name}");
        // The vendor's factor also holds what was paid after the last bar of the response.
        let later = number(last.adj_close().unwrap()) / number(last.close().unwrap());
        let (mut worst, mut compared, mut differing) = (0.0_f64, 0, 0);
        for bar in &history.bars {
            let (Some(theirs), Some(ours)) = (bar.adj_close(), adjuster.bar(bar).close()) else {
                continue;
            };
            compared += 1;
            differing += usize::from(bar.close() != Some(ours));
            worst = worst.max((number(ours) * later / number(theirs) - 1.0).abs());
        }
        eprintln!("{name}: {compared} closes, {differing} adjusted, at most {worst:e} apart");
        assert_eq!(compared, history.bars.len(), "{name}");
        assert_eq!(differing, changed, "{name}: closes that an action adjusts");
        assert!(worst < TOLERANCE, "{name}: {worst:e}");
    }
}
