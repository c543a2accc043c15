//! The trait that a plugin implements.

use serde::de::DeserializeOwned;

pub use callgate_catalogue::Error;

use crate::callback::Callback;
use crate::facts::Needs;
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

    /// Says which facts [`decide`](Plugin::decide) needs for this callback. Only called if `export!` lists facts. The
    /// callback has no facts at this point. See [`facts`](crate::facts).
    ///
    /// # Errors
    /// As for [`decide`](Plugin::decide), which is not called then.
    fn needs(&self, callback: &Callback<'_>, needs: &mut Needs) -> Result<(), Error> {
        let _ = (callback, needs);
        Ok(())
    }

    /// Decides one callback. What it returns is a [`Reply`] or what becomes one: a [`Verdict`](crate::Verdict), such as
    /// an event's methods give, or an event's changes.
    ///
    /// # Errors
    /// If it cannot decide, for example because a member is missing (`?` converts a [`FieldError`](crate::FieldError)
    /// and any other [`std::error::Error`]). The host then gives the answer that its operator chose for faults, and
    /// logs the reason.
    fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error>;
}

/// For plugins without settings: only an empty table is accepted.
///
/// ```
/// use plugin_sdk::{Callback, Error, NoSettings, Plugin, Reply, Verdict};
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
///     fn decide(&self, _: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
///         Ok(Verdict::Allow)
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}
