//! Progress for whoever watches.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cream_models::Timestamp;
use cream_processor::{FileReport, OneLine, Outcome};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A moment, for people: what is finer than a second is of no use to them.
pub(crate) const fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.seconds())
}

/// Where progress is shown: a bar with rate and time left where standard error is a terminal, and
/// a line a file on standard output elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Display {
    bars: MultiProgress,
}

impl Display {
    /// A writer to standard error that steps around the bar, for the log.
    #[must_use]
    pub fn log_writer(&self) -> Box<dyn Write + Send> {
        Box::new(Around(self.bars.clone()))
    }

    pub(crate) fn begin(&self, verb: &str, size: Size) -> Progress {
        let bar = stderr().is_terminal().then(|| {
            let (length, rate) = match size.bytes {
                Some(bytes) => (bytes, "{bytes}/{total_bytes} {bytes_per_sec}"),
                None => {
                    (u64::try_from(size.files).unwrap_or(u64::MAX), "{pos}/{len} files {per_sec}")
                }
            };
            let style = ProgressStyle::with_template(&format!(
                "{verb} {{bar:30}} {rate}, {{eta}} left  {{wide_msg}}"
            ));
            let bar = ProgressBar::new(length)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            self.bars.add(bar)
        });
        Progress { bar, by_bytes: size.bytes.is_some(), troubles: Mutex::default() }
    }
}

/// Standard error, with the bar taken away while it is written to.
struct Around(MultiProgress);

impl Write for Around {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.suspend(|| stderr().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        stderr().flush()
    }
}

/// How much there is to do, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) files: usize,
    pub(crate) bytes: Option<u64>,
}

/// The progress of one batch.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    by_bytes: bool,
    troubles: Mutex<Troubles>,
}

impl Progress {
    pub(crate) fn add(&self, report: &FileReport) {
        let is_trouble = matches!(
            report.outcome,
            Outcome::DeadLetter { .. }
                | Outcome::AlreadyDead(_)
                | Outcome::Refused(_)
                | Outcome::Failed(_)
        );
        let length = if self.by_bytes { report.bytes } else { 1 };
        self.advance(length, &report.to_string(), &report.file, is_trouble);
    }

    /// Tells of one thing done: by its line, or by its name beside the bar.
    pub(crate) fn line(&self, line: &str, name: &str, is_trouble: bool) {
        self.advance(1, line, name, is_trouble);
    }

    fn advance(&self, length: u64, line: &str, name: &str, is_trouble: bool) {
        if let Some(bar) = &self.bar {
            bar.inc(length);
            bar.set_message(OneLine(name).to_string());
        } else {
            // Where whoever reads standard output is gone, the work goes on, and the summary
            // reports the failure.
            let _ = writeln!(stdout().lock(), "{line}");
        }
        if is_trouble {
            self.troubles.lock().unwrap_or_else(PoisonError::into_inner).add(line.to_owned());
        }
    }

    /// Ends the display and gives a line for each file that was not loaded.
    pub(crate) fn finish(self) -> Troubles {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let mut troubles = self.troubles.into_inner().unwrap_or_else(PoisonError::into_inner);
        troubles.shorten();
        troubles
    }
}

/// How many lines a summary lists before it points to `worker status`.
const MAX_LINES: usize = 50;

/// A line for each file that was not loaded: all are counted, and the first in order are kept, so
/// that a million of them need no more room than a few.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    count: usize,
    lines: Vec<String>,
}

impl Troubles {
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    fn add(&mut self, line: String) {
        self.count += 1;
        self.lines.push(line);
        if self.lines.len() >= 2 * MAX_LINES {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        self.lines.sort_unstable();
        self.lines.truncate(MAX_LINES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_all_counted_and_the_first_in_order_are_kept() {
        let mut troubles = Troubles::default();
        for number in (0..1000).rev() {
            troubles.add(format!("{number:04}"));
            assert!(troubles.lines.len() < 2 * MAX_LINES);
        }
        troubles.shorten();
        let expected: Vec<_> = (0..50).map(|number| format!("{number:04}")).collect();
        assert_eq!((troubles.count(), troubles.lines()), (1000, &expected[..]));
    }
}
