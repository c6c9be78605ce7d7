//! What is written down of the variables elsewhere, made from the table.

use std::fmt::Write as _;

use crate::VARIABLES;

/// Where the table begins in `docs/configuration.md`.
const BEGIN: &str =
    "<!-- variables: begin (cargo run -p cream-config --example configuration) -->\n";

/// Where it ends.
const END: &str = "<!-- variables: end -->\n";

/// The table of all variables, in Markdown.
#[must_use]
pub fn table() -> String {
    let mut table = "| variable | default | allowed | what for |\n|---|---|---|---|\n".to_owned();
    for variable in &VARIABLES {
        let (name, default) = (variable.name, variable.default);
        let (allowed, purpose) = (variable.allowed, variable.purpose);
        let _ = writeln!(table, "| `{name}` | `{default}` | {allowed} | {purpose} |");
    }
    table
}

/// `docs/configuration.md` with its table renewed; `None` where the markers around it are missing.
#[must_use]
pub fn renewed_page(page: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", table()))
}

/// `.env.sample`: every variable with its default.
#[must_use]
pub fn env_sample() -> String {
    let mut sample = "\
# Copy this file to .env and change what you need; docs/configuration.md tells more.
# What is set in the environment comes before what is set here. A value with a space, #, $, a
# quote or a backslash stands in single quotes.
"
    .to_owned();
    for variable in &VARIABLES {
        let (name, default) = (variable.name, variable.default);
        let _ = write!(
            sample,
            "\n# {}\n# Allowed: {}.\n{name}={default}\n",
            variable.purpose, variable.allowed
        );
    }
    sample
}
