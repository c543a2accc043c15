//! From bytes to a request: which platform it is for, whether its head is right, its body within bounds, and until when
//! it must be answered.

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use callgate_catalogue::line::one_line;
use callgate_dialects::{Admitted, Head, Refusal, Response, table};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use crate::afterwards::{self, Afterwards, Answer};
use crate::bodies::{Bodies, NotRead, Unread};
use crate::deadline::Deadline;
use crate::decisions::RefusedRequest;
use crate::edge::{Closed, EndedEarly, HeadRefusal, Peer, Respond};
use crate::generation::{Generation, Mounted};
use crate::host::Host;
use crate::overload::Overload;
use crate::records::valid_traceparent;

/// A request for one platform, as it was read.
#[derive(Debug)]
pub(crate) struct Request<'h> {
    /// Its head, checked by the platform's dialect.
    pub(crate) admitted: Admitted<'h>,
    /// Its body.
    pub(crate) body: Bytes,
    /// When the answer must have been decided; made here, and nowhere else.
    pub(crate) deadline: Deadline,
    /// Why there is no time for it, if there is none.
    pub(crate) no_room: Option<Overload>,
    /// Its header `traceparent`, if it is valid.
    pub(crate) traceparent: Option<String>,
}

impl Host {
    /// Answers one HTTP request of a peer without an address, as [`Host::receive_from`] does.
    pub async fn receive<B>(&self, request: http::Request<B>) -> http::Response<Body>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        self.receive_from(Peer::default(), request).await
    }

    /// Answers one HTTP request: finds the platform, reads the body within bounds, has the callback answered.
    pub async fn receive_from<B>(&self, peer: Peer, request: http::Request<B>) -> http::Response<Body>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let (arrived, arrived_unix_ms) = (Instant::now(), self.now_unix_ms());
        // Here, and nowhere else: a callback is all of one generation.
        let generation = self.generation();
        let Some((mounted, subpath)) = generation.find(request.uri().path()) else {
            let refused = nowhere(self, &generation, request.uri().path());
            let waits = waits_with_body(request.headers());
            return last_unless(Bodies::forget_what_is_there(request.into_body(), waits).await, refused);
        };
        let (head, body) = request.into_parts();
        let deadline = Deadline::new(arrived, mounted.platform.answer_within);
        let waits = waits_with_body(&head.headers);
        if !mounted.platform.allow_networks.allow(peer.address) {
            let is_whole = self.bodies.forget(body, deadline, waits).await;
            return last_unless(is_whole, write(self.refuse(&generation, mounted, Refusal::Network)));
        }
        let traceparent = head.headers.get("traceparent").and_then(|value| valid_traceparent(value.to_str().ok()?));
        let traceparent = traceparent.map(str::to_owned);
        let query = head.uri.query().unwrap_or_default();
        let head = Head {
            method: head.method,
            subpath,
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: head.headers,
            arrived_unix_ms,
        };
        // Strangers are turned away before their bodies cost anything.
        let admitted = match Admitted::check(&*mounted.platform.dialect, head) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                let is_whole = self.bodies.forget(body, deadline, waits).await;
                return last_unless(is_whole, write(self.refuse(&generation, mounted, refusal)));
            }
        };
        // So are callbacks for which there is no time.
        let full = || self.bodies.overload(body.size_hint().lower(), deadline);
        let room = self.in_flight.overload(1, deadline).or_else(full);
        if let Some(answer) = self.refuse_at_door(&generation, mounted, &admitted, deadline, room) {
            return last_unless(Bodies::forget_what_is_there(body, waits).await, write_answer(answer));
        }
        let body = match self.bodies.read(body, deadline, waits).await {
            Ok(body) => body,
            Err(Unread { why: NotRead::Refused(refusal), is_whole }) => {
                let refused = write(self.refuse_admitted(&generation, mounted, refusal, Bytes::new()));
                return last_unless(is_whole, refused);
            }
            Err(Unread { why: NotRead::Overloaded(overload), is_whole }) => {
                let refused = self.refuse_at_door(&generation, mounted, &admitted, deadline, Some(overload));
                let refused = refused.map_or_else(
                    || write(self.refuse_admitted(&generation, mounted, Refusal::NoRoom, Bytes::new())),
                    write_answer,
                );
                return last_unless(is_whole, refused);
            }
        };
        // A permit is taken once the body is complete, so a slow sender does not delay others.
        let permit = self.in_flight.enter(1, deadline).await;
        let no_room = permit.as_ref().err().copied();
        let (body, _room) = body.into_parts();
        let request = Request { admitted, body, deadline, traceparent, no_room };
        write_answer(self.answer(&generation, mounted, request).await)
    }
}

/// Names the callback in the log where the chat server has given it no ID.
const OPERATION_ID: HeaderName = HeaderName::from_static("x-operation-id");

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Writes the answer to a callback, with the ID that it was given here.
fn write_answer(answer: Answer) -> http::Response<Body> {
    let mut written = write_then(answer.response, answer.afterwards);
    if let Some(id) = answer.own_id.and_then(|id| HeaderValue::try_from(id).ok()) {
        written.headers_mut().insert(OPERATION_ID, id);
    }
    written
}

fn write(response: Response) -> http::Response<Body> {
    write_then(response, None)
}

/// Whether the client waits for `100 Continue`: it has not sent its body, and need not; it gets the refusal instead.
fn waits_with_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::EXPECT)
}

/// Unless the body was read to its end, it is not known where the next request would begin: the client is told not to
/// send it here.
fn last_unless(is_whole: bool, mut written: http::Response<Body>) -> http::Response<Body> {
    if !is_whole {
        written.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    written
}

/// As [`write`], with work that starts once the connection has taken the answer.
fn write_then(response: Response, afterwards: Option<Afterwards>) -> http::Response<Body> {
    let mut written = http::Response::new(afterwards::body(response.body, afterwards));
    *written.status_mut() = response.status;
    written.headers_mut().insert(header::CONTENT_TYPE, JSON);
    if response.status == StatusCode::METHOD_NOT_ALLOWED {
        written.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    written
}

impl Host {
    /// Refuses a request in the form of its platform.
    pub(crate) fn refuse(&self, generation: &Generation, mounted: &Mounted, refusal: Refusal) -> Response {
        self.telemetry.refused(generation.counters(), mounted.index, refusal);
        mounted.platform.dialect.refuse(&refusal)
    }

    /// Refuses a request whose sender was authenticated, and stores that as a decision. Unauthenticated requests are
    /// only counted: they must not evict stored decisions.
    pub(crate) fn refuse_admitted(
        &self,
        generation: &Generation,
        mounted: &Mounted,
        refusal: Refusal,
        body: Bytes,
    ) -> Response {
        let response = self.refuse(generation, mounted, refusal);
        if let Some(decisions) = self.keeping.decisions().filter(|decisions| decisions.wants_refusals()) {
            decisions.keep_refusal(RefusedRequest {
                platform: mounted.platform.name.clone(),
                kind: mounted.platform.server.protocol().name,
                refusal,
                status: response.status.as_u16(),
                at_unix_ms: self.now_unix_ms(),
                generation: generation.number(),
                body,
            });
        }
        response
    }
}

/// A path of no platform: most often the base URL in the chat server's settings is not the path here.
///
/// The answer names nothing: the caller may be a stranger looking for the path. Nor does the log show more of a path
/// than its first segment, and not even that where it could be a secret with a typing mistake in it.
fn nowhere(host: &Host, generation: &Generation, path: &str) -> http::Response<Body> {
    host.telemetry.refused_without_platform("no_such_path");
    let names: Vec<_> = generation.platforms().iter().map(|mounted| mounted.platform.name.as_str()).collect();
    let is_hidden = generation.platforms().iter().any(|mounted| mounted.platform.path.hides_first());
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let first = segments.next().filter(|_| !is_hidden).map(one_line).unwrap_or_default();
    let more = segments.count();
    tracing::warn!(
        first_segment = first,
        further_segments = more,
        platforms = names.join(","),
        "refused: nothing is served at this path. Compare the URL in the chat server's settings with `path` of its \
         [[platform]]"
    );
    let status = StatusCode::NOT_FOUND;
    // It is not known which chat server asked: this is a refusal to each of them.
    let body = table::refusal_for_all(host.settings.chat_servers, status, "nothing is served at this path");
    write(Response { status, body })
}

/// Callbacks go straight to their handler: there is one, and its way is counted in microseconds.
impl Respond for Host {
    async fn respond(&self, request: http::Request<hyper::body::Incoming>, peer: Peer) -> http::Response<Body> {
        self.receive_from(peer, request).await
    }

    fn refuse_head(&self, refusal: HeadRefusal) -> Option<Vec<u8>> {
        let text = refusal.text();
        self.telemetry.refused_head(refusal.name(), text);
        Some(table::refusal_for_all(self.settings.chat_servers, refusal.status(), text))
    }

    fn closed(&self, why: Closed, connections: usize) {
        self.telemetry.closed(why, connections);
    }

    fn ended_early(&self, cause: EndedEarly) {
        self.telemetry.ended_early(cause);
    }
}
