//! Reloads, and stored configurations for rollbacks.
//!
//! `GET /api/v1/generation`: what is in service. `POST /api/v1/reload`: read the settings again; with `?dry_run=true`,
//! only try them. `GET /api/v1/kept`: the stored configurations. `POST /api/v1/rollback` with `{"to": 3}` or `{}`:
//! returns to one; with `"instead_of": 4`, only if that one is in service.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::api::{ApiError, blocking, flag, respond};
use crate::generation::Crates;
use crate::host::Host;
use crate::reload::{Ask, Mode, Report};
use crate::settings::Problem;

/// Reloads that may be under way or wait for each other, each on a thread.
const AT_ONCE_MAX: usize = 4;

/// Maximum size of a request's body, in bytes: it contains two numbers.
const BODY_BYTES_MAX: usize = 4096;

pub(super) fn routes(host: Host) -> Router {
    Router::new()
        .route("/generation", get(generation))
        .route("/reload", post(reload))
        .route("/kept", get(kept))
        .route("/rollback", post(roll_back))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Asked { host, room: Arc::new(Semaphore::new(AT_ONCE_MAX)) })
}

/// The host, and who may ask it for a reload.
#[derive(Clone)]
struct Asked {
    host: Host,
    room: Arc<Semaphore>,
}

impl Asked {
    /// Does what reloads, unless too many do so already.
    async fn reload(
        self,
        work: impl FnOnce(&Host) -> Result<Report, Vec<Problem>> + Send + 'static,
    ) -> Result<Response, ApiError> {
        let Ok(permit) = self.room.try_acquire_owned() else {
            let message = format!("{AT_ONCE_MAX} reloads are running: wait for them");
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, message));
        };
        let host = self.host;
        let work = move || {
            let _permit = permit;
            work(&host)
        };
        ended(blocking(work).await?)
    }
}

async fn generation(State(asked): State<Asked>) -> Response {
    let (generation, status) = (asked.host.generation(), asked.host.reload_status());
    let suspended = generation.links().iter().filter(|link| link.is_suspended());
    let suspended: Vec<_> = suspended.map(|link| link.name().to_string()).collect();
    let names: Vec<_> = generation.links().iter().map(|link| link.name().to_string()).collect();
    respond(
        StatusCode::OK,
        &json!({
            "generation": generation.number(),
            "plugins": names,
            "suspended": suspended,
            "not_loaded": problems(generation.not_loaded()),
            "good_unix_ms": status.good_unix_ms,
            "problems": problems(&status.problems),
            "certificates": problems(&status.certificates),
            "failed_unix_ms": status.failed_unix_ms,
            "restart": status.restart,
            "rolled_back_to": status.rolled_back_to,
            "kept": status.kept,
        }),
    )
}

async fn reload(State(asked): State<Asked>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let mode = if flag(query.as_deref(), "dry_run")? { Mode::Try } else { Mode::Replace };
    let ask = Ask { mode, crates: Crates::Build };
    asked.reload(move |host| host.reload(ask)).await
}

async fn kept(State(asked): State<Asked>) -> Result<Response, ApiError> {
    let (entries, in_service) = blocking(move || asked.host.kept()).await?;
    let each = |entry: &crate::history::Entry| json!({ "number": entry.number, "unix_ms": entry.unix_ms, "plugins": entry.plugins });
    let entries: Vec<Value> = entries.iter().map(each).collect();
    Ok(respond(StatusCode::OK, &json!({ "kept": entries, "in_service": in_service })))
}

/// What the body of a rollback may have. A misspelled one would roll back further than was asked for.
const MEMBERS: [&str; 2] = ["to", "instead_of"];

async fn roll_back(State(asked): State<Asked>, body: Bytes) -> Result<Response, ApiError> {
    let body = if body.is_empty() { &b"{}"[..] } else { &body };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(unknown) =
        body.as_object().and_then(|members| members.keys().find(|key| !MEMBERS.contains(&key.as_str())))
    {
        let unknown: String = unknown.chars().take(40).collect();
        let message = format!(
            "the body has an unknown member {unknown:?}: known are {}",
            MEMBERS.map(|member| format!("{member:?}")).join(" and ")
        );
        return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
    }
    let number = |key: &str| match (body.as_object(), body.get(key)) {
        (Some(_), None | Some(Value::Null)) => Ok(None),
        (Some(_), Some(Value::Number(number))) if number.is_u64() => Ok(number.as_u64()),
        _ => {
            let message = "the body must be {} or {\"to\": NUMBER}, with \"instead_of\": NUMBER if only this one is to be \
                           replaced: GET /api/v1/kept lists the numbers";
            Err(ApiError::new(StatusCode::BAD_REQUEST, message))
        }
    };
    let (to, instead_of) = (number("to")?, number("instead_of")?);
    asked.reload(move |host| host.roll_back(to, instead_of)).await
}

fn ended(ended: Result<Report, Vec<Problem>>) -> Result<Response, ApiError> {
    match ended {
        Ok(report) => Ok(respond(StatusCode::OK, &as_json(&report))),
        Err(found) => {
            let lines: Vec<String> = found.iter().map(Problem::to_string).collect();
            let message =
                format!("nothing has changed, and the previous configuration stays in service:\n{}", lines.join("\n"));
            Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message).with("problems", problems(&found)))
        }
    }
}

fn as_json(report: &Report) -> Value {
    let difference = &report.difference;
    let changed = difference.changed.iter().map(|(name, what)| json!({ "name": name, "what": what }));
    json!({
        "generation": report.generation,
        "is_new": report.is_new,
        "plugins": {
            "added": difference.added,
            "removed": difference.removed,
            "changed": changed.collect::<Vec<_>>(),
            "unchanged": difference.unchanged,
        },
        "settings": difference.keys,
        "lines": difference.lines(),
        "restart": report.restart,
        "not_loaded": problems(&report.not_loaded),
        "certificates": problems(&report.certificates),
        "took_ms": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn problems(problems: &[Problem]) -> Value {
    let each = |problem: &Problem| {
        json!({
            "file": problem.file.display().to_string(),
            "line": problem.line,
            "key": problem.key,
            "message": problem.message,
        })
    };
    problems.iter().map(each).collect()
}
