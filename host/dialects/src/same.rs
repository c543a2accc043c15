//! Whether two JSON texts are equivalent.

use std::collections::HashMap;

use callgate_catalogue::Object;
use serde_json::value::RawValue;

/// Whether two values are the same JSON, regardless of formatting.
///
/// Numbers with a fraction or an exponent are equal only if they are written identically: readers may differ in the
/// last digits.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_ascii(), other.trim_ascii());
    one == other
        || match (one.as_bytes().first(), other.as_bytes().first()) {
            (Some(b'"'), Some(b'"')) => are_same_texts(one, other),
            (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => {
                one.parse::<i128>().is_ok_and(|one| other.parse() == Ok(one))
            }
            (Some(b'['), Some(b'[')) => are_same_lists(one, other),
            (Some(b'{'), Some(b'{')) => are_same_objects(one, other),
            _ => false,
        }
}

fn are_same_texts(one: &str, other: &str) -> bool {
    let text = |json| serde_json::from_str::<String>(json).ok();
    text(one).is_some_and(|one| text(other) == Some(one))
}

fn are_same_lists(one: &str, other: &str) -> bool {
    let elements = |json| serde_json::from_str::<Vec<&RawValue>>(json).ok();
    let (Some(one), Some(other)) = (elements(one), elements(other)) else { return false };
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one.get(), other.get()))
}

fn are_same_objects(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Object::parse("one", one), Object::parse("other", other)) else { return false };
    // Of several members with the same name, the last one counts.
    let one: HashMap<_, _> = one.members().collect();
    let other: HashMap<_, _> = other.members().collect();
    one.len() == other.len()
        && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_same(value.get(), other.get())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_and_not_their_spelling() {
        for (one, other) in [
            ("\"a\"", "\"\\u0061\""),
            ("0", "-0"),
            ("[1, 2]", "[1,2]"),
            (r#"{"a":1,"b":[{}]}"#, r#"{ "b": [ { } ], "a": 1 }"#),
            (r#"{"a":0,"a":1}"#, r#"{"a":1}"#),
            ("1.5", "1.5"),
            ("null", "null"),
        ] {
            assert!(is_same(one, other), "{one} {other}");
            assert!(is_same(other, one), "{other} {one}");
        }
        for (one, other) in [
            ("\"1\"", "1"),
            ("1", "1.0"),
            ("9007199254740993", "9007199254740992"),
            ("[1,2]", "[2,1]"),
            ("[1]", "[1,1]"),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#),
            ("null", "false"),
            ("\"\\ud800\"", "\"\\ud801\""),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
            assert!(!is_same(other, one), "{other} {one}");
        }
    }
}
