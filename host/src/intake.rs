//! From bytes to a request: which platform it is for, whether its head is right, its body within bounds, and until when
//! it must be answered.

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use callgate_catalogue::line::one_line;
use callgate_dialects::{Admitted, Head, Refusal, Response, table};
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

use crate::deadline::Deadline;
use crate::edge::Respond;
use crate::host::Host;

/// A request for one platform, as it was read.
#[derive(Debug)]
pub(crate) struct Request<'h> {
    /// Its head, checked by the platform's dialect; or what is wrong with it.
    pub(crate) admitted: Result<Admitted<'h>, Refusal>,
    /// The body, or why it could not be read.
    pub(crate) body: Result<Bytes, Refusal>,
    /// When the answer must have been decided; made here, and nowhere else.
    pub(crate) deadline: Deadline,
}

impl Host {
    /// Answers one HTTP request: finds the platform, reads the body within bounds, has the callback answered.
    pub async fn receive<B>(&self, request: http::Request<B>) -> http::Response<Body>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let (arrived, arrived_unix_ms) = (Instant::now(), self.now_unix_ms());
        let Some((mounted, subpath)) = self.find(request.uri().path()) else {
            return nowhere(self, request.uri().path());
        };
        let (head, body) = request.into_parts();
        let deadline = Deadline::new(arrived, mounted.platform.answer_within);

        // Waits for a permit inside the deadline; the callback then still gets its answer, from `answer`, at once.
        let permit = timeout_at(deadline.moment(), Arc::clone(&self.in_flight).acquire_owned()).await;
        let body = match &permit {
            Ok(Ok(_)) => read(body, self.settings.server.body_bytes_max, deadline.moment()).await,
            _ => Err(Refusal::Busy),
        };
        let query = head.uri.query().unwrap_or_default();
        let head = Head {
            method: head.method,
            subpath,
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: head.headers,
            arrived_unix_ms,
        };
        let admitted = Admitted::check(&*mounted.platform.dialect, head);
        write(self.answer(mounted, Request { admitted, body, deadline }).await)
    }
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
    let paths: Vec<_> = host.platforms().iter().map(|mounted| mounted.platform.url_shape()).collect();
    let expected = paths.join(" or ");
    tracing::warn!(path = one_line(path), "nothing is served at this path; expected {expected}");
    let error = format!("nothing is served at this path; expected {expected}");
    // It is not known which chat server asked: this is a refusal to each of them.
    let body = table::refusal_for_all(host.settings.chat_servers, &error);
    write(Response { status: StatusCode::NOT_FOUND, body })
}

/// Callbacks go straight to their handler: there is one, and its way is counted in microseconds.
impl Respond for Host {
    async fn respond(&self, request: http::Request<hyper::body::Incoming>) -> http::Response<Body> {
        self.receive(request).await
    }
}
