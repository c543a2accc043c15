//! What a team would write without Callgate: axum handlers with a sliding window, and with a lookup in Redis.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::common::message::MESSAGE_COMMAND;
use crate::server::{MESSAGES_MAX, WINDOW_MS};

const ALLOWED: &str = r#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0}"#;
const DENIED: &str = r#"{"actionCode":0,"errCode":5006,"errMsg":"You are doing this too often. Please wait a little.","errDlt":"","nextCode":1}"#;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, rename = "sendID")]
    sender: Cow<'a, str>,
}

/// Windows by user, in shards so that threads seldom wait for each other.
struct Windows {
    hasher: RandomState,
    started: Instant,
    shards: Vec<Mutex<HashMap<String, VecDeque<u64>>>>,
}

impl Windows {
    fn new() -> Self {
        let shards = (0..64).map(|_| Mutex::default()).collect();
        Self { hasher: RandomState::new(), started: Instant::now(), shards }
    }

    /// Counts a message, and returns the count of the window.
    fn count(&self, user: &str) -> usize {
        let now = self.started.elapsed().as_millis() as u64;
        let shard = self.hasher.hash_one(user) as usize % self.shards.len();
        let mut shard = self.shards[shard].lock().expect("no thread panics");
        if !shard.contains_key(user) {
            shard.insert(user.to_owned(), VecDeque::new());
        }
        let window = shard.get_mut(user).expect("it is there");
        while window.front().is_some_and(|moment| moment + WINDOW_MS <= now) {
            window.pop_front();
        }
        window.push_back(now);
        window.len()
    }
}

/// Serves the sliding window until the process ends.
pub async fn serve_limit(listener: TcpListener) {
    serve(listener, Router::new().route(&path(), post(limit)).with_state(Arc::new(Windows::new()))).await;
}

/// Serves the lookup in Redis until the process ends.
pub async fn serve_redis(listener: TcpListener, redis_port: u16) {
    let client = redis::Client::open(format!("redis://127.0.0.1:{redis_port}")).expect("a URL");
    let connection = ConnectionManager::new(client).await.expect("Redis runs");
    serve(listener, Router::new().route(&path(), post(banned)).with_state(connection)).await;
}

fn path() -> String {
    format!("/openim/{MESSAGE_COMMAND}")
}

async fn serve(listener: TcpListener, app: Router) {
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await.expect("serving does not end");
}

async fn limit(State(windows): State<Arc<Windows>>, body: Bytes) -> Response {
    let Ok(message) = serde_json::from_slice::<Message<'_>>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    json(if windows.count(&message.sender) > MESSAGES_MAX { DENIED } else { ALLOWED })
}

async fn banned(State(mut connection): State<ConnectionManager>, body: Bytes) -> Response {
    let Ok(message) = serde_json::from_slice::<Message<'_>>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let ban: Option<String> = connection.get(format!("ban:{}", message.sender)).await.unwrap_or_default();
    json(if ban.is_some() { DENIED } else { ALLOWED })
}

fn json(answer: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], answer).into_response()
}
