//! Reads a made-up response so many times, for `.ci/instructions` to count what that takes.

mod inputs;

use std::hint::black_box;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("usage: count INPUT TIMES")?;
    let times: usize = arguments.next().ok_or("usage: count INPUT TIMES")?.parse()?;
    let rows = inputs::Rows::new();
    let input = match name.as_str() {
        "chart" => rows.chart(),
        "csv" => rows.csv(),
        "page" => rows.page(),
        "tiingo" => rows.tiingo(),
        other => return Err(format!("{other}: expected chart, csv, page or tiingo").into()),
    };
    for _ in 0..times {
        let history = cream_parser::parse(black_box(input.as_bytes()))?;
        assert!(history.bars.len() == 3_800 && history.warnings.is_empty());
    }
    Ok(())
}
