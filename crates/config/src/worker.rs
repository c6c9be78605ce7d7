//! What can be set for a worker that runs on its own.

use std::net::SocketAddr;

use cream_tasks::Schedule;

use crate::variable::{Allowed, Variable};

pub(crate) const NAME: Variable = Variable {
    name: "STOCK_DATA_WORKER_NAME",
    default: "",
    allowed: Allowed::WorkerName,
    purpose: "What a worker is called in worker status, instead of its host's name; a second one \
              by the same name gets -2 behind it, and so on.",
};

pub(crate) const LEASE_SECONDS: Variable = Variable {
    name: "STOCK_DATA_LEASE_SECONDS",
    default: "60",
    allowed: Allowed::Number { min: 1, max: 3600, unit: "seconds" },
    purpose: "How long what a worker claimed is kept from others after its last sign of life; it \
              gives one each quarter of it.",
};

pub(crate) const SHUTDOWN_SECONDS: Variable = Variable {
    name: "STOCK_DATA_SHUTDOWN_SECONDS",
    default: "20",
    allowed: Allowed::Number { min: 0, max: 3600, unit: "seconds" },
    purpose: "How long a worker that is told to stop may take to finish what is in hand, before it \
              gives that back.",
};

pub(crate) const PULL_SCHEDULE: Variable = Variable {
    name: "STOCK_DATA_PULL_SCHEDULE",
    default: "10s",
    allowed: Allowed::Schedule,
    purpose: "When a worker looks for what is due to be pulled.",
};

pub(crate) const PROCESS_SCHEDULE: Variable = Variable {
    name: "STOCK_DATA_PROCESS_SCHEDULE",
    default: "300s",
    allowed: Allowed::Schedule,
    purpose: "When a worker loads what waits in the folder of raw responses.",
};

pub(crate) const DEAD_LETTER_SCHEDULE: Variable = Variable {
    name: "STOCK_DATA_DEAD_LETTER_SCHEDULE",
    default: "24h",
    allowed: Allowed::Schedule,
    purpose: "When a worker tries dead letters again that are due for it.",
};

pub(crate) const SWEEP_SCHEDULE: Variable = Variable {
    name: "STOCK_DATA_SWEEP_SCHEDULE",
    default: "60s",
    allowed: Allowed::Schedule,
    purpose: "When a worker frees what dead workers had claimed.",
};

pub(crate) const ARCHIVE_CHECK_SCHEDULE: Variable = Variable {
    name: "STOCK_DATA_ARCHIVE_CHECK_SCHEDULE",
    default: "24h",
    allowed: Allowed::Schedule,
    purpose: "When a worker holds the archive against the database.",
};

pub(crate) const MAX_ATTEMPTS: Variable = Variable {
    name: "STOCK_DATA_MAX_ATTEMPTS",
    default: "5",
    allowed: Allowed::Number { min: 1, max: 1000, unit: "attempts" },
    purpose: "How often a response is tried in all, as a dead letter too, before only an operator \
              tries it again.",
};

pub(crate) const SETTLE_MINUTES: Variable = Variable {
    name: "STOCK_DATA_SETTLE_MINUTES",
    default: "",
    allowed: Allowed::OptionalNumber { min: 0, max: 1440, unit: "minutes" },
    purpose: "How long after an exchange's close its prices are pulled, instead of when each vendor \
              has settled them.",
};

pub(crate) const SPREAD_MINUTES: Variable = Variable {
    name: "STOCK_DATA_SPREAD_MINUTES",
    default: "30",
    allowed: Allowed::Number { min: 0, max: 720, unit: "minutes" },
    purpose: "Over how long the pulls of an exchange are spread from then on.",
};

pub(crate) const UNKNOWN_DAYS: Variable = Variable {
    name: "STOCK_DATA_UNKNOWN_DAYS",
    default: "7",
    allowed: Allowed::Number { min: 1, max: 3650, unit: "days" },
    purpose: "A symbol that its vendor has not known for so long is pulled no more, with that \
              reason.",
};

pub(crate) const MIN_FREE_MB: Variable = Variable {
    name: "STOCK_DATA_MIN_FREE_MB",
    default: "256",
    allowed: Allowed::Number { min: 0, max: 1_000_000, unit: "megabytes" },
    purpose: "With less room on the disk of the archive or of the database, a worker does not \
              start, and pulls nothing until there is more.",
};

pub(crate) const METRICS_LISTEN: Variable = Variable {
    name: "STOCK_DATA_METRICS_LISTEN",
    default: "",
    allowed: Allowed::OptionalAddress,
    purpose: "Where a worker serves metrics for Prometheus, also one in the API server's process.",
};

/// All of them, in the order of the documentation.
pub(crate) const VARIABLES: [Variable; 14] = [
    NAME,
    LEASE_SECONDS,
    SHUTDOWN_SECONDS,
    PULL_SCHEDULE,
    PROCESS_SCHEDULE,
    DEAD_LETTER_SCHEDULE,
    SWEEP_SCHEDULE,
    ARCHIVE_CHECK_SCHEDULE,
    MAX_ATTEMPTS,
    SETTLE_MINUTES,
    SPREAD_MINUTES,
    UNKNOWN_DAYS,
    MIN_FREE_MB,
    METRICS_LISTEN,
];

/// A name of 1 to 64 letters, digits, dots, hyphens and underscores; `None` for nothing.
pub(crate) fn name(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_sound = text.len() <= 64 && text.bytes().all(is_allowed);
    if is_sound { Ok(Some(text.to_owned())) } else { Err(String::new()) }
}

pub(crate) fn schedule(text: &str) -> Result<Schedule, String> {
    Schedule::parse(text).map_err(|error| error.to_string())
}

pub(crate) fn optional_address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_or_refused() {
        let longest = "x".repeat(64);
        for good in ["a", "web-1.example_b", "7", longest.as_str()] {
            assert_eq!(name(good), Ok(Some(good.to_owned())));
        }
        assert_eq!(name(""), Ok(None));
        for bad in [" ", "a b", "a/b", "wörker", "a\n", "a:1", "x".repeat(65).as_str()] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_taken_or_refused() {
        assert_eq!(optional_address("[::1]:0"), Ok(Some("[::1]:0".parse().unwrap())));
        assert_eq!(optional_address(""), Ok(None));
        for bad in ["localhost:9100", ":9100", "9100", "127.0.0.1"] {
            assert!(optional_address(bad).is_err(), "{bad}");
        }
    }
}
