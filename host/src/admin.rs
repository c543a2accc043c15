//! For operators: whether the service is alive and ready, its metrics, and what they can have it do.

mod api;
mod detail;
pub(crate) mod journal;
mod reload;
mod shadow;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::body::Incoming;
use subtle::ConstantTimeEq as _;
use tower::ServiceExt;

use api::ApiError;

use crate::edge::{HeadRefusal, Peer, Readiness, Respond};
use crate::host::Host;
use crate::settings::Admin;
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
    let routes = Router::new().merge(journal::routes(host.clone())).merge(reload::routes(host.clone()));
    api::guarded(routes.merge(shadow::routes(host)))
}

/// Whether callbacks are answered and after-callbacks stored. Further lines name problems that do not make the service
/// unready, such as sinks that fail.
async fn is_ready(State((host, ready)): State<(Host, Readiness)>) -> impl IntoResponse {
    let (can_keep, about) = host.keeping.condition(host.settings.journal.when_full);
    let (status, word) = match (ready.is_ready(), can_keep) {
        (true, true) => (StatusCode::OK, "ready"),
        (true, false) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    };
    (status, format!("{word}\n{about}{}{}", detail::lines(&host), host.failing_sinks()))
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

/// The listener for operators, and who may use it.
#[derive(Clone)]
pub struct Operators(Arc<Inner>);

struct Inner {
    routes: Router,
    host: Host,
}

impl std::fmt::Debug for Operators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operators").finish_non_exhaustive()
    }
}

impl Operators {
    /// The answers of [`routes`], for callers that the settings in service allow.
    #[must_use]
    pub fn new(host: Host, ready: Readiness) -> Self {
        Self(Arc::new(Inner { routes: routes(host.clone(), ready), host }))
    }

    /// Why a request is refused; `None`: it is not. Probes of load balancers and Kubernetes send no token, and learn no
    /// more than whether the service is there and ready.
    fn refuse(&self, request: &http::Request<Incoming>, peer: Peer) -> Option<ApiError> {
        let generation = self.0.host.generation();
        let Some(Admin { token, allow_networks, .. }) = &generation.settings().admin else {
            // Unreachable: without [admin] there is no listener, and adding or removing it takes a restart. If it were
            // reached, refusing would be the safe answer.
            return Some(ApiError::new(StatusCode::FORBIDDEN, "this host has no [admin] listener"));
        };
        if !allow_networks.allow(peer.address) {
            let why = "this address is not in `allow_networks` under [admin]";
            return Some(ApiError::new(StatusCode::FORBIDDEN, why));
        }
        let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
        match token {
            Some(token) if !is_probe && !has_token(request.headers(), token.reveal()) => {
                let why = "a token is needed ([admin] token): send it as `Authorization: Bearer TOKEN`";
                Some(ApiError::new(StatusCode::UNAUTHORIZED, why))
            }
            _ => None,
        }
    }
}

/// Whether the token is there, once. How long that takes does not depend on where it differs.
fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, sent)) = value.as_bytes().split_at_checked(BEARER.len()) else { return false };
    scheme.eq_ignore_ascii_case(BEARER) && bool::from(sent.trim_ascii().ct_eq(token.as_bytes()))
}

const BEARER: &[u8] = b"Bearer ";

impl Respond for Operators {
    async fn respond(&self, request: http::Request<Incoming>, peer: Peer) -> http::Response<Body> {
        if let Some(error) = self.refuse(&request, peer) {
            let mut response = error.into_response();
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            return response;
        }
        match self.0.routes.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn refuse_head(&self, refusal: HeadRefusal) -> Option<Vec<u8>> {
        Some(serde_json::json!({ "error": refusal.text() }).to_string().into_bytes())
    }
}
