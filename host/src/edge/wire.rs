//! The bytes of a connection, looked at on their way: how it begins, where its requests begin and end, refusals of what
//! is no request, and whether the client is still there.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::early::FIRST_BYTES;
use super::framing::{Framing, HeadRefusal, POISON};
use super::pulse::Pulse;
use super::respond::Respond;
use super::vanished::{Look, Stream, Vanishing};
use crate::settings::HeadLimits;

/// A stream that hyper reads and writes.
///
/// Hyper answers what is no request with a status and no body: a chat server may take that for an answer that allows,
/// or for none at all. Such a refusal gets a body here.
pub(super) struct Wire<S, A> {
    stream: S,
    app: A,
    pulse: Arc<Pulse>,
    framing: Framing,
    /// The first bytes that arrived, to be examined after the connection has ended without a request.
    first: Vec<u8>,
    /// Bytes that arrived while a request was being answered, before hyper asks for them; or the end of a head that is
    /// refused.
    ahead: Vec<u8>,
    /// What the client does while a request is being answered.
    vanishing: Vanishing,
    /// What is written before anything else: a refusal instead of hyper's, or a sign of life.
    pending: Vec<u8>,
}

impl<S, A> Wire<S, A> {
    pub(super) fn new(stream: S, app: A, pulse: Arc<Pulse>, limits: HeadLimits) -> Self {
        Self {
            stream,
            app,
            pulse,
            framing: Framing::new(limits),
            first: Vec::new(),
            ahead: Vec::new(),
            vanishing: Vanishing::default(),
            pending: Vec::new(),
        }
    }

    /// The first bytes that arrived.
    pub(super) fn first(&self) -> &[u8] {
        &self.first
    }

    /// The stream, for the work after the last answer.
    pub(super) fn into_stream(self) -> S {
        self.stream
    }
}

/// What a head ends with.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Bytes that are read ahead at a time.
const AHEAD_BYTES: usize = 2048;

impl<S: Stream, A: Unpin> AsyncRead for Wire<S, A> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.pulse.is_head_late() && this.framing.is_in_head() {
            this.framing.refuse(HeadRefusal::TooSlow);
            this.pulse.set_in_head(false);
            this.ahead.clear();
            this.ahead.extend_from_slice(END_OF_HEAD);
            buf.put_slice(&[POISON]);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if this.ahead.is_empty() {
            if this.vanishing.has_ended() {
                return Poll::Ready(Ok(()));
            }
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        } else {
            let taken = this.ahead.len().min(buf.remaining());
            buf.put_slice(this.ahead.get(..taken).unwrap_or_default());
            this.ahead.drain(..taken);
        }
        let Some(new) = buf.filled_mut().get_mut(before..).filter(|new| !new.is_empty()) else {
            this.vanishing.end();
            return Poll::Ready(Ok(()));
        };
        // What comes after a refusal may be the end of a head that was added here.
        if this.first.len() < FIRST_BYTES && this.framing.refusal().is_none() {
            let wanted = FIRST_BYTES - this.first.len();
            this.first.extend_from_slice(new.get(..wanted).unwrap_or(new));
        }
        if this.framing.arrived(new).is_err() {
            // Hyper parses no head before its end.
            this.ahead.clear();
            this.ahead.extend_from_slice(END_OF_HEAD);
        }
        this.pulse.set_in_head(this.framing.is_in_head());
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream, A: Respond + Unpin> Wire<S, A> {
    /// Whether the client may still be writing data that will not be read, or has already written some.
    pub(super) async fn has_more(&mut self) -> bool {
        if self.vanishing.has_ended() {
            return false;
        }
        if self.framing.is_in_body() || self.framing.refusal().is_some() || !self.ahead.is_empty() {
            return true;
        }
        let mut byte = [0];
        let mut buf = ReadBuf::new(&mut byte);
        let look = poll_fn(|cx| Poll::Ready(Pin::new(&mut self.stream).poll_read(cx, &mut buf)));
        // Otherwise Tokio reads nothing if this task has used up its budget.
        let _ = tokio::task::unconstrained(look).await;
        !buf.filled().is_empty()
    }

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

    /// While a request is being answered, and nothing is being written: reads ahead, so that it is noticed if the
    /// client goes away. Hyper does not read then.
    fn watch_client(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.pulse.is_running() || self.framing.is_in_body() {
            return Ok(());
        }
        if !self.ahead.is_empty() {
            return Ok(());
        }
        if !self.vanishing.has_ended() {
            let mut bytes = [0; AHEAD_BYTES];
            let mut buf = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf)? {
                Poll::Pending => return Ok(()),
                Poll::Ready(()) if buf.filled().is_empty() => self.vanishing.end(),
                Poll::Ready(()) => {
                    self.ahead.extend_from_slice(buf.filled());
                    return Ok(());
                }
            }
        }
        match self.vanishing.look(&self.stream, cx) {
            Look::Wait => {}
            Look::Gone(error) => return Err(error),
            Look::Sign if self.framing.is_http_10() => {}
            Look::Sign => {
                self.pending.extend_from_slice(Vanishing::SIGN_OF_LIFE);
                let _ = self.poll_pending(cx)?;
                // Polls the timer of the next check.
                cx.waker().wake_by_ref();
            }
        }
        Ok(())
    }

    fn poll_write_to_client(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(cx))?;
        if let Some((before, status)) = bare_refusal(buf)
            && let Some(refusal) = self.framing.refusal().or_else(|| HeadRefusal::of_hyper(status))
            && let Some(body) = self.app.refuse_head(refusal)
        {
            self.framing.refuse(refusal);
            self.pending = with_body(before, refusal.status(), &body);
            // Taken as a whole: the rest is written when this is flushed.
            let _ = self.poll_pending(cx)?;
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
}

impl<S: Stream, A: Respond + Unpin> AsyncWrite for Wire<S, A> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.poll_write_to_client(cx, buf);
        if written.is_pending() {
            self.pulse.set_stalled(true);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let flushed = this.poll_pending(cx)?.is_ready() && Pin::new(&mut this.stream).poll_flush(cx)?.is_ready();
        this.pulse.set_stalled(!flushed);
        if !flushed {
            return Poll::Pending;
        }
        this.watch_client(cx)?;
        Poll::Ready(Ok(()))
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

/// A refusal with a body after other bytes.
fn with_body(before: &[u8], status: StatusCode, body: &[u8]) -> Vec<u8> {
    [before, &refusal(status, body)].concat()
}

/// A refusal with a body, after which the connection is closed.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        status.as_str(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    );
    [head.as_bytes(), body].concat()
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
