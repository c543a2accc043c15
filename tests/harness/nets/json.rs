//! The JSON check agrees with serde_json, and counts levels as one who only looks at brackets does.

use callgate_dialects::json::{DEPTH_MAX, Problem, check};
use serde::de::IgnoredAny;

/// Pieces of JSON, and some that are none.
pub const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud83d\\ude00",
    "\\ud800",
    "\\\"",
    "null",
    "true",
    "false",
    "-0",
    "1e999",
    "-1.5e-3",
    "0123",
    "\"a\":",
    "{\"value\":",
    "\u{2028}",
    "[[[[[[[[[[[[[[[[",
    "]]]]]]]]]]]]]]]]",
];

/// Bytes that are no text are not looked at: a [`Body`](callgate_dialects::Body) is one.
pub fn cast(bytes: &[u8]) {
    let ours = check(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    match ours {
        Ok(()) => assert!(is_json && depth(text) <= DEPTH_MAX, "{text:?}"),
        Err(Problem::NotJson) => assert!(!is_json, "{text:?}"),
        Err(Problem::TooDeep) => assert!(depth(text) > DEPTH_MAX, "{text:?}"),
    }
}

/// The deepest nesting, outside of texts.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Requests of both chat servers, and edges.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = super::fixtures("openim", ".request.json");
    seeds.extend(super::fixtures("tencent_chat", ".request.json"));
    seeds.push(format!("{}1{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX)).into_bytes());
    seeds.push(format!("{}1{}", "{\"a\":[".repeat(DEPTH_MAX / 2), "]}".repeat(DEPTH_MAX / 2)).into_bytes());
    seeds.push(format!("\"{}\\u00e9{}\"", "a".repeat(63), "é".repeat(65)).into_bytes());
    seeds.push(br#" { "a" : [ -1.5e3 , true , "\ud83d\ude00" ] , "a" : null } "#.to_vec());
    seeds
}
