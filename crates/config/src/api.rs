//! What can be set for the API server: who may ask, how much, and for how long.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::settings::Reader;
use crate::variable::{Allowed, Variable};

pub(crate) const OPEN_READING: Variable = Variable {
    name: "API_OPEN_READING",
    default: "auto",
    allowed: Allowed::Choice(&["auto", "yes", "no"]),
    purpose: "Whether prices are read without a token; auto is yes on a loopback address that no \
              proxy stands before (API_TRUSTED_PROXIES), and no elsewhere.",
};

pub(crate) const REQUESTS_PER_SECOND: Variable = Variable {
    name: "API_REQUESTS_PER_SECOND",
    default: "200",
    allowed: Allowed::Number { min: 0, max: 1_000_000, unit: "requests" },
    purpose: "How many requests a second a client (a token, else an address) may make in the long \
              run, and twice as many at once; 0 sets no limit.",
};

pub(crate) const MAX_CONCURRENT_REQUESTS: Variable = Variable {
    name: "API_MAX_CONCURRENT_REQUESTS",
    default: "512",
    allowed: Allowed::Number { min: 1, max: 100_000, unit: "requests" },
    purpose: "How many requests are answered at once; more are told to come again.",
};

pub(crate) const REQUEST_SECONDS: Variable = Variable {
    name: "API_REQUEST_SECONDS",
    default: "10",
    allowed: Allowed::Number { min: 1, max: 3600, unit: "seconds" },
    purpose: "How long the head of a request may take to arrive, and then its body.",
};

pub(crate) const CACHE_MB: Variable = Variable {
    name: "API_CACHE_MB",
    default: "64",
    allowed: Allowed::Number { min: 0, max: 1_000_000, unit: "megabytes" },
    purpose: "How much memory small answers are kept in, to be given again while the database has \
              not changed; 0 keeps none.",
};

pub(crate) const CORS_ORIGINS: Variable = Variable {
    name: "API_CORS_ORIGINS",
    default: "",
    allowed: Allowed::Origins,
    purpose: "Whose pages a browser lets read from this API. Nothing turns CORS off.",
};

pub(crate) const TRUSTED_PROXIES: Variable = Variable {
    name: "API_TRUSTED_PROXIES",
    default: "",
    allowed: Allowed::Networks,
    purpose: "Proxies whose X-Forwarded-For is believed. Nothing believes none.",
};

pub(crate) const MAX_TRACKED: Variable = Variable {
    name: "API_MAX_TRACKED",
    default: "20000",
    allowed: Allowed::Number { min: 0, max: 10_000_000, unit: "stocks" },
    purpose: "As soon as so many stocks are tracked, whoever is no admin may add none through the \
              API.",
};

pub(crate) const SESSION_HOURS: Variable = Variable {
    name: "AUTH_SESSION_HOURS",
    default: "12",
    allowed: Allowed::Number { min: 1, max: 8784, unit: "hours" },
    purpose: "How long a login lasts.",
};

pub(crate) const LOGIN_FAILURES: Variable = Variable {
    name: "AUTH_LOGIN_FAILURES",
    default: "10",
    allowed: Allowed::Number { min: 1, max: 1_000_000, unit: "failures" },
    purpose: "After so many failed logins of an account within AUTH_LOGIN_MINUTES, from wherever, \
              it is refused without a look at the password.",
};

pub(crate) const LOGIN_FAILURES_PER_ADDRESS: Variable = Variable {
    name: "AUTH_LOGIN_FAILURES_PER_ADDRESS",
    default: "30",
    allowed: Allowed::Number { min: 1, max: 1_000_000, unit: "failures" },
    purpose: "The same for an address, whichever accounts it tries.",
};

pub(crate) const LOGIN_MINUTES: Variable = Variable {
    name: "AUTH_LOGIN_MINUTES",
    default: "15",
    allowed: Allowed::Number { min: 1, max: 1440, unit: "minutes" },
    purpose: "For how long a failed login counts.",
};

/// All of them, in the order of the documentation.
pub(crate) const VARIABLES: [Variable; 12] = [
    OPEN_READING,
    TRUSTED_PROXIES,
    CORS_ORIGINS,
    REQUESTS_PER_SECOND,
    MAX_CONCURRENT_REQUESTS,
    REQUEST_SECONDS,
    CACHE_MB,
    MAX_TRACKED,
    SESSION_HOURS,
    LOGIN_FAILURES,
    LOGIN_FAILURES_PER_ADDRESS,
    LOGIN_MINUTES,
];

/// The settings of the API server, but for where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVariables {
    /// `API_OPEN_READING`; `None` where the address decides.
    pub open_reading: Option<bool>,
    /// `API_TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<IpNet>,
    /// `API_CORS_ORIGINS`, each as a browser writes it.
    pub cors_origins: Vec<String>,
    /// `API_REQUESTS_PER_SECOND`: 1 to 1,000,000; `None` for no limit.
    pub requests_per_second: Option<u32>,
    /// `API_MAX_CONCURRENT_REQUESTS`: 1 to 100,000.
    pub max_concurrent_requests: usize,
    /// `API_REQUEST_SECONDS`: 1 second to 1 hour.
    pub request_timeout: Duration,
    /// `API_CACHE_MB`, in bytes: 0 to 10^12, whole millions.
    pub cache_bytes: u64,
    /// `API_MAX_TRACKED`: 0 to 10,000,000.
    pub max_tracked: u32,
    /// `AUTH_SESSION_HOURS`: 1 hour to 366 days.
    pub session: Duration,
    /// `AUTH_LOGIN_FAILURES`: 1 to 1,000,000.
    pub login_failures: u32,
    /// `AUTH_LOGIN_FAILURES_PER_ADDRESS`: 1 to 1,000,000.
    pub login_failures_per_address: u32,
    /// `AUTH_LOGIN_MINUTES`: 1 minute to 1 day.
    pub login_window: Duration,
}

impl ApiVariables {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        Self {
            open_reading: reader
                .value(&OPEN_READING, |text| match text {
                    "auto" => Ok(None),
                    "yes" => Ok(Some(true)),
                    "no" => Ok(Some(false)),
                    _ => Err(String::new()),
                })
                .flatten(),
            trusted_proxies: reader.value(&TRUSTED_PROXIES, networks).unwrap_or_default(),
            cors_origins: reader.value(&CORS_ORIGINS, origins).unwrap_or_default(),
            requests_per_second: Some(reader.number(&REQUESTS_PER_SECOND))
                .filter(|number| *number > 0),
            max_concurrent_requests: reader.number(&MAX_CONCURRENT_REQUESTS),
            request_timeout: reader.seconds(&REQUEST_SECONDS),
            cache_bytes: reader.number::<u64>(&CACHE_MB).saturating_mul(1_000_000),
            max_tracked: reader.number(&MAX_TRACKED),
            session: Duration::from_secs(reader.number::<u64>(&SESSION_HOURS).saturating_mul(3600)),
            login_failures: reader.number(&LOGIN_FAILURES),
            login_failures_per_address: reader.number(&LOGIN_FAILURES_PER_ADDRESS),
            login_window: Duration::from_secs(
                reader.number::<u64>(&LOGIN_MINUTES).saturating_mul(60),
            ),
        }
    }
}

impl Default for ApiVariables {
    /// What holds where nothing is set.
    fn default() -> Self {
        Self::read(&mut Reader::nothing())
    }
}

fn list<T>(text: &str, item: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    text.split(',').map(|part| item(part.trim())).collect()
}

/// Addresses and networks. One with bits behind its prefix is refused: a slip, in all likelihood.
fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    list(text, |part| {
        if let Ok(address) = part.parse::<IpAddr>() {
            return Ok(IpNet::from(address));
        }
        let network: IpNet = part.parse().map_err(|_| format!("{part:?} is none"))?;
        if network.trunc() == network {
            Ok(network)
        } else {
            Err(format!("{part} has bits behind its prefix; the network is {}", network.trunc()))
        }
    })
}

/// Origins as browsers write them: scheme, host, and the port where it is not the scheme's own.
fn origins(text: &str) -> Result<Vec<String>, String> {
    list(text, |part| {
        let wrong = || format!("{part:?} is none");
        let (scheme, authority) = part.split_once("://").ok_or_else(wrong)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let is_host = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-[:]_".contains(&byte)
        };
        let own = match scheme {
            "http" => "80",
            "https" => "443",
            _ => return Err(wrong()),
        };
        let is_port = |port: &str| {
            port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port > 0)
                && port != own
        };
        let is_sound = !host.is_empty() && host.bytes().all(is_host) && port.is_none_or(is_port);
        if is_sound { Ok(part.to_owned()) } else { Err(wrong()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_taken_or_refused() {
        let written = |text: &str| {
            networks(text).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(written(" "), Ok(vec![]));
        assert_eq!(
            written("10.0.0.0/8, 192.168.1.7,::1 ,fd00::/8"),
            Ok(["10.0.0.0/8", "192.168.1.7/32", "::1/128", "fd00::/8"].map(str::to_owned).into())
        );
        let error = written("10.0.0.1/8").unwrap_err();
        assert!(error.contains("the network is 10.0.0.0/8"), "{error}");
        for bad in ["proxy", "10.0.0.0/33", "10.0.0.1,", "*", "10.0.0.1:80", "0.0.0.0/-1"] {
            assert!(written(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_are_taken_or_refused() {
        let good = ["https://app.example.com", "http://localhost:3000", "http://[::1]:8080"];
        assert_eq!(origins(&good.join(" , ")), Ok(good.map(str::to_owned).into()));
        assert_eq!(origins(""), Ok(vec![]));
        for bad in [
            "*",
            "null",
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://App.example.com",
            "https://a:443",
            "http://a:80",
            "http://a:0",
            "http://a:",
            "http://a:+1",
            "ftp://a",
            "https://a b",
            "https://a?b",
            "https://user@a",
            "https://a,",
        ] {
            assert!(origins(bad).is_err(), "{bad}");
        }
    }
}
