//! The command lines: wrong settings are refused by name, and nothing is touched.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use cream_testkit::ReadyProcess;
use cream_tests::{PATIENCE, Site};

#[test]
fn wrong_settings_are_all_named_at_once() {
    for (binary, arguments) in [("worker", &["status"][..]), ("api-server", &["serve"][..])] {
        let site = Site::new();
        let ended = ReadyProcess::run(
            site.command(binary, arguments)
                .env("STOCK_DATA_BATCH_SIZE", "many")
                .env("STOCK_DATA_MAX_RETRYS", "3")
                .env("API_LISTEN", "localhost"),
            PATIENCE,
        )
        .unwrap();
        assert_eq!(ended.code(), Some(1));
        for part in ["STOCK_DATA_BATCH_SIZE", "many", "STOCK_DATA_MAX_RETRIES", "API_LISTEN"] {
            assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
        }
        assert!(site.folder.names("").is_empty());
    }
}

#[test]
fn an_unusable_database_url_is_explained() {
    let site = Site::new();
    for (url, part) in [
        ("cream.db", "sqlite:"),
        ("mysql://host/db", "mysql"),
        ("sqlite:", "sqlite:"),
        ("sqlite:/nowhere/at/all/cream.db", "/nowhere/at/all"),
    ] {
        let ended = ReadyProcess::run(
            site.command("worker", &["digest"]).env("DATABASE_URL", url),
            PATIENCE,
        )
        .unwrap();
        assert_eq!(ended.code(), Some(1), "{url}");
        assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
    }
}

#[test]
fn a_server_that_is_not_there_is_named_in_one_line_without_the_password() {
    // No server listens on that port.
    let site = Site::on("postgres://me:hunter2@127.0.0.1:1/x")
        .with("DATABASE_CONNECT_TIMEOUT_SECONDS", "2")
        .with("DATABASE_ACQUIRE_TIMEOUT_SECONDS", "1");
    for (binary, arguments) in [
        ("worker", &["digest"][..]),
        ("worker", &["status"]),
        ("worker", &["process"]),
        ("worker", &["migrate", "up"]),
        ("api-server", &["serve", "--listen", "127.0.0.1:0"]),
    ] {
        let ended = ReadyProcess::run(&mut site.command(binary, arguments), PATIENCE).unwrap();
        assert_eq!(ended.code(), Some(1), "{}\n{}", ended.stdout, ended.stderr);
        let said = ended.stderr;
        assert!(said.contains("cannot reach the database postgres://me@127.0.0.1:1/x"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains("hunter2") && ended.stdout.is_empty(), "{said}{}", ended.stdout);
    }
}

#[test]
fn wrong_usage_is_2_and_help_names_every_command() {
    let site = Site::new();
    assert_eq!(site.worker(&["improt"]).code(), Some(2));
    assert_eq!(site.worker(&["import"]).code(), Some(2));
    let help = site.worker_ok(&["--help"]);
    let commands = "run track untrack fetch vendors import process deadletters retry digest rebuild \
                    status migrate";
    for command in commands.split_whitespace().chain(["Exit codes"]) {
        assert!(help.contains(command), "{command} in {help}");
    }
    let missing = site.worker(&["import", "no/such/file"]);
    assert_eq!(missing.code(), Some(1));
    assert!(missing.stderr.contains("cannot read no/such/file"), "{}", missing.stderr);
}

#[test]
fn migrations_go_down_and_up_by_hand() {
    let site = Site::new();
    let up = site.worker_ok(&["migrate", "up"]);
    let applied = up.lines().filter(|line| line.starts_with("applied ")).count();
    assert!(applied > 0, "{up}");
    assert!(site.worker_ok(&["migrate", "up"]).starts_with("nothing to apply"));
    for _ in 0..applied {
        assert!(site.worker_ok(&["migrate", "down"]).starts_with("reverted "));
    }
    assert!(site.worker_ok(&["migrate", "down"]).starts_with("nothing to revert"));
    let status = site.worker_ok(&["migrate", "status"]);
    assert_eq!(status.lines().filter(|line| line.starts_with("pending ")).count(), applied);
    assert!(site.worker_ok(&["status"]).contains("pending: `worker migrate up` applies them"));
}

#[test]
fn an_address_in_use_is_named() {
    let site = Site::new();
    let first = site.serve(&[]);
    let address = first.url.trim_start_matches("http://").to_owned();
    let ended = ReadyProcess::run(
        &mut site.command("api-server", &["serve", "--listen", &address]),
        PATIENCE,
    )
    .unwrap();
    assert_eq!(ended.code(), Some(1));
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
}
