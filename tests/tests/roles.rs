//! The roles of docs/operations.md, made by its own scripts on a throwaway database: each can do
//! what it is for, with the real binaries, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

use std::path::{Path, PathBuf};

use cream_testkit::postgres::{Cluster, TestDatabase, shared};
use cream_testkit::{Exited, Listing, ReadyProcess, Scenario};
use cream_tests::{Api, PATIENCE, Site};

const PASSWORD: &str = "open sesame";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The SQL of a page's fenced block that begins with this comment.
fn script(page: &str, mark: &str) -> String {
    let start = format!("```sql\n-- cream: {mark}\n");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no script {mark}"));
    let (script, rest) = rest.split_once("```").unwrap();
    assert!(!rest.contains(&start), "two scripts {mark}");
    script.to_owned()
}

/// A database that was set up as the page says, with roles by names of its own: roles belong to
/// the whole server.
struct Setup {
    cluster: &'static Cluster,
    /// Goes before the roles, which own something in it.
    database: Option<TestDatabase>,
    name: String,
    rights: String,
    /// The settings and the archive of whoever runs something.
    site: Site,
}

impl Setup {
    /// `None` where there is no PostgreSQL.
    fn new() -> Option<Self> {
        let cluster = shared()?;
        let database = cluster.empty_database();
        let name = database.name().to_owned();
        let page = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
        let renamed = |mark| {
            script(&page, mark)
                .replace("cream_", &format!("{name}_"))
                .replace("DATABASE cream", &format!("DATABASE {name}"))
        };
        let (roles, rights) = (renamed("roles"), renamed("rights"));
        let setup = Self { cluster, database: Some(database), name, rights, site: Site::new() };
        // The page has its reader choose passwords; here all have the same one.
        let roles: String = roles
            .lines()
            .map(|line| match line.split_once(" PASSWORD ") {
                Some((role, _)) => format!("{role} PASSWORD '{PASSWORD}';\n"),
                None => format!("{line}\n"),
            })
            .collect();
        setup.superuser(&roles);
        // As createdb does with --owner.
        setup.superuser(&format!("ALTER DATABASE {} OWNER TO {}", setup.name, setup.role("owner")));
        let migrated = setup.run("owner", "worker", &["migrate", "up"]);
        assert_eq!(migrated.code(), Some(0), "{}", migrated.stderr);
        setup.superuser(&setup.rights);
        Some(setup)
    }

    fn role(&self, who: &str) -> String {
        format!("{}_{who}", self.name)
    }

    fn superuser(&self, statements: &str) -> String {
        self.cluster.sql(&self.name, statements).unwrap()
    }

    fn sql(&self, who: &str, statement: &str) -> Result<String, String> {
        self.cluster.sql_as(&self.role(who), PASSWORD, &self.name, statement)
    }

    fn url(&self, who: &str) -> String {
        self.cluster.url_as(&self.role(who), PASSWORD, &self.name)
    }

    /// Runs a binary as one of the roles.
    fn run(&self, who: &str, binary: &str, arguments: &[&str]) -> Exited {
        let mut command = self.site.command(binary, arguments);
        ReadyProcess::run(command.env("DATABASE_URL", self.url(who)), PATIENCE).unwrap()
    }

    fn import(&self, who: &str, path: &Path) -> Exited {
        self.run(who, "worker", &["import", path.to_str().unwrap()])
    }

    /// The API server, as one of the roles.
    fn serve(&self, who: &str) -> Api {
        let mut command = self.site.command("api-server", &["--listen", "127.0.0.1:0"]);
        let process = ReadyProcess::start(command.env("DATABASE_URL", self.url(who)));
        let line = process.wait_for("listening on http://", PATIENCE).unwrap();
        let url = line.trim_start_matches("listening on ").trim().to_owned();
        Api { process, url }
    }

    /// The role is refused each of these for want of a right, and for nothing else.
    fn refused(&self, who: &str, statements: &[&str]) {
        for statement in statements {
            let error = self.sql(who, statement).expect_err(statement);
            let is_about_rights =
                error.contains("permission denied") || error.contains("must be owner");
            assert!(is_about_rights, "{who}: {statement}: {error}");
        }
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        drop(self.database.take());
        let roles: Vec<String> =
            ["owner", "worker", "api", "guest"].iter().map(|who| self.role(who)).collect();
        // What is left of a failed test must not hide its failure.
        let _ = self.cluster.sql("postgres", &format!("DROP ROLE IF EXISTS {}", roles.join(", ")));
    }
}

/// A chart answer about a symbol's 400 days, other prices for another seed.
fn chart(setup: &Setup, day: u32, seed: u64) -> PathBuf {
    let chart = Scenario::new(Listing::us_stock("ROLES1", "Roles, Inc."), seed)
        .ending("2025-06-13".parse().unwrap(), 400)
        .dividends(60, 0.26)
        .build();
    let name = format!("in/ROLES1_2025-06-{day}T213000Z_yahoo-chart.json");
    setup.site.folder.write(&name, chart.chart_json());
    setup.site.folder.join(&name)
}

#[test]
fn each_role_can_do_what_it_is_for_and_nothing_else() {
    let Some(setup) = Setup::new() else { return };

    // The worker: imports, writes over many rows, and tells how things are.
    let ended = setup.import("worker", &root().join("files/samples"));
    assert_eq!(ended.code(), Some(3), "one sample is broken: {}{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("lacks a right"), "{}", ended.stdout);
    for (day, seed, said) in [(16, 1, "400 inserted"), (17, 2, "0 inserted, 400 updated")] {
        let ended = setup.import("worker", &chart(&setup, day, seed));
        assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
    }
    for command in ["status", "digest", "process"] {
        let ended = setup.run("worker", "worker", &[command]);
        assert_eq!(ended.code(), Some(0), "{command}: {}", ended.stderr);
    }
    // What it does to ask a vendor, and to tell how that ended.
    for statement in [
        "INSERT INTO vendor_state (vendor, failures) VALUES (3, 0)",
        "SELECT failures FROM vendor_state FOR UPDATE",
        "UPDATE vendor_state SET failures = 1",
        "INSERT INTO vendor_request (vendor, at, number) VALUES (3, 1, 1)",
        "UPDATE vendor_request SET at = 2, number = 2",
        "INSERT INTO tracked_stock (stock_id, vendor, vendor_symbol, is_active, last_pull_status, \
         failures) SELECT id, 3, 'x', false, 'pending', 0 FROM stock WHERE symbol = 'GOOG'",
        "SELECT 1 FROM tracked_stock FOR UPDATE SKIP LOCKED",
        "UPDATE tracked_stock SET lease_token = 't', lease_until = 1",
        // That it is there, what it does, and that others are long gone.
        "INSERT INTO worker (name, host, pid, version, started_at, seen_at, in_hand, is_stopping) \
         VALUES ('w', 'h', 1, '0', 1, 1, 0, false)",
        "UPDATE worker SET seen_at = 2",
        "INSERT INTO task (worker, task, schedule, is_running, failures, runs) \
         VALUES ('w', 'pull', '10s', false, 0, 0)",
        "UPDATE task SET runs = 1",
        "DELETE FROM worker WHERE name = 'nobody'",
        "DELETE FROM task WHERE worker = 'nobody'",
        // It forgets what is long over of accounts.
        "DELETE FROM api_token WHERE expires_at < 1",
        "DELETE FROM api_token WHERE revoked_at < 1",
        "DELETE FROM audit_event WHERE at < 1",
    ] {
        setup.sql("worker", statement).expect(statement);
    }
    setup.refused(
        "worker",
        &[
            "DROP TABLE stock_data",
            "ALTER TABLE stock_data DROP COLUMN volume",
            "TRUNCATE stock_data",
            "DELETE FROM stock_data",
            "DELETE FROM raw_response",
            "DELETE FROM vendor_request",
            "DELETE FROM tracked_stock",
            "TRUNCATE task",
            "UPDATE stock SET symbol = 'OTHER'",
            "CREATE TABLE mine (a int)",
            "CREATE SCHEMA mine",
            "DROP VIEW stock_data_readable",
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')",
            "SELECT setval('stock_id_seq', 1)",
            "SELECT name FROM app_user",
            "INSERT INTO app_user (name, role, is_active, created_at, changed_at) \
             VALUES ('eve', 'admin', true, 1, 1)",
            "UPDATE app_user SET role = 'admin'",
            "DELETE FROM app_user",
            "SELECT digest FROM api_token",
            "UPDATE api_token SET revoked_at = NULL",
            "SELECT account FROM audit_event",
            "INSERT INTO audit_event (at, kind) VALUES (1, 'login')",
            "UPDATE audit_event SET account = 'eve'",
        ],
    );
    let reverted = setup.run("worker", "worker", &["migrate", "down"]);
    assert_eq!(reverted.code(), Some(1), "{}", reverted.stdout);

    // The API serves what was imported, and changes no price.
    let api = setup.serve("api");
    assert_eq!(api.csv("/stock-data/ROLES1/history?format=csv").len(), 400);
    assert!(!api.csv("/stock-data/GOOG/history?format=csv").is_empty());
    for path in ["/stock-data", "/stock-data/GOOG", "/stock-data/ROLES1/actions", "/health/ready"] {
        assert!(api.json(path).is_object(), "{path}");
    }
    let seen = setup.sql("api", "SELECT worker.name, task.runs FROM worker, task").unwrap();
    assert_eq!(seen.trim(), "w|1");
    for statement in [
        // What it does to have a stock tracked, and no more.
        "INSERT INTO stock (symbol) VALUES ('NEW') ON CONFLICT DO NOTHING",
        "INSERT INTO tracked_stock (stock_id, vendor, vendor_symbol, is_active, last_pull_status, \
         failures, next_pull_at) SELECT id, 3, 'NEW', true, 'pending', 0, 5 FROM stock \
         WHERE symbol = 'NEW' ON CONFLICT (stock_id, vendor) DO NOTHING",
        "SELECT is_active FROM tracked_stock FOR UPDATE",
        "UPDATE tracked_stock SET vendor_symbol = 'new', unknown_since = NULL, lease_token = NULL, \
         lease_until = NULL WHERE vendor_symbol = 'NEW'",
        "UPDATE tracked_stock SET is_active = true, last_pull_status = 'pending', \
         error_message = NULL, failures = 0, next_pull_at = 5, unknown_since = NULL, \
         untracked_at = NULL",
        "SELECT file_name, error FROM raw_response",
        "UPDATE raw_response SET attempts = 0, next_attempt_at = 1 WHERE status = 'deadletter'",
        // What it does to let somebody in.
        "INSERT INTO app_user (name, role, password_hash, is_active, created_at, changed_at, \
         password_at) VALUES ('ann', 'admin', 'x', true, 1, 1, 1) \
         ON CONFLICT (name) DO NOTHING RETURNING id",
        "SELECT password_hash FROM app_user FOR NO KEY UPDATE",
        "UPDATE app_user SET role = 'user', is_active = false, changed_at = 2, \
         password_hash = 'y', password_at = 2, last_login_at = 2",
        "INSERT INTO api_token (user_id, kind, name, digest, scopes, created_at, expires_at) \
         SELECT id, 'api', 'n', decode(repeat('00', 32), 'hex'), 'read', 1, 2 FROM app_user \
         RETURNING id",
        "UPDATE api_token SET last_used_at = 2, revoked_at = 2 WHERE digest IS NOT NULL",
        "INSERT INTO audit_event (at, kind) VALUES (1, 'login')",
        "SELECT account FROM audit_event",
    ] {
        setup.sql("api", statement).expect(statement);
    }
    setup.refused(
        "api",
        &[
            "UPDATE worker SET seen_at = 3",
            "DELETE FROM task",
            "INSERT INTO stock_data (stock_id, vendor, date, close, is_final, flags, as_of) \
             VALUES (1, 1, '2025-01-01', 1, true, 0, 0)",
            "UPDATE stock_data SET close = 1",
            "DELETE FROM stock_data",
            "SELECT 1 FROM series FOR UPDATE",
            "UPDATE series SET revision = 0",
            "UPDATE stock SET symbol = 'OTHER'",
            "DELETE FROM corporate_action",
            "INSERT INTO raw_response (file_name) VALUES ('mine')",
            "UPDATE raw_response SET status = 'parsed'",
            "DELETE FROM raw_response",
            "UPDATE tracked_stock SET vendor = 4",
            "DELETE FROM tracked_stock",
            "UPDATE app_user SET name = 'eve'",
            "DELETE FROM app_user",
            "UPDATE api_token SET scopes = 'admin'",
            "UPDATE api_token SET expires_at = 9",
            "UPDATE api_token SET user_id = 9",
            "DELETE FROM api_token",
            "UPDATE audit_event SET account = 'eve'",
            "DELETE FROM audit_event",
            "SELECT 1 FROM vendor_state",
            "SELECT 1 FROM vendor_request",
            "TRUNCATE stock_data",
            "CREATE TABLE mine (a int)",
            "CREATE TEMPORARY TABLE mine (a int)",
        ],
    );
    drop(api);
    let ended = setup.import("api", &chart(&setup, 18, 3));
    assert_eq!(ended.code(), Some(3), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("docs/operations.md"), "{}", ended.stdout);
}

#[test]
fn what_is_migrated_later_is_usable_at_once() {
    let Some(setup) = Setup::new() else { return };
    loop {
        let ended = setup.run("owner", "worker", &["migrate", "down"]);
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        if ended.stdout.contains("nothing to revert") {
            break;
        }
    }
    // Neither has the right to mend it, and both say so.
    for (who, binary, arguments) in
        [("worker", "worker", &["process"][..]), ("api", "api-server", &[])]
    {
        let ended = setup.run(who, binary, arguments);
        assert_eq!(ended.code(), Some(1), "{who}: {}", ended.stdout);
        assert!(ended.stderr.contains("docs/operations.md"), "{who}: {}", ended.stderr);
    }
    let migrated = setup.run("owner", "worker", &["migrate", "up"]);
    assert_eq!(migrated.code(), Some(0), "{}", migrated.stderr);
    let ended = setup.import("worker", &chart(&setup, 16, 1));
    assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
    let api = setup.serve("api");
    assert_eq!(api.csv("/stock-data/ROLES1/history?format=csv").len(), 400);
    // Once more, as the page says after migrations were reverted, and after an upgrade.
    setup.superuser(&setup.rights);
    setup.refused("api", &["DELETE FROM stock_data"]);
    let accounts = ["SELECT name FROM app_user", "UPDATE api_token SET revoked_at = NULL"];
    setup.refused("worker", &["DELETE FROM stock_data", "TRUNCATE series"]);
    setup.refused("worker", &accounts);
}

#[test]
fn who_lacks_rights_is_told_where_they_are_listed() {
    let Some(setup) = Setup::new() else { return };
    let guest = setup.role("guest");
    setup.superuser(&format!("CREATE ROLE {guest} LOGIN PASSWORD '{PASSWORD}'"));

    // The rights script lets nobody else in.
    let ended = setup.run("guest", "worker", &["status"]);
    assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
    assert!(ended.stderr.contains("permission denied for database"), "{}", ended.stderr);

    setup.superuser(&format!("GRANT CONNECT ON DATABASE {} TO {guest}", setup.name));
    let chart = chart(&setup, 16, 1);
    let ended = setup.import("guest", &chart);
    assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
    assert!(ended.stderr.contains("lacks a right"), "{}", ended.stderr);
    assert!(ended.stderr.contains("docs/operations.md"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(PASSWORD), "{}", ended.stderr);

    // One right is missing: the batch stops early, and loses nothing.
    let worker = setup.role("worker");
    setup.superuser(&format!("REVOKE INSERT ON stock_data FROM {worker}"));
    let ended = setup.import("worker", &chart);
    assert_eq!(ended.code(), Some(3), "{}{}", ended.stdout, ended.stderr);
    for part in ["docs/operations.md", "permission denied for table stock_data", "stopped early"] {
        assert!(ended.stdout.contains(part), "{part} in {}", ended.stdout);
    }
    setup.superuser(&setup.rights);
    let ended = setup.import("worker", &chart);
    assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("400 inserted"), "{}", ended.stdout);
}
