//! What a process tells Prometheus: the metrics, their text, and a small HTTP server for them.
//!
//! [`WorkerMetrics`] holds what a worker counts, [`MetricsServer`] answers `GET /metrics` with it
//! where no other HTTP server runs, and [`HttpMetrics`] what such a server counts. What any process tells, [`registry`] holds, and [`render`] makes
//! the text: other programs add metrics of their own there. Nothing is global: two workers in one
//! process have a registry each.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use cream_metrics::{BarCounts, MetricsServer, PullOutcome, Queues, WorkerMetrics};
//! use cream_models::Vendor;
//!
//! let metrics = Arc::new(WorkerMetrics::new("1.2.3"));
//! metrics.pull(Vendor::Tiingo, PullOutcome::Loaded, Duration::from_millis(850), 52_144);
//! metrics.bars(&BarCounts { inserted: 1, unchanged: 4, ..BarCounts::default() });
//!
//! let server = MetricsServer::bind("127.0.0.1:0")?;
//! let running = server.run({
//!     let metrics = Arc::clone(&metrics);
//!     move || {
//!         // What the database knows is read here, at each scrape.
//!         metrics.set_queues(&Queues { in_hand: Some(3), ..Queues::default() });
//!         metrics.render().unwrap_or_default()
//!     }
//! })?;
//! println!("http://{}/metrics", running.address());
//!
//! let text = metrics.render()?;
//! assert!(text.contains("cream_pulls_total{vendor=\"tiingo\",outcome=\"loaded\"} 1\n"));
//! assert!(text.contains("cream_bars_total{change=\"inserted\"} 1\n"));
//! running.stop();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Labels
//!
//! A label's value is a `&'static str` or an enum: no symbol, file name or message can become one, so
//! that the number of series is bounded by the code. Series of an enum are there from the start, at
//! 0, so that the first event is seen as an increase.
//!
//! # What is not known
//!
//! A gauge whose value is not known, such as a queue's depth while the database is away, is left out.
//! It is never 0 then.

mod http;
mod labels;
mod process;
mod queues;
mod server;
mod worker;

use std::fmt;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::info::Info;
pub use prometheus_client::registry::Registry;

pub use http::{Answered, HttpMetrics, PoolUse};
pub use labels::{PullOutcome, ResponseOutcome, TaskOutcome};
pub use queues::{Queue, Queues, Tracked};
pub use server::{Limits, MetricsError, MetricsServer, RunningServer};
pub use worker::{BarCounts, WorkerMetrics};

/// The content type of the text: OpenMetrics 1.0.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the names of the project's own metrics begin with.
const PREFIX: &str = "cream";

/// What any process tells: `cream_build_info`, its memory, its processor time and its start. The
/// last three come from `/proc` and are left out where there is none.
#[must_use]
pub fn registry(version: &str) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(process::ProcessCollector::new()));
    registry.sub_registry_with_prefix(PREFIX).register(
        "build",
        "The version that runs",
        Info::new(vec![("version", version.to_owned())]),
    );
    registry
}

/// The text of a registry, as OpenMetrics, for [`CONTENT_TYPE`]; with the families of others in the
/// process, such as [`WorkerMetrics::families`], behind its own.
///
/// # Errors
///
/// A metric that cannot be written as text. None of this crate's is such.
pub fn render(registry: &Registry, others: &str) -> Result<String, fmt::Error> {
    let mut text = String::new();
    encode_registry(&mut text, registry)?;
    text.push_str(others);
    encode_eof(&mut text)?;
    Ok(text)
}
