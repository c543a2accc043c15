//! A stream whose first byte was read in advance.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::vanished::Stream;

/// A stream that returns its first byte again.
#[derive(Debug)]
pub(super) struct Rewind<S> {
    first: Option<u8>,
    stream: S,
}

impl<S: Stream> Rewind<S> {
    /// Waits for the first byte; `None`: there is none.
    pub(super) async fn peek(mut stream: S) -> io::Result<Self> {
        let mut first = [0];
        let read = stream.read(&mut first).await?;
        Ok(Self { first: first.first().copied().filter(|_| read > 0), stream })
    }

    /// The byte that was read in advance.
    pub(super) fn first(&self) -> Option<u8> {
        self.first
    }

    /// The stream without that byte.
    pub(super) fn into_rest(self) -> S {
        self.stream
    }
}

impl<S: Stream> Stream for Rewind<S> {
    fn error(&self) -> Option<io::Error> {
        self.stream.error()
    }
}

impl<S: Stream> AsyncRead for Rewind<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buf.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: Stream> AsyncWrite for Rewind<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
