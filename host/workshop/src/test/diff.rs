//! The differences of two JSON values, member by member. Members have no order.

use serde_json::Value;

/// The differences, as lines below a heading; `None` if there are none.
pub(super) fn show(what: &str, expected: &Value, found: &Value) -> Option<String> {
    let mut lines = Vec::new();
    compare("", expected, found, &mut lines);
    (!lines.is_empty()).then(|| format!("the {what}: - expected, + found\n{}", lines.join("\n")))
}

fn compare(path: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, value) in expected {
                each(&member(path, name), Some(value), found.get(name), lines);
            }
            for (name, value) in found.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                each(&member(path, name), None, Some(value), lines);
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            for index in 0..expected.len().max(found.len()) {
                each(&format!("{path}[{index}]"), expected.get(index), found.get(index), lines);
            }
        }
        _ => each(path, Some(expected), Some(found), lines),
    }
}

/// Compares the values at one path; either may be missing.
fn each(path: &str, expected: Option<&Value>, found: Option<&Value>, lines: &mut Vec<String>) {
    match (expected, found) {
        (expected, found) if expected == found => {}
        (Some(expected @ Value::Object(_)), Some(found @ Value::Object(_)))
        | (Some(expected @ Value::Array(_)), Some(found @ Value::Array(_))) => compare(path, expected, found, lines),
        (expected, found) => {
            let mut line = |sign: char, value: &Value| {
                lines.push(match path {
                    "" => format!("{sign} {value}"),
                    path => format!("{sign} {path}: {value}"),
                })
            };
            expected.into_iter().for_each(|value| line('-', value));
            found.into_iter().for_each(|value| line('+', value));
        }
    }
}

fn member(path: &str, name: &str) -> String {
    let is_plain = !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let name = if is_plain { name.to_owned() } else { Value::from(name).to_string() };
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_members_is_no_difference() {
        assert_eq!(show("answer", &json!({ "a": 1, "b": [] }), &json!({ "b": [], "a": 1 })), None);
    }

    #[test]
    fn each_difference_has_its_place() {
        let expected = json!({ "code": 1, "gone": null, "list": [{ "a.b": "x" }, 2] });
        let found = json!({ "code": "1", "list": [{ "a.b": "y" }], "new": true });
        let text = show("answer", &expected, &found).unwrap();
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "- code: 1",
                "+ code: \"1\"",
                "- gone: null",
                "- list[0].\"a.b\": \"x\"",
                "+ list[0].\"a.b\": \"y\"",
                "- list[1]: 2",
                "+ new: true",
            ]
        );
        assert_eq!(show("answer", &json!(1), &json!([])).unwrap().lines().count(), 3);
    }
}
