//! One connection: its requests are answered one after the other until it ends, is idle for too long, or has to leave.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use axum::body::Body;
use http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::crowd::Crowd;
use super::early::EndedEarly;
use super::pulse::{Order, Pulse};
use super::respond::Respond;
use super::vanished::{Stream, linger};
use super::watch::{End, Patience, Watch};
use super::wire::Wire;
use crate::settings::Server;

/// Answers the requests that arrive on `stream`. A connection that fails affects no other.
pub(super) async fn converse<S: Stream>(
    stream: S,
    app: impl Respond,
    settings: &Server,
    crowd: Arc<Crowd>,
    pulse: Arc<Pulse>,
) {
    let patience = Patience { head_within: settings.head_within, idle_within: settings.idle_within };
    let wire = Wire::new(stream, app.clone(), Arc::clone(&pulse), settings.head);
    let connected = Arc::new(Connected { app, pulse: Arc::clone(&pulse), crowd });
    let service = service_fn({
        let connected = Arc::clone(&connected);
        move |request| {
            let running = Running::new(&connected);
            async move { Ok::<_, Infallible>(running.respond(request).await) }
        }
    });
    // Head and body of an answer are copied together, which costs less than handing the kernel two pieces. A client
    // that shuts down its own side still gets its answer: whether it has gone away, the wire finds out.
    let mut http = http1::Builder::new();
    http.writev(false).half_close(true);
    let mut connection = http.serve_connection(TokioIo::new(wire), service);
    let mut watch = Watch::new(Arc::clone(&pulse), patience);
    poll_fn(|cx| {
        loop {
            // Errors here are the client's: it went away, or sent what is not HTTP.
            if Pin::new(&mut connection).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            match watch.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(End::LateHead) => pulse.head_is_late(),
                Poll::Ready(End::Close) => Pin::new(&mut connection).graceful_shutdown(),
                Poll::Ready(End::Cut) => return Poll::Ready(()),
            }
        }
    })
    .await;
    let parts = connection.into_parts();
    let mut wire = parts.io.into_inner();
    if pulse.started() == 0 {
        connected.app.ended_early(EndedEarly::from_first(wire.first()));
    }
    if !parts.read_buf.is_empty() || wire.has_more().await {
        linger(wire.into_stream()).await;
    }
}

/// What the requests of one connection share. They count references to this, and not to the application: that would be
/// one counter for all threads.
struct Connected<A> {
    app: A,
    pulse: Arc<Pulse>,
    crowd: Arc<Crowd>,
}

/// A request that counts as running for as long as this lives.
struct Running<A>(Arc<Connected<A>>);

impl<A: Respond> Running<A> {
    fn new(connected: &Arc<Connected<A>>) -> Self {
        connected.pulse.begin(connected.crowd.now_s());
        Self(Arc::clone(connected))
    }

    async fn respond(&self, request: http::Request<Incoming>) -> http::Response<Body> {
        let Connected { app, pulse, .. } = &*self.0;
        let mut response = app.respond(request, pulse.peer).await;
        if response.status().is_success() {
            pulse.welcome();
        }
        if pulse.order() > Order::Serve {
            response.headers_mut().insert(header::CONNECTION, CLOSE);
        }
        response
    }
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");

impl<A> Drop for Running<A> {
    fn drop(&mut self) {
        self.0.pulse.end();
    }
}
