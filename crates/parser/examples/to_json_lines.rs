//! Reads a vendor's response from standard input and writes its bars as JSON, one a line.
//!
//! `cargo run --release -p cream-parser --features serde --example to_json_lines < FILE`

use std::error::Error;
use std::io::{self, BufWriter, Read as _, Write as _};

fn main() -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let history = cream_parser::parse(&bytes)?;
    let mut out = BufWriter::new(io::stdout().lock());
    for bar in &history.bars {
        serde_json::to_writer(&mut out, bar)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    for warning in &history.warnings {
        writeln!(io::stderr(), "warning: {warning}")?;
    }
    Ok(())
}
