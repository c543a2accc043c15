//! Bytes arrive, the clock starts; bytes leave. Routes, body and in-flight limits, health, a graceful stop.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{BoxError, Router};
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tower::ServiceExt;

use crate::deadline::Deadline;
use crate::dialect::{self, Refusal, Request, Response};
use crate::host::Host;
use crate::settings::Server;

/// The listener for chat servers. All paths lead to one handler, because the platforms' paths come from the settings
/// and chat servers double slashes in them.
pub fn callbacks(host: Host) -> Router {
    let receive = |State(host): State<Host>, request: http::Request<Body>| async move { receive(&host, request).await };
    Router::new().fallback(receive).with_state(host)
}

/// The listener for operators.
pub fn admin(host: Host, ready: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(is_ready))
        .route("/metrics", get(metrics))
        .with_state((host, ready))
}

/// Whether callbacks are welcome: from the start until the stop begins.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<AtomicBool>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

async fn is_ready(State((_, ready)): State<(Host, Readiness)>) -> impl IntoResponse {
    match ready.0.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
    }
}

async fn metrics(State((host, _)): State<(Host, Readiness)>) -> impl IntoResponse {
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], host.metrics())
}

/// Finds the platform, reads the body within bounds, has the callback answered.
async fn receive<B>(host: &Host, request: http::Request<B>) -> http::Response<Body>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let (arrived, arrived_unix_ms) = (Instant::now(), host.now_unix_ms());
    let Some((index, subpath)) = host.find(request.uri().path()) else { return nowhere(host, request.uri().path()) };
    let Some(mounted) = host.platforms().get(index) else { return nowhere(host, request.uri().path()) };
    let (head, body) = request.into_parts();
    let due = Deadline::new(arrived, mounted.platform.answer_within).moment();

    // Waits for a place inside the deadline; the callback then still gets its answer, from `answer`, at once.
    let place = host.in_flight.take(due).await;
    let body = match &place {
        Some(_) => read(body, host.settings.server.body_bytes_max, due).await,
        None => Err(Refusal::Busy),
    };
    let query = head.uri.query().unwrap_or_default();
    let request = Request {
        method: head.method,
        subpath,
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: head.headers,
        body,
        arrived,
        arrived_unix_ms,
    };
    write(host.answer(mounted, request).await)
}

async fn read<B>(mut body: B, bytes_max: usize, due: Instant) -> Result<Bytes, Refusal>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    // A length that is too long already says so.
    let is_too_long = body.size_hint().lower() > bytes_max as u64;
    if !is_too_long {
        match timeout_at(due, Limited::new(&mut body, bytes_max).collect()).await {
            Ok(Ok(collected)) => return Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {}
            Ok(Err(_)) | Err(_) => return Err(Refusal::Incomplete),
        }
    }
    // The rest is read and forgotten, within bounds: closing while the client still writes would lose the answer.
    let rest = Limited::new(body, bytes_max.saturating_mul(DRAINED_TIMES));
    let _ = timeout_at(due, drain(rest)).await;
    Err(Refusal::TooLarge { bytes_max })
}

/// How many times the longest body is read of one that is too long.
const DRAINED_TIMES: usize = 4;

async fn drain(mut body: impl HttpBody + Unpin) {
    while let Some(Ok(_)) = body.frame().await {}
}

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

fn write(response: Response) -> http::Response<Body> {
    let mut written = http::Response::new(Body::from(response.body));
    *written.status_mut() = response.status;
    written.headers_mut().insert(header::CONTENT_TYPE, JSON);
    if response.status == StatusCode::METHOD_NOT_ALLOWED {
        written.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    written
}

/// A path of no platform: most often the base URL in the chat server's settings is not the path here.
fn nowhere(host: &Host, path: &str) -> http::Response<Body> {
    let paths: Vec<_> = host.platforms().iter().map(|mounted| dialect::expected(&mounted.platform)).collect();
    let expected = paths.join(" or ");
    tracing::warn!(path = crate::verdict::one_line(path), "nothing is served at this path; expected {expected}");
    let error = format!("nothing is served at this path; expected {expected}");
    // Nobody knows which chat server asked: this is a refusal to each of them. A plain error would be read as an
    // allowance by OpenIM, and a slip in a URL would switch every rule off.
    let body = serde_json::json!({
        "error": &error,
        "actionCode": 0, "errCode": 5404, "errMsg": &error, "errDlt": "", "nextCode": 1,
        "ActionStatus": "FAIL", "ErrorCode": 1, "ErrorInfo": &error,
    });
    let body = body.to_string().into_bytes();
    write(Response { status: StatusCode::NOT_FOUND, body })
}

/// Something that answers requests, whatever happens.
pub trait Answer: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: http::Request<Incoming>) -> impl Future<Output = http::Response<Body>> + Send;
}

/// Callbacks go straight to their handler: there is one, and its way is counted in microseconds.
impl Answer for Host {
    async fn answer(&self, request: http::Request<Incoming>) -> http::Response<Body> {
        receive(self, request).await
    }
}

impl Answer for Router {
    async fn answer(&self, request: http::Request<Incoming>) -> http::Response<Body> {
        match self.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Serves until `stop` completes, then stops accepting, answers what is running, and closes. A connection that fails
/// is that connection's business.
pub async fn serve(
    listener: TcpListener,
    app: impl Answer,
    settings: &Server,
    ready: Readiness,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(settings.connections_max));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&connections).acquire_owned() => permit,
            () = &mut stop => break,
        };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: accepting again at once would only burn this core.
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small and awaited: there is nothing to gather.
        let _ = stream.set_nodelay(true);
        let connected = Arc::new(Connected { app: app.clone(), requests: Requests::default() });
        let service = service_fn({
            let connected = Arc::clone(&connected);
            move |request| {
                let running = Running::new(&connected);
                async move { Ok::<_, Infallible>(running.0.app.answer(request).await) }
            }
        });
        // Head and body of an answer are copied together, which costs less than handing the kernel two pieces.
        let connection = http1::Builder::new().writev(false).serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection);
        let idle_within = settings.idle_within;
        tokio::spawn(async move {
            tokio::select! {
                // Errors here are the client's: it went away, or sent what is not HTTP.
                _ = watched => {}
                () = connected.requests.idle(idle_within) => {}
            }
            drop(permit);
        });
    }
    ready.0.store(false, Ordering::Relaxed);
    drop(listener);
    if timeout(settings.shutdown_within, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still open after `shutdown_within_ms` and are closed now");
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What the requests of one connection share. They count references to this, and not to the application: that would be
/// one counter for all threads.
struct Connected<A> {
    app: A,
    requests: Requests,
}

/// The requests of one connection. A timer for each would cost every callback what is needed once an hour.
#[derive(Debug, Default)]
struct Requests {
    started: AtomicU64,
    running: AtomicU64,
}

impl Requests {
    /// Completes when no request was running or has begun for at least `within`, and at most twice that; or when the
    /// first one takes too long to come, which no chat server's does.
    async fn idle(&self, within: Duration) {
        tokio::time::sleep(within.min(FIRST_REQUEST_WITHIN)).await;
        if self.started.load(Ordering::Relaxed) == 0 {
            return;
        }
        loop {
            let before = self.started.load(Ordering::Relaxed);
            tokio::time::sleep(within).await;
            if self.started.load(Ordering::Relaxed) == before && self.running.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
    }
}

/// Time for the first request's head on a new connection: strangers who open connections and send nothing must not
/// take the places of those who do.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(15);

/// A request that counts as running for as long as this lives.
struct Running<A>(Arc<Connected<A>>);

impl<A> Running<A> {
    fn new(connected: &Arc<Connected<A>>) -> Self {
        connected.requests.started.fetch_add(1, Ordering::Relaxed);
        connected.requests.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connected))
    }
}

impl<A> Drop for Running<A> {
    fn drop(&mut self) {
        self.0.requests.running.fetch_sub(1, Ordering::Relaxed);
    }
}
