//! Bodies of requests, read within bounds: of one body, of all of them together, and of time.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use bytes::BytesMut;
use callgate_dialects::Refusal;
use http_body_util::{BodyExt, Limited};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::deadline::Deadline;
use crate::gate::Gate;
use crate::overload::Overload;
use crate::settings::Server;

/// The part of each body that does not count towards `bodies_bytes_max`, in bytes. Nearly all callbacks are smaller, so
/// a few large ones never delay them. `connections_max` bounds the total.
const FREE_BYTES: usize = 64 * 1024;

/// What is taken at a time of what all share, in bytes.
const STEP_BYTES: usize = 64 * 1024;

/// For this long a body may arrive as slowly as it likes: a connection starts slowly.
const SLOW_WITHIN: Duration = Duration::from_secs(1);

/// How many times the maximum is read of a body that is too long.
const FORGOTTEN_TIMES: usize = 4;

/// Memory for bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    bytes_max: usize,
    bytes_per_second_min: u64,
    /// Steps of [`STEP_BYTES`].
    steps: Gate,
}

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotRead {
    /// The request is refused.
    Refused(Refusal),
    /// There was no time to wait for memory.
    Overloaded(Overload),
}

/// A body that was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Why.
    pub(crate) why: NotRead,
    /// Whether it was received to its end all the same, and discarded: only then is it known where the next request
    /// begins.
    pub(crate) is_whole: bool,
}

impl From<Refusal> for NotRead {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A body that was read, and its part of the memory for bodies.
#[derive(Debug)]
pub(crate) struct ReadBody {
    bytes: Bytes,
    room: Option<OwnedSemaphorePermit>,
}

/// Held for as long as a body is in memory.
#[derive(Debug)]
pub(crate) struct Room {
    _steps: Option<OwnedSemaphorePermit>,
}

impl ReadBody {
    pub(crate) fn into_parts(self) -> (Bytes, Room) {
        (self.bytes, Room { _steps: self.room })
    }
}

impl Bodies {
    /// Room for bodies within the limits of these settings.
    pub(crate) fn new(settings: &Server) -> Self {
        Self {
            bytes_max: settings.body_bytes_max,
            bytes_per_second_min: settings.body_bytes_per_second_min,
            steps: Gate::new("bodies_bytes_max", settings.bodies_bytes_max / STEP_BYTES, STEP_BYTES),
        }
    }

    /// Whether a body of at least this length would wait for memory for longer than there is time.
    pub(crate) fn overload(&self, bytes: u64, deadline: Deadline) -> Option<Overload> {
        let steps = steps_of(usize::try_from(bytes).unwrap_or(usize::MAX));
        // A body that can never fit is refused when it is read.
        if steps == 0 || steps > self.steps.permits_max() { None } else { self.steps.overload(steps, deadline) }
    }

    /// Reads a body, if it arrives in time and there is memory for it. `waits`: the client waits for `100 Continue`.
    pub(crate) async fn read<B>(&self, mut body: B, deadline: Deadline, waits: bool) -> Result<ReadBody, Unread>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        // A length that is too long already says so.
        let is_told = body.size_hint().lower() > self.bytes_max as u64;
        if !is_told {
            match timeout_at(deadline.moment(), self.collect(&mut body, deadline)).await {
                Ok(Some(Ok(read))) => return Ok(read),
                Ok(Some(Err(why))) => return Err(Unread { why, is_whole: body.is_end_stream() }),
                Ok(None) => {}
                Err(_) => return Err(Unread { why: Refusal::Incomplete.into(), is_whole: false }),
            }
        }
        let is_whole = self.forget(body, deadline, waits && is_told).await;
        Err(Unread { why: Refusal::TooLarge { bytes_max: self.bytes_max }.into(), is_whole })
    }

    /// Reads and discards the body, within bounds: closing while the client still writes would lose the answer. A
    /// client that waits for `100 Continue` has sent nothing, and reading would send that. Returns whether it was read
    /// to its end.
    pub(crate) async fn forget<B>(&self, body: B, deadline: Deadline, waits: bool) -> bool
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        if waits {
            return body.is_end_stream();
        }
        let mut rest = Limited::new(body, self.bytes_max.saturating_mul(FORGOTTEN_TIMES));
        let forgotten = async {
            loop {
                match rest.frame().await {
                    Some(Ok(_)) => {}
                    end => return end.is_none(),
                }
            }
        };
        timeout_at(deadline.moment(), forgotten).await.unwrap_or(false)
    }

    /// Reads and discards what has come of a body that is not wanted, and waits for nothing. `waits`: as for
    /// [`Bodies::forget`]. Returns whether it was read to its end.
    pub(crate) async fn forget_what_is_there<B>(body: B, waits: bool) -> bool
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        if waits {
            return body.is_end_stream();
        }
        let mut rest = Limited::new(body, FREE_BYTES);
        let mut has_asked = false;
        poll_fn(|cx| {
            loop {
                match Pin::new(&mut rest).poll_frame(cx) {
                    Poll::Ready(Some(Ok(_))) => has_asked = false,
                    Poll::Ready(end) => return Poll::Ready(end.is_none()),
                    Poll::Pending if has_asked => return Poll::Ready(false),
                    Poll::Pending => {
                        // The connection reads a body only once it is asked for it, and passes it on when it is polled
                        // again.
                        has_asked = true;
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
            }
        })
        .await
    }

    /// When more than these bytes must have arrived.
    fn due(&self, began: Instant, bytes: usize) -> Instant {
        match (bytes as u64).checked_mul(1000).and_then(|times| times.checked_div(self.bytes_per_second_min)) {
            Some(ms) => began + SLOW_WITHIN + Duration::from_millis(ms),
            // There is no minimum: until the deadline.
            None => began + Duration::from_secs(3600),
        }
    }

    /// The whole body; `None` if it is too long.
    async fn collect<B>(&self, body: &mut B, deadline: Deadline) -> Option<Result<ReadBody, NotRead>>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let told = body.size_hint().exact().and_then(|told| usize::try_from(told).ok());
        let mut first: Option<Bytes> = None;
        // More than one piece is copied together: a piece of one byte takes many times that, as it comes.
        let mut all = BytesMut::new();
        let mut room = None;
        let mut began = Instant::now();
        loop {
            let len = first.as_ref().map_or(all.len(), Bytes::len);
            let frame = match timeout_at(self.due(began, len), body.frame()).await {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(_) => return Some(Err(Refusal::TooSlow.into())),
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => {
                    let error: BoxError = error.into();
                    let refusal = if is_framing(&*error) { Refusal::BodyFraming } else { Refusal::Incomplete };
                    return Some(Err(refusal.into()));
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            let len = len + data.len();
            if len > self.bytes_max {
                return None;
            }
            if room.is_none() && told.unwrap_or(len) > FREE_BYTES {
                let asked = Instant::now();
                match self.room_for(told, deadline).await {
                    Ok(taken) => room = Some(taken),
                    Err(not_read) => return Some(Err(not_read)),
                }
                // Meanwhile nothing was read.
                began += asked.elapsed();
            }
            if steps_of(len) > room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) {
                return Some(Err(Refusal::NoRoom.into()));
            }
            match first.take() {
                None if all.is_empty() => first = Some(data),
                before => {
                    if let Some(before) = before {
                        all.reserve(told.unwrap_or(len).max(len));
                        all.extend_from_slice(&before);
                    }
                    all.extend_from_slice(&data);
                }
            }
        }
        let bytes = first.unwrap_or_else(|| all.freeze());
        // What was reserved for a body of unknown length, and is not needed.
        if let Some(room) = &mut room {
            let more = room.num_permits().saturating_sub(steps_of(bytes.len()));
            drop(room.split(more));
        }
        Some(Ok(ReadBody { bytes, room }))
    }

    /// Waits for all the memory that a body of this length can need, or of the maximum length if it is not known.
    /// Bodies that hold a part and wait for the rest could deadlock.
    async fn room_for(&self, told: Option<usize>, deadline: Deadline) -> Result<OwnedSemaphorePermit, NotRead> {
        let steps = match told {
            // What can never be granted is not waited for.
            Some(told) if steps_of(told) > self.steps.permits_max() => return Err(Refusal::NoRoom.into()),
            Some(told) => steps_of(told),
            None => steps_of(self.bytes_max).min(self.steps.permits_max()),
        };
        // Without any, nothing fits.
        let steps = u32::try_from(steps).ok().filter(|steps| *steps > 0).ok_or(Refusal::NoRoom)?;
        self.steps.enter(steps, deadline).await.map_err(NotRead::Overloaded)
    }
}

/// Whether the client has sent a body that is not framed as HTTP says, and not just too little of it.
fn is_framing(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.any(|cause| {
        let Some(error) = cause.downcast_ref::<io::Error>() else { return false };
        // Errors of TLS have the same kind, and say nothing about the body.
        let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
        !is_tls && matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
    })
}

/// How many steps a body of this length takes.
fn steps_of(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_BYTES).div_ceil(STEP_BYTES)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use axum::body::Body;

    use super::*;

    const KIB: usize = 1024;

    fn soon() -> Deadline {
        Deadline::new(Instant::now(), Duration::from_secs(1))
    }

    fn bodies(bytes_max: usize, bodies_bytes_max: usize) -> Bodies {
        let toml = format!(
            "[server]\nbody_bytes_max = {bytes_max}\nbodies_bytes_max = {bodies_bytes_max}\n[[platform]]\nkind = \"openim\""
        );
        Bodies::new(&crate::settings::Settings::parse(Path::new("host.toml"), &toml).unwrap().server)
    }

    fn body(bytes: usize) -> Body {
        Body::from(vec![b' '; bytes])
    }

    #[tokio::test(start_paused = true)]
    async fn small_bodies_need_no_room_and_large_ones_share_it() {
        let bodies = self::bodies(1024 * KIB, 128 * KIB);
        let large = bodies.read(body(192 * KIB), soon(), false).await.unwrap();
        let began = Instant::now();
        let NotRead::Overloaded(overload) = bodies.read(body(64 * KIB + 1), soon(), false).await.unwrap_err().why
        else {
            panic!("there is room for it, later")
        };
        assert_eq!((overload.limit, overload.value, overload.in_flight), ("bodies_bytes_max", 128 * KIB, 128 * KIB));
        assert_eq!(began.elapsed(), Duration::from_millis(950), "it waits until the deadline");
        // That is how long the next one would wait, and it has less.
        let hasty = Deadline::new(Instant::now(), Duration::from_millis(500));
        assert!(bodies.overload(64 * KIB as u64 + 1, hasty).is_some());
        assert_eq!(bodies.overload(64 * KIB as u64, hasty), None);
        assert!(bodies.read(body(64 * KIB), soon(), false).await.is_ok());
        drop(large);
        assert!(bodies.read(body(64 * KIB + 1), soon(), false).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_fits_is_refused_at_once() {
        let began = Instant::now();
        let bodies = self::bodies(1024 * KIB, 128 * KIB);
        assert_eq!(bodies.read(body(192 * KIB + 1), soon(), false).await.unwrap_err().why, Refusal::NoRoom.into());
        let none = self::bodies(1024 * KIB, 0);
        assert_eq!(none.read(body(64 * KIB + 1), soon(), false).await.unwrap_err().why, Refusal::NoRoom.into());
        assert!(none.read(body(64 * KIB), soon(), false).await.is_ok());
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_do_not_fit_together_are_read_one_after_the_other() {
        let bodies = Arc::new(self::bodies(1024 * KIB, 1024 * KIB));
        for is_told in [true, false] {
            let read = |_| {
                let bodies = Arc::clone(&bodies);
                tokio::spawn(async move {
                    let pieces = (0..1000).map(|_| Bytes::from(vec![b' '; 1000]));
                    let read = match is_told {
                        true => bodies.read(body(1_000_000), soon(), false).await,
                        false => bodies.read(Trickle(Pieces(pieces)), soon(), false).await,
                    };
                    read.map(|read| read.into_parts().0.len())
                })
            };
            for reading in (0..10).map(read).collect::<Vec<_>>() {
                assert_eq!(reading.await.unwrap(), Ok(1_000_000), "told: {is_told}");
            }
        }
        assert_eq!(bodies.steps.taken(), 0);
    }

    /// Lets others have their turn before each piece.
    struct Trickle<B>(B);

    impl<B: HttpBody<Data = Bytes, Error = BoxError> + Unpin> HttpBody for Trickle<B> {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, BoxError>>> {
            std::task::ready!(tokio::task::coop::poll_proceed(cx)).made_progress();
            std::pin::Pin::new(&mut self.0).poll_frame(cx)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_small_pieces_become_one_body() {
        let bodies = self::bodies(1024 * KIB, 1024 * KIB);
        let pieces = Pieces((0..100_000_u32).map(|number| Bytes::from(vec![(number % 251) as u8])));
        let (bytes, _room) = bodies.read(pieces, soon(), false).await.unwrap().into_parts();
        assert_eq!(bytes.len(), 100_000);
        assert!(bytes.iter().zip(0..).all(|(byte, number)| *byte == (number % 251) as u8));
    }

    /// The items of an iterator, each as a piece of a body.
    struct Pieces<I>(I);

    impl<I: Iterator<Item = Bytes> + Unpin> HttpBody for Pieces<I> {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, BoxError>>> {
            std::task::Poll::Ready(self.0.next().map(|piece| Ok(hyper::body::Frame::data(piece))))
        }
    }
}
