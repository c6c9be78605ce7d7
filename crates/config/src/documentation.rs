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
    for variable in VARIABLES.iter() {
        let (name, default) = (variable.name, variable.default);
        let (allowed, purpose) = (variable.allowed, variable.purpose);
        let default = if default.is_empty() { "none".to_owned() } else { format!("`{default}`") };
        let _ = writeln!(table, "| `{name}` | {default} | {allowed} | {purpose} |");
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
    for variable in VARIABLES.iter() {
        let (name, default) = (variable.name, variable.default);
        let quote = if default.contains(' ') { "'" } else { "" };
        let _ = write!(
            sample,
            "\n# {}\n# Allowed: {}.\n{name}={quote}{default}{quote}\n",
            variable.purpose, variable.allowed
        );
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENEW: &str = "is not what the table in variable.rs gives; renew it with \
        `cargo run -p cream-config --example configuration`";

    fn file(path: &str) -> String {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        std::fs::read_to_string(format!("{root}{path}")).unwrap_or_default()
    }

    #[test]
    fn the_page_holds_the_table() {
        let page = file("docs/configuration.md");
        assert!(renewed_page(&page).as_ref() == Some(&page), "docs/configuration.md {RENEW}");
    }

    #[test]
    fn the_sample_is_complete() {
        assert!(env_sample() == file(".env.sample"), ".env.sample {RENEW}");
    }

    #[test]
    fn the_sample_sets_every_default() {
        let sample = env_sample();
        let vars: Vec<_> = dotenvy::from_read_iter(sample.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(vars.len(), VARIABLES.len());
        assert_eq!(crate::Settings::from_vars(vars).unwrap(), crate::Settings::default());
    }

    #[test]
    fn a_page_without_markers_is_not_renewed() {
        assert_eq!(renewed_page("# Configuration\n"), None);
        assert_eq!(renewed_page(BEGIN), None);
        let page = format!("before\n{BEGIN}stale\n{END}after\n");
        let renewed = renewed_page(&page).unwrap();
        assert!(renewed.starts_with("before\n<!--") && renewed.ends_with("-->\nafter\n"));
        assert!(renewed.contains(&table()) && !renewed.contains("stale"));
    }
}
