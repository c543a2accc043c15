//! A callback that guard-profile decides.

use plugin_sdk::wire::{EnvelopeHead, Phase};

/// The command that guard-profile decides.
pub const GUARDED_COMMAND: &str = "callbackBeforeUpdateUserInfoExCommand";

/// [`profile_body`] as the host would hand it over.
pub fn profile_envelope(bytes: usize) -> String {
    envelope("openim", GUARDED_COMMAND, Phase::Before, &profile_body(bytes))
}

/// OpenIM's documented sample with a name to tidy, filled up to a length.
pub fn profile_body(bytes: usize) -> String {
    let body = |filling: &str| {
        format!(
            r#"{{"callbackCommand":"{GUARDED_COMMAND}","userID":"user123","nickName":"  John   Doe ","faceURL":"http://example.com/path/to/face/image.png","ex":"Extra data{filling}"}}"#
        )
    };
    let plain = body("");
    body(&"abcdefghijklmnopqrstuvwxyz. ".chars().cycle().take(bytes.saturating_sub(plain.len())).collect::<String>())
}

/// A callback as the host hands it over.
pub fn envelope(platform: &str, command: &str, phase: Phase, body: &str) -> String {
    let query = [("contenttype".to_owned(), "json".to_owned())];
    let head = EnvelopeHead {
        platform,
        command,
        phase,
        operation_id: "op-1700000000000",
        arrived_unix_ms: 1_700_000_000_000,
        client_address: "",
        query: &query,
    };
    head.before_body() + body + "}"
}
