//! For operators: whether the service is alive and ready, and its metrics.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use hyper::body::Incoming;
use tower::ServiceExt;

use crate::edge::{Readiness, Respond};
use crate::host::Host;

/// The listener for operators.
pub fn routes(host: Host, ready: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(is_ready))
        .route("/metrics", get(metrics))
        .with_state((host, ready))
}

async fn is_ready(State((_, ready)): State<(Host, Readiness)>) -> impl IntoResponse {
    match ready.is_ready() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
    }
}

async fn metrics(State((host, _)): State<(Host, Readiness)>) -> impl IntoResponse {
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], host.metrics())
}

impl Respond for Router {
    async fn respond(&self, request: http::Request<Incoming>) -> http::Response<Body> {
        match self.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
