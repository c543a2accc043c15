//! What the scanner finds in JSON is what serde_json finds; of anything else it finds nonsense, and does not panic.

use std::fmt;

use callgate_dialects::json::check;
use plugin_sdk::object::Raw;
use plugin_sdk::wire::{Envelope, EnvelopeHead, Phase};
use plugin_sdk::{Object, Text};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// Bytes that are no text never reach the scanner.
pub fn cast(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let object = Object::parse("any", text);
    let list = element_texts(&format!("{{\"list\":{text}}}"));
    let is_json = check(bytes).is_ok();
    if let Ok(object) = &object {
        look_at_all(object);
    }
    if !is_json {
        return;
    }
    let found = object
        .as_ref()
        .ok()
        .map(|object| object.members().map(|(name, value)| (name.to_owned(), mended(value.get()))).collect::<Vec<_>>());
    let expected = serde_json::from_str::<Members>(&mended(text)).ok().map(|members| members.0);
    assert_eq!(found, expected, "{text:?}");
    // `null` is an empty list to the chat servers, and to `read_or_empty`.
    let elements = serde_json::from_str::<Option<Vec<&RawValue>>>(text).ok();
    let expected = elements.map(|elements| elements.unwrap_or_default().iter().map(|it| it.get().to_owned()).collect());
    assert_eq!(list, expected, "{text:?}");
    if let Ok(object) = &object {
        holds_what_was_written(object);
        passes_through_an_envelope(text);
    }
}

/// The elements of the member `list`; `None` if it is no list.
fn element_texts(json: &str) -> Option<Vec<String>> {
    let object = Object::parse("any", json).ok()?;
    let elements = object.read_or_empty::<Vec<Raw<'_>>>("list").ok()?;
    Some(elements.iter().map(|element| element.get().to_owned()).collect())
}

/// Reads everything as everything.
fn look_at_all(object: &Object<'_>) {
    for (_, value) in object.members() {
        let json = format!("{{\"it\":{}}}", value.get());
        let Ok(object) = Object::parse("any", &json) else { continue };
        let _ = object.has("it");
        let _ = object.read::<Text<'_>>("it");
        let _ = object.read::<i64>("it");
        let _ = object.read::<u32>("it");
        let _ = object.read::<bool>("it");
        let _ = object.read_or_empty::<Vec<Text<'_>>>("it");
        let _ = object.read::<Option<Object<'_>>>("it");
    }
}

/// JSON in which each half of a surrogate pair that stands alone is U+FFFD, as Go and clients show it; serde_json
/// refuses such texts.
fn mended(json: &str) -> String {
    let half = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        let unit = u16::from_str_radix(digits, 16).ok()?;
        Some(unit)
    };
    let (mut out, mut at) = (String::with_capacity(json.len()), 0);
    while let Some(rest) = json.get(at..).filter(|rest| !rest.is_empty()) {
        let is_low = |unit: Option<u16>| unit.is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
        let (taken, written) = match half(at) {
            Some(0xd800..0xdc00) if is_low(half(at + 6)) => (12, None),
            Some(0xd800..0xe000) => (6, Some("\\ufffd")),
            _ if rest.starts_with('\\') => (2, None),
            _ => (rest.chars().next().map_or(1, char::len_utf8), None),
        };
        let end = (at + taken).min(json.len());
        out.push_str(written.unwrap_or(&json[at..end]));
        at = end;
    }
    out
}

/// Of several members with one name the last counts, and a text is the text that serde_json reads.
fn holds_what_was_written(object: &Object<'_>) {
    let members: Vec<_> = object.members().collect();
    // From behind as well: the search begins where the last one ended.
    for (name, _) in members.iter().rev().chain(&members) {
        let last = members.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.get());
        assert_eq!(object.raw(name).map(Raw::get), last, "{name:?}");
    }
    for (_, value) in members {
        let json = format!("{{\"it\":{}}}", value.get());
        let object = Object::parse("any", &json).expect("what was found is JSON");
        if value.get().starts_with('"') {
            let expected = serde_json::from_str::<String>(&mended(value.get())).ok();
            assert_eq!(object.read::<Text<'_>>("it").ok().map(Text::into_owned), expected, "{json}");
        } else if let Ok(number) = serde_json::from_str::<i64>(value.get()) {
            assert_eq!(object.read::<i64>("it").ok(), Some(number), "{json}");
        }
    }
}

/// The body that a plugin is given is the body that the host was given.
fn passes_through_an_envelope(body: &str) {
    let query = [("a".to_owned(), body.chars().take(40).collect())];
    let head = EnvelopeHead {
        platform: "openim",
        command: "any",
        phase: Phase::Before,
        operation_id: "\"\\\u{0}",
        arrived_unix_ms: 1,
        client_address: "",
        query: &query,
    };
    let json = head.before_body() + body + "}";
    let envelope = Envelope::parse(&json).expect("the host wrote it");
    assert_eq!(envelope.body, body);
    assert_eq!(envelope.operation_id, head.operation_id);
}

/// The members of an object in their order, as serde_json sees them.
struct Members(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((name, value.get().to_owned()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// As for the JSON check, with names that repeat and names that are escaped.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = super::json::seeds();
    seeds.push(br#"{"a":1,"\u0061":{"value":"x"},"b":[1,[2,{"c":"]\"}"}]],"":"","list":["a",null]}"#.to_vec());
    let many: Vec<String> = (0..80).map(|number| format!("\"m{}\":{number}", number % 70)).collect();
    seeds.push(format!("{{{}}}", many.join(",")).into_bytes());
    seeds.push(br#"[1, "a,b" ,{"c":[2,3]},[],null]"#.to_vec());
    seeds
}
