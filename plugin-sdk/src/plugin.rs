//! The trait that a plugin implements.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::callback::Callback;
use crate::object::FieldError;
use crate::verdict::Reply;

/// A plugin: settings in, then a verdict for each callback.
///
/// `configure` runs once, when the host loads the plugin. What it returns is kept, and **every** callback starts from
/// it afresh: nothing that [`decide`](Plugin::decide) does is visible to the next callback. So build everything that
/// is costly (word lists, tables, compiled rules) in `configure`.
pub trait Plugin: Sized {
    /// What the operator writes under `[plugin.settings]`. Put `#[serde(deny_unknown_fields, default)]` on it, so
    /// that a misspelt key is refused and a missing one has its default. Use [`NoSettings`] if there are none.
    type Settings: DeserializeOwned;

    /// Checks the settings and builds what the decisions need.
    ///
    /// # Errors
    /// A sentence for the operator that says what to write instead; the host then refuses to start.
    fn configure(settings: Self::Settings) -> Result<Self, Error>;

    /// Decides one callback.
    ///
    /// # Errors
    /// If it cannot decide, for example because a member is missing ([`FieldError`] converts with `?`). The host
    /// then answers what its operator chose for faults, and logs the reason.
    fn decide(&self, callback: &Callback<'_>) -> Result<Reply, Error>;
}

/// For plugins without settings: only an empty table is accepted.
///
/// ```
/// use plugin_sdk::{Callback, Error, NoSettings, Plugin, Reply};
///
/// struct AllowAll;
///
/// impl Plugin for AllowAll {
///     type Settings = NoSettings;
///
///     fn configure(_: NoSettings) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn decide(&self, _: &Callback<'_>) -> Result<Reply, Error> {
///         Ok(Reply::allow())
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// Why a plugin refused its settings, or could not decide.
///
/// Its text goes to the host's log, never to the chat server. `?` makes one of a [`FieldError`] or an error of
/// `serde_json`, and `.into()` one of a text.
///
/// ```
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

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self(error.to_string())
    }
}

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
