//! A bare axum handler around a decision: what stands between OpenIM and a plugin at the very least.
//!
//! It writes the envelope, asks, and turns the reply into OpenIM's answer. Unlike Callgate it trusts everybody: it does
//! not look whether the body is JSON, whether the changes are allowed, or how much time is left, and it calls on
//! the thread that serves the connection, which costs less than handing the call over.

use std::io::Read as _;
use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;

use crate::Decide;

/// Serves on a free port of the loopback device.
pub fn serve(decide: Decide) {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("it has an address"));
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let app = Router::new().route("/openim/{command}", post(answer)).with_state(decide);
        axum::serve(listener, app).await.expect("serving does not end");
    });
}

async fn answer(
    State(decide): State<Decide>,
    Path(command): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation = headers.get("operationid").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let reply = decide(&envelope(&command, operation, &body));
    match serde_json::from_slice::<Reply<'_>>(&reply).ok().and_then(|reply| reply.render()) {
        Some(json) => {
            let json_type = HeaderValue::from_static("application/json; charset=utf-8");
            ([(header::CONTENT_TYPE, json_type)], json).into_response()
        }
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What Callgate hands to a plugin: the callback's own JSON, and what is known about it.
fn envelope(command: &str, operation: &str, body: &[u8]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis());
    let head = format!(
        r#"{{"platform":"openim","command":{},"phase":"before","operation_id":{},"arrived_unix_ms":{now},"client_address":"","query":[],"body":"#,
        quoted(command),
        quoted(operation),
    );
    let mut envelope = Vec::with_capacity(head.len() + body.len() + 1);
    envelope.extend(head.as_bytes());
    envelope.extend(body);
    envelope.push(b'}');
    envelope
}

/// The part of a reply that guard-profile uses.
#[derive(Deserialize)]
struct Reply<'a> {
    verdict: &'a str,
    #[serde(default)]
    code: i32,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    changes: Option<&'a RawValue>,
}

impl Reply<'_> {
    /// As OpenIM wants it; `None` for a verdict that is not one of this plugin.
    fn render(&self) -> Option<String> {
        let Self { verdict, code, .. } = self;
        let changes = self.changes.and_then(|changes| changes.get().strip_prefix('{')?.strip_suffix('}'));
        match (*verdict, changes) {
            ("allow", _) | ("modify", None | Some("")) => Some(format!("{ALLOWED}}}")),
            ("modify", Some(changes)) => Some(format!("{ALLOWED},{changes}}}")),
            ("deny", _) => {
                let message = self.message.map_or("\"\"", RawValue::get);
                Some(format!(r#"{{"actionCode":0,"errCode":{code},"errMsg":{message},"errDlt":"","nextCode":1}}"#))
            }
            _ => None,
        }
    }
}

const ALLOWED: &str = r#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0"#;

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be written as JSON")
}
