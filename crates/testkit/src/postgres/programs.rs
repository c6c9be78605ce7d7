//! The programs of an installed PostgreSQL, and the user they run as.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where Debian keeps them, outside of PATH: a folder a major version.
const DEBIAN: &str = "/usr/lib/postgresql";
const CLIENTS: [&str; 2] = ["psql", "pg_dump"];
const SERVERS: [&str; 4] = ["initdb", "postgres", "psql", "pg_dump"];

/// The folder with the programs.
#[derive(Clone, Debug, Default)]
pub(super) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Those of a server and its clients, all of one version.
    pub(super) fn of_server() -> Option<Self> {
        find(&SERVERS, std::env::var_os("PATH").as_deref(), Path::new(DEBIAN))
    }

    /// Those of the clients.
    pub(super) fn of_clients() -> Option<Self> {
        find(&CLIENTS, std::env::var_os("PATH").as_deref(), Path::new(DEBIAN))
    }

    /// The path of one of them.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A command that runs one of them.
    pub(super) fn command(&self, name: &str) -> Command {
        clean(Command::new(self.path(name)))
    }
}

/// A command that what the developer has set for PostgreSQL does not change.
pub(super) fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    // English messages. The folder of the test may be closed to the server's user.
    command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
    command
}

/// The folder of PATH that holds all of them, or else the newest one below `versions`.
fn find(names: &[&str], path: Option<&OsStr>, versions: &Path) -> Option<Programs> {
    let on_path = path.into_iter().flat_map(std::env::split_paths);
    let mut installed: Vec<(Vec<u32>, PathBuf)> = std::fs::read_dir(versions)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let number: Result<_, _> = name.to_str()?.split('.').map(str::parse).collect();
            Some((number.ok()?, entry.path().join("bin")))
        })
        .collect();
    installed.sort();
    on_path
        .chain(installed.into_iter().rev().map(|(_, folder)| folder))
        .find(|folder| folder.is_absolute() && names.iter().all(|name| folder.join(name).is_file()))
        .map(|folder| Programs { folder })
}

/// The user that the server runs as instead of root, as whom PostgreSQL refuses to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct User(Option<(u32, u32)>);

impl User {
    pub(super) fn of_server() -> io::Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let id = |option, name| {
            let output = output(Command::new("id").args([option, name])).ok()?;
            output.parse().ok()
        };
        let found = ["postgres", "nobody"].into_iter().find_map(|name| {
            let ids: (u32, u32) = (id("-u", name)?, id("-g", name)?);
            Some(ids)
        });
        found.map(|ids| Self(Some(ids))).ok_or_else(|| {
            io::Error::other(
                "PostgreSQL does not run as root, and there is neither a user postgres nor nobody",
            )
        })
    }

    /// Makes a command run as this user.
    pub(super) fn run<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        match self.0 {
            Some((user, group)) => command.uid(user).gid(group),
            None => command,
        }
    }

    /// Gives this user a file or folder.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        self.0.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }

    /// The folder for temporary files, as long as this user may reach and write it.
    pub(super) fn temporary_folder(&self) -> PathBuf {
        let folder = std::env::temp_dir();
        let has = |path: &Path, bits| path.metadata().is_ok_and(|data| data.mode() & bits == bits);
        if self.0.is_none() || (has(&folder, 0o003) && folder.ancestors().all(|path| has(path, 1)))
        {
            folder
        } else {
            PathBuf::from("/tmp")
        }
    }
}

/// A shell that does something as soon as this value is dropped, or this process is gone, be it
/// killed: it sees the end of a pipe that only this process holds the other end of.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    /// Starts `shell`, which runs `sh`, with what it does and the arguments of that.
    pub(super) fn start(
        mut shell: Command,
        script: &str,
        arguments: &[&OsStr],
    ) -> io::Result<Self> {
        shell
            .args(["-c", &format!("while read -r line; do :; done\n{script}"), "guard"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C goes to the group of the tests.
            .process_group(0);
        shell.spawn().map(Self)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // This closes the pipe first.
        let _ = self.0.wait();
    }
}

/// Runs a command to its end: what it wrote to standard output, without the last line's end; as
/// the error, what it wrote to standard error.
pub(super) fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("{name} does not start: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    match (output.status.success(), stderr.is_empty()) {
        (true, _) => Ok(stdout),
        (false, false) => Err(stderr),
        (false, true) => Err(format!("{name} failed with {}", output.status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestDir;

    #[test]
    fn the_newest_version_with_all_programs_is_found_unless_path_has_one() {
        let dir = TestDir::new();
        for folder in ["lib/9.6/bin", "lib/15/bin", "lib/100/bin", "lib/other/bin", "path"] {
            dir.write(format!("{folder}/psql"), "");
            if folder != "lib/100/bin" {
                dir.write(format!("{folder}/pg_dump"), "");
            }
        }
        let versions = dir.join("lib");
        let found = |path: &Path| find(&CLIENTS, Some(path.as_os_str()), &versions);
        let programs = found(&dir.join("nowhere")).unwrap();
        assert_eq!(programs.path("psql"), dir.join("lib/15/bin/psql"));
        assert_eq!(found(&dir.join("path")).unwrap().path("psql"), dir.join("path/psql"));
        assert!(find(&SERVERS, None, &versions).is_none());
        assert!(find(&CLIENTS, None, &dir.join("nowhere")).is_none());
    }

    #[test]
    fn a_guard_acts_when_it_is_dropped() {
        let dir = TestDir::new();
        let path = dir.join("told");
        let script = "echo told > \"$1\"";
        let guard = Guard::start(Command::new("sh"), script, &[path.as_os_str()]).unwrap();
        assert!(!path.exists());
        drop(guard);
        assert!(path.exists());
    }

    #[test]
    fn a_failed_program_tells_what_it_wrote_or_how_it_ended() {
        let shell = |script| output(Command::new("sh").args(["-c", script]));
        assert_eq!(shell("echo a; echo b >&2").unwrap(), "a");
        assert_eq!(shell("echo a; echo b >&2; exit 1").unwrap_err(), "b");
        assert_eq!(shell("exit 3").unwrap_err(), "sh failed with exit status: 3");
    }
}
