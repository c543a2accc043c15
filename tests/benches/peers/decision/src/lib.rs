//! guard-profile's decision, compiled from its own source, for everybody who is not Callgate.
//!
//! Not from its package: that gives a `cdylib` too, whose files cargo names without a hash, so that two workspaces which
//! share a target folder would take each other's for their own.

#[path = "../../../../../plugins/guard-profile/src/lib.rs"]
mod guard_profile;

pub use guard_profile::GuardProfile;
pub use plugin_sdk::Error;
pub use plugin_sdk::export::decided;

/// guard-profile with these settings: a JSON object.
///
/// # Errors
/// What is wrong with them.
pub fn configured(settings: &str) -> Result<GuardProfile, Error> {
    plugin_sdk::export::configured(format!(r#"{{"settings":{settings}}}"#).as_bytes())
}
