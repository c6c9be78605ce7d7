//! `GET /metrics`: what the server counts, and a worker in the same process, for Prometheus.

use std::fmt;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use cream_metrics::{CONTENT_TYPE, HttpMetrics, PoolUse, Registry, registry, render};
use cream_store::Store;

use crate::params::Params;
use crate::problem::ApiError;
use crate::routes::ROUTES;
use crate::state::State;

/// Tells the metrics of something else in the process, as text.
pub(crate) type MoreMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the server counts, and who else does.
pub(crate) struct Counted {
    registry: Registry,
    pub(crate) http: HttpMetrics,
    pub(crate) more: Option<MoreMetrics>,
}

impl Counted {
    pub(crate) fn new() -> Self {
        let mut registry = registry(env!("CARGO_PKG_VERSION"));
        let http = HttpMetrics::register(&mut registry, ROUTES.iter().map(|route| route.path));
        Self { registry, http, more: None }
    }

    fn render(&self, store: &Store, in_flight: usize) -> Result<String, fmt::Error> {
        self.http.set_in_flight(in_flight);
        let pool = store.pool_use();
        self.http.set_pool(PoolUse { open: pool.open, idle: pool.idle, limit: pool.limit });
        let others = self.more.as_ref().map(|more| more()).unwrap_or_default();
        render(&self.registry, &others)
    }
}

/// `GET /metrics`
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "operation",
    responses((status = 200, description = "Metrics in the OpenMetrics text format", body = String, content_type = CONTENT_TYPE)),
)]
pub(crate) async fn metrics(
    state: web::Data<State>,
    params: Params,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let shared = state.clone();
    // A worker beside the server looks at its queues.
    let text = state
        .blocking(move |store| {
            shared.counted.render(store, shared.seats.taken()).map_err(ApiError::internal)
        })
        .await?;
    Ok(HttpResponse::Ok()
        .content_type(CONTENT_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text))
}
