//! What the server is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

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
    /// How long the head of a request may take to arrive.
    pub request_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How many connections a worker serves at once; more wait.
    pub max_connections: usize,
    /// The longest request body, in bytes.
    pub max_body_bytes: usize,
    /// The longest path and query together, in bytes.
    pub max_uri_bytes: usize,
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
            max_uri_bytes: 8 * 1024,
            folders: Vec::new(),
        }
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

    /// The same with one more folder that readiness checks.
    #[must_use]
    pub fn with_folder(mut self, name: impl Into<String>, path: PathBuf) -> Self {
        self.folders.push((name.into(), path));
        self
    }
}
