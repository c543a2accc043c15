//! guard-profile's decision, compiled from its own source, for everybody who is not Callgate.
//!
//! Not from its package: that gives a `cdylib` too, whose files cargo names without a hash, so that two workspaces
//! which share a target folder would take each other's for their own.

#[path = "../../../../../plugins/guard-profile/src/lib.rs"]
mod guard_profile;

pub use guard_profile::GuardProfile;
pub use plugin_sdk::Error;

/// guard-profile with these settings: a JSON object.
///
/// # Errors
/// What is wrong with them.
pub fn configured(settings: &str) -> Result<GuardProfile, Error> {
    plugin_sdk::export::configured(&format!(r#"{{"settings":{settings}}}"#))
}

/// The reply to an envelope. Hosts that hand over bytes leave it to the guest to see that they are text.
///
/// # Panics
/// If they are not.
pub fn decided(plugin: &GuardProfile, envelope: &[u8]) -> Vec<u8> {
    plugin_sdk::export::decided(plugin, simdutf8::basic::from_utf8(envelope).expect("UTF-8"), &[])
}
