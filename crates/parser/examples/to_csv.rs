//! Reads a vendor's response and writes its bars as CSV.
//!
//! `cargo run --release -p cream-parser --example to_csv -- FILE > bars.csv`

use std::io::Write as _;
use std::process::ExitCode;

use cream_parser::{BarField, Price};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        return fail("usage: to_csv FILE");
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => return fail(&format!("{}: {error}", path.display())),
    };
    let history = match cream_parser::parse(&bytes) {
        Ok(history) => history,
        Err(error) => return fail(&format!("{}: {error}", path.display())),
    };
    let mut out = String::from("date,open,high,low,close,adj_close,volume,is_final\n");
    for bar in &history.bars {
        out.push_str(&bar.date().to_string());
        for field in BarField::ALL {
            out.push(',');
            if let Some(value) = bar.value(field) {
                out.push_str(&match field {
                    BarField::Volume => value.to_string(),
                    _ => Price::from_nanos(value).to_string(),
                });
            }
        }
        out.push_str(if bar.is_final() { ",true\n" } else { ",false\n" });
    }
    let mut errors = std::io::stderr().lock();
    for warning in &history.warnings {
        let _ = writeln!(errors, "warning: {warning}");
    }
    match std::io::stdout().write_all(out.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::FAILURE
}
