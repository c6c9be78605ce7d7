//! A cluster and its databases.

use std::io;
use std::path::{Path, PathBuf};

use super::client::{Client, MAINTENANCE};
use super::database::{Databases, TestDatabase};
use super::programs::{Guard, Programs};
use super::server::{Mode, Options, Server};
use super::skip;

/// Drops every database of a process that is gone; its first argument is psql.
const SWEEP: &str = r#"
"$1" -X -q -v ON_ERROR_STOP=0 -v tag="$2" <<'END'
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
WHERE starts_with(datname, 'test_' || :'tag') OR starts_with(datname, 'template_' || :'tag')
\gexec
END
"#;

/// A PostgreSQL server with its data. One that was started here ends with the value or, should
/// that be killed, with this process, and leaves nothing behind.
#[derive(Debug)]
pub struct Cluster {
    client: Client,
    databases: Databases,
    server: Option<Server>,
    /// For a server of others.
    _sweeper: Option<Guard>,
}

impl Cluster {
    /// Starts a cluster of its own, on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// Where PostgreSQL is absent or does not start; the message holds the server's last lines.
    pub fn start() -> io::Result<Self> {
        Self::start_with(&Options::default())
    }

    /// As [`Cluster::start`], with options.
    ///
    /// # Errors
    ///
    /// As [`Cluster::start`], and where TLS is asked for and the program openssl is absent.
    pub fn start_with(options: &Options) -> io::Result<Self> {
        let absent = || io::Error::new(io::ErrorKind::NotFound, "PostgreSQL is absent");
        let programs = Programs::of_server().ok_or_else(absent)?;
        let password = format!("{:016x}", super::random());
        let server = Server::create(&programs, options, &password)?;
        let client = Client::local(programs, server.port(), password);
        Ok(Self { client, databases: Databases::new(), server: Some(server), _sweeper: None })
    }

    /// As [`Cluster::start_with`], but where PostgreSQL or, for TLS, openssl is absent: `None`, and
    /// a line on standard error says so, once a process.
    ///
    /// # Panics
    ///
    /// Where the cluster does not start, and where something is absent although
    /// `CREAM_TEST_REQUIRE_POSTGRES=1`.
    #[must_use]
    pub fn start_if_installed(options: &Options) -> Option<Self> {
        if Programs::of_server().is_none() {
            skip("PostgreSQL");
            return None;
        }
        if options.tls && !Server::can_tls() {
            skip("openssl");
            return None;
        }
        let started = Self::start_with(options);
        Some(started.unwrap_or_else(|error| panic!("PostgreSQL does not start: {error}")))
    }

    /// A server of others. What this process leaves on it goes when the process is gone.
    pub(super) fn at(url: &str) -> Result<Self, String> {
        let absent = "the client programs psql and pg_dump are absent: install them";
        let programs = Programs::of_clients().ok_or(absent)?;
        let client = Client::from_url(programs, url)?;
        client.sql(MAINTENANCE, "SELECT 1")?;
        let databases = Databases::new();
        let shell = client.command("sh", MAINTENANCE);
        let sweeper =
            Guard::start(shell, SWEEP, &[client.psql().as_os_str(), databases.tag().as_ref()])
                .map_err(|error| format!("sh does not start: {error}"))?;
        Ok(Self { client, databases, server: None, _sweeper: Some(sweeper) })
    }

    /// Stops the server; its port stays its own, and its data stay. Already stopped, it stays so.
    ///
    /// # Errors
    ///
    /// Where it does not end in time, and for a server that was not started here.
    pub fn stop(&mut self, mode: Mode) -> io::Result<()> {
        self.own()?.stop(mode)
    }

    /// Starts the stopped server again, with the same data on the same port.
    ///
    /// # Errors
    ///
    /// Where it runs, does not start, or was not started here.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.own()?.start_again()
    }

    fn own(&mut self) -> io::Result<&mut Server> {
        let error = "the server was not started here: it is not ours to stop or start";
        self.server.as_mut().ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, error))
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.client.port()
    }

    /// The folder of its files; `None` for a server that was not started here.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.server.as_ref().map(Server::folder)
    }

    /// The certificate to trust, with [`Options::tls`]. It is for `localhost` and `127.0.0.1`.
    #[must_use]
    pub fn certificate(&self) -> Option<PathBuf> {
        self.server.as_ref().and_then(Server::certificate)
    }

    /// What the server has logged so far; nothing where it was not started here.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }

    /// The URL of a database, for the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.client.url(database)
    }

    /// The URL of a database, for someone else.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        self.client.as_user(user, password).url(database)
    }

    /// Runs statements as the superuser; more than one run in one transaction. Returns the rows
    /// as lines, their columns apart by `|`.
    ///
    /// # Errors
    ///
    /// What the server or psql says.
    pub fn sql(&self, database: &str, statement: &str) -> Result<String, String> {
        self.client.sql(database, statement)
    }

    /// As [`Cluster::sql`], as someone else.
    ///
    /// # Errors
    ///
    /// What the server or psql says.
    pub fn sql_as(
        &self,
        user: &str,
        password: &str,
        database: &str,
        statement: &str,
    ) -> Result<String, String> {
        self.client.as_user(user, password).sql(database, statement)
    }

    /// A database made from a template: the first call with the template's name has `prepare`
    /// fill it, say by migrations, and later ones copy it. `prepare` gets its URL and has to close
    /// every connection.
    ///
    /// # Panics
    ///
    /// Where it cannot be made, and where the name is not 1 to 24 of `a-z`, `0-9` and `_`.
    pub fn database(&self, template: &'static str, prepare: impl FnOnce(&str)) -> TestDatabase {
        self.databases.copy(&self.client, template, prepare)
    }

    /// A database with nothing in it.
    ///
    /// # Panics
    ///
    /// Where it cannot be made.
    #[must_use]
    pub fn empty_database(&self) -> TestDatabase {
        self.databases.empty(&self.client)
    }

    /// The schema of a database as statements, the same text for the same schema.
    ///
    /// # Panics
    ///
    /// Where it cannot be dumped.
    #[must_use]
    pub fn dump_schema(&self, database: &str) -> String {
        self.client.dump_schema(database)
    }
}
