//! What docs/deploy runs beside the two binaries does what it says: the scripts of the image and of
//! the compose file, in its order, against a real server; and the settings are ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cream_testkit::postgres::{Cluster, Options};
use cream_testkit::{ReadyProcess, TestDir};
use cream_tests::{Api, PATIENCE, Site};

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/deploy").join(path).canonicalize().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes the passwords of the roles as files, such as Compose mounts.
fn secrets(folder: &TestDir, changed: &str) {
    for role in ["owner", "worker", "api"] {
        folder.write(format!("{role}_password"), format!("it's {changed} %40 \\ \"{role}\"\n"));
    }
}

/// A server, and what the compose file gives its steps.
struct Compose {
    cluster: Cluster,
    secrets: TestDir,
    site: Site,
}

impl Compose {
    fn new() -> Option<Self> {
        let cluster = Cluster::start_if_installed(&Options::default())?;
        let folder = TestDir::default();
        let url = cluster.url("postgres");
        let (_, password) = url.split_once('@').unwrap().0.rsplit_once(':').unwrap();
        folder.write("superuser_password", password);
        secrets(&folder, "first");
        Some(Self { cluster, secrets: folder, site: Site::new() })
    }

    /// A step of the script `database`.
    fn step(&self, what: &str) -> Output {
        Command::new(deploy("docker/database"))
            .arg(what)
            .env("SECRETS", self.secrets.path())
            .env("OPERATIONS", deploy("../operations.md"))
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.cluster.port().to_string())
            .env("PGUSER", "postgres")
            .output()
            .unwrap()
    }

    fn step_ok(&self, what: &str) {
        let ended = self.step(what);
        assert!(ended.status.success(), "{what}: {}", text(&ended.stderr));
    }

    /// A program as a role, whose password is in a file.
    fn command(&self, role: &str, binary: &str, arguments: &[&str]) -> Command {
        let inner = self.site.command(binary, arguments);
        let mut command = Command::new(deploy("docker/with-secrets"));
        command.arg(inner.get_program()).args(inner.get_args());
        command.current_dir(inner.get_current_dir().unwrap());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let port = self.cluster.port();
        command
            .env("DATABASE_URL", format!("postgres://cream_{role}@127.0.0.1:{port}/cream"))
            .env_remove("PGPASSWORD")
            .env("PGPASSWORD_FILE", self.secrets.join(format!("{role}_password")));
        command
    }

    fn run(&self, role: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(role, "worker", arguments);
        let ended = ReadyProcess::run(&mut command, PATIENCE).unwrap();
        (ended.code(), ended.stdout.clone() + &ended.stderr)
    }
}

#[test]
fn the_steps_of_the_compose_file_lead_to_a_database_that_serves() {
    let Some(compose) = Compose::new() else { return };
    // As at the first start, and as at each later one; then with other passwords.
    for changed in ["first", "first", "second"] {
        secrets(&compose.secrets, changed);
        compose.step_ok("roles");
        let (code, said) = compose.run("owner", &["migrate", "up"]);
        assert_eq!(code, Some(0), "{said}");
        compose.step_ok("rights");
    }
    let sample = deploy("../../files/samples/GOOG_2013-03-02.html");
    let (code, said) = compose.run("worker", &["import", sample.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");

    let mut command = compose.command("api", "api-server", &["--listen", "127.0.0.1:0"]);
    let process = ReadyProcess::start(&mut command);
    let line = process.wait_for("listening on http://", PATIENCE).unwrap();
    let url = line.trim_start_matches("listening on ").trim().to_owned();
    let api = Api { process, url };
    assert_eq!(api.json("/stock-data/GOOG")["symbol"], "GOOG");
    assert_eq!(api.get("/health/ready").0, 200);

    // What is not the role's stays so.
    let port = compose.cluster.port();
    let password = std::fs::read_to_string(compose.secrets.join("api_password")).unwrap();
    let error = compose
        .cluster
        .sql_as("cream_api", password.trim_end(), "cream", "UPDATE stock SET symbol = 'X'")
        .unwrap_err();
    assert!(error.contains("permission denied"), "{port}: {error}");
}

#[test]
fn a_secret_that_is_absent_changes_nothing() {
    let Some(compose) = Compose::new() else { return };
    std::fs::remove_file(compose.secrets.join("api_password")).unwrap();
    let ended = compose.step("roles");
    assert!(!ended.status.success());
    assert!(text(&ended.stderr).contains("the secret api_password cannot be read"));
    let roles = "SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'cream_')";
    assert_eq!(compose.cluster.sql("postgres", roles).unwrap().trim(), "0");
}

/// Runs `with-secrets sh -c SCRIPT`.
fn with_secrets(script: &str, variables: &[(&str, &OsStr)]) -> Output {
    let mut command = Command::new(deploy("docker/with-secrets"));
    command.args(["sh", "-c", script]).env_remove("PGPASSWORD");
    command.envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn a_secret_is_read_from_its_file_and_nothing_else_is() {
    let folder = TestDir::default();
    let key = folder.write("key", "k e$y\n\n");
    let empty = folder.write("empty", "\n");
    let gone = folder.join("gone");

    let variables = [("STOCK_DATA_TIINGO_API_KEY_FILE", key.as_os_str())];
    let script = "echo \"$STOCK_DATA_TIINGO_API_KEY|${STOCK_DATA_TIINGO_API_KEY_FILE-unset}\"";
    assert_eq!(text(&with_secrets(script, &variables).stdout), "k e$y|unset\n");
    let variables = [("SSL_CERT_FILE", key.as_os_str())];
    assert_eq!(text(&with_secrets("basename $SSL_CERT_FILE", &variables).stdout), "key\n");
    assert_eq!(with_secrets("exit 130", &[]).status.code(), Some(130));

    for (file, says) in [(&empty, "is empty"), (&gone, "cannot be read")] {
        let ended = with_secrets("echo ran", &[("PGPASSWORD_FILE", file.as_os_str())]);
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.stdout.is_empty() && text(&ended.stderr).contains(says), "{ended:?}");
    }
    let both = [("DATABASE_URL_FILE", key.as_os_str()), ("DATABASE_URL", "x".as_ref())];
    let ended = with_secrets("echo ran", &both);
    assert!(text(&ended.stderr).contains("DATABASE_URL_FILE are both set"), "{ended:?}");
}

fn is_healthy(port: &str) -> bool {
    Command::new(deploy("docker/healthcheck")).arg(port).output().unwrap().status.success()
}

#[test]
fn the_health_check_tells_what_lives_from_what_does_not() {
    let api = Site::new().serve(&[]);
    let port = api.url.rsplit(':').next().unwrap().to_owned();
    assert!(is_healthy(&port), "{}", api.process.stderr());
    drop(api);
    assert!(!is_healthy(&port));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap();
    });
    assert!(!is_healthy(&port));
    answering.join().unwrap();
}

/// The settings of a file: `NAME=value`, and those that stand in a comment to be chosen.
fn settings(path: &str, prefix: &str) -> Vec<(String, String)> {
    let page = std::fs::read_to_string(deploy(path)).unwrap();
    let found = page
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(prefix)?.split_once('='))
        .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
    let found: Vec<_> = found
        .map(|(name, value)| {
            let value = value.trim_matches('\'').replace("%H", "host").replace("%i", "7");
            (name.to_owned(), value.replace('…', "something"))
        })
        .collect();
    assert!(!found.is_empty(), "{path}");
    found
}

#[test]
fn the_settings_of_the_samples_and_the_units_are_ones() {
    let mut all = Vec::new();
    for path in ["systemd/worker.env.sample", "systemd/api.env.sample"] {
        all.extend(settings(path, ""));
    }
    for unit in ["cream-worker@", "cream-api", "cream"] {
        all.extend(settings(&format!("systemd/{unit}.service"), "Environment="));
    }
    assert!(all.iter().any(|(_, value)| value == "host-7"), "{all:?}");
    let site = Site::new();
    let mut command = site.command("worker", &["vendors"]);
    let ended = ReadyProcess::run(command.envs(all), PATIENCE).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
}
