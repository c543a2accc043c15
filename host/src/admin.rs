//! For operators: whether the service is alive and ready, its metrics, and what they can have it do.

mod api;
mod reload;
mod shadow;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::body::Incoming;
use tower::ServiceExt;

use crate::edge::{Peer, Readiness, Respond};
use crate::host::Host;
use crate::telemetry;

/// The listener for operators.
pub fn routes(host: Host, ready: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(is_ready))
        .route("/metrics", get(metrics))
        .with_state((host.clone(), ready))
        .nest("/api/v1", api(host))
}

/// What operators can have the service do: JSON in and out. Each subject is a file, and adds its routes here.
fn api(host: Host) -> Router {
    api::guarded(Router::new().merge(reload::routes(host.clone())).merge(shadow::routes(host)))
}

/// Whether callbacks are answered, which sinks that fail do not change: they are named, and their records wait.
async fn is_ready(State((host, ready)): State<(Host, Readiness)>) -> impl IntoResponse {
    let (status, word) = match ready.is_ready() {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    };
    (status, format!("{word}\n{}", host.failing_sinks()))
}

async fn metrics(State((host, _)): State<(Host, Readiness)>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let content_type = telemetry::content_type(accept);
    let text = match content_type {
        telemetry::OPENMETRICS => host.metrics(),
        _ => telemetry::from_openmetrics(&host.metrics()),
    };
    ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], text)
}

impl Respond for Router {
    async fn respond(&self, request: http::Request<Incoming>, _: Peer) -> http::Response<Body> {
        match self.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
