//! Child processes: started, awaited, signalled, and never left behind.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, kill_process};

/// A signal to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, as a supervisor sends it.
    Terminate,
    /// SIGINT, as Ctrl-C sends it.
    Interrupt,
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Stop,
    /// SIGCONT.
    Continue,
}

/// How a process ended, and all it wrote.
#[derive(Clone, Debug)]
pub struct Exited {
    /// The exit status.
    pub status: ExitStatus,
    /// What it wrote to standard output; lossy where it is not UTF-8.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Exited {
    /// The exit code; `None` after a signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// A running child process whose output is read all the time. It is killed when the value is
/// dropped.
#[derive(Debug)]
pub struct ReadyProcess {
    child: Child,
    seen: Arc<Seen>,
    readers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Seen {
    output: Mutex<Output>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Output {
    streams: [String; 2],
    /// How many of the two streams are still open.
    open: usize,
}

impl ReadyProcess {
    /// Starts a command; its standard input is empty. Use it with the path from
    /// `env!("CARGO_BIN_EXE_…")`.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let seen = Arc::new(Seen::default());
        seen.output.lock().unwrap().open = 2;
        let stdout = read(0, child.stdout.take().unwrap(), &seen);
        let stderr = read(1, child.stderr.take().unwrap(), &seen);
        Self { child, seen, readers: vec![stdout, stderr] }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line, on either stream, that holds `text`, and returns it from there on: for
    /// `listening on http://` something like `listening on http://127.0.0.1:40401`.
    ///
    /// # Errors
    ///
    /// Where the process ends or the time runs out before; the message holds what it wrote.
    pub fn wait_for(&self, text: &str, timeout: Duration) -> Result<String, String> {
        let deadline = Instant::now() + timeout;
        let mut output = self.seen.output.lock().unwrap();
        loop {
            for stream in &output.streams {
                // The last line may not be whole yet.
                let whole = stream.rfind('\n').map_or("", |end| &stream[..end]);
                if let Some(line) = whole.lines().find(|line| line.contains(text)) {
                    return Ok(line[line.find(text).unwrap()..].to_owned());
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if output.open == 0 || left.is_zero() {
                let why = if output.open == 0 { "ended" } else { "took too long" };
                let [stdout, stderr] = &output.streams;
                return Err(format!(
                    "the process {why} before it wrote {text:?}\nstdout: {stdout}\nstderr: {stderr}"
                ));
            }
            output = self.seen.changed.wait_timeout(output, left).unwrap().0;
        }
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// Where the process is gone and waited for.
    pub fn signal(&self, signal: Signal) {
        use rustix::process::Signal as Unix;
        let unix = match signal {
            Signal::Terminate => Unix::TERM,
            Signal::Interrupt => Unix::INT,
            Signal::Kill => Unix::KILL,
            Signal::Stop => Unix::STOP,
            Signal::Continue => Unix::CONT,
        };
        let id = Pid::from_raw(self.child.id() as i32).unwrap();
        kill_process(id, unix).unwrap_or_else(|error| panic!("{signal:?}: {error}"));
    }

    /// Whether it runs still.
    ///
    /// # Panics
    ///
    /// Where the system does not tell.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The most memory it has held so far, in bytes, where the system tells (Linux does).
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib * 1024)
    }

    /// Waits for the end, however the process comes to it.
    ///
    /// # Errors
    ///
    /// Where the time runs out; the process is killed then, and the message holds what it wrote.
    pub fn wait(mut self, timeout: Duration) -> Result<Exited, String> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                self.readers.drain(..).for_each(|reader| reader.join().unwrap());
                let (stdout, stderr) = (self.stdout(), self.stderr());
                return Ok(Exited { status, stdout, stderr });
            }
            if Instant::now() >= deadline {
                return Err(format!(
                    "the process still runs after {timeout:?}\nstdout: {}\nstderr: {}",
                    self.stdout(),
                    self.stderr()
                ));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    ///
    /// As [`ReadyProcess::wait`].
    pub fn run(command: &mut Command, timeout: Duration) -> Result<Exited, String> {
        Self::start(command).wait(timeout)
    }

    /// What it wrote to standard output so far.
    ///
    /// # Panics
    ///
    /// Never, but for a panic in a reader.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.seen.output.lock().unwrap().streams[0].clone()
    }

    /// What it wrote to standard error so far.
    ///
    /// # Panics
    ///
    /// Never, but for a panic in a reader.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.seen.output.lock().unwrap().streams[1].clone()
    }
}

impl Drop for ReadyProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(stream: usize, from: impl Read + Send + 'static, seen: &Arc<Seen>) -> JoinHandle<()> {
    let seen = Arc::clone(seen);
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            seen.output.lock().unwrap().streams[stream].push_str(&text);
            seen.changed.notify_all();
            line.clear();
        }
        seen.output.lock().unwrap().open -= 1;
        seen.changed.notify_all();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_line_is_awaited_and_the_process_stops_on_a_signal() {
        let script = "trap 'echo bye; exit 3' TERM; echo noise; echo '12:00 listening on http://x' \
                      >&2; while :; do sleep 0.01; done";
        let mut process = ReadyProcess::start(&mut shell(script));
        let line = process.wait_for("listening on http://", LONG).unwrap();
        assert_eq!(line, "listening on http://x");
        assert!(process.is_running());
        if cfg!(target_os = "linux") {
            assert!(process.peak_memory().is_some_and(|bytes| bytes > 100_000));
        }
        process.signal(Signal::Terminate);
        let exited = process.wait(LONG).unwrap();
        assert_eq!(exited.code(), Some(3));
        assert_eq!(exited.stdout, "noise\nbye\n");
    }

    #[test]
    fn failures_tell_what_was_written() {
        let process = ReadyProcess::start(&mut shell("echo no such thing >&2; exit 1"));
        let error = process.wait_for("ready", LONG).unwrap_err();
        assert!(error.contains("ended before") && error.contains("no such thing"), "{error}");
        let process = ReadyProcess::start(&mut shell("echo slow; exec sleep 60"));
        process.wait_for("slow", LONG).unwrap();
        let error = process.wait_for("ready", Duration::from_millis(20)).unwrap_err();
        assert!(error.contains("took too long"), "{error}");
        let error = process.wait(Duration::from_millis(20)).unwrap_err();
        assert!(error.contains("still runs"), "{error}");
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let process = ReadyProcess::start(&mut shell("exec sleep 60"));
        let id = Pid::from_raw(process.id() as i32).unwrap();
        assert!(rustix::process::test_kill_process(id).is_ok());
        drop(process);
        assert!(rustix::process::test_kill_process(id).is_err());
    }
}
