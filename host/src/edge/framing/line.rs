//! The lines of a head, as far as they say where the body ends.

/// A request line: `POST /openim HTTP/1.1`. Whether it is right is for hyper to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestLine {
    pub(super) is_http_10: bool,
    pub(super) is_http_11: bool,
    pub(super) uri_bytes: usize,
}

impl RequestLine {
    pub(super) fn new(line: &[u8]) -> Self {
        let blank = |byte: &u8| *byte == b' ';
        let first = line.iter().position(blank).map_or(0, |blank| blank + 1);
        let last = line.iter().rposition(blank).unwrap_or(0);
        Self {
            is_http_10: line.ends_with(b" HTTP/1.0"),
            is_http_11: line.ends_with(b" HTTP/1.1"),
            uri_bytes: last.saturating_sub(first),
        }
    }
}

/// What a header says about the body, or about where the request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Nothing.
    Other,
    /// It continues the header before it.
    Continued,
    Host,
    /// The length of the body; `None`: what is no number.
    Length(Option<u64>),
    /// The body comes in chunks.
    Chunked,
    /// The body is encoded in another way.
    Encoded,
}

impl Field {
    pub(super) fn of(line: &[u8]) -> Self {
        // Nearly all headers are told apart by their first letter.
        match line.first().map(u8::to_ascii_lowercase) {
            Some(b' ' | b'\t') => Self::Continued,
            Some(b'h') if value(line, b"host").is_some() => Self::Host,
            Some(b'c') => value(line, b"content-length").map_or(Self::Other, |value| Self::Length(number(value))),
            Some(b't') => match value(line, b"transfer-encoding") {
                Some(value) if value.eq_ignore_ascii_case(b"chunked") => Self::Chunked,
                Some(_) => Self::Encoded,
                None => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

/// The value of a header with this name.
fn value<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|length| *length <= LENGTH_MAX)
}

/// The greatest length of a body. Hyper uses the two numbers above it for bodies of unknown length, and refuses them as
/// if the head were too large.
const LENGTH_MAX: u64 = u64::MAX - 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_headers_say_about_the_body() {
        for (line, field) in [
            ("Host: h", Field::Host),
            ("hOST:", Field::Host),
            ("Hosts: h", Field::Other),
            ("content-length: 12 ", Field::Length(Some(12))),
            ("Content-Length:0", Field::Length(Some(0))),
            ("Content-Length: +1", Field::Length(None)),
            ("Content-Length: 1, 1", Field::Length(None)),
            ("Content-Length: 99999999999999999999", Field::Length(None)),
            ("Content-Length: 18446744073709551613", Field::Length(Some(u64::MAX - 2))),
            ("Content-Length: 18446744073709551614", Field::Length(None)),
            ("Content-Length: 18446744073709551615", Field::Length(None)),
            ("Content-Length:", Field::Length(None)),
            ("Content-Type: x", Field::Other),
            ("Transfer-Encoding: Chunked", Field::Chunked),
            ("Transfer-Encoding: gzip, chunked", Field::Encoded),
            ("Transfer-Encoding: chunked, chunked", Field::Encoded),
            ("TE: trailers", Field::Other),
            (" Host: h", Field::Continued),
            ("\tx", Field::Continued),
        ] {
            assert_eq!(Field::of(line.as_bytes()), field, "{line}");
        }
    }

    #[test]
    fn the_version_and_the_length_of_the_url() {
        let line = RequestLine::new(b"POST /openim HTTP/1.0");
        assert_eq!(line, RequestLine { is_http_10: true, is_http_11: false, uri_bytes: 7 });
        assert_eq!(RequestLine::new(b"nonsense").uri_bytes, 0);
    }
}
