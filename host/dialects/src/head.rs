//! A request without its body.

use http::{HeaderMap, Method, header};

use crate::refusal::Refusal;

/// The part of a request that arrives before the body: enough to authenticate the sender and to decide whether to read
/// on.
#[derive(Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The rest of the path after the platform's, without slashes at either end.
    pub subpath: String,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// When the head was read, in milliseconds since 1970-01-01 UTC: for signatures, and for plugins.
    pub arrived_unix_ms: u64,
}

impl Head {
    /// Checks that it is a POST whose content type, if it has one, is JSON, and that is not compressed.
    ///
    /// # Errors
    /// [`Refusal::Method`], [`Refusal::ContentEncoding`] or [`Refusal::ContentType`].
    pub fn check_json_post(&self) -> Result<(), Refusal> {
        if self.method != Method::POST {
            return Err(Refusal::Method);
        }
        let mut encodings = self.headers.get_all(header::CONTENT_ENCODING).iter();
        if !encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Refusal::ContentEncoding);
        }
        let Some(content_type) = self.headers.get(header::CONTENT_TYPE) else { return Ok(()) };
        let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let is_json = ["application/json", "text/json"].iter().any(|json| essence.eq_ignore_ascii_case(json))
            || essence.to_ascii_lowercase().ends_with("+json");
        if is_json { Ok(()) } else { Err(Refusal::ContentType) }
    }

    /// The query parameter with this name, ignoring case.
    ///
    /// # Errors
    /// [`Refusal::ParameterTwice`]: another server may take the other one.
    pub fn query_once(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut found = self.query.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Refusal::ParameterTwice),
            (first, None) => Ok(first.map(|(_, value)| value.as_str())),
        }
    }

    /// The first query parameter with this name, ignoring case.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
