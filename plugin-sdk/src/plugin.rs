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
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// Why a plugin refused its settings, or could not decide.
///
/// Its text goes to the host's log, never to the chat server.
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
