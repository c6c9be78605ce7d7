//! People and tokens made on the command line, and let in by a server that runs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

use std::io::Write as _;
use std::process::{Output, Stdio};

use cream_testkit::postgres::shared;
use cream_tests::Site;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

/// Runs `api-server` with some text as its standard input.
fn run(site: &Site, arguments: &[&str], input: &str) -> Output {
    let mut child = site
        .command("api-server", arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who asks for no password does not read it, and may have ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The same, which must end well: standard output.
fn ok(site: &Site, arguments: &[&str], input: &str) -> String {
    let output = run(site, arguments, input);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    assert!(!error.contains(PASSWORD), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The same, which must fail: the message.
fn fails(site: &Site, arguments: &[&str], input: &str) -> String {
    let output = run(site, arguments, input);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn on_both(test: impl Fn(Site)) {
    test(Site::new());
    if let Some(cluster) = shared() {
        let database = cluster.empty_database();
        test(Site::on(database.url()));
    }
}

#[test]
fn the_first_admin_is_made_by_command_and_logs_in() {
    on_both(|site| {
        let site = site.with("API_OPEN_READING", "no").with("LOG_FORMAT", "json");
        let nobody = ok(&site, &["user", "list"], "");
        assert!(nobody.contains("api-server user add NAME --role admin"), "{nobody}");
        let added = ok(&site, &["user", "add", "Ann", "--role", "admin"], &format!("{PASSWORD}\n"));
        assert_eq!(added, "ann: added, admin\n");

        let api = site.serve(&["--without-worker"]);
        assert_eq!(api.get("/stock-data").0, 401);
        assert_eq!(api.get("/health/ready").0, 200);
        let (status, body) =
            api.post("/auth/login", &json!({"name": "ann", "password": "wrong horse battery"}));
        assert_eq!(status, 401, "{body}");
        let (status, body) = api.post("/auth/login", &json!({"name": "ANN", "password": PASSWORD}));
        assert_eq!(status, 200, "{body}");
        let session: Value = serde_json::from_str(&body).unwrap();
        let session = session["token"].as_str().unwrap();
        assert_eq!(api.get_as(Some(session), "/stock-data").0, 200);
        assert_eq!(api.get_as(Some(session), "/admin/users").0, 200);

        // A new password ends the session at once, though another process sets it.
        let set = ok(&site, &["user", "password", "ann"], "another horse battery\n");
        assert_eq!(set, "ann: the password is set, and all sessions have ended\n");
        let (status, body) = api.get_as(Some(session), "/stock-data");
        assert_eq!(status, 401, "{body}");
        assert!(body.contains("\"code\":\"invalid_token\""), "{body}");
    });
}

#[test]
fn tokens_are_shown_once_and_taken_back() {
    on_both(|site| {
        let site = site.with("API_OPEN_READING", "no");
        assert!(
            ok(&site, &["user", "add", "robot", "--no-password"], "")
                .starts_with("robot: added, user\n")
        );
        let create = ["token", "create", "robot", "--name", "nightly", "--scopes", "read"];
        let output = run(&site, &create, "");
        let token = String::from_utf8(output.stdout).unwrap();
        let token = token.trim_end();
        assert!(token.starts_with("cream_") && !token.contains(char::is_whitespace), "{token}");
        let notes = String::from_utf8(output.stderr).unwrap();
        assert!(notes.starts_with("token 1 of robot: read, until "), "{notes}");

        let api = site.serve(&["--without-worker"]);
        assert_eq!(api.get_as(Some(token), "/stock-data").0, 200);
        assert_eq!(api.get_as(Some(token), "/admin/users").0, 403);
        let listed = ok(&site, &["token", "list"], "");
        assert!(listed.contains("nightly") && !listed.contains(token), "{listed}");
        let rows: Value =
            serde_json::from_str(&ok(&site, &["token", "list", "robot", "--json"], "")).unwrap();
        assert_eq!(rows[0]["scopes"], json!(["read"]));

        // While its owner is let in no more, it does not work; then again.
        assert_eq!(ok(&site, &["user", "disable", "robot"], ""), "robot: user, disabled\n");
        assert_eq!(api.get_as(Some(token), "/stock-data").0, 401);
        assert_eq!(ok(&site, &["user", "enable", "robot"], ""), "robot: user, active\n");
        assert_eq!(api.get_as(Some(token), "/stock-data").0, 200);
        let revoked = ok(&site, &["token", "revoke", "1"], "");
        assert_eq!(revoked, "token 1 of robot (nightly) is revoked\n");
        assert_eq!(api.get_as(Some(token), "/stock-data").0, 401);
    });
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let site = Site::new();
    let weak = fails(&site, &["user", "add", "ann"], "short\n");
    assert!(weak.contains("password") && !weak.contains("short\n"), "{weak}");
    let none = fails(&site, &["user", "add", "ann"], "");
    assert!(none.contains("password"), "{none}");
    ok(&site, &["user", "add", "ann", "--role", "admin"], &format!("{PASSWORD}\n"));
    for (arguments, reason) in [
        (&["user", "add", "ann", "--no-password"][..], "there is a user ann already"),
        (&["user", "disable", "ann"], "ann is the last active admin"),
        (&["user", "role", "ann", "user"], "ann is the last active admin"),
        (&["user", "disable", "bob"], "there is no user bob"),
        (&["token", "create", "bob", "--name", "x"], "there is no user bob"),
        (&["token", "create", "ann", "--name", ""], "--name: expected 1 to 100"),
        (&["token", "revoke", "7"], "no token 7"),
        (&["token", "list", "bob"], "there is no user bob"),
    ] {
        let error = fails(&site, arguments, "");
        assert!(error.contains(reason), "{arguments:?}: {error}");
    }
    ok(&site, &["user", "add", "eve", "--no-password"], "");
    let create = ["token", "create", "eve", "--name", "x", "--scopes", "read,admin"];
    let error = fails(&site, &create, "");
    assert!(error.contains("eve is user, whose tokens have no more than read,track"), "{error}");
    // Wrong usage has a code of its own.
    for arguments in [
        &["user", "add", "no one"][..],
        &["user", "role", "ann", "root"],
        &["token", "create", "ann", "--name", "x", "--days", "367"],
        &["token", "create", "ann", "--name", "x", "--scopes", ""],
    ] {
        assert_eq!(run(&site, arguments, "").status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(ok(&site, &["user", "list", "--json"], "").matches("\"name\"").count(), 2);
}
