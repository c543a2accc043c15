//! guard-profile as an Extism plugin: configured by its first call, which later ones find in memory.

use std::sync::OnceLock;

use decision::{GuardProfile, configured, decided};
use extism_pdk::{Error, FnResult, config, plugin_fn};

static PLUGIN: OnceLock<GuardProfile> = OnceLock::new();

#[plugin_fn]
pub fn decide(envelope: Vec<u8>) -> FnResult<Vec<u8>> {
    let plugin = match PLUGIN.get() {
        Some(plugin) => plugin,
        None => {
            let settings = config::get("settings")?.unwrap_or_else(|| "{}".to_owned());
            let plugin = configured(&settings).map_err(|error| Error::msg(error.to_string()))?;
            PLUGIN.get_or_init(|| plugin)
        }
    };
    Ok(decided(plugin, &envelope))
}
