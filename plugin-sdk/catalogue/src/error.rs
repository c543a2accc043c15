//! Why a plugin returns no verdict.

use std::fmt;

/// Why a plugin rejected its settings, or could not decide.
///
/// Its text goes to the host's log, never to the chat server. `?` converts a [`FieldError`](crate::FieldError) or an
/// error of `serde_json`, and `.into()` a string.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::{Error, Object};
///
/// fn level(user: &Object<'_>) -> Result<i64, Error> {
///     match user.read("level")? {
///         level @ 1..=9 => Ok(level),
///         level => Err(format!("`level` is {level}, and 1 to 9 are known").into()),
///     }
/// }
///
/// assert_eq!(level(&Object::parse("demo", r#"{"level":3}"#)?), Ok(3));
/// let missing = level(&Object::parse("demo", "{}")?).unwrap_err();
/// assert_eq!(missing.to_string(), "demo: member `level` is missing");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}
