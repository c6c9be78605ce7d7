//! The listening server: its start, its limits and its end.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use actix_cors::Cors;
use actix_web::dev::ServerHandle;
use actix_web::http::header;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::rt::System;
use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use actix_web::{App, HttpServer, web};
use cream_auth::HashError;
use cream_store::Store;

use crate::ApiSettings;
use crate::metrics::MoreMetrics;
use crate::observe::{REQUEST_ID, observe};
use crate::routes::configure;
use crate::state::State;

/// Why the server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen on {address}: {}; choose another address or port", reason(.cause))]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// The cause, which the message tells already.
        cause: io::Error,
    },
    /// The machine cannot hash passwords.
    #[error("passwords cannot be hashed")]
    Passwords(#[source] HashError),
    /// The server could not be set up, or failed while it ran.
    #[error("the server failed")]
    Run(#[source] io::Error),
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there already".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => "the system does not permit it".to_owned(),
        _ => error.to_string(),
    }
}

/// Answers requests until SIGINT or SIGTERM asks it to stop, then finishes those in flight within
/// [`ApiSettings::shutdown_timeout`]; a second signal does not wait for them.
///
/// `ready` is called once, with the address bound, as soon as connections are accepted.
///
/// # Errors
///
/// [`ServeError::Bind`] where the address cannot be had, [`ServeError::Run`] for anything later.
pub fn serve(
    store: Store,
    settings: ApiSettings,
    ready: impl FnOnce(SocketAddr) + Send,
) -> Result<(), ServeError> {
    Server::bind(store, settings)?.run_until(ready, true)
}

/// A server that listens and does not answer yet; for those who stop it by other means than a
/// signal.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: State,
    stop: StopHandle,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Binds the address of the settings. Connections queue up until the server runs.
    ///
    /// # Errors
    ///
    /// [`ServeError::Bind`] where the address cannot be had, [`ServeError::Passwords`] where the
    /// machine has no memory or no random numbers for a password hash.
    pub fn bind(store: Store, settings: ApiSettings) -> Result<Self, ServeError> {
        let bind = || {
            let listener = TcpListener::bind(settings.listen)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) =
            bind().map_err(|cause| ServeError::Bind { address: settings.listen, cause })?;
        let state = State::new(store, settings).map_err(ServeError::Passwords)?;
        let stop = StopHandle::default();
        Ok(Self { listener, address, state, stop })
    }

    /// The address bound, with the true port where the settings left it open.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has `GET /metrics` tell of something else in the process too, such as a worker: text as
    /// [`cream_metrics::render`] takes it.
    pub fn tell_also(&mut self, metrics: MoreMetrics) {
        self.state.counted.more = Some(metrics);
    }

    /// What stops this server, from any thread.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Answers requests until a [`StopHandle`] stops it. Leaves the process's signals alone.
    ///
    /// # Errors
    ///
    /// [`ServeError::Run`].
    pub fn run(self) -> Result<(), ServeError> {
        self.run_until(|_| (), false)
    }

    fn run_until(self, ready: impl FnOnce(SocketAddr), on_signals: bool) -> Result<(), ServeError> {
        let Self { listener, address, state, stop } = self;
        let settings = state.settings.clone();
        let state = web::Data::new(state);
        let run = async move {
            // Before anybody is told that the server is ready, and may want to end it.
            let signals = if on_signals {
                Some((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
            } else {
                None
            };
            let server = HttpServer::new(move || {
                let origins = &state.settings.cors_origins;
                App::new()
                    .app_data(state.clone())
                    .configure(configure)
                    .wrap(Compress::default())
                    .wrap(Condition::new(!origins.is_empty(), cors(origins)))
                    .wrap(from_fn(observe))
            })
            .keep_alive(settings.keep_alive)
            .client_request_timeout(settings.request_timeout)
            .client_disconnect_timeout(settings.request_timeout)
            .max_connections(settings.max_connections.max(1))
            .shutdown_timeout(settings.shutdown_timeout.as_secs())
            .disable_signals();
            let workers = match settings.workers {
                Some(workers) => workers.max(1),
                None => std::thread::available_parallelism().map_or(1, NonZero::get),
            };
            let server = server
                .workers(workers)
                .worker_max_blocking_threads((settings.blocking_threads / workers).max(1))
                .listen(listener)?
                .run();
            stop.attach(server.handle());
            if let Some((interrupt, terminate)) = signals {
                actix_web::rt::spawn(stop_on_signals(interrupt, terminate, server.handle()));
            }
            ready(address);
            server.await
        };
        System::new().block_on(run).map_err(ServeError::Run)
    }
}

/// Lets pages of these origins read, with tokens that they send themselves: no cookie is known here.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PATCH", "DELETE"])
        .allowed_headers([
            header::AUTHORIZATION,
            header::ACCEPT,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            REQUEST_ID,
        ])
        .expose_any_header()
        .max_age(3600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

async fn stop_on_signals(mut interrupt: Signal, mut terminate: Signal, server: ServerHandle) {
    let mut graceful = true;
    loop {
        std::future::poll_fn(|context| {
            let received =
                interrupt.poll_recv(context).is_ready() || terminate.poll_recv(context).is_ready();
            if received { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        log::info!(graceful; "stopping");
        // The command is sent at once; waiting for its end would miss a second signal.
        drop(server.stop(graceful));
        graceful = false;
    }
}

/// Stops a [`Server`] from any thread, before it runs or while it does.
#[derive(Clone, Default)]
pub struct StopHandle(Arc<Mutex<Stop>>);

#[derive(Default)]
struct Stop {
    asked: bool,
    server: Option<ServerHandle>,
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopHandle").finish_non_exhaustive()
    }
}

impl StopHandle {
    /// Asks the server to end: it accepts nothing more and finishes requests in flight within its
    /// shutdown timeout. Returns at once; [`Server::run`] returns when it is done.
    pub fn stop(&self) {
        let mut stop = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stop.asked = true;
        if let Some(server) = &stop.server {
            // The command is sent at once; only waiting for its end would need a runtime.
            drop(server.stop(true));
        }
    }

    fn attach(&self, server: ServerHandle) {
        let mut stop = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stop.asked {
            drop(server.stop(true));
        }
        stop.server = Some(server);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::problem::ApiError;
    use actix_web::{HttpResponse, error, http};
    use cream_store::{DatabaseUrl, StoreOptions};
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    /// `GET /test/{failure}`: handlers that fail as none of the real ones should.
    pub(crate) async fn fail(
        failure: web::Path<String>,
        state: web::Data<State>,
    ) -> Result<HttpResponse, error::Error> {
        match failure.as_str() {
            "panic" => panic!("secret of the handler"),
            "blocking" => {
                let panicked: Result<(), ApiError> =
                    state.blocking(|_| panic!("secret of the service")).await;
                panicked?;
            }
            "foreign" => return Err(error::ErrorInternalServerError("secret of a layer")),
            "teapot" => return Err(error::ErrorImATeapot("secret of a layer")),
            "json" => return Err(error::JsonPayloadError::ContentType.into()),
            "busy" => {
                let message = "secret of the store".to_owned();
                return Err(ApiError::from(cream_store::StoreError::Busy { message }).into());
            }
            "slow" => {
                state
                    .blocking(|_| {
                        std::thread::sleep(Duration::from_millis(400));
                        Ok(())
                    })
                    .await?;
            }
            _ => {}
        }
        Ok(HttpResponse::build(http::StatusCode::OK).body("fine"))
    }

    struct Running {
        address: SocketAddr,
        stop: StopHandle,
        thread: std::thread::JoinHandle<Result<(), ServeError>>,
        _folder: tempfile::TempDir,
    }

    fn run() -> Running {
        run_with(|settings| settings)
    }

    fn run_with(change: impl FnOnce(ApiSettings) -> ApiSettings) -> Running {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("cream.db").display());
        let url: DatabaseUrl = url.parse().unwrap();
        let store = Store::open(&url, &StoreOptions::default()).unwrap();
        let settings = ApiSettings::new("127.0.0.1:0".parse().unwrap())
            .with_workers(1)
            .with_request_timeout(Duration::from_millis(500))
            .with_shutdown_timeout(Duration::from_secs(5));
        let server = Server::bind(store, change(settings)).unwrap();
        let (address, stop) = (server.address(), server.stop_handle());
        let thread = std::thread::spawn(|| server.run());
        Running { address, stop, thread, _folder: folder }
    }

    impl Running {
        fn connect(&self) -> TcpStream {
            let stream = TcpStream::connect(self.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream
        }

        fn get(&self, path: &str) -> String {
            let mut stream = self.connect();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        }

        fn end(self) {
            self.stop.stop();
            self.thread.join().unwrap().unwrap();
        }
    }

    #[test]
    fn failures_answer_with_a_problem_and_tell_no_secret() {
        let server = run();
        for (failure, status, code) in [
            ("panic", 500, "internal"),
            ("blocking", 500, "internal"),
            ("foreign", 500, "internal"),
            ("teapot", 400, "bad_request"),
            ("json", 400, "bad_request"),
            ("busy", 503, "unavailable"),
        ] {
            let answer = server.get(&format!("/test/{failure}"));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{failure}: {answer}");
            assert!(answer.contains("application/problem+json"), "{failure}: {answer}");
            assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{failure}: {answer}");
            assert!(answer.contains("x-request-id: "), "{failure}: {answer}");
            assert!(answer.contains("\"request_id\":\""), "{failure}: {answer}");
            assert!(answer.contains("nosniff") && !answer.contains("secret"), "{answer}");
            assert_eq!(answer.contains("retry-after: "), status == 503, "{answer}");
        }
        // The one worker is alive.
        assert!(server.get("/test/none").ends_with("fine"));
        server.end();
    }

    #[test]
    fn a_stop_finishes_what_is_in_flight_and_waits_for_no_idle_connection() {
        // Were the idle connection waited for, this would take a day.
        let day = Duration::from_secs(86_400);
        let server = run_with(|settings| {
            ApiSettings { keep_alive: day, ..settings }.with_shutdown_timeout(day)
        });
        let mut idle = server.connect();
        write!(idle, "GET /test/none HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let _ = idle.read(&mut [0; 4096]).unwrap();
        let mut slow = server.connect();
        write!(slow, "GET /test/slow HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let address = server.address;
        server.end();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("fine"), "{answer}");
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn a_request_that_waits_too_long_for_its_turn_is_told_to_come_again() {
        let server = run_with(|settings| {
            settings.with_blocking_threads(1).with_queue_timeout(Duration::from_millis(100))
        });
        let mut slow = server.connect();
        write!(slow, "GET /test/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let answer = server.get("/test/slow");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: ") && answer.contains("waited"), "{answer}");
        let mut first = String::new();
        slow.read_to_string(&mut first).unwrap();
        assert!(first.ends_with("fine"), "{first}");
        server.end();
    }

    #[test]
    fn a_signal_ends_the_server() {
        use rustix::process::{Signal, getpid, kill_process};
        for signal in [Signal::INT, Signal::TERM] {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}", folder.path().join("cream.db").display());
            let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
            let settings = ApiSettings::new("127.0.0.1:0".parse().unwrap()).with_workers(1);
            let mut bound = None;
            // The handlers are in place once it is ready, so that the test itself lives on.
            let ready = |address: SocketAddr| {
                bound = Some(address);
                kill_process(getpid(), signal).unwrap();
            };
            serve(store, settings, ready).unwrap();
            assert!(TcpStream::connect(bound.unwrap()).is_err());
        }
    }

    #[test]
    fn a_stop_before_the_start_is_not_lost() {
        let server = run();
        server.stop.stop();
        server.end();
    }

    #[test]
    fn a_head_that_does_not_arrive_ends_the_connection() {
        let server = run();
        let mut stream = server.connect();
        write!(stream, "GET / HTTP/1.1\r\nHost:").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        server.end();
    }

    #[test]
    fn a_taken_address_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("cream.db").display());
        let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
        let error = serve(store, ApiSettings::new(address), |_| ()).unwrap_err();
        // Said once: whoever writes the chain of causes shall not repeat it.
        assert!(std::error::Error::source(&error).is_none());
        let error = error.to_string();
        let wanted = format!(
            "cannot listen on {address}: another program listens there already; choose another \
             address or port"
        );
        assert_eq!(error, wanted);
    }
}
