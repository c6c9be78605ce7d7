//! Programs that others made read the document and use it.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::world::World;
use super::{document, operations};
use crate::support::filled;
use crate::yfinance::python;

#[test]
fn the_document_is_valid_openapi() {
    let Some(python) = python("openapi_spec_validator") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document(filled()).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/openapi_check.py");
    let output = Command::new(python).arg(script).arg(&file).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, wrong) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && said.contains("valid OpenAPI 3.1"), "{said}{wrong}");
}

#[test]
fn schemathesis_finds_nothing() {
    let Some(python) = python("schemathesis") else { return };
    let world = World::new();
    // So that small numbers are those of tokens that nobody needs.
    for _ in 0..20 {
        world.new_token(&world.user, &json!(["read"]));
        world.new_token(&world.admin, &json!(["read"]));
    }
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/schemathesis_check.py");
    let mut command = Command::new(python);
    command.arg(script).arg(&world.api.base).arg(world.api.folder.path());
    for (name, token) in [
        ("CREAM_READER", world.reader.clone()),
        ("CREAM_USER", world.log_in("ben")),
        ("CREAM_ADMIN", world.log_in("ann")),
        ("CREAM_LEAVER", world.log_in("ben")),
    ] {
        command.env(name, token);
    }
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, wrong) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}{wrong}");
    // A script that tried nothing would succeed as well.
    assert!(said.contains("4 runs found nothing"), "{said}{wrong}");
    // And so would one that nobody let in, or that knew no symbol.
    let metrics = world.api.get("/metrics");
    for (path, method, _) in operations(&document(&world.api)) {
        let count = |status: &str| {
            let labels = format!("{{method=\"{method}\",route=\"{path}\",status=\"{status}\"}} ");
            metrics.text().contains(&format!("cream_http_requests_total{labels}"))
        };
        // Which takes a password that nobody tells it.
        let is_out_of_reach = path == "/auth/password";
        assert!(
            is_out_of_reach || ["200", "201", "202", "204", "2xx"].into_iter().any(count),
            "{method} {path} never succeeded"
        );
    }
}
