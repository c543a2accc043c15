//! `/api/v1/journal`: its numbers; `POST …/retry` and `…/drop` change the dead entries that match.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use callgate_journal::{EntryFilter, EntryId, EntryState, Journal, NotKept, Numbers};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::api::{ApiError, respond};
use crate::host::Host;

pub(super) fn routes(host: Host) -> Router {
    Router::new().route("/journal", get(status)).route("/journal/{change}", post(change)).with_state(host)
}

async fn status(State(host): State<Host>) -> Result<Response, ApiError> {
    let numbers = journal(&host)?.numbers();
    Ok(respond(StatusCode::OK, &numbers_as_json(&numbers)))
}

async fn change(State(host): State<Host>, Path(change): Path<String>, body: Bytes) -> Result<Response, ApiError> {
    let journal = journal(&host)?;
    let filter = filter_of_json(&body).map_err(|why| ApiError::new(StatusCode::BAD_REQUEST, why))?;
    let changed = match change.as_str() {
        "retry" => journal.retry(filter).await,
        "drop" => journal.drop_dead(filter).await,
        _ => return Err(ApiError::new(StatusCode::NOT_FOUND, "the only actions are `retry` and `drop`")),
    };
    match changed {
        Ok(changed) => Ok(respond(StatusCode::OK, &json!({ "changed": changed }))),
        Err(error @ NotKept::Closed) => Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
        Err(error) => Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

fn journal(host: &Host) -> Result<&Journal, ApiError> {
    host.keeping
        .journal()
        .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "this host has no journal (`off = true` under [journal])"))
}

/// The numbers of a journal, as the API gives them.
fn numbers_as_json(numbers: &Numbers) -> Value {
    json!({
        "backlog": numbers.backlog,
        "oldest_ms": u64::try_from(numbers.oldest.as_millis()).unwrap_or(u64::MAX),
        "working": numbers.working,
        "parked_keys": numbers.parked_keys,
        "dead": numbers.dead,
        "accepted": numbers.accepted,
        "repeats": numbers.repeats,
        "done": numbers.done,
        "attempts_failed": numbers.attempts_failed,
        "records": numbers.records,
        "decisions": numbers.decisions,
        "decisions_dropped": numbers.decisions_dropped,
        "refused": numbers.refused,
        "commits": numbers.commits,
        "acknowledged": numbers.acknowledged,
        "is_full": numbers.is_full,
        "bytes": numbers.bytes,
        "bytes_max": numbers.bytes_max,
    })
}

/// A filter for dead entries, as [`filter_of_json`] reads it.
pub(crate) fn filter_as_json(filter: &EntryFilter) -> Value {
    let ids: Vec<i64> = filter.ids.iter().map(|id| id.0).collect();
    let mut members = Map::from_iter([("ids".to_owned(), json!(ids))]);
    let texts = [
        ("platform", &filter.platform),
        ("command", &filter.command),
        ("key", &filter.key),
        ("plugin", &filter.plugin),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            members.insert(name.to_owned(), json!(value));
        }
    }
    for (name, value) in [("since_unix_ms", filter.since_unix_ms), ("until_unix_ms", filter.until_unix_ms)] {
        if let Some(value) = value {
            members.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(members)
}

/// Reads a filter; an unknown member is an error, because more would be changed than was meant.
fn filter_of_json(body: &[u8]) -> Result<EntryFilter, String> {
    let members: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| format!("the body must be a JSON object: {error}"))?;
    let mut filter = EntryFilter { state: Some(EntryState::Dead), ..EntryFilter::default() };
    for (name, value) in members {
        let text = || value.as_str().map(|text| Some(text.to_owned()));
        let number = || value.as_i64().map(Some);
        let ids = || value.as_array()?.iter().map(|id| id.as_i64().map(EntryId)).collect::<Option<Vec<_>>>();
        let wrong = || format!("`{name}` has the wrong type");
        match name.as_str() {
            "ids" => filter.ids = ids().ok_or_else(wrong)?,
            "platform" => filter.platform = text().ok_or_else(wrong)?,
            "command" => filter.command = text().ok_or_else(wrong)?,
            "key" => filter.key = text().ok_or_else(wrong)?,
            "plugin" => filter.plugin = text().ok_or_else(wrong)?,
            "since_unix_ms" => filter.since_unix_ms = number().ok_or_else(wrong)?,
            "until_unix_ms" => filter.until_unix_ms = number().ok_or_else(wrong)?,
            _ => {
                return Err(format!(
                    "unknown filter `{name}`; known: ids, platform, command, key, plugin, since_unix_ms, until_unix_ms"
                ));
            }
        }
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_as_it_was_written_and_nothing_else_is_read() {
        let filter = EntryFilter {
            ids: vec![EntryId(7)],
            state: Some(EntryState::Dead),
            platform: Some("a".to_owned()),
            plugin: Some("p".to_owned()),
            since_unix_ms: Some(-1),
            ..EntryFilter::default()
        };
        let again = filter_of_json(filter_as_json(&filter).to_string().as_bytes()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{filter:?}"));
        for wrong in ["", "[]", "{\"plugins\":\"p\"}", "{\"ids\":[\"7\"]}", "{\"key\":7}"] {
            assert!(filter_of_json(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
