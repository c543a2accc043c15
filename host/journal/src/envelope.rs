//! The envelope of a record: a CloudEvent 1.0 in structured JSON.
//!
//! `type` is the topic, `source` the platform, `subject` the command, `data` the record. Extensions:
//! `partitionkey` (the key by which records are in order; absent without one), `sequence` (the number in the journal,
//! in 20 digits, so that texts sort as numbers do), `traceparent`, and Callgate's own `plugin` and `pluginsha256`.

use std::borrow::Cow;
use std::fmt::Write as _;

use callgate_catalogue::write;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The media type of an envelope.
pub const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// A record with what identifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'r> {
    /// Identifies it among all records of all hosts; the same each time it is delivered.
    pub id: &'r str,
    /// Its number in the journal: sinks get records in the order of these numbers. `None`: there is no journal.
    pub sequence: Option<i64>,
    /// What sinks choose by.
    pub topic: &'r str,
    /// Records with the same key are delivered in order; empty: no order is promised.
    pub key: &'r str,
    /// The platform's name in the settings.
    pub platform: &'r str,
    /// The command of the callback.
    pub command: &'r str,
    /// The plugin's name in the settings.
    pub plugin: &'r str,
    /// The SHA-256 of the plugin's module, in hex.
    pub plugin_sha256: &'r str,
    /// The `traceparent` of the callback's request, if it had a valid one.
    pub traceparent: Option<&'r str>,
    /// When the plugin returned it, in milliseconds since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// The record, JSON on one line.
    pub data: &'r str,
}

/// Writes the record with its envelope, as JSON on one line.
#[must_use]
pub fn cloud_event(record: &Event<'_>) -> String {
    let mut json = String::with_capacity(record.data.len() + 512);
    json.push_str(r#"{"specversion":"1.0","id":"#);
    write::text(&mut json, record.id);
    json.push_str(r#","source":"#);
    write::text(&mut json, &source(record.platform));
    json.push_str(r#","type":"#);
    write::text(&mut json, record.topic);
    json.push_str(r#","subject":"#);
    write::text(&mut json, record.command);
    if let Some(time) = time(record.at_unix_ms) {
        json.push_str(r#","time":"#);
        write::text(&mut json, &time);
    }
    json.push_str(r#","datacontenttype":"application/json""#);
    if !record.key.is_empty() {
        json.push_str(r#","partitionkey":"#);
        write::text(&mut json, &fit(record.key));
    }
    if let Some(sequence) = record.sequence {
        // Writing to memory does not fail.
        let _ = write!(json, r#","sequence":"{sequence:020}""#);
    }
    if let Some(traceparent) = record.traceparent {
        json.push_str(r#","traceparent":"#);
        write::text(&mut json, traceparent);
    }
    json.push_str(r#","plugin":"#);
    write::text(&mut json, record.plugin);
    json.push_str(r#","pluginsha256":"#);
    write::text(&mut json, record.plugin_sha256);
    json.push_str(r#","data":"#);
    json.push_str(record.data);
    json.push('}');
    json
}

/// A text as CloudEvents allows it: without control characters and what is no character.
fn fit(text: &str) -> Cow<'_, str> {
    let is_unfit =
        |c: char| c.is_control() || matches!(c as u32, 0xfdd0..=0xfdef) || matches!(c as u32 & 0xffff, 0xfffe | 0xffff);
    match text.contains(is_unfit) {
        true => text.replace(is_unfit, "\u{fffd}").into(),
        false => text.into(),
    }
}

/// A reference to the platform: `/callgate/` and its name, with everything escaped that a URI does not hold.
fn source(platform: &str) -> String {
    let mut source = "/callgate/".to_owned();
    for byte in platform.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => source.push(char::from(byte)),
            _ => {
                let _ = write!(source, "%{byte:02X}");
            }
        }
    }
    source
}

/// A time as RFC 3339 has it; `None` beyond the year 9999.
fn time(unix_ms: i64) -> Option<String> {
    let nanos = i128::from(unix_ms).checked_mul(1_000_000)?;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const SHA256: &str = "abababababababababababababababababababababababababababababababab";

    fn record() -> Event<'static> {
        Event {
            id: "j-7",
            sequence: Some(7),
            topic: "profiles.changed",
            key: "mei|otto",
            platform: "openim",
            command: "callbackAfterUpdateUserInfoExCommand",
            plugin: "mirror",
            plugin_sha256: SHA256,
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            at_unix_ms: 1_700_000_000_123,
            data: r#"{"event":"x","n":1.50}"#,
        }
    }

    /// What the specification demands of an event in JSON, checked apart from what writes it.
    fn check(json: &str) -> Value {
        assert!(!json.contains('\n'));
        let event: Value = serde_json::from_str(json).unwrap();
        for required in ["id", "source", "specversion", "type"] {
            assert!(event[required].as_str().is_some_and(|text| !text.is_empty()), "{required}: {event}");
        }
        assert_eq!(event["specversion"], "1.0");
        event["source"].as_str().unwrap().parse::<http::Uri>().unwrap();
        for (name, value) in event.as_object().unwrap() {
            // Lower-case letters and digits, at most 20 by recommendation.
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{name}");
            assert!(name.len() <= 20, "{name}");
            if name != "data" {
                let text = value.as_str().unwrap_or_else(|| panic!("{name} is no string"));
                assert!(!text.is_empty(), "{name}");
                let is_fit = |c: char| !c.is_control() && !matches!(c as u32 & 0xffff, 0xfffe | 0xffff);
                assert!(text.chars().all(is_fit), "{name}");
            }
        }
        let time = event["time"].as_str().unwrap();
        OffsetDateTime::parse(time, &Rfc3339).unwrap();
        event
    }

    #[test]
    fn an_envelope_is_a_valid_cloud_event() {
        let event = check(&cloud_event(&record()));
        assert_eq!(event["time"], "2023-11-14T22:13:20.123Z");
        assert_eq!(event["sequence"], "00000000000000000007");
        assert_eq!(event["type"], "profiles.changed");
        assert_eq!(event["source"], "/callgate/openim");
        assert_eq!(event["data"]["event"], "x");
        assert!(cloud_event(&record()).contains(r#""data":{"event":"x","n":1.50}}"#), "the record is not rewritten");
    }

    #[test]
    fn what_a_record_has_not_is_left_out_and_any_text_is_escaped() {
        let bare = Event { sequence: None, key: "", traceparent: None, platform: "a b/é%", data: "null", ..record() };
        let event = check(&cloud_event(&bare));
        for absent in ["sequence", "partitionkey", "traceparent"] {
            assert!(event.get(absent).is_none(), "{absent}");
        }
        assert_eq!(event["source"], "/callgate/a%20b%2F%C3%A9%25");
        let strange = Event { key: "\"quoted\" \\ ü", ..record() };
        assert_eq!(check(&cloud_event(&strange))["partitionkey"], strange.key);
        let unfit = Event { key: "a\u{0}b\nc\u{85}d\u{ffff}e\u{fdd0}", ..record() };
        assert_eq!(check(&cloud_event(&unfit))["partitionkey"], "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}");
    }

    #[test]
    fn sequences_sort_as_texts_in_their_order() {
        let text = |sequence| {
            let record = Event { sequence: Some(sequence), ..record() };
            serde_json::from_str::<Value>(&cloud_event(&record)).unwrap()["sequence"].to_string()
        };
        let sequences = [0, 9, 10, 99, 1 << 40, i64::MAX];
        assert!(sequences.map(text).is_sorted());
    }
}
