//! The table of all variables.

use std::fmt;
use std::sync::LazyLock;

use crate::{api, vendors, worker};

/// One environment variable: everything that is said of it anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The value that holds where it is unset.
    pub default: &'static str,
    /// What it may be.
    pub allowed: Allowed,
    /// What it is for.
    pub purpose: &'static str,
}

/// What a variable may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// The address of a database.
    DatabaseUrl,
    /// The address of a database, or nothing.
    OptionalDatabaseUrl,
    /// The path of a folder.
    Folder,
    /// A whole number.
    Number {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// A whole number, or nothing.
    OptionalNumber {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// An IP address and a port.
    Address,
    /// An IP address and a port, or nothing.
    OptionalAddress,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// What is logged, in the notation of `env_logger`.
    LogFilter,
    /// A vendor that can be asked.
    Vendor,
    /// Vendors that can be asked, or none.
    Vendors,
    /// A vendor's API key, or nothing.
    ApiKey,
    /// The address of a server, or nothing.
    BaseUrl,
    /// How often a vendor is asked, or nothing.
    RateLimits,
    /// How a client names itself.
    UserAgent,
    /// When a task is to be run.
    Schedule,
    /// What a worker is called, or nothing.
    WorkerName,
    /// Origins of web pages, or none.
    Origins,
    /// Addresses and networks, or none.
    Networks,
}

impl Allowed {
    /// Whether the value must not be shown.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::DatabaseUrl | Self::OptionalDatabaseUrl | Self::ApiKey)
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DatabaseUrl => f.write_str(
                "a database URL such as sqlite:cream.db or postgres://USER:PASSWORD@HOST/DATABASE",
            ),
            Self::OptionalDatabaseUrl => f.write_str(
                "nothing, or a database URL such as postgres://USER:PASSWORD@HOST/DATABASE",
            ),
            Self::Folder => f.write_str("the path of a folder"),
            Self::Number { min, max, unit } => {
                write!(f, "a whole number of {unit}, {min} to {max}")
            }
            Self::OptionalNumber { min, max, unit } => {
                write!(f, "nothing, or a whole number of {unit}, {min} to {max}")
            }
            Self::OptionalAddress => {
                f.write_str("nothing, or an IP address and a port, such as 127.0.0.1:9100")
            }
            Self::Address => f.write_str("an IP address and a port, such as 127.0.0.1:8080"),
            Self::Choice(words) => f.write_str(&words.join(", ")),
            Self::LogFilter => f.write_str(
                "error, warn, info, debug, trace or off, or a list such as info,cream_store=debug",
            ),
            Self::Vendor => f.write_str(&vendors::names()),
            Self::Vendors => {
                write!(f, "nothing, or a list such as tiingo,stooq of {}", vendors::names())
            }
            Self::ApiKey => f.write_str(
                "nothing, or 4 to 256 printable characters without a space, of which 16 or more \
                     where all are digits",
            ),
            Self::BaseUrl => f.write_str("nothing, or a URL such as https://HOST:PORT/PATH"),
            Self::RateLimits => {
                f.write_str("nothing, none, or a list such as 5/min,500/d (s, min, h, d)")
            }
            Self::UserAgent => f.write_str("1 to 256 printable characters"),
            Self::Schedule => f.write_str(
                "an interval such as 300s, 5m or 24h, or five cron fields with a time zone or \
                 without one (UTC), such as 0 22 * * 1-5 America/New_York",
            ),
            Self::WorkerName => f.write_str(
                "nothing, or 1 to 64 letters, digits, dots, hyphens and underscores (ASCII)",
            ),
            Self::Origins => f.write_str(
                "nothing, or a list such as https://app.example.com,http://localhost:3000",
            ),
            Self::Networks => f.write_str(
                "nothing, or a list of addresses and networks such as 127.0.0.1,10.0.0.0/8",
            ),
        }
    }
}

pub(crate) const DATABASE_URL: Variable = Variable {
    name: "DATABASE_URL",
    default: "sqlite:cream.db",
    allowed: Allowed::DatabaseUrl,
    purpose: "The database. A relative path is taken from the working folder.",
};

pub(crate) const DATABASE_MAX_CONNECTIONS: Variable = Variable {
    name: "DATABASE_MAX_CONNECTIONS",
    default: "10",
    allowed: Allowed::Number { min: 1, max: 1000, unit: "connections" },
    purpose: "How many connections to the database a process holds at most.",
};

pub(crate) const DATABASE_REPLICA_URL: Variable = Variable {
    name: "DATABASE_REPLICA_URL",
    default: "",
    allowed: Allowed::OptionalDatabaseUrl,
    purpose: "A copy of the database that the API reads from; the database itself answers where \
              the copy cannot.",
};

pub(crate) const DATABASE_ACQUIRE_TIMEOUT_SECONDS: Variable = Variable {
    name: "DATABASE_ACQUIRE_TIMEOUT_SECONDS",
    default: "10",
    allowed: Allowed::Number { min: 1, max: 3600, unit: "seconds" },
    purpose: "How long to wait for a connection to the database.",
};

pub(crate) const DATABASE_CONNECT_TIMEOUT_SECONDS: Variable = Variable {
    name: "DATABASE_CONNECT_TIMEOUT_SECONDS",
    default: "10",
    allowed: Allowed::Number { min: 2, max: 3600, unit: "seconds" },
    purpose: "How long a database server may take to answer a new connection.",
};

pub(crate) const DATABASE_LOCK_TIMEOUT_SECONDS: Variable = Variable {
    name: "DATABASE_LOCK_TIMEOUT_SECONDS",
    default: "10",
    allowed: Allowed::Number { min: 1, max: 3600, unit: "seconds" },
    purpose: "How long to wait for what another connection has locked.",
};

pub(crate) const DATABASE_CHECK_IDLE_SECONDS: Variable = Variable {
    name: "DATABASE_CHECK_IDLE_SECONDS",
    default: "1",
    allowed: Allowed::Number { min: 0, max: 3600, unit: "seconds" },
    purpose: "A connection that was idle for so long is tried before it is used; 0 tries each.",
};

pub(crate) const DATABASE_PATIENCE_SECONDS: Variable = Variable {
    name: "DATABASE_PATIENCE_SECONDS",
    default: "60",
    allowed: Allowed::Number { min: 0, max: 86_400, unit: "seconds" },
    purpose: "How long a worker tries again while the database is away or locked.",
};

pub(crate) const RAW_RESPONSES_DIR: Variable = Variable {
    name: "STOCK_DATA_RAW_RESPONSES_DIR",
    default: "files/raw_responses",
    allowed: Allowed::Folder,
    purpose: "Where vendors' responses wait to be processed.",
};

pub(crate) const PARSED_RESPONSES_DIR: Variable = Variable {
    name: "STOCK_DATA_PARSED_RESPONSES_DIR",
    default: "files/parsed_responses",
    allowed: Allowed::Folder,
    purpose: "Where responses lie that are in the database.",
};

pub(crate) const DEADLETTER_RESPONSES_DIR: Variable = Variable {
    name: "STOCK_DATA_DEADLETTER_RESPONSES_DIR",
    default: "files/deadletter_responses",
    allowed: Allowed::Folder,
    purpose: "Where responses lie that could not be used.",
};

pub(crate) const TIMEOUT_SECONDS: Variable = Variable {
    name: "STOCK_DATA_TIMEOUT_SECONDS",
    default: "30",
    allowed: Allowed::Number { min: 1, max: 3600, unit: "seconds" },
    purpose: "How long a request to a vendor may take, from its begin to the answer's last byte.",
};

pub(crate) const CONNECT_TIMEOUT_SECONDS: Variable = Variable {
    name: "STOCK_DATA_CONNECT_TIMEOUT_SECONDS",
    default: "10",
    allowed: Allowed::Number { min: 1, max: 3600, unit: "seconds" },
    purpose: "How long a vendor may take to accept a connection.",
};

pub(crate) const READ_TIMEOUT_SECONDS: Variable = Variable {
    name: "STOCK_DATA_READ_TIMEOUT_SECONDS",
    default: "20",
    allowed: Allowed::Number { min: 1, max: 3600, unit: "seconds" },
    purpose: "How long a vendor may send nothing.",
};

pub(crate) const MAX_RETRIES: Variable = Variable {
    name: "STOCK_DATA_MAX_RETRIES",
    default: "3",
    allowed: Allowed::Number { min: 0, max: 100, unit: "retries" },
    purpose: "How often a request is repeated that failed in passing.",
};

pub(crate) const RETRY_DELAY_SECONDS: Variable = Variable {
    name: "STOCK_DATA_RETRY_DELAY_SECONDS",
    default: "5",
    allowed: Allowed::Number { min: 0, max: 3600, unit: "seconds" },
    purpose: "How long to wait before the first retry; each further one waits twice as long.",
};

pub(crate) const BATCH_SIZE: Variable = Variable {
    name: "STOCK_DATA_BATCH_SIZE",
    default: "1000",
    allowed: Allowed::Number { min: 1, max: 100_000, unit: "rows" },
    purpose: "How many stored rows are written over at once; new ones are streamed.",
};

pub(crate) const MAX_CONCURRENT_FILES: Variable = Variable {
    name: "STOCK_DATA_MAX_CONCURRENT_FILES",
    default: "5",
    allowed: Allowed::Number { min: 1, max: 256, unit: "files" },
    purpose: "How many responses are processed at once; each is held in memory.",
};

pub(crate) const MAX_RESPONSE_BYTES: Variable = Variable {
    name: "STOCK_DATA_MAX_RESPONSE_BYTES",
    default: "67108864",
    allowed: Allowed::Number { min: 1024, max: 1_073_741_824, unit: "bytes" },
    purpose: "The largest response that is read; a larger one is refused.",
};

pub(crate) const VENDOR: Variable = Variable {
    name: "STOCK_DATA_VENDOR",
    default: "yahoo-chart",
    allowed: Allowed::Vendor,
    purpose: "The vendor that is asked where none is named.",
};

pub(crate) const FALLBACK_VENDORS: Variable = Variable {
    name: "STOCK_DATA_FALLBACK_VENDORS",
    default: "",
    allowed: Allowed::Vendors,
    purpose: "Who is asked next, in this order, where a vendor fails; each has series of its own.",
};

pub(crate) const ALPHA_VANTAGE_PLAN: Variable = Variable {
    name: "STOCK_DATA_ALPHA_VANTAGE_PLAN",
    default: "free",
    allowed: Allowed::Choice(&["free", "premium"]),
    purpose: "The plan of the key of Alpha Vantage: free gives the last 100 days, without \
              dividends and splits.",
};

pub(crate) const USER_AGENT: Variable = Variable {
    name: "STOCK_DATA_USER_AGENT",
    default: concat!("Mozilla/5.0 (compatible; cream/", env!("CARGO_PKG_VERSION"), ")"),
    allowed: Allowed::UserAgent,
    purpose: "How the worker names itself to vendors.",
};

pub(crate) const MAX_WAIT_SECONDS: Variable = Variable {
    name: "STOCK_DATA_MAX_WAIT_SECONDS",
    default: "120",
    allowed: Allowed::Number { min: 0, max: 86_400, unit: "seconds" },
    purpose: "How long a pull waits for a vendor's rate limit before it gives up.",
};

pub(crate) const OVERLAP_DAYS: Variable = Variable {
    name: "STOCK_DATA_OVERLAP_DAYS",
    default: "10",
    allowed: Allowed::Number { min: 1, max: 3650, unit: "days" },
    purpose: "How many days before the last bar a pull begins, to notice rewritten history.",
};

pub(crate) const MAX_CONCURRENT_PULLS: Variable = Variable {
    name: "STOCK_DATA_MAX_CONCURRENT_PULLS",
    default: "4",
    allowed: Allowed::Number { min: 1, max: 256, unit: "pulls" },
    purpose: "How many symbols are pulled at once.",
};

pub(crate) const API_LISTEN: Variable = Variable {
    name: "API_LISTEN",
    default: "127.0.0.1:8080",
    allowed: Allowed::Address,
    purpose: "Where the API server listens. Port 0 takes a free one.",
};

pub(crate) const LOG_FORMAT: Variable = Variable {
    name: "LOG_FORMAT",
    default: "auto",
    allowed: Allowed::Choice(&["auto", "text", "json"]),
    purpose: "How log lines are written: auto is text on a terminal and JSON elsewhere.",
};

pub(crate) const RUST_LOG: Variable = Variable {
    name: "RUST_LOG",
    default: "info",
    allowed: Allowed::LogFilter,
    purpose: "What is logged. An empty value stands for the default.",
};

/// How many variables there are.
const COUNT: usize = 29 + vendors::COUNT + worker::VARIABLES.len() + api::VARIABLES.len();

/// Every variable that is read, in the order of the documentation.
pub static VARIABLES: LazyLock<[Variable; COUNT]> = LazyLock::new(|| {
    let before = [
        DATABASE_URL,
        DATABASE_REPLICA_URL,
        DATABASE_MAX_CONNECTIONS,
        DATABASE_ACQUIRE_TIMEOUT_SECONDS,
        DATABASE_CONNECT_TIMEOUT_SECONDS,
        DATABASE_LOCK_TIMEOUT_SECONDS,
        DATABASE_CHECK_IDLE_SECONDS,
        DATABASE_PATIENCE_SECONDS,
        RAW_RESPONSES_DIR,
        PARSED_RESPONSES_DIR,
        DEADLETTER_RESPONSES_DIR,
        BATCH_SIZE,
        MAX_CONCURRENT_FILES,
        MAX_RESPONSE_BYTES,
        VENDOR,
        FALLBACK_VENDORS,
        TIMEOUT_SECONDS,
        CONNECT_TIMEOUT_SECONDS,
        READ_TIMEOUT_SECONDS,
        MAX_RETRIES,
        RETRY_DELAY_SECONDS,
        MAX_WAIT_SECONDS,
        MAX_CONCURRENT_PULLS,
        OVERLAP_DAYS,
        USER_AGENT,
    ];
    let mut all = before
        .into_iter()
        .chain(vendors::variables())
        .chain([ALPHA_VANTAGE_PLAN])
        .chain(worker::VARIABLES)
        .chain([API_LISTEN])
        .chain(api::VARIABLES)
        .chain([LOG_FORMAT, RUST_LOG]);
    // As many as COUNT says, by a test.
    std::array::from_fn(|_| all.next().unwrap_or(DATABASE_URL))
});

/// What the names of this program's own variables begin with: a name like this that is not in the
/// table is a mistake.
pub(crate) const PREFIX: &str = "STOCK_DATA_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_texts_fit_a_table() {
        for (index, variable) in VARIABLES.iter().enumerate() {
            assert!(VARIABLES.iter().skip(index + 1).all(|other| other.name != variable.name));
            let allowed = variable.allowed.to_string();
            for text in [variable.name, variable.default, variable.purpose, &allowed] {
                assert!(!text.is_empty() || text.as_ptr() == variable.default.as_ptr());
                assert!(!text.contains(['|', '\n', '`']), "{text:?}");
            }
            assert!(variable.purpose.ends_with('.'), "{}", variable.purpose);
        }
        assert_eq!(VARIABLES.last(), Some(&RUST_LOG), "COUNT is how many there are");
    }
}
