//! A server of our own: its files, its start and its end.

use std::fs::{File, Permissions};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::programs::{Guard, Programs, User, clean, output};
use super::random;

/// How long a start or a stop may take. A loaded machine is slow; what hangs is not worth more.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it waits for its own port, when started again.
const PATIENCE_FOR_PORT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Below the ports that systems give to outgoing connections: those of other tests must not take
/// the port of a stopped server.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Ends the server and removes its folder, the first argument. The lock file's first line is the
/// server's process id; it goes with the server. A server that is just starting may ignore a
/// signal, and an initdb may still write files.
const END: &str = r#"
tries=0
pid=$(head -n 1 "$1/data/postmaster.pid")
if [ -n "$pid" ]; then
  while [ $tries -lt 200 ] && kill -s QUIT "$pid"; do sleep 0.05; tries=$((tries + 1)); done
  kill -s KILL "$pid"
fi
until rm -rf "$1" || [ $tries -gt 250 ]; do sleep 0.1; tries=$((tries + 1)); done
"#;

/// How a cluster runs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether commits reach the disk before they return. Without, they survive all but a crash of
    /// the machine.
    pub fsync: bool,
    /// Whether the server takes TLS connections too, with a certificate it signed itself.
    pub tls: bool,
    /// More settings, such as `("log_statement", "all")`; they win over ours.
    pub settings: Vec<(String, String)>,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Connections are cut, transactions rolled back, and everything is written to its files.
    Fast,
    /// At once, as in a crash: the next start recovers.
    Immediate,
}

#[derive(Debug)]
pub(super) struct Server {
    programs: Programs,
    options: Options,
    user: User,
    port: u16,
    process: Option<Child>,
    // Dropped in this order: the guard removes the folder, and needs no help unless it fails.
    _guard: Guard,
    folder: TempDir,
}

impl Server {
    /// Makes a cluster and starts it.
    pub(super) fn create(
        programs: &Programs,
        options: &Options,
        password: &str,
    ) -> io::Result<Self> {
        let user = User::of_server()?;
        let folder = tempfile::Builder::new()
            .prefix("cream-postgres-")
            .tempdir_in(user.temporary_folder())?;
        user.own(folder.path())?;
        let mut shell = clean(Command::new("sh"));
        user.run(&mut shell);
        let guard = Guard::start(shell, END, &[folder.path().as_os_str()])?;
        let mut server = Self {
            programs: programs.clone(),
            options: options.clone(),
            user,
            port: 0,
            process: None,
            _guard: guard,
            folder,
        };
        server.init(password)?;
        if options.tls {
            server.make_certificate()?;
        }
        for _ in 0..20 {
            server.port = free_port()?;
            match server.launch() {
                // Somebody was faster.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                other => return other.map(|()| server),
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "20 ports that were free were taken"))
    }

    fn init(&self, password: &str) -> io::Result<()> {
        let file = self.path("password");
        std::fs::write(&file, password)?;
        self.user.own(&file)?;
        let mut initdb = self.programs.command("initdb");
        initdb
            .args(["--no-sync", "--auth=scram-sha-256", "--username=postgres"])
            .args(["--encoding=UTF8", "--locale=C"])
            .arg("--pwfile")
            .arg(&file)
            .arg("--pgdata")
            .arg(self.path("data"));
        let done = output(self.user.run(&mut initdb));
        done.map_err(|error| io::Error::other(format!("initdb: {error}")))?;
        std::fs::remove_file(file)
    }

    /// Whether there is a program that makes certificates.
    pub(super) fn can_tls() -> bool {
        output(Command::new("openssl").arg("version")).is_ok()
    }

    fn make_certificate(&self) -> io::Result<()> {
        let key = self.path("server.key");
        let mut openssl = clean(Command::new("openssl"));
        openssl
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(self.path("server.crt"));
        let done = output(self.user.run(&mut openssl));
        done.map_err(|error| io::Error::other(format!("openssl: {error}")))?;
        std::fs::set_permissions(key, Permissions::from_mode(0o600))
    }

    fn launch(&mut self) -> io::Result<()> {
        let log = File::options().create(true).append(true).open(self.path("log"))?;
        let mut postgres = self.programs.command("postgres");
        postgres
            .arg("-D")
            .arg(self.path("data"))
            .arg("-k")
            .arg(self.folder())
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C goes to the group of the tests; the guard ends the server then.
            .process_group(0);
        let mut set = |name: &str, value: &str| {
            postgres.arg("-c").arg(format!("{name}={value}"));
        };
        set("shared_buffers", "32MB");
        set("max_connections", "100");
        set("timezone", "UTC");
        if !self.options.fsync {
            set("fsync", "off");
            set("full_page_writes", "off");
        }
        if let Some(certificate) = self.certificate() {
            set("ssl", "on");
            set("ssl_cert_file", &certificate.to_string_lossy());
            set("ssl_key_file", &self.path("server.key").to_string_lossy());
        }
        for (name, value) in &self.options.settings {
            set(name, value);
        }
        let logged = self.log().len();
        self.process = Some(self.user.run(&mut postgres).spawn()?);
        self.await_start()
            .inspect_err(|_| {
                let _ = self.stop(Mode::Immediate);
            })
            .map_err(|error| {
                let log = self.log();
                let said = log.get(logged..).unwrap_or_default();
                let taken = said.contains("Address already in use");
                let kind = if taken { io::ErrorKind::AddrInUse } else { error.kind() };
                io::Error::new(kind, format!("{error}; it logged:\n{said}"))
            })
    }

    /// Waits for it as pg_ctl does: asking on the port could find somebody else's server.
    fn await_start(&mut self) -> io::Result<()> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = process.try_wait()? {
                return Err(io::Error::other(format!("postgres ended with {status}")));
            }
            let lock = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid"));
            let lock = lock.unwrap_or_default();
            let lines: Vec<&str> = lock.lines().map(str::trim).collect();
            let ours = lines.first().is_some_and(|id| *id == process.id().to_string());
            if ours && lines.get(7) == Some(&"ready") {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let error = format!("postgres takes no connections after {PATIENCE:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, error));
            }
            std::thread::sleep(POLL);
        }
    }

    pub(super) fn start_again(&mut self) -> io::Result<()> {
        if self.process.is_some() {
            return Err(io::Error::other("the server has not been stopped"));
        }
        let deadline = Instant::now() + PATIENCE_FOR_PORT;
        loop {
            match self.launch() {
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {}
                other => return other,
            }
            std::thread::sleep(POLL);
        }
    }

    pub(super) fn stop(&mut self, mode: Mode) -> io::Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let signal = match mode {
            Mode::Fast => Signal::INT,
            Mode::Immediate => Signal::QUIT,
        };
        let deadline = Instant::now() + PATIENCE;
        let id = Pid::from_raw(process.id() as i32);
        let mut polls = 0_u32;
        while process.try_wait()?.is_none() {
            // Again every second: one that is just starting may miss a signal.
            if let Some(id) = id.filter(|_| polls.is_multiple_of(100)) {
                kill_process(id, signal)?;
            }
            polls += 1;
            if Instant::now() >= deadline {
                process.kill()?;
                process.wait()?;
                let error = format!("postgres did not stop within {PATIENCE:?} and was killed");
                return Err(io::Error::new(io::ErrorKind::TimedOut, error));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn certificate(&self) -> Option<PathBuf> {
        self.options.tls.then(|| self.path("server.crt"))
    }

    pub(super) fn log(&self) -> String {
        let log = std::fs::read(self.path("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop(Mode::Immediate);
    }
}

/// A port that nobody listens on right now.
fn free_port() -> io::Result<u16> {
    let count = u64::from(PORTS.end - PORTS.start);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (0..200)
        .map(|_| PORTS.start + (random() % count) as u16)
        .find(free)
        .ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, format!("no port of {PORTS:?}")))
}
