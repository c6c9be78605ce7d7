//! Clusters of PostgreSQL, with a real one. Where it is absent, nothing here runs.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic, in its helpers too")]

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cream_testkit::postgres::{Cluster, Mode, Options, shared};
use cream_testkit::{ReadyProcess, Signal, TestDir};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn databases_from_a_template_start_alike_and_stay_apart() {
    let Some(cluster) = shared() else { return };
    static PREPARED: AtomicU32 = AtomicU32::new(0);
    let database = || {
        cluster.database("apart", |url| {
            PREPARED.fetch_add(1, Ordering::Relaxed);
            let name = url.rsplit('/').next().unwrap();
            cluster.sql(name, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)").unwrap();
        })
    };
    let databases = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(database)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(PREPARED.load(Ordering::Relaxed), 1);
    let [first, others @ ..] = databases.as_slice() else { panic!("no databases") };
    first.sql("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(first.sql("SELECT n, n + 1 FROM t ORDER BY n").unwrap(), "1|2\n2|3");
    for other in others {
        assert_eq!(other.sql("SELECT n FROM t").unwrap(), "1");
        assert_ne!(other.name(), first.name());
        assert_eq!(other.url(), cluster.url(other.name()));
    }
}

#[test]
fn a_template_that_fails_is_made_anew() {
    let Some(cluster) = shared() else { return };
    let name = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    let failed = std::panic::catch_unwind(|| {
        cluster.database("fails", |url| {
            cluster.sql(&name(url), "CREATE TABLE half ()").unwrap();
            panic!("a bad migration");
        })
    });
    assert_eq!(failed.unwrap_err().downcast_ref(), Some(&"a bad migration"));
    let database = cluster.database("fails", |url| {
        cluster.sql(&name(url), "CREATE TABLE whole ()").unwrap();
    });
    let tables = database.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    assert_eq!(tables.unwrap(), "whole");
}

#[test]
fn a_dropped_database_is_gone_although_it_is_in_use() {
    let Some(cluster) = shared() else { return };
    let database = cluster.empty_database();
    let (name, count) = (database.name().to_owned(), "SELECT count(*) FROM pg_database WHERE");
    let exists = || cluster.sql("postgres", &format!("{count} datname = '{name}'")).unwrap();
    assert_eq!(exists(), "1");
    std::thread::scope(|scope| {
        let user = scope.spawn(|| cluster.sql(&name, "SELECT pg_sleep(60)"));
        let busy = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'");
        until("it is in use", || cluster.sql("postgres", &busy).unwrap() == "1");
        drop(database);
        assert_eq!(exists(), "0");
        let error = user.join().unwrap().unwrap_err();
        assert!(error.contains("terminating connection"), "{error}");
    });
}

#[test]
fn dumps_of_the_same_schema_are_equal() {
    let Some(cluster) = shared() else { return };
    let dump = |statement| {
        let database = cluster.empty_database();
        database.sql(statement).unwrap();
        database.dump_schema()
    };
    let dumps = ["CREATE TABLE a (b int CHECK (b > 0))", "CREATE TABLE a (b int)"].map(dump);
    assert!(dumps[0].contains("CREATE TABLE public.a") && dumps[0].contains("CHECK"), "{dumps:?}");
    assert_ne!(dumps[0], dumps[1]);
    assert_eq!(dumps[1], dump("CREATE TABLE a (c int, b int); ALTER TABLE a DROP COLUMN c"));
}

#[test]
fn errors_are_those_of_the_server() {
    let Some(cluster) = shared() else { return };
    let database = cluster.empty_database();
    let error = database.sql("CREATE TABLE t (); SELECT * FROM nowhere").unwrap_err();
    assert!(error.contains("relation \"nowhere\" does not exist"), "{error}");
    assert_eq!(database.sql("SELECT to_regclass('t')").unwrap(), "");
    let error = cluster.sql("no_database", "SELECT 1").unwrap_err();
    assert!(error.contains("database \"no_database\" does not exist"), "{error}");
}

#[test]
fn stopped_and_started_again_a_server_holds_its_data() {
    let Some(mut cluster) = Cluster::start_if_installed(&Options {
        fsync: true,
        settings: vec![("work_mem".into(), "5MB".into())],
        ..Options::default()
    }) else {
        return;
    };
    let show = |name: &str| cluster.sql("postgres", &format!("SHOW {name}")).unwrap();
    assert_eq!(["fsync", "work_mem", "ssl"].map(show), ["on", "5MB", "off"]);
    let database = cluster.empty_database();
    database.sql("CREATE TABLE t (n int)").unwrap();
    let url = database.url();
    for (number, mode) in [(1, Mode::Fast), (2, Mode::Immediate)] {
        database.sql(&format!("INSERT INTO t VALUES ({number})")).unwrap();
        cluster.stop(mode).unwrap();
        cluster.stop(mode).unwrap();
        assert!(!is_open(cluster.port()));
        let error = database.sql("SELECT 1").unwrap_err();
        assert!(error.contains("Connection refused"), "{error}");
        cluster.start_again().unwrap();
        assert!(cluster.start_again().is_err());
        assert_eq!(database.sql("SELECT max(n) FROM t").unwrap(), number.to_string());
        assert_eq!(database.url(), url);
    }
    let (port, folder) = (cluster.port(), cluster.folder().unwrap().to_owned());
    assert!(folder.exists() && is_open(port));
    drop(cluster);
    assert!(!folder.exists() && !is_open(port));
    drop(database);
}

#[test]
fn a_server_that_does_not_start_tells_why() {
    let options =
        Options { settings: vec![("work_mem".into(), "much".into())], ..Options::default() };
    if shared().is_none() {
        return;
    }
    let error = Cluster::start_with(&options).unwrap_err().to_string();
    assert!(error.contains("invalid value for parameter \"work_mem\""), "{error}");
}

#[test]
fn passwords_and_users_are_checked() {
    let Some(cluster) = Cluster::start_if_installed(&Options::default()) else { return };
    let error = cluster.sql_as("postgres", "wrong", "postgres", "SELECT 1").unwrap_err();
    assert!(error.contains("password authentication failed"), "{error}");
    let create = "CREATE ROLE \"r/w\" LOGIN PASSWORD 'a@b'";
    cluster.sql("postgres", create).unwrap();
    assert_eq!(cluster.sql_as("r/w", "a@b", "postgres", "SELECT user").unwrap(), "r/w");
    let url = format!("postgres://r%2Fw:a%40b@127.0.0.1:{}/postgres", cluster.port());
    assert_eq!(cluster.url_as("r/w", "a@b", "postgres"), url);
}

#[test]
fn tls_is_there_when_asked_for() {
    let options = Options { tls: true, ..Options::default() };
    let Some(cluster) = Cluster::start_if_installed(&options) else { return };
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(cluster.sql("postgres", encrypted).unwrap(), "t");
    let certificate = std::fs::read_to_string(cluster.certificate().unwrap()).unwrap();
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"), "{certificate}");
}

const CHILD: &str = "CREAM_TESTKIT_CHILD";

/// Starts this test binary with only the test below in it, which holds the shared cluster.
fn child(external: Option<&str>) -> ReadyProcess {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "held_by_a_child", "--ignored", "--nocapture"]).env(CHILD, "1");
    command.env("CREAM_TEST_POSTGRES_URL", external.unwrap_or_default());
    ReadyProcess::start(&mut command)
}

#[test]
#[ignore = "other tests start it in a process of its own"]
fn held_by_a_child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let cluster = shared().unwrap();
    let database = cluster.database("held", |_| ());
    let folder = cluster.folder().unwrap_or(Path::new("-"));
    println!("\nholding {} {} {}", cluster.port(), database.name(), folder.display());
    std::thread::sleep(LONG);
}

#[test]
fn a_killed_process_leaves_neither_server_nor_files() {
    if Cluster::start_if_installed(&Options::default()).is_none() {
        return;
    }
    let process = child(None);
    let line = process.wait_for("holding ", LONG).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let (port, folder) = (words[1].parse().unwrap(), Path::new(words[3]));
    assert!(is_open(port) && folder.join("data").is_dir());
    process.signal(Signal::Kill);
    until("the server is gone", || !is_open(port));
    until("the folder is gone", || !folder.exists());
}

#[test]
fn a_killed_process_leaves_no_databases_on_a_server_of_others() {
    let Some(cluster) = Cluster::start_if_installed(&Options::default()) else { return };
    let names = || {
        let names = "SELECT datname FROM pg_database WHERE datname ~ '^te(st|mplate)_'";
        cluster.sql("postgres", names).unwrap()
    };
    let own = cluster.empty_database();
    let process = child(Some(&cluster.url("postgres")));
    let line = process.wait_for("holding ", LONG).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[1], cluster.port().to_string());
    assert_eq!(words[3], "-");
    let before = names();
    assert!(before.contains(words[2]) && before.contains("_held"), "{before}");
    process.signal(Signal::Kill);
    until("its databases are gone", || names() == own.name());
}

#[test]
fn an_absent_server_of_others_is_an_error_that_names_the_variable() {
    if shared().is_none() {
        return;
    }
    // No server listens on port 1.
    let process = child(Some("postgres://me:secret@127.0.0.1:1"));
    let exited = process.wait(LONG).unwrap();
    let said = format!("{}{}", exited.stdout, exited.stderr);
    assert_eq!(exited.code(), Some(101), "{said}");
    assert!(said.contains("CREAM_TEST_POSTGRES_URL") && said.contains("refused"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn a_template_of_an_odd_name_is_refused() {
    let Some(cluster) = shared() else { return };
    for name in ["", "A", "a b", "a;b", "a_name_longer_than_needed"] {
        let made = std::panic::catch_unwind(|| cluster.database(name, |_| ()));
        let error = made.unwrap_err().downcast::<String>().unwrap();
        assert!(error.contains(&format!("the template's name {name:?}")), "{error}");
    }
}

#[test]
fn a_folder_that_is_closed_to_the_servers_user_is_no_obstacle() {
    if shared().is_none() {
        return;
    }
    // Closed to all but its owner, who may well be root.
    let dir = TestDir::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "passwords_and_users_are_checked"]).env("TMPDIR", dir.path());
    command.env("PGHOST", "nowhere").env("PGUSER", "nobody").env("PGSSLMODE", "verify-full");
    command.current_dir(dir.path());
    let exited = ReadyProcess::run(&mut command, LONG).unwrap();
    assert_eq!(exited.code(), Some(0), "{exited:?}");
    assert!(dir.names(".").is_empty());
}

fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {LONG:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
