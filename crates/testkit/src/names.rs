//! Names of files in the archive.

use std::fmt::Write as _;

use cream_models::{Date, Timestamp, Vendor};

/// The symbol with everything outside of `A-Z a-z 0-9 . _ -` percent-encoded.
#[must_use]
pub fn encode_symbol(symbol: &str) -> String {
    symbol.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
        out
    })
}

/// The name of a saved page: `SYMBOL_2025-06-16.html`.
#[must_use]
pub fn page_file_name(symbol: &str, fetched_on: Date) -> String {
    format!("{}_{fetched_on}.html", encode_symbol(symbol))
}

/// The name of a chart answer: `SYMBOL_2025-06-16T213000Z_yahoo-chart.json`.
#[must_use]
pub fn chart_file_name(symbol: &str, fetched_at: Timestamp) -> String {
    let at = fetched_at.to_string().replace(':', "");
    format!("{}_{at}_{}.json", encode_symbol(symbol), Vendor::YahooChart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_archive() {
        let day = "2025-06-16".parse().unwrap();
        assert_eq!(page_file_name("BRK-B", day), "BRK-B_2025-06-16.html");
        let at = "2025-06-16T21:30:00Z".parse().unwrap();
        let name = chart_file_name("^CRM", at);
        assert_eq!(name, "%5ECRM_2025-06-16T213000Z_yahoo-chart.json");
    }
}
