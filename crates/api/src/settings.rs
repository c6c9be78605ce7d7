//! What the server is told at its start.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use cream_auth::HashParams;
use cream_models::Vendor;
use ipnet::IpNet;

/// How many logins may fail before more are refused without a look at the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// To one account, from wherever.
    pub of_account: u32,
    /// From one address, whichever accounts it tries.
    pub from_address: u32,
    /// For how long one counts.
    pub window: Duration,
}

impl Default for LoginLimits {
    /// 10 and 30 within 15 minutes.
    fn default() -> Self {
        Self { of_account: 10, from_address: 30, window: Duration::from_secs(15 * 60) }
    }
}

/// Where the server listens and what bounds it.
///
/// ```
/// use std::time::Duration;
/// use cream_api::ApiSettings;
///
/// let settings = ApiSettings::new("127.0.0.1:0".parse()?)
///     .with_folder("STOCK_DATA_RAW_RESPONSES_DIR", "files/raw_responses".into());
/// assert_eq!(settings.shutdown_timeout, Duration::from_secs(10));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiSettings {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that serve connections; `None` for one a processor.
    pub workers: Option<usize>,
    /// Threads that work with the database, over all workers, at least one a worker. More than the
    /// store has connections would only wait for one, and cost the switching between them.
    pub blocking_threads: usize,
    /// How long a request may wait for such a thread before it is told to come again.
    pub queue_timeout: Duration,
    /// How long requests in flight may take to finish after a stop was asked for.
    pub shutdown_timeout: Duration,
    /// How long the head of a request may take to arrive, and then its body.
    pub request_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How many connections a worker serves at once; more wait.
    pub max_connections: usize,
    /// The longest request body, in bytes.
    pub max_body_bytes: usize,
    /// The longest path and query together, in bytes; 2,000 symbols of usual length fit.
    pub max_uri_bytes: usize,
    /// Whether prices are read without a token.
    pub open_reading: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whose pages a browser lets read from here, as browsers write origins. None turns CORS off.
    pub cors_origins: Vec<String>,
    /// How many requests a second a client may make in the long run, and twice as many at once.
    pub requests_per_second: Option<NonZeroU32>,
    /// How many requests are answered at once.
    pub max_concurrent_requests: usize,
    /// How much memory small answers are kept in, in bytes; 0 keeps none.
    pub cache_bytes: u64,
    /// How long a login lasts.
    pub session: Duration,
    /// How many logins may fail.
    pub logins: LoginLimits,
    /// From whom a stock is tracked where nothing is said.
    pub vendor: Vendor,
    /// From whom stocks can be tracked.
    pub askable_vendors: Vec<Vendor>,
    /// As soon as so many stocks are tracked, whoever is no admin may add none.
    pub max_tracked: u32,
    /// How long a worker holds what it has in hand without a sign of life; then it counts as gone.
    pub lease: Duration,
    /// How passwords are hashed.
    pub password_hash: HashParams,
    /// Folders that readiness checks: a name for the answer (the setting's, say) and the path,
    /// which no client is told.
    pub folders: Vec<(String, PathBuf)>,
}

impl ApiSettings {
    /// The defaults, listening on `listen`.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            workers: None,
            blocking_threads: 10,
            queue_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            max_connections: 4_096,
            max_body_bytes: 64 * 1024,
            max_uri_bytes: 32 * 1024,
            open_reading: listen.ip().is_loopback(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            requests_per_second: NonZeroU32::new(200),
            max_concurrent_requests: 512,
            cache_bytes: 64_000_000,
            session: Duration::from_secs(12 * 3600),
            logins: LoginLimits::default(),
            vendor: Vendor::YahooChart,
            askable_vendors: vec![Vendor::YahooChart],
            max_tracked: 20_000,
            lease: Duration::from_secs(60),
            password_hash: HashParams::DEFAULT,
            folders: Vec::new(),
        }
    }

    /// The same with reading open to anybody, or to tokens alone.
    #[must_use]
    pub fn with_open_reading(mut self, is_open: bool) -> Self {
        self.open_reading = is_open;
        self
    }

    /// The same with these proxies believed.
    #[must_use]
    pub fn with_trusted_proxies(mut self, proxies: Vec<IpNet>) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    /// The same with pages of these origins let in by browsers.
    #[must_use]
    pub fn with_cors_origins(mut self, origins: Vec<String>) -> Self {
        self.cors_origins = origins;
        self
    }

    /// The same with so many requests a second for each client, or as many as it likes.
    #[must_use]
    pub fn with_requests_per_second(mut self, requests: Option<NonZeroU32>) -> Self {
        self.requests_per_second = requests;
        self
    }

    /// The same with so many requests answered at once, at least 1.
    #[must_use]
    pub fn with_max_concurrent_requests(mut self, requests: usize) -> Self {
        self.max_concurrent_requests = requests.max(1);
        self
    }

    /// The same with so many bytes for answers that are kept.
    #[must_use]
    pub fn with_cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// The same with this time for a login to last, and these limits of failed ones.
    #[must_use]
    pub fn with_logins(mut self, session: Duration, logins: LoginLimits) -> Self {
        self.session = session;
        self.logins = logins;
        self
    }

    /// The same with stocks tracked from this vendor where nothing is said, from any of these where
    /// it is, and so many as soon as users add none.
    #[must_use]
    pub fn with_tracking(mut self, vendor: Vendor, askable: Vec<Vendor>, max: u32) -> Self {
        self.vendor = vendor;
        self.askable_vendors = askable;
        self.max_tracked = max;
        self
    }

    /// The same with this length of the leases of workers.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// The same with this many worker threads, at least 1.
    #[must_use]
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers.max(1));
        self
    }

    /// The same with this many threads for the database: as many as the store has connections.
    #[must_use]
    pub fn with_blocking_threads(mut self, threads: usize) -> Self {
        self.blocking_threads = threads.max(1);
        self
    }

    /// The same with this time for a request to wait for its turn at the database.
    #[must_use]
    pub fn with_queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue_timeout = timeout;
        self
    }

    /// The same with this time for requests in flight after a stop was asked for.
    #[must_use]
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// The same with this time for the head of a request to arrive.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// The same with other parameters for password hashes, such as weaker ones in tests.
    #[must_use]
    pub fn with_password_hash(mut self, params: HashParams) -> Self {
        self.password_hash = params;
        self
    }

    /// The same with one more folder that readiness checks.
    #[must_use]
    pub fn with_folder(mut self, name: impl Into<String>, path: PathBuf) -> Self {
        self.folders.push((name.into(), path));
        self
    }
}
