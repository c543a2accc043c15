//! `GET /api/v1/shadows`: what was counted of candidates. `POST /api/v1/shadows/NAME/reset`: begin again with all
//! figures at zero. `POST /api/v1/shadows/NAME/resume`: let one that fell back answer again.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};

use super::api::{ApiError, blocking, respond};
use crate::host::Host;
use crate::shadow::Shadow;

pub(super) fn routes(host: Host) -> Router {
    Router::new()
        .route("/shadows", get(report))
        .route("/shadows/{name}/reset", post(reset))
        .route("/shadows/{name}/resume", post(resume))
        .with_state(host)
}

async fn report(State(host): State<Host>) -> Result<Response, ApiError> {
    let report = blocking(move || {
        let shadows: Vec<Value> = host.generation().shadows().iter().map(|shadow| shadow.report()).collect();
        json!({"now_unix_ms": host.now_unix_ms(), "shadows": shadows})
    });
    Ok(respond(StatusCode::OK, &report.await?))
}

async fn reset(State(host): State<Host>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let shadow = find(&host, &name)?;
    blocking(move || shadow.reset(host.now_unix_ms())).await?;
    tracing::info!(target: "callgate::shadow", shadow = name, "the figures of the candidate are reset");
    Ok(respond(StatusCode::OK, &json!({"shadow": name})))
}

async fn resume(State(host): State<Host>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let had_fallen_back = find(&host, &name)?.resume();
    if had_fallen_back {
        tracing::warn!(target: "callgate::shadow", shadow = name, "the candidate answers again, as requested by an operator");
    }
    Ok(respond(StatusCode::OK, &json!({"shadow": name, "had_fallen_back": had_fallen_back})))
}

fn find(host: &Host, name: &str) -> Result<Arc<Shadow>, ApiError> {
    let generation = host.generation();
    let found = generation.shadows().iter().find(|shadow| shadow.name() == name);
    found.cloned().ok_or_else(|| {
        let known: Vec<_> = generation.shadows().iter().map(|shadow| shadow.name()).collect();
        let message = match known.is_empty() {
            true => "this host has no candidates: add a [[shadow]] to its settings".to_owned(),
            false => format!("no [[shadow]] has this name; known: {}", known.join(", ")),
        };
        ApiError::new(StatusCode::NOT_FOUND, message).with("known", known.into())
    })
}
