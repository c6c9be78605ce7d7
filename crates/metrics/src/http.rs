//! What an HTTP server counts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::PREFIX;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Upper bounds of the buckets of requests, in seconds: from an answer out of memory to a stream of
/// everything.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// An answer that is out, or whose client is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The method, in capitals; one of those that the server has routes for, else `other`.
    pub method: &'static str,
    /// Which of the routes that were registered, by its place among them; `None` where none was
    /// found.
    pub route: Option<usize>,
    /// The status.
    pub status: u16,
    /// From the head of the request to the last byte of the answer.
    pub duration: Duration,
    /// Bytes of the body as they were sent, compressed or not.
    pub bytes: u64,
    /// Rows of data in it.
    pub rows: u64,
    /// Whether it was looked for in the cache, and found there.
    pub cache: Option<bool>,
}

/// A pool of connections, as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections that there are.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// As many as there may be.
    pub limit: u32,
}

/// What an HTTP server counts since its start. Each method may be called by many threads at once.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: Family<Labels<3>, Counter>,
    /// Looked up once, rather than with each request.
    routes: Arc<[OfRoute]>,
    no_route: OfRoute,
    hits: Counter,
    misses: Counter,
    in_flight: Gauge,
    pool: Arc<Mutex<Option<PoolUse>>>,
}

/// What is counted for one route.
#[derive(Clone, Debug)]
struct OfRoute {
    /// Its pattern.
    path: &'static str,
    seconds: Histogram,
    bytes: Counter,
    rows: Counter,
}

impl HttpMetrics {
    /// Adds the metrics to a registry, with nothing counted yet. Those of `routes`, patterns of
    /// paths such as `/stock-data/{symbol}`, begin at 0.
    pub fn register(
        registry: &mut Registry,
        routes: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let (seconds, bytes, rows) = (
            Family::<Labels<1>, Histogram, fn() -> Histogram>::new_with_constructor(|| {
                Histogram::new(SECONDS)
            }),
            Family::<Labels<1>, Counter>::default(),
            Family::<Labels<1>, Counter>::default(),
        );
        let of_route = |path| {
            let labels = [("route", path)];
            OfRoute {
                path,
                seconds: seconds.get_or_create(&labels).clone(),
                bytes: bytes.get_or_create(&labels).clone(),
                rows: rows.get_or_create(&labels).clone(),
            }
        };
        let cache = Family::<Labels<1>, Counter>::default();
        let of_outcome = |outcome| cache.get_or_create(&[("outcome", outcome)]).clone();
        let metrics = Self {
            requests: Family::default(),
            routes: routes.into_iter().map(of_route).collect(),
            no_route: of_route(""),
            hits: of_outcome("hit"),
            misses: of_outcome("miss"),
            in_flight: Gauge::default(),
            pool: Arc::default(),
        };
        let registry = registry.sub_registry_with_prefix(PREFIX);
        let help = "Requests by method, route and status";
        registry.register("http_requests", help, metrics.requests.clone());
        let help = "How long requests took, from the head to the answer's last byte";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, seconds);
        let help = "Bytes of bodies as they were sent";
        registry.register_with_unit("http_response", help, Unit::Bytes, bytes);
        let help = "Bars, corporate actions and other rows in answers";
        registry.register("http_rows", help, rows);
        let help = "Answers that were looked for in the cache";
        registry.register("http_cache", help, cache);
        let help = "Requests that are being answered";
        registry.register("http_requests_in_flight", help, metrics.in_flight.clone());
        registry.register_collector(Box::new(PoolCollector(Arc::clone(&metrics.pool))));
        metrics
    }

    /// Counts an answer.
    pub fn answered(&self, answer: &Answered) {
        let Answered { method, route, status, duration, bytes, rows, cache } = *answer;
        let route = route.and_then(|route| self.routes.get(route)).unwrap_or(&self.no_route);
        let labels = [("method", method), ("route", route.path), ("status", status_name(status))];
        self.requests.get_or_create(&labels).inc();
        route.seconds.observe(duration.as_secs_f64());
        route.bytes.inc_by(bytes);
        route.rows.inc_by(rows);
        if let Some(is_hit) = cache {
            let outcome = if is_hit { &self.hits } else { &self.misses };
            outcome.inc();
        }
    }

    /// How many requests are being answered now.
    pub fn set_in_flight(&self, requests: usize) {
        self.in_flight.set(i64::try_from(requests).unwrap_or(i64::MAX));
    }

    /// How the pool of database connections stands now.
    pub fn set_pool(&self, pool: PoolUse) {
        *self.pool.lock().unwrap_or_else(PoisonError::into_inner) = Some(pool);
    }
}

/// The statuses that a server of ours answers with; what else there may be is told by its class.
fn status_name(status: u16) -> &'static str {
    let known = STATUSES.iter().find(|(code, _)| *code == status).map(|(_, name)| *name);
    known.unwrap_or(match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    })
}

const STATUSES: [(u16, &str); 19] = [
    (200, "200"),
    (201, "201"),
    (204, "204"),
    (304, "304"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (409, "409"),
    (413, "413"),
    (414, "414"),
    (415, "415"),
    (422, "422"),
    (429, "429"),
    (500, "500"),
    (503, "503"),
];

#[derive(Debug)]
struct PoolCollector(Arc<Mutex<Option<PoolUse>>>);

impl Collector for PoolCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let pool = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(PoolUse { open, idle, limit }) = pool else { return Ok(()) };
        for (name, help, value) in [
            ("database_connections", "Connections to the database", open),
            ("database_connections_idle", "Connections that nobody uses", idle),
            ("database_connections_limit", "As many as there may be", limit),
        ] {
            let gauge = ConstGauge::new(i64::from(value));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{registry, render};

    #[test]
    fn answers_are_counted_by_route_and_status() {
        let mut registry = registry("1.2.3");
        let metrics = HttpMetrics::register(&mut registry, ["/a/{b}"]);
        let text = render(&registry, "").unwrap();
        assert!(text.contains("cream_http_request_duration_seconds_count{route=\"/a/{b}\"} 0\n"));
        assert!(!text.contains("cream_database_connections"), "not known yet");
        let answer = Answered {
            method: "GET",
            route: Some(0),
            status: 200,
            duration: Duration::from_millis(3),
            bytes: 10,
            rows: 2,
            cache: Some(true),
        };
        metrics.answered(&answer);
        metrics.answered(&Answered { status: 418, route: None, cache: None, ..answer });
        metrics.set_in_flight(7);
        metrics.set_pool(PoolUse { open: 3, idle: 2, limit: 10 });
        let text = render(&registry, "").unwrap();
        for line in [
            "cream_http_requests_total{method=\"GET\",route=\"/a/{b}\",status=\"200\"} 1",
            "cream_http_requests_total{method=\"GET\",route=\"\",status=\"4xx\"} 1",
            "cream_http_request_duration_seconds_bucket{le=\"0.005\",route=\"/a/{b}\"} 1",
            "cream_http_request_duration_seconds_bucket{le=\"0.0025\",route=\"/a/{b}\"} 0",
            "cream_http_response_bytes_total{route=\"/a/{b}\"} 10",
            "cream_http_rows_total{route=\"/a/{b}\"} 2",
            "cream_http_cache_total{outcome=\"hit\"} 1",
            "cream_http_cache_total{outcome=\"miss\"} 0",
            "cream_http_requests_in_flight 7",
            "cream_database_connections 3",
            "cream_database_connections_idle 2",
            "cream_database_connections_limit 10",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line} is not in\n{text}");
        }
    }
}
