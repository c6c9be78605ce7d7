//! `.env`, environment and log of a real process: the test binary, started by itself.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic, in its helpers too")]

use std::path::Path;
use std::process::{Command, Output};

const CHILD: &str = "CREAM_CONFIG_TEST_CHILD";

/// What the started process does; nothing in an ordinary run of the tests.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let result = || -> Result<_, Box<dyn std::error::Error>> {
        let found = cream_config::load_dotenv()?;
        let settings = cream_config::Settings::from_env()?;
        cream_config::init_logging(settings.log_format)?;
        assert!(cream_config::init_logging(settings.log_format).is_err(), "set up twice");
        Ok((found, settings))
    };
    match result() {
        Ok((found, settings)) => {
            log::info!(
                dotenv = found, retries = settings.max_retries, batch = settings.batch_size,
                file = "a\nb";
                "started"
            );
            log::debug!("detail");
        }
        Err(error) => eprintln!("refused: {error}"),
    }
}

fn run(folder: &Path, vars: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).current_dir(folder).env_clear();
    let Output { status, stderr, .. } =
        command.env(CHILD, "1").envs(vars.iter().copied()).output().unwrap();
    assert!(status.success());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn the_environment_wins_over_the_file_and_lines_are_json_where_no_terminal_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = "STOCK_DATA_MAX_RETRIES=7\nSTOCK_DATA_BATCH_SIZE=8\nRUST_LOG=debug\n";
    std::fs::write(folder.path().join(".env"), text).unwrap();
    let log = run(folder.path(), &[("STOCK_DATA_BATCH_SIZE", "9")]);
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [started, detail] = lines.as_slice() else { panic!("{log}") };
    assert_eq!(started["message"], "started");
    assert_eq!((&started["retries"], &started["batch"]), (&7.into(), &9.into()));
    assert_eq!((&started["dotenv"], &started["file"]), (&true.into(), &"a\nb".into()));
    assert_eq!((&detail["level"], &detail["module"]), (&"DEBUG".into(), &"process".into()));
}

#[test]
fn text_is_written_where_it_is_asked_for_and_info_is_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let log = run(folder.path(), &[("LOG_FORMAT", "text"), ("RUST_LOG", "")]);
    assert!(
        log.ends_with("Z INFO  started dotenv=false retries=3 batch=1000 file=\"a\\nb\"\n"),
        "{log}"
    );
    assert_eq!(log.lines().count(), 1);
}

#[test]
fn a_parent_folder_s_file_is_none_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "STOCK_DATA_MAX_RETRIES=7\n").unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    assert!(run(&inner, &[]).contains("\"retries\":3"));
}

#[test]
fn what_is_not_usable_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (vars, expected) in [
        ([("RUST_LOG", "cream=loud")], "RUST_LOG is \"cream=loud\""),
        ([("STOCK_DATA_MAX_RETRIES", "x")], "STOCK_DATA_MAX_RETRIES is \"x\""),
        ([("STOCK_DATA_RETRIES", "1")], "did you mean STOCK_DATA_MAX_RETRIES?"),
    ] {
        let log = run(folder.path(), &vars);
        assert!(log.starts_with("refused: ") && log.contains(expected), "{log}");
    }
    // A malformed file changes nothing, not even by its good lines.
    std::fs::write(folder.path().join(".env"), "A=1\nhunter2\n").unwrap();
    let log = run(folder.path(), &[]);
    assert!(log.starts_with("refused: .env, line 2: expected NAME=value"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}
