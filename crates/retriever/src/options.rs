//! How vendors are asked.

use std::collections::BTreeMap;
use std::time::Duration;

use cream_models::{RateLimit, Vendor};
use url::Url;

use crate::address::is_loopback;
use crate::key::ApiKey;
use crate::vendors;

/// How vendors are asked. Times must be longer than nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetrieverOptions {
    /// What this program calls itself, as the header `User-Agent`. Nasdaq answers only to those
    /// that begin with `Mozilla/`.
    pub user_agent: String,
    /// The longest time until a connection stands, the look-up of the name and TLS included.
    pub connect_timeout: Duration,
    /// The longest time in which nothing comes.
    pub read_timeout: Duration,
    /// The longest time for one request with its redirects, from the first byte to the last.
    pub request_timeout: Duration,
    /// The longest body, in bytes, after decompression. What is longer is not read to its end.
    pub max_body: u64,
    /// How many times a request is made again after a failure that may pass.
    pub max_retries: u32,
    /// The bound of the wait before the first of them, which doubles up to a minute. The wait
    /// itself is drawn between nothing and the bound.
    pub retry_delay: Duration,
    /// The longest time for which a fetch waits for its turn, each time that it needs one.
    pub max_wait: Duration,
    /// The same for the first request of a pull, when nothing is lost by coming back later; `None`
    /// for as long as for the others.
    pub first_wait: Option<Duration>,
    /// Whether the proxy of `ALL_PROXY`, `HTTPS_PROXY` or `HTTP_PROXY` is used, but for the hosts
    /// of `NO_PROXY`. This machine itself is never asked through a proxy.
    pub proxy_from_environment: bool,
    /// What differs from a vendor's defaults.
    pub vendors: BTreeMap<Vendor, VendorOptions>,
}

impl Default for RetrieverOptions {
    /// Half a minute for each read, two minutes for a request, 64 MiB, 3 retries from 5 s on, two
    /// minutes for each turn, no keys.
    fn default() -> Self {
        Self {
            user_agent: concat!("Mozilla/5.0 (compatible; cream/", env!("CARGO_PKG_VERSION"), ")")
                .to_owned(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(120),
            max_body: 64 << 20,
            max_retries: 3,
            retry_delay: Duration::from_secs(5),
            max_wait: Duration::from_secs(120),
            first_wait: None,
            proxy_from_environment: true,
            vendors: BTreeMap::new(),
        }
    }
}

/// What differs from a vendor's defaults.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VendorOptions {
    /// The API key.
    pub key: Option<ApiKey>,
    /// Where the vendor is, such as `https://eodhd.com`, with a path before its own or without.
    /// All its hosts are then this one. It may be `http`, over which keys go unencrypted.
    pub base_url: Option<String>,
    /// How often the vendor may be asked; `None` for its published limits.
    pub limits: Option<Vec<RateLimit>>,
    /// Whether the key is of a plan that gives everything: Alpha Vantage is then asked for the
    /// whole adjusted series, and otherwise for the last hundred days as traded.
    pub premium: bool,
}

impl VendorOptions {
    /// The same with a key.
    #[must_use]
    pub fn with_key(mut self, key: ApiKey) -> Self {
        self.key = Some(key);
        self
    }

    /// The same with a base URL.
    #[must_use]
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The same with other limits; none for no limit at all.
    #[must_use]
    pub fn with_limits(mut self, limits: impl Into<Vec<RateLimit>>) -> Self {
        self.limits = Some(limits.into());
        self
    }

    /// The same with a plan that gives everything, or not.
    #[must_use]
    pub const fn with_premium(mut self, premium: bool) -> Self {
        self.premium = premium;
        self
    }
}

/// Why vendors cannot be asked so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// A base URL that cannot be used.
    #[error("the base URL of {vendor} is {url:?}: {reason}")]
    BaseUrl {
        /// Whose.
        vendor: Vendor,
        /// What was given, shortened and without a password.
        url: String,
        /// What is wrong with it, and what is expected.
        reason: &'static str,
    },
    /// A user agent that no header can hold.
    #[error("the user agent is {0:?}: expected 1 to 256 printable ASCII characters")]
    UserAgent(String),
    /// No time at all.
    #[error("{0} is 0: expected a time longer than nothing")]
    NoTime(&'static str),
    /// A proxy in the environment that cannot be used.
    #[error(
        "{0} is no proxy that can be used: expected http://, https://, socks4://, socks4a://, \
         socks5:// or socks5h:// with a host, and a port if need be"
    )]
    Proxy(&'static str),
}

impl RetrieverOptions {
    /// What differs from a vendor's defaults, to be changed.
    pub fn vendor_mut(&mut self, vendor: Vendor) -> &mut VendorOptions {
        self.vendors.entry(vendor).or_default()
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let agent = &self.user_agent;
        let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if !(1..=256).contains(&agent.len()) || !agent.bytes().all(is_plain) {
            return Err(OptionsError::UserAgent(agent.chars().take(40).collect()));
        }
        for (name, time) in [
            ("the connect timeout", self.connect_timeout),
            ("the read timeout", self.read_timeout),
            ("the request timeout", self.request_timeout),
        ] {
            if time.is_zero() {
                return Err(OptionsError::NoTime(name));
            }
        }
        Ok(())
    }
}

/// Where a vendor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Without a slash at its end.
    pub(crate) url: String,
    /// The hosts that are the vendor's, with their ports; where the base is overridden, its own.
    pub(crate) hosts: Vec<String>,
    pub(crate) is_http: bool,
    pub(crate) is_overridden: bool,
}

impl Base {
    pub(crate) fn of(
        source: &dyn vendors::Source,
        options: &VendorOptions,
    ) -> Result<Self, OptionsError> {
        let about = source.about();
        let Some(given) = &options.base_url else {
            return Ok(Self {
                url: format!("https://{}", about.host),
                hosts: about.hosts.iter().map(|host| (*host).to_owned()).collect(),
                is_http: false,
                is_overridden: false,
            });
        };
        let bad = |shown: &str, reason| OptionsError::BaseUrl {
            vendor: about.vendor,
            url: shown.chars().take(80).collect(),
            reason,
        };
        let Ok(url) = Url::parse(given) else {
            // It may hold a password, wherever.
            return Err(bad("…", "it is no URL: expected one such as https://example.com"));
        };
        let shown = host_of(&url);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad(&shown, "it holds a user name: expected none"));
        }
        if url.query().is_some() || url.fragment().is_some() || url.host().is_none() {
            return Err(bad(&shown, "expected https://, a host, and a path if need be"));
        }
        match url.scheme() {
            "https" => {}
            "http" => {
                if options.key.is_some() && !is_loopback(&url) {
                    let vendor = about.vendor.name();
                    log::warn!(vendor, host = shown.as_str(); "the API key goes unencrypted");
                }
            }
            _ => return Err(bad(&shown, "expected https or http")),
        }
        Ok(Self {
            url: url.as_str().trim_end_matches('/').to_owned(),
            is_http: url.scheme() == "http",
            hosts: vec![shown],
            is_overridden: true,
        })
    }

    /// Whether an address is the vendor's.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        let is_safe = url.scheme() == "https" || self.is_http && url.scheme() == "http";
        is_safe && self.hosts.contains(&host_of(url))
    }
}

/// The host of an address, with its port where that is not the scheme's own.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> Result<Base, String> {
        let options = VendorOptions::default().with_base_url(url);
        let source = vendors::of(Vendor::Eodhd).unwrap();
        Base::of(source, &options).map_err(|error| error.to_string())
    }

    #[test]
    fn a_base_is_a_host_with_a_path_and_tells_no_password() {
        assert_eq!(base("http://127.0.0.1:8080/").unwrap().url, "http://127.0.0.1:8080");
        assert_eq!(base("https://h.example/a/b/").unwrap().url, "https://h.example/a/b");
        let error = base("ftp://h.example").unwrap_err();
        assert!(
            error.starts_with("the base URL of eodhd is \"h.example\": expected https"),
            "{error}"
        );
        for bad in ["", "eodhd.com", "https://h/?a=1", "https://me:pass@h.example", "https://"] {
            let error = base(bad).unwrap_err();
            assert!(!error.contains("pass"), "{error}");
        }
    }

    #[test]
    fn only_the_vendors_hosts_are_its_own() {
        let own = Base::of(vendors::of(Vendor::Eodhd).unwrap(), &VendorOptions::default()).unwrap();
        let owns = |base: &Base, url: &str| base.owns(&Url::parse(url).unwrap());
        assert!(owns(&own, "https://eodhd.com/api"));
        assert!(!owns(&own, "http://eodhd.com/api"), "never from https to http");
        assert!(!owns(&own, "https://eodhd.com.example/api"));
        assert!(!owns(&own, "https://eodhd.com:8443/api"));
        let other = base("http://127.0.0.1:8080").unwrap();
        assert!(owns(&other, "http://127.0.0.1:8080/x"));
        assert!(
            !owns(&other, "http://127.0.0.1:8081/x") && !owns(&other, "http://localhost:8080/")
        );
    }
}
