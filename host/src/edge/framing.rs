//! Where requests begin and end in the bytes of a connection, and what in a head is refused before it is read.
//!
//! Hyper parses heads; this checks the same bytes just before, without copying them. Hyper accepts some heads that
//! another server on the way may read differently, which is how requests are smuggled: those are refused here. The byte
//! that makes a head wrong is overwritten with one that no head may have, so that hyper refuses it at exactly this
//! byte, after the answers to all requests before it.

mod chunks;
mod line;

use http::StatusCode;

use chunks::Chunks;
use line::{Field, RequestLine};

use crate::settings::HeadLimits;

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadRefusal {
    /// It is no request in HTTP/1.1.
    NotHttp,
    /// It is longer than `head_bytes_max`, or has more headers than `headers_max`.
    TooLarge,
    /// The URL is longer than `uri_bytes_max`.
    UriTooLong,
    /// It did not arrive in time.
    TooSlow,
    /// A line ends without a carriage return.
    BareLineFeed,
    /// A header continues on a second line.
    Folded,
    /// There is no `Host`, or more than one.
    Host,
    /// The length of the body is given more than once, not as a number, or is beyond all bounds.
    Length,
    /// The body is encoded in another way than `chunked`, or has a length as well.
    Encoding,
    /// It came without TLS, where TLS is spoken.
    NotTls,
}

impl HeadRefusal {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NotHttp
            | Self::BareLineFeed
            | Self::Folded
            | Self::Host
            | Self::Length
            | Self::Encoding
            | Self::NotTls => StatusCode::BAD_REQUEST,
        }
    }

    /// The name in metrics and the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotHttp => "bad_head",
            Self::TooLarge => "head_too_large",
            Self::UriTooLong => "uri_too_long",
            Self::TooSlow => "head_too_slow",
            Self::BareLineFeed => "bare_line_feed",
            Self::Folded => "folded_header",
            Self::Host => "host_header",
            Self::Length => "content_length",
            Self::Encoding => "transfer_encoding",
            Self::NotTls => "not_tls",
        }
    }

    /// What is wrong, for the caller.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::NotHttp => "this is not an HTTP/1.1 request",
            Self::TooLarge => "there are too many headers, or they are too long (`headers_max`, `head_bytes_max`)",
            Self::UriTooLong => "the URL is too long (`uri_bytes_max`)",
            Self::TooSlow => "the head of the request did not arrive in time (`head_within_ms`)",
            Self::BareLineFeed => "a line of the head ends with a bare LF: end each line with CR LF",
            Self::Folded => "a header continues on a second line: write each on one line",
            Self::Host => "an HTTP/1.1 request needs exactly one Host header",
            Self::Length => "Content-Length must be there once, as a number",
            Self::Encoding => {
                "the only valid Transfer-Encoding is \"chunked\", once, in HTTP/1.1, and without a Content-Length"
            }
            Self::NotTls => "this port speaks TLS: begin the URL with https://",
        }
    }

    /// The refusal for a status that hyper chose by itself.
    pub(super) fn of_hyper(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::BAD_REQUEST => Some(Self::NotHttp),
            StatusCode::URI_TOO_LONG => Some(Self::UriTooLong),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Some(Self::TooLarge),
            _ => None,
        }
    }
}

/// What no head may contain.
pub(super) const POISON: u8 = 0;

/// Follows the requests of one connection.
#[derive(Debug)]
pub(super) struct Framing {
    limits: HeadLimits,
    stage: Stage,
    head: Head,
    /// A line that has not arrived whole.
    part: Vec<u8>,
    is_http_10: bool,
    refusal: Option<HeadRefusal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before or in a head.
    Head,
    /// In a body, of which this many bytes are still to come.
    Body(u64),
    Chunked(Chunks),
    /// Nothing more is checked.
    Broken,
}

/// A head, as far as it has arrived.
#[derive(Debug, Default)]
struct Head {
    bytes: usize,
    headers: usize,
    line: Option<RequestLine>,
    hosts: usize,
    length: Option<u64>,
    is_chunked: bool,
}

impl Framing {
    pub(super) fn new(limits: HeadLimits) -> Self {
        Self { limits, stage: Stage::Head, head: Head::default(), part: Vec::new(), is_http_10: false, refusal: None }
    }

    /// Whether a request is arriving whose head is not complete.
    pub(super) fn is_in_head(&self) -> bool {
        self.stage == Stage::Head && self.head.bytes > 0
    }

    /// Whether a body is arriving.
    pub(super) fn is_in_body(&self) -> bool {
        matches!(self.stage, Stage::Body(_) | Stage::Chunked(_))
    }

    /// Whether the last head was that of a request in HTTP/1.0, whose clients know no interim answers.
    pub(super) fn is_http_10(&self) -> bool {
        self.is_http_10
    }

    /// Why a head was refused, if one was.
    pub(super) fn refusal(&self) -> Option<HeadRefusal> {
        self.refusal
    }

    /// Refuses the head that is arriving.
    pub(super) fn refuse(&mut self, refusal: HeadRefusal) {
        self.refusal = Some(refusal);
        self.stage = Stage::Broken;
    }

    /// Checks bytes that have just arrived, and overwrites the one that makes a head invalid.
    pub(super) fn arrived(&mut self, bytes: &mut [u8]) -> Result<(), HeadRefusal> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match &mut self.stage {
                Stage::Broken => return Ok(()),
                Stage::Body(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    at += taken;
                    *left -= taken as u64;
                    if *left == 0 {
                        self.stage = Stage::Head;
                    }
                }
                Stage::Chunked(chunks) => match chunks.arrived(rest) {
                    Ok((taken, is_over)) => {
                        at += taken;
                        if is_over {
                            self.stage = Stage::Head;
                        }
                    }
                    Err(wrong) => {
                        self.stage = Stage::Broken;
                        poison(bytes, at + wrong);
                        return Ok(());
                    }
                },
                Stage::Head => match self.line(rest) {
                    Ok(taken) => at += taken,
                    Err(refusal) => {
                        // The last byte of the line, or of what there is of it.
                        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
                        self.refuse(refusal);
                        poison(bytes, at + end - 1);
                        return Err(refusal);
                    }
                },
            }
        }
        Ok(())
    }

    /// Takes one line of a head, or what there is of it; returns how many bytes that are.
    fn line(&mut self, bytes: &[u8]) -> Result<usize, HeadRefusal> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.head.bytes += bytes.len();
            self.part.extend_from_slice(bytes);
            self.check_sizes(self.part.len())?;
            return Ok(bytes.len());
        };
        let taken = end + 1;
        self.head.bytes += taken;
        let line = bytes.get(..end).unwrap_or_default();
        if self.part.is_empty() {
            self.check_sizes(line.len())?;
            self.head.line(line, self.limits)?;
            if line.len() == 1 {
                self.end_of_head()?;
            }
        } else {
            let mut part = std::mem::take(&mut self.part);
            part.extend_from_slice(line);
            self.check_sizes(part.len())?;
            self.head.line(&part, self.limits)?;
            if part.len() == 1 {
                self.end_of_head()?;
            }
            // One buffer serves all heads of this connection that come in pieces.
            part.clear();
            self.part = part;
        }
        Ok(taken)
    }

    fn check_sizes(&self, line_bytes: usize) -> Result<(), HeadRefusal> {
        if self.head.line.is_none() && line_bytes > self.limits.uri_bytes_max.saturating_add(AROUND_URI_BYTES) {
            return Err(HeadRefusal::UriTooLong);
        }
        if self.head.bytes > self.limits.bytes_max { Err(HeadRefusal::TooLarge) } else { Ok(()) }
    }

    /// What follows an empty line.
    fn end_of_head(&mut self) -> Result<(), HeadRefusal> {
        // Empty lines before a request are ignored, by hyper as well.
        let Some(line) = self.head.line else { return Ok(()) };
        let head = std::mem::take(&mut self.head);
        self.is_http_10 = line.is_http_10;
        if head.hosts > 1 || (head.hosts == 0 && line.is_http_11) {
            return Err(HeadRefusal::Host);
        }
        self.stage = match (head.is_chunked, head.length) {
            (true, Some(_)) => return Err(HeadRefusal::Encoding),
            (true, None) if line.is_http_10 => return Err(HeadRefusal::Encoding),
            (true, None) => Stage::Chunked(Chunks::default()),
            (false, None | Some(0)) => Stage::Head,
            (false, Some(length)) => Stage::Body(length),
        };
        Ok(())
    }
}

/// What a request line has besides its URL: method, version and blanks.
const AROUND_URI_BYTES: usize = 64;

fn poison(bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = POISON;
    }
}

impl Head {
    /// Takes a line without its line feed.
    fn line(&mut self, line: &[u8], limits: HeadLimits) -> Result<(), HeadRefusal> {
        let Some((b'\r', line)) = line.split_last() else { return Err(HeadRefusal::BareLineFeed) };
        if line.is_empty() {
            return Ok(());
        }
        if self.line.is_none() {
            let request = RequestLine::new(line);
            self.line = Some(request);
            return if request.uri_bytes > limits.uri_bytes_max { Err(HeadRefusal::UriTooLong) } else { Ok(()) };
        }
        self.headers += 1;
        if self.headers > limits.headers_max {
            return Err(HeadRefusal::TooLarge);
        }
        match Field::of(line) {
            Field::Other => {}
            Field::Continued => return Err(HeadRefusal::Folded),
            Field::Host => self.hosts += 1,
            Field::Length(Some(length)) if self.length.is_none() => self.length = Some(length),
            Field::Length(_) => return Err(HeadRefusal::Length),
            Field::Chunked if !self.is_chunked => self.is_chunked = true,
            Field::Chunked | Field::Encoded => return Err(HeadRefusal::Encoding),
        }
        Ok(())
    }
}
