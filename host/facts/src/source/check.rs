//! Checks single settings of a source before it is opened, so that all mistakes can be reported together. Each error is
//! worded to follow the name of the setting, and never quotes its value.

use super::template::Template;
use super::{http, redis};

/// Whether a text contains `{key}`.
#[must_use]
pub fn has_key(text: &str) -> bool {
    Template::is_in(text)
}

/// Checks a text that needs a `{key}`, such as the name of a value in Redis.
///
/// # Errors
/// If it has none.
pub fn template(text: &str) -> Result<(), String> {
    Template::new(text).map(|_| ())
}

/// Checks the URL of a web service, and returns whether it is encrypted. With `needs_key`, the URL must contain
/// `{key}`, because no body does.
///
/// # Errors
/// What is wrong with it.
pub fn http_url(url: &str, needs_key: bool) -> Result<bool, String> {
    http::check_url(url, needs_key)
}

/// Checks the body of a request to a web service: JSON with `{key}` inside a string.
///
/// # Errors
/// What is wrong with it.
pub fn body(text: &str) -> Result<(), String> {
    http::body(text).map(|_| ())
}

/// Checks a JSON pointer to the value in an answer; empty: the whole answer.
///
/// # Errors
/// If it does not begin with `/`.
pub fn pointer(pointer: &str) -> Result<(), String> {
    http::check_pointer(pointer)
}

/// Checks the name of a header.
///
/// # Errors
/// If it is not a valid name, or the host sets this header itself, such as `Host`.
pub fn header_name(name: &str) -> Result<(), String> {
    http::header_name(name).map(|_| ())
}

/// Checks the value of a header.
///
/// # Errors
/// If it contains control characters.
pub fn header_value(value: &str) -> Result<(), String> {
    http::header_value(value).map(|_| ())
}

/// Checks the URL of a Redis server, or of a node of a cluster.
///
/// # Errors
/// If it is not such a URL, or contains a password.
pub fn redis_url(url: &str) -> Result<(), String> {
    redis::check_url(url)
}
