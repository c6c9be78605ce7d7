//! A small blocking HTTP/1.1 server for the metrics of a process that serves nothing else.
//!
//! One thread accepts and each connection has a thread of its own, a bounded number of them. A
//! connection is one request, and every step of it is bounded in bytes and time, so that nobody who
//! can reach the port can take more than that from the process.

mod answer;
mod connection;
mod head;
mod places;

use std::any::Any;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use log::{debug, error, info, warn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use self::places::Places;

/// After a failure to accept, such as no file descriptor being left, the next try is so much later.
const PAUSE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// So much of an address is repeated in an error.
const SHOWN: usize = 100;

/// Why the metrics are not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// The address cannot be listened on.
    #[error(
        "cannot serve metrics on `{address}`: {source}; expected an address of this machine and a \
         free port, such as 127.0.0.1:9100"
    )]
    Bind {
        /// The address, shortened.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The thread that serves cannot be started.
    #[error("cannot start the server of the metrics on {address}: {source}")]
    Start {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// What a connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a request may take to come, from the first byte to the last.
    pub head: Duration,
    /// How long a client may take to read the answer.
    pub write: Duration,
    /// How long a client may take to close, when it has the answer.
    pub linger: Duration,
    /// When the server stops, how long requests that have come may take to be answered.
    pub grace: Duration,
    /// How many are served at a time. As many more are turned away with 503, and what comes beyond
    /// that is closed at once.
    pub connections: usize,
}

impl Default for Limits {
    /// 5 s, 5 s, 1 s, 1 s, 16 connections.
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            write: Duration::from_secs(5),
            linger: Duration::from_secs(1),
            grace: Duration::from_secs(1),
            connections: 16,
        }
    }
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
#[must_use = "nothing is served until it runs"]
pub struct MetricsServer {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
}

/// What makes the text.
type Render = dyn Fn() -> String + Send + Sync;

impl MetricsServer {
    /// Listens on an address such as `127.0.0.1:9100`; port 0 takes a free one. Whoever can reach it
    /// can read the metrics: there is no authentication.
    ///
    /// # Errors
    ///
    /// The address is none, is not this machine's, is taken, or may not be taken.
    pub fn bind(address: impl ToSocketAddrs + fmt::Display) -> Result<Self, MetricsError> {
        let listen = || {
            let listener = TcpListener::bind(&address)?;
            // A client may leave between being announced and being accepted.
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok(Self { listener, address, limits: Limits::default() })
        };
        listen().map_err(|source| MetricsError::Bind { address: excerpt(&address), source })
    }

    /// The same with other limits.
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where it listens, with the port that was taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers on threads of its own until it is stopped: `/metrics` with what `render` gives, and
    /// `/health/live`. `render` is called once a request, by several threads at once. Where it
    /// panics, or gives an empty text, the request is answered with 500.
    ///
    /// # Errors
    ///
    /// [`MetricsError::Start`].
    pub fn run(
        self,
        render: impl Fn() -> String + Send + Sync + 'static,
    ) -> Result<RunningServer, MetricsError> {
        let Self { listener, address, limits } = self;
        let render: Arc<Render> = Arc::new(render);
        let places = Arc::new(Places::new(limits.connections));
        let start = || {
            let (wake, woken) = UnixStream::pair()?;
            let acceptor =
                Acceptor { listener, woken, limits, render, places: Arc::clone(&places) };
            let thread =
                thread::Builder::new().name("metrics".to_owned()).spawn(move || acceptor.run())?;
            Ok((wake, thread))
        };
        let (wake, thread) = start().map_err(|source| MetricsError::Start { address, source })?;
        info!(address = address.to_string().as_str(); "metrics are served");
        Ok(RunningServer {
            address,
            grace: limits.grace,
            places,
            wake: Some(wake),
            thread: Some(thread),
        })
    }
}

/// A server that answers; it stops when this is dropped.
#[derive(Debug)]
#[must_use = "it stops when this is dropped"]
pub struct RunningServer {
    address: SocketAddr,
    grace: Duration,
    places: Arc<Places>,
    /// The acceptor sees it closed.
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl RunningServer {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: nobody new is let in and the port is free; requests that have come have
    /// [`Limits::grace`] to be answered; what is open then is closed. Only a text that is still being
    /// made goes on being made, on its thread.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.places.close();
        drop(self.wake.take());
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
        {
            error!(reason = reason(&*panic); "the server of the metrics had failed");
        }
        self.places.empty(self.grace);
    }
}

/// Lets clients in.
struct Acceptor {
    listener: TcpListener,
    woken: UnixStream,
    limits: Limits,
    render: Arc<Render>,
    places: Arc<Places>,
}

impl Acceptor {
    /// Until it is woken.
    fn run(&self) {
        let mut is_failing = false;
        while !self.is_woken_before_next() {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    is_failing = false;
                    connection::begin(stream, self.limits, &self.render, &self.places);
                }
                // The client left, or there was none.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock
                            | ErrorKind::Interrupted
                            | ErrorKind::ConnectionAborted
                    ) =>
                {
                    debug!(error = error.to_string().as_str(); "a client of the metrics left");
                }
                Err(error) => {
                    if !is_failing {
                        warn!(error = error.to_string().as_str(); "clients of the metrics cannot be accepted");
                    }
                    is_failing = true;
                    if self.is_woken_within_pause() {
                        return;
                    }
                }
            }
        }
    }

    /// Waits until there is a client or an end.
    fn is_woken_before_next(&self) -> bool {
        loop {
            let mut waited = [
                PollFd::new(&self.woken, PollFlags::IN),
                PollFd::new(&self.listener, PollFlags::IN),
            ];
            let result = poll(&mut waited, None);
            let [woken, client] = &waited;
            match result {
                Ok(_) if !woken.revents().is_empty() => return true,
                Ok(_) if !client.revents().is_empty() => return false,
                Ok(_) | Err(Errno::INTR) => {}
                // No memory: not for long.
                Err(error) => {
                    warn!(error = error.to_string().as_str(); "clients of the metrics cannot be waited for");
                    thread::sleep(Duration::from_millis(100));
                    return self.places.is_closed();
                }
            }
        }
    }

    fn is_woken_within_pause(&self) -> bool {
        // Whatever ends the pause early, only the end itself counts.
        let _ = poll(&mut [PollFd::new(&self.woken, PollFlags::IN)], Some(&PAUSE));
        self.places.is_closed()
    }
}

/// What a panic says.
fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}

/// The beginning of a text from outside, on one line.
fn excerpt(text: &impl fmt::Display) -> String {
    let text = text.to_string();
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(SHOWN).flat_map(char::escape_debug).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}
