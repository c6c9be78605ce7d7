//! What other programs build on. A change of it is made on purpose: `INSTA_UPDATE=always cargo test -p
//! cream-parser --test public_api` writes the snapshots anew, and the changelog tells of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on stops, and tells what it passes over"
)]

use std::path::Path;
use std::process::Command;

/// The public items of a crate of the workspace, all features on, as rustdoc sees them; `None` where
/// this toolchain writes them in a form that is not known here.
fn public_items(package: &str) -> Option<String> {
    // target/PROFILE/deps/TEST
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap().join("public-api");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["rustdoc", "--quiet", "--lib", "--all-features", "--package", package]);
    cargo.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    cargo.arg("--target-dir").arg(&target);
    cargo.args(["--", "-Z", "unstable-options", "--output-format", "json"]);
    // The one thing that only an unstable option writes; nothing is built with it.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    let status = cargo.status().unwrap();
    assert!(status.success(), "{cargo:?}: {status}");
    let json = target.join("doc").join(package.replace('-', "_")).with_extension("json");
    let items = public_api::Builder::from_rustdoc_json(json)
        .omit_auto_derived_impls(true)
        .omit_auto_trait_impls(true)
        .omit_blanket_impls(true)
        .build();
    match items {
        Ok(items) => Some(items.to_string()),
        Err(error) if std::env::var_os("CREAM_TEST_REQUIRE_PUBLIC_API").is_some() => {
            panic!("{error:?}")
        }
        Err(error) => {
            eprintln!("skipped: what rustdoc tells of {package} cannot be read: {error}");
            None
        }
    }
}

#[test]
fn the_public_api_changes_on_purpose_alone() {
    for package in ["cream-models", "cream-parser"] {
        let Some(items) = public_items(package) else { return };
        insta::assert_snapshot!(package, items);
    }
}
