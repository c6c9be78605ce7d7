//! Pulling from vendors.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cream_config::Settings;
use cream_models::{Date, Symbol, SystemClock, Vendor};
use cream_processor::pull::{
    PullOptions, PullOutcome, PullReport, Puller, Span, StoreGate, Target,
};
use cream_processor::{OneLine, Outcome, chain};
use cream_retriever::{ApiKey, Failure, Retriever, RetrieverOptions, VendorOptions};

use crate::batch::Run;
use crate::display::Size;
use crate::{Exit, Operator};

/// What to fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetch {
    /// The symbols.
    pub symbols: Vec<Symbol>,
    /// Who is asked; `None` for the vendor of the settings.
    pub vendor: Option<Vendor>,
    /// The symbol in the vendor's own spelling; for a single symbol.
    pub vendor_symbol: Option<String>,
    /// Which dates.
    pub span: Span,
    /// Whether the requests are only printed.
    pub dry_run: bool,
}

/// The dates of `--from`, `--to` and `--full`.
#[must_use]
pub const fn span(from: Option<Date>, to: Option<Date>, is_whole: bool) -> Span {
    match (from, to, is_whole) {
        (None, None, true) => Span::Whole,
        (None, None, false) => Span::Missing,
        (from, to, _) => Span::Dates { from, to },
    }
}

impl Operator {
    /// Pulls prices from vendors, archives what they answer, and loads it; or prints the requests.
    ///
    /// # Errors
    ///
    /// Where a setting cannot be used, or the output fails; what becomes of a symbol is told in
    /// its line.
    pub fn fetch(&self, fetch: &Fetch, run: Run<'_>) -> Result<Exit> {
        let puller = self.puller(None)?;
        let targets = self.targets(fetch);
        if fetch.dry_run {
            return plan(&puller, &targets, run.out);
        }
        let Run { cancel, display, out } = run;
        let start = Instant::now();
        let progress = display.begin("fetch", Size { files: targets.len(), bytes: None });
        let tally = Mutex::new(Tally::default());
        puller.pull_all(&targets, cancel, &|report| {
            progress.line(&line(report), report.symbol.as_str(), !report.is_success());
            tally.lock().unwrap_or_else(PoisonError::into_inner).add(report);
        });
        let troubles = progress.finish();
        let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.not_begun += targets.len().saturating_sub(tally.total());
        let seconds = start.elapsed().as_secs_f64();
        writeln!(out, "fetch: {} in {seconds:.2} s", symbols(targets.len()))?;
        tally.write(out)?;
        if !troubles.lines().is_empty() {
            writeln!(out, "without new prices:")?;
            for line in troubles.lines() {
                writeln!(out, "  {line}")?;
            }
            if let Some(more @ 1..) = troubles.count().checked_sub(troubles.lines().len()) {
                writeln!(out, "  and {more} more")?;
            }
        }
        Ok(if cancel.is_cancelled() && tally.not_begun > 0 {
            Exit::Interrupted
        } else if tally.failed + tally.not_begun > 0 {
            Exit::Incomplete
        } else {
            Exit::Done
        })
    }

    fn targets(&self, fetch: &Fetch) -> Vec<Target> {
        let first = fetch.vendor.unwrap_or(self.settings.vendor);
        let mut vendors = vec![first];
        vendors.extend(self.settings.fallback_vendors.iter().filter(|other| **other != first));
        let mut symbols: Vec<Symbol> = Vec::new();
        for symbol in &fetch.symbols {
            if !symbols.contains(symbol) {
                symbols.push(symbol.clone());
            }
        }
        let target = |symbol| Target {
            symbol,
            vendor_symbol: fetch.vendor_symbol.clone(),
            vendors: vendors.clone(),
            span: fetch.span,
        };
        symbols.into_iter().map(target).collect()
    }

    /// The puller of the settings; the first request of a pull waits for its turn for
    /// `first_wait`, or for as long as all others.
    pub(crate) fn puller(&self, first_wait: Option<Duration>) -> Result<Puller> {
        let settings = &self.settings;
        let gate = Arc::new(StoreGate::new(self.store.clone()));
        let mut asking = retriever_options(settings)?;
        asking.first_wait = first_wait;
        let retriever = Retriever::new(asking, gate, Box::new(SystemClock))?;
        let options = PullOptions {
            max_concurrent: settings.max_concurrent_pulls,
            overlap_days: settings.overlap_days,
        };
        Ok(Puller::new(self.processor(), retriever, options))
    }
}

/// How the settings want vendors to be asked.
pub(crate) fn retriever_options(settings: &Settings) -> Result<RetrieverOptions> {
    let mut options = RetrieverOptions::default();
    options.user_agent.clone_from(&settings.user_agent);
    options.connect_timeout = settings.vendor_connect_timeout;
    options.read_timeout = settings.vendor_read_timeout;
    options.request_timeout = settings.timeout;
    options.max_body = settings.max_response_bytes;
    options.max_retries = settings.max_retries;
    options.retry_delay = settings.retry_delay;
    options.max_wait = settings.max_wait;
    for (&vendor, set) in &settings.vendors {
        let infix = infix(vendor);
        let mut own = VendorOptions::default();
        own.key = set
            .api_key
            .as_ref()
            .map(|key| ApiKey::new(key.expose()))
            .transpose()
            .with_context(|| format!("STOCK_DATA_{infix}_API_KEY"))?;
        own.base_url.clone_from(&set.base_url);
        own.limits.clone_from(&set.rate_limits);
        own.premium = vendor == Vendor::AlphaVantage && settings.alpha_vantage_premium;
        options.vendors.insert(vendor, own);
    }
    Ok(options)
}

fn plan(puller: &Puller, targets: &[Target], out: &mut dyn Write) -> Result<Exit> {
    let mut exit = Exit::Done;
    for target in targets {
        for (index, (vendor, requests)) in puller.plan(target)?.into_iter().enumerate() {
            let role = if index == 0 { "" } else { ", where those before fail" };
            writeln!(out, "{} from {vendor}{role}:", target.symbol)?;
            match requests {
                Ok(requests) => {
                    for request in requests {
                        writeln!(out, "  {}", OneLine(&request))?;
                    }
                }
                Err(error) => {
                    exit = Exit::Incomplete;
                    writeln!(out, "  {}", OneLine(&chain(&error.failure)))?;
                }
            }
        }
    }
    Ok(exit)
}

/// A report's line, and which setting is missing.
fn line(report: &PullReport) -> String {
    let mut line = report.to_string();
    for attempt in &report.attempts {
        if let PullOutcome::Refused { error, .. } = &attempt.outcome
            && matches!(error.failure, Failure::KeyMissing { .. })
        {
            let infix = infix(attempt.vendor);
            line.push_str(&format!("; the setting is STOCK_DATA_{infix}_API_KEY"));
        }
    }
    line
}

/// How a vendor is called in the names of settings.
pub(crate) fn infix(vendor: Vendor) -> String {
    vendor.name().to_ascii_uppercase().replace('-', "_")
}

/// How many symbols went how.
#[derive(Debug, Default)]
struct Tally {
    loaded: usize,
    unchanged: usize,
    failed: usize,
    not_begun: usize,
    report: cream_processor::LoadReport,
    warnings: usize,
}

impl Tally {
    fn add(&mut self, report: &PullReport) {
        let place = match report.attempts.last().map(|attempt| &attempt.outcome) {
            _ if report.is_cancelled() => &mut self.not_begun,
            Some(PullOutcome::Unchanged) => &mut self.unchanged,
            Some(PullOutcome::Filed { file, .. }) if report.is_success() => {
                if let Outcome::Loaded(loaded) = &file.outcome {
                    self.report += loaded.report;
                    self.warnings += loaded.warnings.len();
                }
                &mut self.loaded
            }
            _ => &mut self.failed,
        };
        *place += 1;
    }

    const fn total(&self) -> usize {
        self.loaded + self.unchanged + self.failed + self.not_begun
    }

    fn write(&self, out: &mut dyn Write) -> Result<()> {
        writeln!(out, "  loaded              {:>8}", self.loaded)?;
        for (label, count) in [
            ("unchanged", self.unchanged),
            ("failed", self.failed),
            ("not begun", self.not_begun),
            ("warnings", self.warnings),
        ] {
            if count > 0 {
                writeln!(out, "  {label:<19} {count:>8}")?;
            }
        }
        writeln!(out, "  bars                {}", self.report.bars)?;
        writeln!(out, "  corporate actions   {}", self.report.actions)?;
        Ok(())
    }
}

pub(crate) fn symbols(count: usize) -> String {
    if count == 1 { "1 symbol".to_owned() } else { format!("{count} symbols") }
}
