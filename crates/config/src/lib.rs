//! Typed settings from the environment, validated once at start; and logging.
//!
//! Every variable stands in one table, [`VARIABLES`], from which values are read, problems are
//! worded and the documentation is written. All problems are reported at once, each with the
//! variable, the value and what is allowed.
//!
//! ```
//! use cream_config::Settings;
//! use std::time::Duration;
//!
//! let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
//!
//! let settings = Settings::from_vars([set("STOCK_DATA_TIMEOUT_SECONDS", "10")])?;
//! assert_eq!(settings.timeout, Duration::from_secs(10));
//! assert_eq!(settings.max_retries, 3); // the default
//!
//! let problems = Settings::from_vars([
//!     set("STOCK_DATA_TIMEOUT_SECONDS", "soon"),
//!     set("STOCK_DATA_BATCHSIZE", "10"),
//! ])
//! .unwrap_err();
//! assert_eq!(
//!     problems.to_string(),
//!     "2 settings are not usable:\n  \
//!      STOCK_DATA_TIMEOUT_SECONDS is \"soon\": allowed is a whole number of seconds, 1 to 3600\n  \
//!      STOCK_DATA_BATCHSIZE is not a setting: did you mean STOCK_DATA_BATCH_SIZE?"
//! );
//! # Ok::<(), cream_config::ConfigErrors>(())
//! ```
//!
//! A binary starts like this:
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! cream_config::load_dotenv()?;
//! let settings = cream_config::Settings::from_env()?;
//! cream_config::init_logging(settings.log_format)?;
//! log::info!(folder = settings.raw_responses_dir.display().to_string(); "started");
//! # Ok(())
//! # }
//! ```

mod api;
pub mod documentation;
mod dotenv;
mod error;
pub mod line;
mod logging;
mod nearest;
mod secret;
mod settings;
mod variable;
mod vendors;
mod worker;

pub use api::ApiVariables;
pub use dotenv::{DotenvError, load_dotenv};
pub use error::{ConfigError, ConfigErrors};
pub use logging::{LogFilter, LogFormat, LoggingError, init_logging, init_logging_to};
pub use secret::Secret;
pub use settings::Settings;
pub use variable::{Allowed, VARIABLES, Variable};
pub use vendors::VendorSettings;
