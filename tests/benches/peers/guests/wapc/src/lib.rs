//! guard-profile as a waPC guest. Its memory is new for each call, so the settings come with each, and the plugin is
//! configured from them before it decides.

use decision::{configured, decided};
use wapc_guest::{CallResult, register_function};

/// The host calls it in each new instance.
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("decide", decide);
}

/// The settings on one line, and the envelope. (Kubewarden wraps both in one JSON object, which would have to be parsed
/// once more.)
fn decide(payload: &[u8]) -> CallResult {
    let line_end = payload.iter().position(|byte| *byte == b'\n').ok_or("the payload has no settings")?;
    let (settings, envelope) = payload.split_at(line_end);
    let plugin = configured(std::str::from_utf8(settings)?).map_err(|error| error.to_string())?;
    Ok(decided(&plugin, &envelope[1..]))
}
