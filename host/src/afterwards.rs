//! The body of an answer, with work that starts once the connection has taken it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use callgate_dialects::Response;
use hyper::body::{Frame, SizeHint};

/// Work after an answer. It must be quick, because it runs on the thread that writes answers.
pub(crate) type Afterwards = Box<dyn FnOnce() + Send>;

/// A body, after which something is done: when the connection has taken all of it, or will never take it.
pub(crate) fn body(bytes: Vec<u8>, afterwards: Option<Afterwards>) -> Body {
    match afterwards {
        None => Body::from(bytes),
        Some(then) => Body::new(Tailed { bytes: Some(bytes.into()), then: Some(then) }),
    }
}

struct Tailed {
    bytes: Option<Bytes>,
    then: Option<Afterwards>,
}

impl HttpBody for Tailed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

impl Drop for Tailed {
    fn drop(&mut self) {
        if let Some(then) = self.then.take() {
            then();
        }
    }
}

/// An answer, and what comes with it.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// The ID of the callback, if the chat server has given it none.
    pub(crate) own_id: Option<String>,
    /// The work that starts once the connection has taken the answer.
    pub(crate) afterwards: Option<Afterwards>,
}

impl Answer {
    /// Without anything that comes after it.
    pub(crate) fn only(response: Response) -> Self {
        Self { response, own_id: None, afterwards: None }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn what_comes_afterwards_comes_after_the_last_byte_or_when_the_answer_is_not_wanted() {
        for is_read in [true, false] {
            let done = Arc::new(AtomicBool::new(false));
            let its_done = Arc::clone(&done);
            let mut body = body(b"{}".to_vec(), Some(Box::new(move || its_done.store(true, Ordering::Relaxed))));
            assert_eq!(body.size_hint().exact(), Some(2));
            if is_read {
                let frame = body.frame().await.unwrap().unwrap();
                assert_eq!(frame.into_data().unwrap(), "{}");
                assert!(body.is_end_stream());
            }
            assert!(!done.load(Ordering::Relaxed));
            drop(body);
            assert!(done.load(Ordering::Relaxed));
        }
    }
}
