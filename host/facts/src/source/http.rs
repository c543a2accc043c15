//! A web service that is queried for each key.

mod connect;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::remote::{Ask, Asked, Failed};
use super::template::{self, Template};
use crate::lookup::{Later, SourceError};
use crate::settings;
use connect::Connector;

/// A web service. Redirects are not followed.
#[derive(Debug)]
pub(super) struct Http(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client<Connector, Full<Bytes>>,
    method: Method,
    url: Url,
    body: Option<Template>,
    headers: Vec<(HeaderName, HeaderValue)>,
    settings: settings::Http,
}

/// A URL, with or without a key in its path or query.
#[derive(Debug)]
struct Url {
    text: String,
    template: Option<Template>,
    /// Whether the key is in the path.
    has_key_in_path: bool,
    is_https: bool,
}

impl Http {
    /// # Errors
    /// What is wrong with the settings.
    pub(super) fn new(settings: &settings::Http) -> Result<Self, SourceError> {
        let url = Url::new(&settings.url).map_err(|what| SourceError(format!("`url`: {what}")))?;
        let body = match settings.posts {
            true => Some(body(&settings.body).map_err(|what| SourceError(format!("`body`: {what}")))?),
            false => None,
        };
        if url.template.is_none() && body.is_none() {
            return Err(SourceError(format!("`url`: {NO_KEY}")));
        }
        check_pointer(&settings.pointer).map_err(|what| SourceError(format!("`pointer`: {what}")))?;
        let header = |(name, value): &(String, settings::Secret)| {
            let wrong = |what| SourceError(format!("`headers`: {what} (`{name}`)"));
            Ok((header_name(name).map_err(wrong)?, header_value(value.expose()).map_err(wrong)?))
        };
        let headers = settings.headers.iter().map(header).collect::<Result<Vec<_>, _>>()?;
        let connector = connect::connector(settings)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(settings.remote.calls_at_once_max)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            // With HTTP/2, all requests share one connection; pings detect a dead peer.
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .build(connector);
        let method = if settings.posts { Method::POST } else { Method::GET };
        Ok(Self(Arc::new(Inner { client, method, url, body, headers, settings: settings.clone() })))
    }
}

/// Idle time before a ping on an HTTP/2 connection with open requests, and timeout of the ping.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// The error for a URL without `{key}` when no body contains the key either.
const NO_KEY: &str = "has no `{key}`: write it in the path or the query";

/// Checks a URL, and returns whether it is encrypted. `needs_key`: the URL must contain `{key}`, because no body does.
///
/// # Errors
/// What is wrong with it, worded to follow its name.
pub(super) fn check_url(text: &str, needs_key: bool) -> Result<bool, String> {
    let url = Url::new(text)?;
    match url.template.is_none() && needs_key {
        true => Err(NO_KEY.to_owned()),
        false => Ok(url.is_https),
    }
}

/// Checks a JSON pointer.
///
/// # Errors
/// As for [`check_url`].
pub(super) fn check_pointer(pointer: &str) -> Result<(), String> {
    match pointer.is_empty() || pointer.starts_with('/') {
        true => Ok(()),
        false => Err("must be a JSON pointer, which begins with `/`, as in `/data/level`".to_owned()),
    }
}

/// The name of a header that an operator may set.
///
/// # Errors
/// As for [`check_url`].
pub(super) fn header_name(name: &str) -> Result<HeaderName, String> {
    /// Headers that control routing, message length or the connection.
    const OWN: [&str; 9] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let known = HeaderName::try_from(name).map_err(|_| "is not the name of a header".to_owned())?;
    match OWN.contains(&known.as_str()) {
        true => Err("is a header that the host sets itself: remove it".to_owned()),
        false => Ok(known),
    }
}

/// The value of a header. It may be a secret, so it is never shown.
///
/// # Errors
/// As for [`check_url`].
pub(super) fn header_value(value: &str) -> Result<HeaderValue, String> {
    let value = HeaderValue::try_from(value);
    let mut value =
        value.map_err(|_| "has a value that cannot be sent in a header: it has control characters".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

impl Url {
    fn new(text: &str) -> Result<Self, String> {
        let template = Template::is_in(text).then(|| Template::new(text)).transpose()?;
        let uri: Uri = match &template {
            Some(template) => template.with("k"),
            None => text.to_owned(),
        }
        .parse()
        .map_err(|error| format!("must be a complete URL, such as \"https://example.org/users/{{key}}\" ({error})"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
            return Err("must begin with https:// or http://, followed by a host".to_owned());
        }
        let (_, after_scheme) = text.split_once("://").unwrap_or_default();
        let (authority, rest) = after_scheme.split_at(after_scheme.find(['/', '?']).unwrap_or(after_scheme.len()));
        if rest.contains('#') {
            return Err(
                "must not have a fragment (`#…`), which is never sent: write `%23` for the character".to_owned()
            );
        }
        if Template::is_in(authority) {
            return Err("must not have `{key}` in its host: a plugin never chooses where to connect".to_owned());
        }
        if authority.contains('@') {
            return Err("must not contain a user and password: write the credentials into `headers`, from the environment or a file".to_owned());
        }
        let path = rest.split('?').next().unwrap_or_default();
        Ok(Self {
            text: text.to_owned(),
            has_key_in_path: Template::is_in(path),
            template,
            is_https: uri.scheme_str() == Some("https"),
        })
    }

    fn with(&self, key: &str) -> Result<Uri, String> {
        if self.has_key_in_path && template::leaves_path(key) {
            return Err("a key cannot be put into the path of the URL".to_owned());
        }
        let text = self.template.as_ref().map(|template| template.with(&template::in_url(key)));
        text.as_deref().unwrap_or(&self.text).parse().map_err(|_| "a key makes the URL too long".to_owned())
    }
}

/// A body with the key inside a JSON string.
///
/// # Errors
/// As for [`check_url`].
pub(super) fn body(text: &str) -> Result<Template, String> {
    let template = Template::new(text)?;
    let is_json = |key| serde_json::from_str::<serde::de::IgnoredAny>(&template.with(key)).is_ok();
    // An escaped quote leaves JSON valid only inside a string.
    if !is_json("k") || !is_json("\\\"") {
        return Err("must be JSON with `{key}` inside a string, as in {\"text\":\"{key}\"}".to_owned());
    }
    Ok(template)
}

impl Ask for Http {
    fn ask(&self, key: &str) -> Later<Asked> {
        let (inner, request) = (Arc::clone(&self.0), self.0.request(key));
        Box::pin(async move { inner.send(request.map_err(Failed::Key)?).await })
    }
}

impl Inner {
    fn request(&self, key: &str) -> Result<Request<Full<Bytes>>, String> {
        let body = self.body.as_ref().map(|body| body.with(&template::in_json(key)));
        let mut request = Request::builder().method(self.method.clone()).uri(self.url.with(key)?);
        if let Some(headers) = request.headers_mut() {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            if body.is_some() {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            for (name, value) in &self.headers {
                headers.insert(name, value.clone());
            }
        }
        request.body(Full::from(body.unwrap_or_default())).map_err(|_| "the key cannot be sent in a request".to_owned())
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Asked {
        let sent = self.client.request(request.clone()).await;
        let answer = match sent {
            // A pooled connection may have been closed meanwhile. A `GET` can safely be sent again.
            Err(error) if !error.is_connect() && self.method == Method::GET => self.client.request(request).await,
            sent => sent,
        };
        let answer = answer.map_err(|error| Failed::Source(format!("it cannot be reached: {}", chain(&error))))?;
        let status = answer.status().as_u16();
        if self.settings.absent_statuses.contains(&status) {
            return Ok(None);
        }
        if !self.settings.statuses.contains(&status) {
            let redirect = if answer.status().is_redirection() { ", and redirects are not followed" } else { "" };
            let why = format!("it answered with status {status}, which is not in `statuses`{redirect}");
            return Err(if is_about_the_question(status) { Failed::Value(why) } else { Failed::Source(why) });
        }
        let bytes_max = self.settings.remote.answer_bytes_max;
        let body = Limited::new(answer.into_body(), bytes_max).collect().await;
        let body = body.map_err(|error| match error.is::<http_body_util::LengthLimitError>() {
            true => Failed::Value(format!("its answer has more than {bytes_max} bytes (`answer_bytes_max`)")),
            false => Failed::Source("its answer broke off".to_owned()),
        })?;
        value(&body.to_bytes(), &self.settings.pointer).map_err(Failed::Value)
    }
}

/// Whether a status is about the key rather than the source: users influence keys, so other keys may still work. 401,
/// 403 and 407 are about credentials, 408 and 429 about load.
fn is_about_the_question(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 401 | 403 | 407 | 408 | 429)
}

/// The value to which the pointer leads; `None` if it leads nowhere, or to `null`.
fn value(answer: &[u8], pointer: &str) -> Result<Option<Arc<str>>, String> {
    let answer: serde_json::Value = serde_json::from_slice(answer).map_err(|_| "its answer is not JSON".to_owned())?;
    let value = answer.pointer(pointer).filter(|value| !value.is_null());
    Ok(value.map(|value| value.to_string().into()))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    callgate_catalogue::line::one_line(&text)
}

#[cfg(test)]
mod tests;
