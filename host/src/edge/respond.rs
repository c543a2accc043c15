//! What a connection asks for.

use std::future::Future;

use axum::body::Body;
use hyper::body::Incoming;

/// Something that answers requests, whatever happens.
pub trait Respond: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn respond(&self, request: http::Request<Incoming>) -> impl Future<Output = http::Response<Body>> + Send;
}
