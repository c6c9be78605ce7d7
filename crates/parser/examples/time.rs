//! Prints the median time of parsing a file, in milliseconds, and the number of its bars.
//!
//! `cargo run --release -p cream-parser --example time -- FILE [RUNS]`

use std::error::Error;
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "the answer")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: time FILE [RUNS]")?;
    let runs: usize = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let bytes = std::fs::read(path)?;
    let mut bars = cream_parser::parse(&bytes)?.bars.len();
    let mut times = Vec::with_capacity(runs.max(1));
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        bars = cream_parser::parse(std::hint::black_box(&bytes))?.bars.len();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).ok_or("no run")?;
    println!("{} {bars}", median.as_secs_f64() * 1e3);
    Ok(())
}
