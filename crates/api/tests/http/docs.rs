//! The documentation says what the code does.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cream_api::ErrorCode;
use cream_models::{Adjustment, PriceBasis, Vendor};
use serde_json::Value;

use crate::openapi;
use crate::support::filled;

fn documentation() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_error_table_is_the_codes() {
    let mut table = String::from("| code | status | title | meaning |\n|---|---|---|---|\n");
    for code in ErrorCode::ALL {
        let (name, status) = (code.code(), code.status());
        writeln!(table, "| `{name}` | {status} | {} | {} |", code.title(), code.meaning()).unwrap();
    }
    assert!(documentation().contains(&table), "docs/api.md must hold this table:\n{table}");
}

#[test]
fn the_table_of_vendors_is_theirs() {
    let mut table =
        String::from("| vendor | prices | volume | dividends | `raw` | `splits` | `all` |\n");
    table.push_str("|---|---|---|---|---|---|---|\n");
    for vendor in Vendor::ALL {
        write!(table, "| `{vendor}` |").unwrap();
        for basis in [vendor.price_basis(), vendor.volume_basis(), vendor.dividend_basis()] {
            let text = match basis {
                PriceBasis::AsTraded => "as traded",
                PriceBasis::SplitAdjusted => "split-adjusted",
                PriceBasis::Unknown => "unknown",
            };
            write!(table, " {text} |").unwrap();
        }
        for adjustment in Adjustment::ALL {
            let is_stored = adjustment.price_basis() == vendor.price_basis();
            let text = match adjustment.check(vendor) {
                Err(_) => "no",
                Ok(()) if is_stored && adjustment != Adjustment::All => "as stored",
                Ok(()) => "yes",
            };
            write!(table, " {text} |").unwrap();
        }
        table.push('\n');
    }
    assert!(documentation().contains(&table), "docs/api.md must hold this table:\n{table}");
}

/// The table of routes: what each is, who may ask, and every status it can answer.
fn route_table(document: &Value, index: &Value) -> String {
    let mut table = String::from("| route | what | access | statuses |\n|---|---|---|---|\n");
    for route in index["routes"].as_array().unwrap() {
        let path = route["path"].as_str().unwrap();
        let method = route["methods"].as_str().unwrap().split(',').next().unwrap();
        let operation = &document["paths"][path][method.to_ascii_lowercase()];
        let responses = operation["responses"].as_object().unwrap();
        let statuses: Vec<&str> = responses.keys().map(String::as_str).collect();
        let access = route["access"].as_str().unwrap();
        let (summary, statuses) = (operation["summary"].as_str().unwrap(), statuses.join(" "));
        writeln!(table, "| `{method} {path}` | {summary} | {access} | {statuses} |").unwrap();
    }
    table
}

#[test]
fn the_table_of_routes_is_the_documents() {
    let api = filled();
    let table = route_table(&openapi::document(api), &api.get("/").json());
    assert!(documentation().contains(&table), "docs/api.md must hold this table:\n{table}");
}

/// The names in the first column of the section's tables of a kind.
fn named_in_tables<'a>(section: &'a str, kind: &str) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for table in section.split(&format!("\n| {kind} |")).skip(1) {
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        for cell in rows.map(|row| row.split('|').nth(1).unwrap()) {
            names.extend(cell.split('`').skip(1).step_by(2));
        }
    }
    names
}

#[test]
fn every_route_is_described_with_what_it_takes() {
    let documentation = documentation();
    let document = openapi::document(filled());
    for (path, method, operation) in openapi::operations(&document) {
        let heading = format!("\n### {method} {path}\n");
        let (_, rest) = documentation
            .split_once(&heading)
            .unwrap_or_else(|| panic!("docs/api.md lacks {heading:?}"));
        let end = rest.find("\n### ").or_else(|| rest.find("\n## ")).unwrap_or(rest.len());
        let section = &rest[..end];
        let empty = Vec::new();
        let parameters = operation["parameters"].as_array().unwrap_or(&empty).iter();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        let wanted: BTreeSet<&str> =
            of_query.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(named_in_tables(section, "parameter"), wanted, "{heading}");
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let wanted: BTreeSet<&str> = match body["$ref"].as_str() {
            Some(pointer) => {
                let schema = document.pointer(pointer.strip_prefix('#').unwrap()).unwrap();
                schema["properties"].as_object().unwrap().keys().map(String::as_str).collect()
            }
            None => BTreeSet::new(),
        };
        assert_eq!(named_in_tables(section, "field"), wanted, "{heading}");
        // A worked example, with the method that curl would not take by itself.
        let curl = section.lines().filter(|line| line.contains("curl"));
        assert!(curl.count() > 0, "{heading} has no example");
    }
}

/// Every function of Rust sources below a folder, by its name.
fn functions(folder: &std::path::Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn what_the_security_page_promises_is_tested() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut known = BTreeSet::new();
    for folder in ["crates/api", "crates/auth", "tests/tests"] {
        functions(&root.join(folder), &mut known);
    }
    let mut promises = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise"))
    {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for name in tests.split(", ") {
            let name = name.trim_matches('`');
            assert!(known.contains(name), "no test {name}: {row}");
        }
        promises += 1;
    }
    assert!(promises > 20, "{promises}");
}
#[test]
fn the_metrics_of_the_operations_page_are_those_that_are_told() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("\n## Metrics of the API server\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let told = filled().get("/metrics");
    let mut families: Vec<&str> = told
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE cream_")?.split_once(' '))
        .map(|(name, _)| name)
        .filter(|name| *name != "build")
        .collect();
    families.sort_unstable();
    let mut named: Vec<String> = Vec::new();
    for row in section.lines().filter_map(|line| line.strip_prefix("| `cream_")) {
        let (first, rest) = row.split_once('`').unwrap();
        let name = first.split('{').next().unwrap();
        let name = name.strip_suffix("_total").unwrap_or(name);
        named.push(name.to_owned());
        // `a`, `_b`: what stands behind the first name.
        let cell = rest.split('|').next().unwrap();
        named.extend(
            cell.split('`').filter(|part| part.starts_with('_')).map(|end| format!("{name}{end}")),
        );
    }
    named.sort_unstable();
    assert_eq!(families, named);
}
