//! The bytes of a connection, looked at on their way: how it begins, and refusals of what is no request.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::early::FIRST_BYTES;
use super::respond::Respond;

/// The first bytes that arrived, to be examined after the connection has ended.
#[derive(Debug, Clone, Default)]
pub(super) struct First(Arc<Mutex<Vec<u8>>>);

impl First {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A stream whose first bytes are kept.
///
/// Hyper answers what is no request with a status and no body: a chat server may take that for an answer that allows, or
/// for none at all. Such a refusal gets a body here.
pub(super) struct Wire<S, A> {
    stream: S,
    app: A,
    first: First,
    /// How many of the first bytes are still wanted.
    wanted: usize,
    /// A refusal that is written instead of hyper's, as far as it is not written yet.
    pending: Vec<u8>,
}

impl<S, A> Wire<S, A> {
    pub(super) fn new(stream: S, app: A, first: First) -> Self {
        Self { stream, app, first, wanted: FIRST_BYTES, pending: Vec::new() }
    }
}

impl<S: AsyncRead + Unpin, A: Unpin> AsyncRead for Wire<S, A> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if self.wanted > 0
            && let Some(new) = buf.filled().get(before..)
        {
            let new = new.get(..new.len().min(self.wanted)).unwrap_or_default();
            self.first.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(new);
            self.wanted -= new.len();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin, A: Respond + Unpin> Wire<S, A> {
    /// Writes what is pending.
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.pending))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin, A: Respond + Unpin> AsyncWrite for Wire<S, A> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(cx))?;
        if let Some((before, status)) = bare_refusal(buf)
            && let Some(body) = self.app.refuse_head(status)
        {
            self.pending = with_body(before, status, &body);
            // Taken as a whole: the rest is written when this is flushed.
            let _ = self.poll_pending(cx)?;
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Whether these bytes end with a refusal without a body: what is before it, and its status.
///
/// All answers with a body end with the body, which is JSON and ends with a bracket. So nearly all bytes are looked at
/// no further than at their end.
fn bare_refusal(bytes: &[u8]) -> Option<(&[u8], StatusCode)> {
    const START: &[u8] = b"HTTP/1.1 4";
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let start = bytes.windows(START.len()).rposition(|window| window == START)?;
    let (before, head) = bytes.split_at_checked(start)?;
    let head = std::str::from_utf8(head).ok()?.to_ascii_lowercase();
    let status = StatusCode::from_bytes(head.as_bytes().get(9..12)?).ok()?;
    let is_hypers = [StatusCode::BAD_REQUEST, StatusCode::URI_TOO_LONG, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE];
    (is_hypers.contains(&status) && head.contains("\r\ncontent-length: 0\r\n")).then_some((before, status))
}

/// A refusal with a body, after which the connection is closed.
fn with_body(before: &[u8], status: StatusCode, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        status.as_str(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    );
    [before, head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_without_a_body_is_one() {
        let bare =
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        assert_eq!(bare_refusal(bare.as_bytes()), Some((&b""[..], status)));
        let after = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{{}}{bare}");
        assert_eq!(bare_refusal(after.as_bytes()).unwrap().0.len(), after.len() - bare.len());
        for other in [
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 20\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "\r\n\r\n",
            "",
        ] {
            assert_eq!(bare_refusal(other.as_bytes()), None, "{other}");
        }
    }
}
