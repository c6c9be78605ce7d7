//! End-to-end tests: the two real binaries, real files, a real database, real HTTP.
//!
//! A [`Site`] is a temporary folder with a database and an archive of its own; the binaries are
//! started with settings that point there and with no other. [`Responses`] are what it is fed
//! with, a [`SmallDisk`] is one that is soon full, and [`Site::asking`] makes it ask a vendor server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests only: what goes wrong ought to fail loudly and at once"
)]

mod audit;
mod fetching;
mod growing;
mod responses;
mod small_disk;
mod tracked;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cream_testkit::{Exited, ReadyProcess, TestDir};
use serde_json::Value;

pub use audit::Audit;
pub use fetching::{VENDORS, assert_no_key_in, on_both, words_of};
pub use growing::Growing;
pub use responses::Responses;
pub use small_disk::SmallDisk;

/// Long enough for a debug build on a busy machine; what takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Frees what a worker that gave up holds in hand for a minute, so that no test waits for that.
pub const LET_LEASES_RUN_OUT: &str =
    "UPDATE raw_response SET lease_token = NULL, lease_until = NULL";

/// The path of one of the project's binaries: from the folder `CREAM_TEST_BINARIES`, or built if
/// need be.
///
/// # Panics
///
/// Where it cannot be built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(name)
}

/// Cargo builds the binaries of other packages for no test, so this asks it to.
fn build() -> PathBuf {
    if let Some(folder) = std::env::var_os("CREAM_TEST_BINARIES") {
        return folder.into();
    }
    // target/PROFILE/deps/TEST
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().to_owned();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package=worker", "--package=api-server"]);
    cargo.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    cargo.arg("--target-dir").arg(folder.parent().unwrap());
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().unwrap();
    assert!(status.success(), "{cargo:?}: {status}");
    folder
}

/// A temporary folder with a database and an archive, and the binaries set to work on them.
#[derive(Debug, Default)]
pub struct Site {
    /// The folder.
    pub folder: TestDir,
    /// Where the database is, unless it is a file in the folder.
    database: Option<String>,
    /// Where the archive is, unless it is in the folder.
    archive: Option<PathBuf>,
    /// What else is set.
    settings: Vec<(String, String)>,
}

impl Site {
    /// A new, empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new one whose database is at this URL.
    #[must_use]
    pub fn on(url: impl Into<String>) -> Self {
        Self { database: Some(url.into()), ..Self::default() }
    }

    /// The same with another setting.
    #[must_use]
    pub fn with(mut self, variable: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((variable.into(), value.into()));
        self
    }

    /// The same with its archive in this folder.
    #[must_use]
    pub fn with_archive(mut self, folder: &Path) -> Self {
        self.archive = Some(folder.to_owned());
        self
    }

    /// Where its database is, unless it is a file in the folder.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The URL of its database.
    #[must_use]
    pub fn url(&self) -> String {
        let file = || format!("sqlite:{}", self.folder.join("cream.db").display());
        self.database.clone().unwrap_or_else(file)
    }

    /// A folder of the archive: `raw`, `parsed` or `dead`.
    #[must_use]
    pub fn archive(&self, folder: &str) -> PathBuf {
        self.archive.as_deref().unwrap_or(self.folder.path()).join(folder)
    }

    /// The names of the files in a folder of the archive, sorted; none where there is no folder.
    #[must_use]
    pub fn archived(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.archive(folder)).into_iter().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    /// A command that runs a binary with this site's settings and no other.
    #[must_use]
    pub fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary(name));
        for (variable, _) in std::env::vars_os() {
            let text = variable.to_string_lossy();
            let ours = ["STOCK_DATA_", "DATABASE_", "API_", "AUTH_", "LOG_FORMAT", "RUST_LOG"];
            if ours.iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&variable);
            }
        }
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("DATABASE_URL", self.url())
            .env("STOCK_DATA_RAW_RESPONSES_DIR", self.archive("raw"))
            .env("STOCK_DATA_PARSED_RESPONSES_DIR", self.archive("parsed"))
            .env("STOCK_DATA_DEADLETTER_RESPONSES_DIR", self.archive("dead"))
            .envs(self.settings.iter().map(|(variable, value)| (variable, value)));
        command
    }

    /// Starts the worker.
    #[must_use]
    pub fn start_worker(&self, arguments: &[&str]) -> ReadyProcess {
        ReadyProcess::start(&mut self.command("worker", arguments))
    }

    /// Runs the worker to its end.
    ///
    /// # Panics
    ///
    /// Where it does not end.
    #[must_use]
    pub fn worker(&self, arguments: &[&str]) -> Exited {
        self.start_worker(arguments).wait(PATIENCE).unwrap()
    }

    /// Runs the worker, which must end well, and gives what it wrote to standard output.
    ///
    /// # Panics
    ///
    /// Where it ends otherwise.
    #[must_use]
    pub fn worker_ok(&self, arguments: &[&str]) -> String {
        let ended = self.worker(arguments);
        let status = ended.status;
        assert!(status.success(), "{arguments:?}: {status}\n{}\n{}", ended.stdout, ended.stderr);
        ended.stdout
    }

    /// Waits until the worker has loaded some files.
    ///
    /// # Panics
    ///
    /// Where it ends before, or does not come to it.
    pub fn await_some(&self, worker: &mut ReadyProcess) {
        let deadline = Instant::now() + PATIENCE;
        while self.archived("parsed").len() < 10 {
            assert!(worker.is_running() && Instant::now() < deadline, "{}", worker.stderr());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Runs [`LET_LEASES_RUN_OUT`] on the site's SQLite database.
    ///
    /// # Panics
    ///
    /// Where the database refuses it.
    pub fn let_leases_run_out(&self) {
        let url = self.database.as_deref().and_then(|url| url.strip_prefix("sqlite:"));
        let file = url.map_or_else(|| self.folder.join("cream.db"), PathBuf::from);
        match Command::new("sqlite3").arg(file).arg(LET_LEASES_RUN_OUT).status() {
            Ok(status) => assert!(status.success(), "{status}"),
            // The program is absent.
            Err(_) => std::thread::sleep(Duration::from_secs(61)),
        }
    }

    /// Imports paths; dead letters and refusals among them are no failure of the test.
    ///
    /// # Panics
    ///
    /// Where the worker ends otherwise than with 0 or 3.
    pub fn import(&self, paths: &[&Path]) -> Exited {
        let mut arguments = vec!["import"];
        arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
        let ended = self.worker(&arguments);
        let status = ended.status;
        let expected = matches!(ended.code(), Some(0 | 3));
        assert!(expected, "{status}\n{}\n{}", ended.stdout, ended.stderr);
        ended
    }

    /// The digest of what is served.
    ///
    /// # Panics
    ///
    /// Where it is none.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest = self.worker_ok(&["digest"]).trim().to_owned();
        assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()), "{digest}");
        digest
    }

    /// Starts the API server.
    ///
    /// # Panics
    ///
    /// Where it does not begin to listen.
    #[must_use]
    pub fn serve(&self, arguments: &[&str]) -> Api {
        let mut all = arguments.to_vec();
        all.extend(["--listen", "127.0.0.1:0"]);
        let process = ReadyProcess::start(&mut self.command("api-server", &all));
        let line = process.wait_for("listening on http://", PATIENCE).unwrap();
        let url = line.trim_start_matches("listening on ").trim().to_owned();
        Api { process, url }
    }
}

/// A running API server.
#[derive(Debug)]
pub struct Api {
    /// The process.
    pub process: ReadyProcess,
    /// Where it listens: `http://ADDRESS:PORT`.
    pub url: String,
}

impl Api {
    /// The status and the body of an answer.
    ///
    /// # Panics
    ///
    /// Where there is no answer.
    #[must_use]
    pub fn get(&self, path: &str) -> (u16, String) {
        self.get_as(None, path)
    }

    /// The same, asked with a token.
    ///
    /// # Panics
    ///
    /// Where there is no answer.
    #[must_use]
    pub fn get_as(&self, token: Option<&str>, path: &str) -> (u16, String) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent.get(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut answer = request.call().unwrap();
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_string().unwrap();
        (answer.status().as_u16(), body)
    }

    /// The status and the body of an answer in any format, and which it is.
    ///
    /// # Panics
    ///
    /// Where there is no whole answer.
    #[must_use]
    pub fn bytes(&self, path: &str) -> (u16, String, Vec<u8>) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.get(format!("{}{path}", self.url)).call().unwrap();
        let media = answer.headers().get("Content-Type");
        let media = media.map(|media| media.to_str().unwrap().to_owned()).unwrap_or_default();
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
        (answer.status().as_u16(), media, body)
    }

    /// The status and the body of the answer to JSON that is posted.
    ///
    /// # Panics
    ///
    /// Where there is no answer.
    #[must_use]
    pub fn post(&self, path: &str, json: &Value) -> (u16, String) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request =
            agent.post(format!("{}{path}", self.url)).header("Content-Type", "application/json");
        let mut answer = request.send(json.to_string()).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// The JSON of an answer that must be 200.
    ///
    /// # Panics
    ///
    /// Where it is something else.
    #[must_use]
    pub fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The data rows of a CSV answer that must be 200, split at commas.
    ///
    /// # Panics
    ///
    /// Where it is something else.
    #[must_use]
    pub fn csv(&self, path: &str) -> Vec<Vec<String>> {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        let split = |line: &str| line.split(',').map(str::to_owned).collect();
        body.lines().skip(1).map(split).collect()
    }
}
