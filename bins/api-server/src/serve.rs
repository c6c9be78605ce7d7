//! The server, and the worker beside it.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;

use anyhow::Result;
use cream_api::{ApiSettings, LoginLimits, ServeError, Server};
use cream_config::{ConfigErrors, Settings};
use cream_operator::{
    Cancel, Exit, Needs, Operator, cancel_on_signals, is_one_file, on_first_signal,
};

/// Looks at everything that serving needs.
///
/// # Errors
///
/// Everything that is in the way, at once.
pub(crate) fn look(
    settings: &Settings,
    unusable: Option<&ConfigErrors>,
    listen: Option<SocketAddr>,
    worker: bool,
) -> Result<Operator> {
    let mut problems = Vec::new();
    // What stands for a setting that is not usable says nothing.
    if listen.is_some() || !unusable.is_some_and(|it| it.concern("API_LISTEN")) {
        let address = listen.unwrap_or(settings.api_listen);
        // Taken again when all is well.
        if let Err(cause) = TcpListener::bind(address) {
            problems.push(ServeError::Bind { address, cause }.into());
        }
    }
    let metrics = settings.metrics_listen.filter(|_| worker);
    Operator::start(settings, unusable, Needs { worker, metrics, problems })
}

/// How the settings want the database to be served.
pub(crate) fn api_settings(settings: &Settings, listen: Option<SocketAddr>) -> ApiSettings {
    let listen = listen.unwrap_or(settings.api_listen);
    let set = &settings.api;
    // Behind a proxy on the same machine, whoever comes from anywhere comes from loopback.
    let is_private = listen.ip().is_loopback() && set.trusted_proxies.is_empty();
    let logins = LoginLimits {
        of_account: set.login_failures,
        from_address: set.login_failures_per_address,
        window: set.login_window,
    };
    let api = ApiSettings::new(listen)
        .with_open_reading(set.open_reading.unwrap_or(is_private))
        .with_trusted_proxies(set.trusted_proxies.clone())
        .with_cors_origins(set.cors_origins.clone())
        .with_requests_per_second(set.requests_per_second.and_then(NonZeroU32::new))
        .with_max_concurrent_requests(set.max_concurrent_requests)
        .with_request_timeout(set.request_timeout)
        .with_cache_bytes(set.cache_bytes)
        .with_logins(set.session, logins)
        .with_tracking(settings.vendor, settings.vendors.keys().copied().collect(), set.max_tracked)
        .with_lease(settings.lease)
        .with_blocking_threads(blocking_threads(settings));
    [
        ("raw responses", &settings.raw_responses_dir),
        ("parsed responses", &settings.parsed_responses_dir),
        ("dead letters", &settings.deadletter_responses_dir),
    ]
    .into_iter()
    .fold(api, |api, (name, path)| api.with_folder(name, path.clone()))
}

/// Threads that work with the database. What reads a file keeps a processor busy, and more threads
/// than a few for each would only take it from one another; what asks a server waits.
fn blocking_threads(settings: &Settings) -> usize {
    let connections = usize::try_from(settings.max_connections).unwrap_or(usize::MAX);
    if !is_one_file(settings) {
        return connections;
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    connections.min(processors.saturating_mul(2))
}

/// Serves until a signal ends it, with a worker beside it where that is wanted. The worker stops
/// when the last request is answered. `greet` is called when connections are accepted.
///
/// # Errors
///
/// Where the address cannot be had, the worker cannot start, or the server fails.
pub(crate) fn serve(
    operator: &Operator,
    settings: ApiSettings,
    has_worker: bool,
    greet: impl FnOnce(SocketAddr) -> Result<()>,
) -> Result<Exit> {
    let mut server = Server::bind(operator.store().clone(), settings)?;
    let stop = server.stop_handle();
    // The second signal ends the process.
    cancel_on_signals(&Cancel::default())?;
    on_first_signal(move || stop.stop())?;
    // Stopped when the server has stopped, and not by the signal itself.
    let worker = match has_worker {
        true => Some(operator.runner(None)?.start(&Cancel::default())?),
        false => None,
    };
    if let Some(worker) = &worker {
        server.tell_also(worker.metrics());
    }
    greet(server.address())?;
    let served = server.run();
    if let Some(worker) = worker {
        // What it could not finish in time, the log tells.
        let _ended = worker.stop();
    }
    served?;
    Ok(Exit::Done)
}
