//! The settings of both binaries.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cream_models::Vendor;
use cream_tasks::Schedule;

use crate::api::ApiVariables;
use crate::error::excerpt;
use crate::nearest::{misspelt, nearest};
use crate::variable::{self, PREFIX};
use crate::vendors::{self, VendorSettings, VendorVariables};
use crate::worker;
use crate::{
    Allowed, ConfigError, ConfigErrors, LogFilter, LogFormat, Secret, VARIABLES, Variable,
};

/// The settings, read and validated once at start and then passed on.
///
/// Its `Debug` shows no secret: no database URL, since that may hold a password.
///
/// ```
/// use cream_config::{LogFormat, Settings};
/// let settings = Settings { log_format: LogFormat::Json, ..Settings::default() };
/// assert_eq!(settings.database_url.expose(), "sqlite:cream.db");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `DATABASE_URL`: the database, as text that the store reads.
    pub database_url: Secret,
    /// `DATABASE_REPLICA_URL`: a copy of it for the API to read from, if there is one.
    pub database_replica_url: Option<Secret>,
    /// `DATABASE_MAX_CONNECTIONS`: 1 to 1,000.
    pub max_connections: u32,
    /// `DATABASE_ACQUIRE_TIMEOUT_SECONDS`: 1 second to 1 hour.
    pub acquire_timeout: Duration,
    /// `DATABASE_CONNECT_TIMEOUT_SECONDS`: 2 seconds to 1 hour.
    pub connect_timeout: Duration,
    /// `DATABASE_LOCK_TIMEOUT_SECONDS`: 1 second to 1 hour.
    pub lock_timeout: Duration,
    /// `DATABASE_CHECK_IDLE_SECONDS`: 0 seconds to 1 hour.
    pub check_idle: Duration,
    /// `DATABASE_PATIENCE_SECONDS`: 0 seconds to 1 day.
    pub patience: Duration,
    /// `STOCK_DATA_RAW_RESPONSES_DIR`.
    pub raw_responses_dir: PathBuf,
    /// `STOCK_DATA_PARSED_RESPONSES_DIR`.
    pub parsed_responses_dir: PathBuf,
    /// `STOCK_DATA_DEADLETTER_RESPONSES_DIR`.
    pub deadletter_responses_dir: PathBuf,
    /// `STOCK_DATA_TIMEOUT_SECONDS`: 1 second to 1 hour.
    pub timeout: Duration,
    /// `STOCK_DATA_MAX_RETRIES`: 0 to 100.
    pub max_retries: u32,
    /// `STOCK_DATA_RETRY_DELAY_SECONDS`: 0 seconds to 1 hour.
    pub retry_delay: Duration,
    /// `STOCK_DATA_BATCH_SIZE`: 1 to 100,000 rows.
    pub batch_size: usize,
    /// `STOCK_DATA_MAX_CONCURRENT_FILES`: 1 to 256.
    pub max_concurrent_files: usize,
    /// `STOCK_DATA_MAX_RESPONSE_BYTES`: 1 KiB to 1 GiB.
    pub max_response_bytes: u64,
    /// `STOCK_DATA_VENDOR`.
    pub vendor: Vendor,
    /// `STOCK_DATA_FALLBACK_VENDORS`.
    pub fallback_vendors: Vec<Vendor>,
    /// `STOCK_DATA_CONNECT_TIMEOUT_SECONDS`: 1 second to 1 hour.
    pub vendor_connect_timeout: Duration,
    /// `STOCK_DATA_READ_TIMEOUT_SECONDS`: 1 second to 1 hour.
    pub vendor_read_timeout: Duration,
    /// `STOCK_DATA_MAX_WAIT_SECONDS`: 0 seconds to 1 day.
    pub max_wait: Duration,
    /// `STOCK_DATA_MAX_CONCURRENT_PULLS`: 1 to 256.
    pub max_concurrent_pulls: usize,
    /// `STOCK_DATA_OVERLAP_DAYS`: 1 to 3,650.
    pub overlap_days: u16,
    /// `STOCK_DATA_USER_AGENT`.
    pub user_agent: String,
    /// Whether `STOCK_DATA_ALPHA_VANTAGE_PLAN` is premium.
    pub alpha_vantage_premium: bool,
    /// The settings of each vendor that can be asked.
    pub vendors: BTreeMap<Vendor, VendorSettings>,
    /// `STOCK_DATA_WORKER_NAME`, where it is set: 1 to 64 ASCII letters, digits and `. _ -`.
    pub worker_name: Option<String>,
    /// `STOCK_DATA_LEASE_SECONDS`: 1 second to 1 hour.
    pub lease: Duration,
    /// `STOCK_DATA_SHUTDOWN_SECONDS`: 0 seconds to 1 hour.
    pub shutdown: Duration,
    /// `STOCK_DATA_PULL_SCHEDULE`.
    pub pull_schedule: Schedule,
    /// `STOCK_DATA_PROCESS_SCHEDULE`.
    pub process_schedule: Schedule,
    /// `STOCK_DATA_DEAD_LETTER_SCHEDULE`.
    pub dead_letter_schedule: Schedule,
    /// `STOCK_DATA_SWEEP_SCHEDULE`.
    pub sweep_schedule: Schedule,
    /// `STOCK_DATA_ARCHIVE_CHECK_SCHEDULE`.
    pub archive_check_schedule: Schedule,
    /// `STOCK_DATA_MAX_ATTEMPTS`: 1 to 1,000.
    pub max_attempts: u32,
    /// `STOCK_DATA_SETTLE_MINUTES`, where it is set: 0 minutes to 1 day.
    pub settle: Option<Duration>,
    /// `STOCK_DATA_SPREAD_MINUTES`: 0 to 12 hours.
    pub spread: Duration,
    /// `STOCK_DATA_UNKNOWN_DAYS`: 1 to 3,650.
    pub unknown_days: u16,
    /// `STOCK_DATA_MIN_FREE_MB`, in bytes: 0 to 10^12, whole millions.
    pub min_free_bytes: u64,
    /// `STOCK_DATA_METRICS_LISTEN`, where it is set.
    pub metrics_listen: Option<SocketAddr>,
    /// `API_LISTEN`.
    pub api_listen: SocketAddr,
    /// What else is set for the API server.
    pub api: ApiVariables,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `RUST_LOG`.
    pub log_filter: LogFilter,
}

impl Settings {
    /// Reads the settings from the process's environment.
    ///
    /// # Errors
    ///
    /// All problems at once: values that are not allowed, and names that begin with `STOCK_DATA_`
    /// but are no settings.
    pub fn from_env() -> Result<Self, ConfigErrors> {
        // Not `vars`, which panics where any variable is not Unicode.
        Self::from_os_vars(std::env::vars_os())
    }

    /// Reads the settings from the process's environment, with the default for each that is not
    /// usable, and what is wrong with those: for those who want to find out what else is wrong.
    #[must_use]
    pub fn from_env_in_part() -> (Self, Option<ConfigErrors>) {
        Self::in_part(std::env::vars_os())
    }

    /// Reads the settings from pairs of name and value. Of a name that comes twice, the last holds.
    ///
    /// # Errors
    ///
    /// As [`Settings::from_env`].
    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let os = |(name, value)| (OsString::from(name), OsString::from(value));
        Self::from_os_vars(vars.into_iter().map(os))
    }

    fn from_os_vars(
        vars: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigErrors> {
        match Self::in_part(vars) {
            (settings, None) => Ok(settings),
            (_, Some(errors)) => Err(errors),
        }
    }

    fn in_part(vars: impl Iterator<Item = (OsString, OsString)>) -> (Self, Option<ConfigErrors>) {
        let mut reader = Reader::new(vars);
        let settings = Self::read(&mut reader);
        (settings, ConfigErrors::check(reader.finish()).err())
    }

    /// The settings, with the default for each that `reader` notes a problem of.
    fn read(reader: &mut Reader) -> Self {
        Self {
            database_url: reader.secret(&variable::DATABASE_URL),
            database_replica_url: reader.optional_secret(&variable::DATABASE_REPLICA_URL),
            max_connections: reader.number(&variable::DATABASE_MAX_CONNECTIONS),
            acquire_timeout: reader.seconds(&variable::DATABASE_ACQUIRE_TIMEOUT_SECONDS),
            connect_timeout: reader.seconds(&variable::DATABASE_CONNECT_TIMEOUT_SECONDS),
            lock_timeout: reader.seconds(&variable::DATABASE_LOCK_TIMEOUT_SECONDS),
            check_idle: reader.seconds(&variable::DATABASE_CHECK_IDLE_SECONDS),
            patience: reader.seconds(&variable::DATABASE_PATIENCE_SECONDS),
            raw_responses_dir: reader.folder(&variable::RAW_RESPONSES_DIR),
            parsed_responses_dir: reader.folder(&variable::PARSED_RESPONSES_DIR),
            deadletter_responses_dir: reader.folder(&variable::DEADLETTER_RESPONSES_DIR),
            timeout: reader.seconds(&variable::TIMEOUT_SECONDS),
            max_retries: reader.number(&variable::MAX_RETRIES),
            retry_delay: reader.seconds(&variable::RETRY_DELAY_SECONDS),
            batch_size: reader.number(&variable::BATCH_SIZE),
            max_concurrent_files: reader.number(&variable::MAX_CONCURRENT_FILES),
            max_response_bytes: reader.number(&variable::MAX_RESPONSE_BYTES),
            vendor: reader.value(&variable::VENDOR, vendors::vendor).unwrap_or(Vendor::YahooChart),
            fallback_vendors: reader
                .value(&variable::FALLBACK_VENDORS, vendors::vendors)
                .unwrap_or_default(),
            vendor_connect_timeout: reader.seconds(&variable::CONNECT_TIMEOUT_SECONDS),
            vendor_read_timeout: reader.seconds(&variable::READ_TIMEOUT_SECONDS),
            max_wait: reader.seconds(&variable::MAX_WAIT_SECONDS),
            max_concurrent_pulls: reader.number(&variable::MAX_CONCURRENT_PULLS),
            overlap_days: reader.number(&variable::OVERLAP_DAYS),
            user_agent: reader.value(&variable::USER_AGENT, user_agent).unwrap_or_default(),
            alpha_vantage_premium: reader
                .value(&variable::ALPHA_VANTAGE_PLAN, |text| match text {
                    "free" => Ok(false),
                    "premium" => Ok(true),
                    _ => Err(String::new()),
                })
                .unwrap_or_default(),
            vendors: vendors::VENDORS.iter().map(|row| (row.vendor, reader.vendor(row))).collect(),
            worker_name: reader.value(&worker::NAME, worker::name).flatten(),
            lease: reader.seconds(&worker::LEASE_SECONDS),
            shutdown: reader.seconds(&worker::SHUTDOWN_SECONDS),
            pull_schedule: reader.schedule(&worker::PULL_SCHEDULE),
            process_schedule: reader.schedule(&worker::PROCESS_SCHEDULE),
            dead_letter_schedule: reader.schedule(&worker::DEAD_LETTER_SCHEDULE),
            sweep_schedule: reader.schedule(&worker::SWEEP_SCHEDULE),
            archive_check_schedule: reader.schedule(&worker::ARCHIVE_CHECK_SCHEDULE),
            max_attempts: reader.number(&worker::MAX_ATTEMPTS),
            settle: reader.optional_number(&worker::SETTLE_MINUTES).map(minutes),
            spread: minutes(reader.number(&worker::SPREAD_MINUTES)),
            unknown_days: reader.number(&worker::UNKNOWN_DAYS),
            min_free_bytes: reader
                .number::<u64>(&worker::MIN_FREE_MB)
                .saturating_mul(BYTES_PER_MEGABYTE),
            metrics_listen: reader
                .value(&worker::METRICS_LISTEN, worker::optional_address)
                .flatten(),
            api_listen: reader
                .value(&variable::API_LISTEN, |text| text.parse().map_err(|_| String::new()))
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            api: ApiVariables::read(reader),
            log_format: reader
                .value(&variable::LOG_FORMAT, |text| {
                    LogFormat::from_name(text).ok_or_else(String::new)
                })
                .unwrap_or_default(),
            log_filter: reader
                .value(&variable::RUST_LOG, |text| {
                    LogFilter::parse(text).map_err(|error| error.reason().to_owned())
                })
                .unwrap_or_default(),
        }
    }
}

impl Default for Settings {
    /// What holds where nothing is set.
    fn default() -> Self {
        Self::read(&mut Reader::nothing())
    }
}

/// Reads variables by their place in the table and notes what is wrong.
pub(crate) struct Reader {
    vars: BTreeMap<String, Option<String>>,
    problems: Vec<ConfigError>,
}

impl Reader {
    /// Has no variables.
    pub(crate) fn nothing() -> Self {
        Self::new(std::iter::empty())
    }

    /// Keeps the variables that are ours or look so; a value that is not Unicode is `None`.
    fn new(vars: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let ours = |name: &str| {
            is_known(name)
                || name.get(..PREFIX.len()).is_some_and(|p| p.eq_ignore_ascii_case(PREFIX))
                // Other programs have variables that begin like the rest of ours.
                || misspelt(name, VARIABLES.iter().map(|variable| variable.name)).is_some()
        };
        let vars = vars
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.into_string().ok()))
            .filter(|(name, _)| ours(name))
            .collect();
        Self { vars, problems: Vec::new() }
    }

    /// The variable's value, or the default's where it is unset or not usable. `parse` gives the
    /// particulars of what is wrong, if there are any.
    pub(crate) fn value<T>(
        &mut self,
        variable: &Variable,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Variable { name, default, allowed, .. } = *variable;
        match self.vars.remove(name) {
            None => {}
            Some(None) => self.problems.push(ConfigError::NotUnicode { name, allowed }),
            // An empty filter is read as in env_logger.
            Some(Some(text))
                if text.is_empty() && !default.is_empty() && allowed != Allowed::LogFilter =>
            {
                self.problems.push(ConfigError::Empty { name, allowed, default });
            }
            Some(Some(text)) => match parse(&text) {
                Ok(value) => return Some(value),
                Err(hint) => {
                    let hint = if hint.is_empty() { hint } else { format!("; {hint}") };
                    let value = if allowed.is_secret() { "***".into() } else { excerpt(&text) };
                    self.problems.push(ConfigError::Invalid { name, value, allowed, hint });
                }
            },
        }
        parse(default).ok()
    }

    fn secret(&mut self, variable: &Variable) -> Secret {
        self.value(variable, |text| Ok(Secret::new(text))).unwrap_or_default()
    }

    fn optional_secret(&mut self, variable: &Variable) -> Option<Secret> {
        Some(self.secret(variable)).filter(|secret| !secret.expose().is_empty())
    }

    fn vendor(&mut self, row: &VendorVariables) -> VendorSettings {
        let key = row.api_key.as_ref();
        VendorSettings {
            api_key: key.and_then(|variable| self.value(variable, vendors::api_key)).flatten(),
            base_url: self.value(&row.base_url, vendors::base_url).flatten(),
            rate_limits: self.value(&row.rate_limit, vendors::rate_limits).flatten(),
        }
    }

    pub(crate) fn seconds(&mut self, variable: &Variable) -> Duration {
        Duration::from_secs(self.number(variable))
    }

    fn schedule(&mut self, variable: &Variable) -> Schedule {
        let daily = || Schedule::Every(Duration::from_secs(86_400));
        // A default is never refused, by a test.
        self.value(variable, worker::schedule).unwrap_or_else(daily)
    }

    fn folder(&mut self, variable: &Variable) -> PathBuf {
        let parse = |text: &str| {
            if text.contains('\0') { Err("it holds a NUL".to_owned()) } else { Ok(text.into()) }
        };
        self.value(variable, parse).unwrap_or_default()
    }

    pub(crate) fn number<T: TryFrom<u64> + Default>(&mut self, variable: &Variable) -> T {
        let parse = |text: &str| number(text, variable.allowed);
        self.value(variable, parse).unwrap_or_default()
    }

    fn optional_number(&mut self, variable: &Variable) -> Option<u64> {
        let parse = |text: &str| {
            if text.is_empty() { Ok(None) } else { number(text, variable.allowed).map(Some) }
        };
        self.value(variable, parse).flatten()
    }

    /// All problems: what is left by now is not in the table.
    fn finish(self) -> Vec<ConfigError> {
        let unknown = self.vars.into_keys().map(|name| {
            if let Some(nearest) = misspelt(&name, VARIABLES.iter().map(|v| v.name)) {
                return ConfigError::Unknown { name: excerpt(&name), nearest: Some(nearest) };
            }
            let upper = name.to_ascii_uppercase();
            let part = upper.strip_prefix(PREFIX).unwrap_or(&upper);
            let known = VARIABLES.iter().filter_map(|variable| variable.name.strip_prefix(PREFIX));
            let nearest = nearest(part, known)
                .and_then(|part| {
                    VARIABLES.iter().find(|v| v.name.strip_prefix(PREFIX) == Some(part))
                })
                .map(|variable| variable.name);
            ConfigError::Unknown { name: excerpt(&name), nearest }
        });
        self.problems.into_iter().chain(unknown).collect()
    }
}

/// A number within its bounds, in decimal digits alone.
fn number<T: TryFrom<u64>>(text: &str, allowed: Allowed) -> Result<T, String> {
    // `parse` would take a sign.
    let number: Option<u64> =
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number
        .filter(|number| match allowed {
            Allowed::Number { min, max, .. } | Allowed::OptionalNumber { min, max, .. } => {
                (min..=max).contains(number)
            }
            _ => true,
        })
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(String::new)
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(60))
}

const BYTES_PER_MEGABYTE: u64 = 1_000_000;

fn user_agent(text: &str) -> Result<String, String> {
    let sound = text.len() <= 256 && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if sound && !text.trim().is_empty() { Ok(text.to_owned()) } else { Err(String::new()) }
}

fn is_known(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name)
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
