//! What all of the admin API shares: JSON answers, errors that say what to do, and access control.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};

/// An error of the API: `{"error": …}`, and what else is known.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
    more: Map<String, Value>,
}

impl ApiError {
    /// What is wrong and what to do about it.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), more: Map::new() }
    }

    /// Adds a member next to `error`.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = Map::from_iter([("error".to_owned(), Value::String(self.message))]);
        body.extend(self.more);
        respond(self.status, &Value::Object(body))
    }
}

/// An answer in JSON. It ends with a line break, for those who use `curl`.
pub(super) fn respond(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Adds to these routes what holds for the whole API: its own answers to unknown paths and methods, and no browsers.
pub(super) fn guarded(routes: Router) -> Router {
    routes
        .fallback(|| async {
            ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this path: host/README.md lists the paths")
        })
        .method_not_allowed_fallback(|| async {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong method for this path: GET reads, POST changes")
        })
        .layer(from_fn(no_browsers))
}

/// A page that an operator's browser shows could send requests to this listener. Browsers say so.
async fn no_browsers(request: Request, next: Next) -> Response {
    let is_from_a_page = request.headers().contains_key(header::ORIGIN);
    if is_from_a_page && request.method() != Method::GET {
        let why = "requests from web pages are refused: use `callgate`, or a client that sends no header `Origin`";
        return ApiError::new(StatusCode::FORBIDDEN, why).into_response();
    }
    next.run(request).await
}

/// Runs what blocks on a thread of its own.
///
/// # Errors
/// If it panics, which only a mistake of the host can do.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the host failed; please report this with its log")
    })
}

/// The flag `name` of a query: there, empty or `true`.
///
/// # Errors
/// If it has another value, or the query has other names.
pub(super) fn flag(query: Option<&str>, name: &str) -> Result<bool, ApiError> {
    let mut is_set = false;
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match (key == name, &*value) {
            (true, "" | "true") => is_set = true,
            (true, "false") => is_set = false,
            _ => {
                let why = json!({ "known": [name] });
                let message = format!("the only query parameter is `{name}=true`");
                return Err(ApiError::new(StatusCode::BAD_REQUEST, message).with("query", why));
            }
        }
    }
    Ok(is_set)
}
