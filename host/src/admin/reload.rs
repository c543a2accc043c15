//! `POST /api/v1/reload`: read the settings again. With `?dry_run=true`, only try them.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use serde_json::{Value, json};

use super::api::{ApiError, blocking, flag, respond};
use crate::host::Host;
use crate::reload::{Mode, Report};
use crate::settings::Problem;

pub(super) fn routes(host: Host) -> Router {
    Router::new().route("/reload", post(reload)).with_state(host)
}

async fn reload(State(host): State<Host>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let mode = if flag(query.as_deref(), "dry_run")? { Mode::Try } else { Mode::Replace };
    match blocking(move || host.reload(mode, &mut ())).await? {
        Ok(report) => Ok(respond(StatusCode::OK, &as_json(&report))),
        Err(problems) => Err(refused(&problems)),
    }
}

fn as_json(report: &Report) -> Value {
    let took_ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
    json!({
        "generation": report.generation,
        "is_new": report.is_new,
        "restart": report.restart,
        "took_ms": took_ms,
    })
}

/// Why nothing was changed.
pub(super) fn refused(problems: &[Problem]) -> ApiError {
    let each = |problem: &Problem| {
        json!({
            "file": problem.file.display().to_string(),
            "line": problem.line,
            "key": problem.key,
            "message": problem.message,
        })
    };
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    let message = format!("nothing was changed, the generation before is in service:\n{}", lines.join("\n"));
    let problems = problems.iter().map(each).collect();
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message).with("problems", problems)
}
