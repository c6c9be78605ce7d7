//! How to reach a server, and the client programs.

use std::ffi::OsStr;
use std::process::Command;

use super::programs::{Programs, clean, output};
use crate::names::encode_symbol as encode;

/// The database that every server has.
pub(super) const MAINTENANCE: &str = "postgres";

/// A server and a user on it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    programs: Programs,
    host: String,
    port: u16,
    user: String,
    password: Option<String>,
}

impl Client {
    /// The superuser of a server of our own.
    pub(super) fn local(programs: Programs, port: u16, password: String) -> Self {
        let (host, user) = ("127.0.0.1".to_owned(), "postgres".to_owned());
        Self { programs, host, port, user, password: Some(password) }
    }

    /// The user of a URL.
    pub(super) fn from_url(programs: Programs, url: &str) -> Result<Self, String> {
        // The URL is not part of the message: it may hold a password.
        let expected = |what| format!("{what}: expected postgres://user:password@host:port");
        let rest = ["postgres://", "postgresql://"].iter().find_map(|it| url.strip_prefix(it));
        let rest = rest.ok_or_else(|| expected("it starts with no postgres://"))?;
        if rest.contains('?') {
            return Err(expected("it holds parameters"));
        }
        let server = rest.split_once('/').map_or(rest, |(server, _)| server);
        let (who, place) = server.rsplit_once('@').ok_or_else(|| expected("it names no user"))?;
        let (user, password) =
            who.split_once(':').map_or((who, None), |(user, password)| (user, Some(password)));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| expected("its port is no number of a port"))?)
            }
            _ => (place, 5432),
        };
        if user.is_empty() || host.is_empty() {
            return Err(expected("it names no user or no host"));
        }
        let decode = |text| decode(text).ok_or_else(|| expected("it is not percent-encoded"));
        let password = password.map(decode).transpose()?;
        Ok(Self { programs, host: host.to_owned(), port, user: decode(user)?, password })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The same server, another user.
    pub(super) fn as_user(&self, user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: Some(password.to_owned()), ..self.clone() }
    }

    pub(super) fn url(&self, database: &str) -> String {
        let Self { host, port, .. } = self;
        let password = self.password.as_deref().map(|it| format!(":{}", encode(it)));
        let (user, password) = (encode(&self.user), password.unwrap_or_default());
        format!("postgres://{user}{password}@{host}:{port}/{}", encode(database))
    }

    /// A program that finds the server, the user and the database in its environment, where no
    /// list of processes shows the password.
    pub(super) fn command(&self, program: impl AsRef<OsStr>, database: &str) -> Command {
        let mut command = clean(Command::new(program));
        command
            .env("PGHOST", self.host.trim_matches(['[', ']']))
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.user)
            .env("PGDATABASE", database)
            .env("PGCONNECT_TIMEOUT", "30")
            // A password missing here is not looked up elsewhere.
            .env("PGPASSFILE", "/dev/null");
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        command
    }

    pub(super) fn psql(&self) -> std::path::PathBuf {
        self.programs.path("psql")
    }

    pub(super) fn sql(&self, database: &str, statement: &str) -> Result<String, String> {
        let mut psql = self.command(self.psql(), database);
        psql.args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        output(&mut psql)
    }

    pub(super) fn dump_schema(&self, database: &str) -> String {
        let mut dump = self.command(self.programs.path("pg_dump"), database);
        dump.args(["--schema-only", "--no-owner", "--no-privileges", "--no-password"]);
        let text = output(&mut dump)
            .unwrap_or_else(|error| panic!("database {database} cannot be dumped: {error}"));
        stable(&text)
    }
}

/// A dump without what differs from run to run: comments, which name versions, the random words
/// of `\restrict`, and the empty lines around both.
fn stable(dump: &str) -> String {
    let passing = ["--", "\\restrict", "\\unrestrict"];
    dump.lines()
        .filter(|line| !line.is_empty() && !passing.iter().any(|start| line.starts_with(start)))
        .flat_map(|line| [line, "\n"])
        .collect()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'%' {
            let digit = |byte| char::from(byte).to_digit(16);
            (digit(bytes.next()?)? * 16 + digit(bytes.next()?)?) as u8
        } else {
            byte
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_written() {
        let url = |url: &str| Client::from_url(Programs::default(), url).map(|it| it.url("db"));
        for (given, written) in [
            ("postgres://me:a%40%3Ab@example.org:7", "postgres://me:a%40%3Ab@example.org:7/db"),
            ("postgresql://me@localhost/other", "postgres://me@localhost:5432/db"),
            ("postgres://me:@[::1]:7/", "postgres://me:@[::1]:7/db"),
            ("postgres://me@[::1]", "postgres://me@[::1]:5432/db"),
        ] {
            assert_eq!(url(given).unwrap(), written);
        }
        for (given, why) in [
            ("mysql://me@h", "no postgres://"),
            ("postgres://localhost/db", "no user"),
            ("postgres://me@/db", "no host"),
            ("postgres://me:secret@h:99999", "port"),
            ("postgres://me@h/db?sslmode=require", "parameters"),
            ("postgres://me:secret%4@h", "percent-encoded"),
        ] {
            let error = url(given).unwrap_err();
            assert!(error.contains(why) && !error.contains("secret"), "{given}: {error}");
        }
    }

    #[test]
    fn dumps_hold_only_what_is_the_same_every_time() {
        let dump = "--\n-- Dumped by 15.1\n\n\\restrict x\nSET a = 0;\n\nCREATE b (\n    c\n);\n";
        assert_eq!(stable(dump), "SET a = 0;\nCREATE b (\n    c\n);\n");
    }
}
