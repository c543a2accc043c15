//! What a connection asks for.

use std::future::Future;

use axum::body::Body;
use http::StatusCode;
use hyper::body::Incoming;

use super::early::EndedEarly;

/// Something that answers requests, whatever happens.
pub trait Respond: Clone + Send + Sync + Unpin + 'static {
    /// Answers one request.
    fn respond(&self, request: http::Request<Incoming>) -> impl Future<Output = http::Response<Body>> + Send;

    /// The JSON that refuses what is no request, or one whose head is too long; `None`: it is refused without a body.
    fn refuse_head(&self, status: StatusCode) -> Option<Vec<u8>> {
        let _ = status;
        None
    }

    /// A connection ended before a request came.
    fn ended_early(&self, cause: EndedEarly) {
        let _ = cause;
    }
}
