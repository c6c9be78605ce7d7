//! The documentation says what the code does.

use std::fmt::Write as _;

use cream_api::ErrorCode;

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
fn every_route_is_described() {
    let documentation = documentation();
    for route in filled().get("/").json()["routes"].as_array().unwrap() {
        let heading = format!("### GET {}\n", route["path"].as_str().unwrap());
        assert!(documentation.contains(&heading), "docs/api.md lacks {heading:?}");
    }
}
