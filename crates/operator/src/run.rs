//! The worker that runs on its own.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use cream_calendar::PullTimes;
use cream_config::Settings;
use cream_models::{SystemClock, Timestamp};
use cream_processor::Cancel;
use cream_runner::{Ended, Once, Runner, RunnerOptions, Running, Schedules};
use cream_tasks::Outcome;

use crate::fetch::symbols;
use crate::table::Table;
use crate::{Exit, Operator};

/// How long the first request of a pull waits for its turn. A vendor whose limit is used up is
/// left alone for that time, so that the threads are there for the others.
const FIRST_WAIT: Duration = Duration::from_secs(1);

impl Operator {
    /// The worker that the settings describe. `metrics` stands before what they say about where it
    /// serves metrics.
    ///
    /// # Errors
    ///
    /// Where a setting cannot be used.
    pub fn runner(&self, metrics: Option<SocketAddr>) -> Result<Runner> {
        let puller = self.puller(Some(FIRST_WAIT))?;
        let options = options(&self.settings, metrics.or(self.settings.metrics_listen));
        Ok(Runner::new(puller, Arc::new(SystemClock), options))
    }

    /// Runs a worker until `cancel` asks it to stop, then lets it finish what it has in hand, or
    /// gives that back, within the time of the settings. `metrics` is as for [`Operator::runner`].
    ///
    /// What was given back may still be at work on other threads when this returns: the process is
    /// to end then.
    ///
    /// # Errors
    ///
    /// Where the worker cannot start, or the output fails.
    pub fn run(
        &self,
        metrics: Option<SocketAddr>,
        cancel: &Cancel,
        out: &mut dyn Write,
    ) -> Result<Exit> {
        let running = self.runner(metrics)?.start(cancel)?;
        let name = running.name().to_owned();
        self.announce(&running, out)?;
        running.wait();
        // Where it ended by itself, nobody asked it to.
        let is_asked = cancel.is_cancelled();
        let ended = running.stop();
        match ended {
            Ended::Finished => writeln!(out, "worker {name} has stopped")?,
            Ended::GivenBack(count) => writeln!(
                out,
                "worker {name} has stopped; {} given back, since what was in hand was not finished \
                 in time",
                plural(count, "claim was", "claims were")
            )?,
        }
        out.flush()?;
        if !is_asked {
            bail!("the worker's tasks have ended without being asked to; the log says why");
        }
        Ok(Exit::Done)
    }

    fn announce(&self, running: &Running, out: &mut dyn Write) -> Result<()> {
        let now = self.clock.now();
        let counts = self.store.read(|reader| reader.tracked_counts(now))?;
        let active: i64 = counts.iter().map(|(_, counts)| counts.active).sum();
        let tracked = symbols(usize::try_from(active).unwrap_or(0));
        write!(out, "worker {} runs on {}: {tracked} tracked", running.name(), self.url)?;
        if let Some(address) = running.metrics_address() {
            write!(out, ", metrics at http://{address}/metrics")?;
        }
        writeln!(out)?;
        Ok(out.flush()?)
    }

    /// Does once what there is to do, and tells what each task did.
    ///
    /// # Errors
    ///
    /// Where the worker cannot start, a task failed, or the output fails.
    pub fn run_once(&self, cancel: &Cancel, out: &mut dyn Write) -> Result<Exit> {
        let once = self.runner(None)?.run_once(cancel)?;
        write_runs(&once, out)?;
        out.flush()?;
        let failed = once.runs.iter().filter(|run| run.outcome != Some(Outcome::Done));
        let failed: Vec<&str> = failed.map(|run| run.task).collect();
        if cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        if !failed.is_empty() {
            bail!("not done: {}; the table says why", failed.join(", "));
        }
        Ok(if once.troubles > 0 { Exit::Incomplete } else { Exit::Done })
    }
}

fn write_runs(once: &Once, out: &mut dyn Write) -> Result<()> {
    let mut table = Table::new(["task", "outcome", "seconds", "what happened"]);
    for run in &once.runs {
        let outcome = match run.outcome {
            Some(Outcome::Done) => "done",
            Some(Outcome::Failed) => "FAILED",
            Some(Outcome::Panicked) => "FAILED (panic)",
            None => "not ended",
        };
        let took = run.ended_at.map(|ended_at| seconds(run.started_at, ended_at));
        table.add([
            run.task.to_owned(),
            outcome.to_owned(),
            took.unwrap_or_default(),
            run.message.clone().unwrap_or_default(),
        ]);
    }
    table.write("", out)?;
    if once.troubles > 0 {
        writeln!(
            out,
            "{} without success; `worker status` says which, and why",
            plural(once.troubles, "symbol or file", "symbols and files")
        )?;
    }
    Ok(())
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Seconds with two places.
fn seconds(from: Timestamp, to: Timestamp) -> String {
    let micros = to.micros().saturating_sub(from.micros()).max(0);
    format!("{}.{:02}", micros / 1_000_000, micros % 1_000_000 / 10_000)
}

fn options(settings: &Settings, metrics: Option<SocketAddr>) -> RunnerOptions {
    let host = host();
    RunnerOptions {
        name: settings.worker_name.clone().unwrap_or_else(|| host.clone()),
        host,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schedules: Schedules {
            pull: settings.pull_schedule.clone(),
            process: settings.process_schedule.clone(),
            dead_letters: settings.dead_letter_schedule.clone(),
            sweep: settings.sweep_schedule.clone(),
            archive_check: settings.archive_check_schedule.clone(),
        },
        times: PullTimes { settle: settings.settle, spread: settings.spread },
        unknown_days: settings.unknown_days,
        fallback_vendors: settings.fallback_vendors.clone(),
        max_concurrent_pulls: settings.max_concurrent_pulls,
        patience: settings.patience,
        shutdown: settings.shutdown,
        min_free_bytes: settings.min_free_bytes,
        metrics_listen: metrics,
    }
}

/// What this machine is called, as far as that can stand in a worker's name.
fn host() -> String {
    let system = rustix::system::uname();
    named(&system.nodename().to_string_lossy())
}

fn named(host: &str) -> String {
    let is_allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = host.chars().filter(is_allowed).take(64).collect();
    if name.is_empty() { "worker".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cream_config::Secret;
    use cream_models::Vendor;

    #[test]
    fn a_host_is_a_name_whatever_it_is_called() {
        assert_eq!(named("web-1.example"), "web-1.example");
        assert_eq!(named("wörk er\n"), "wrker");
        assert_eq!(named(""), "worker");
        assert_eq!(named("ö"), "worker");
        assert_eq!(named(&"x".repeat(300)).len(), 64);
        let vars = [("STOCK_DATA_WORKER_NAME".to_owned(), host())];
        assert!(Settings::from_vars(vars).is_ok(), "what the host gives, a setting can be");
    }

    #[test]
    fn the_options_are_those_of_the_settings() {
        let vars = [
            ("STOCK_DATA_WORKER_NAME", "one"),
            ("STOCK_DATA_PULL_SCHEDULE", "11s"),
            ("STOCK_DATA_PROCESS_SCHEDULE", "12s"),
            ("STOCK_DATA_DEAD_LETTER_SCHEDULE", "13s"),
            ("STOCK_DATA_SWEEP_SCHEDULE", "14s"),
            ("STOCK_DATA_ARCHIVE_CHECK_SCHEDULE", "0 22 * * 1-5"),
            ("STOCK_DATA_SETTLE_MINUTES", "15"),
            ("STOCK_DATA_SPREAD_MINUTES", "16"),
            ("STOCK_DATA_UNKNOWN_DAYS", "17"),
            ("STOCK_DATA_MAX_CONCURRENT_PULLS", "18"),
            ("STOCK_DATA_SHUTDOWN_SECONDS", "19"),
            ("STOCK_DATA_MIN_FREE_MB", "20"),
            ("DATABASE_PATIENCE_SECONDS", "21"),
            ("STOCK_DATA_FALLBACK_VENDORS", "tiingo,eodhd"),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let address = "127.0.0.1:9100".parse().unwrap();
        let options = options(&Settings::from_vars(vars).unwrap(), Some(address));
        assert_eq!((options.name.as_str(), options.host), ("one", host()));
        let Schedules { pull, process, dead_letters, sweep, archive_check } = options.schedules;
        let schedules = [pull, process, dead_letters, sweep, archive_check].map(|s| s.to_string());
        assert_eq!(schedules, ["11s", "12s", "13s", "14s", "0 22 * * 1-5"]);
        let PullTimes { settle, spread } = options.times;
        let minutes = |count: u64| Duration::from_secs(60 * count);
        assert_eq!((settle, spread), (Some(minutes(15)), minutes(16)));
        assert_eq!((options.unknown_days, options.max_concurrent_pulls), (17, 18));
        let (nineteen, patience) = (Duration::from_secs(19), Duration::from_secs(21));
        assert_eq!((options.shutdown, options.patience), (nineteen, patience));
        assert_eq!(options.min_free_bytes, 20_000_000);
        assert_eq!(options.fallback_vendors, [Vendor::Tiingo, Vendor::Eodhd]);
        assert_eq!(options.metrics_listen, Some(address));
    }

    #[test]
    fn a_processor_is_that_of_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cream.db");
        let settings = Settings {
            database_url: Secret::new(format!("sqlite:{}", file.display())),
            lease: Duration::from_secs(7),
            max_attempts: 3,
            ..Settings::default()
        };
        let operator = Operator::open_as_is(&settings).unwrap();
        assert_eq!(operator.processor().leases().length(), settings.lease);
        assert_eq!(operator.options.max_attempts, settings.max_attempts);
    }
}
