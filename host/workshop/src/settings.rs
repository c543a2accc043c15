//! A plugin's own settings, from a file.

use std::path::{Path, PathBuf};

use callgate_terminal::{Exit, Failure};
use serde_json::{Map, Value};

use crate::run::request;

/// Reads a plugin's settings: TOML, or a JSON object.
///
/// # Errors
/// If the file cannot be read, or is neither.
pub(crate) fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let wrong = |what: String| Failure::new(Exit::Settings, anyhow::anyhow!("{}: {what}", path.display()));
    let bytes =
        request::bytes(path, "the plugin's settings").map_err(|failure| Failure { exit: Exit::Settings, ..failure })?;
    let text =
        String::from_utf8(bytes).map_err(|_| wrong("the settings are not UTF-8: save them as UTF-8".to_owned()))?;
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text)
            .map_err(|error| wrong(format!("the settings are not valid JSON ({error}): correct them, or use TOML")));
    }
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let why = error.message().replace('\n', ", ");
        wrong(format!("the settings are not valid TOML (line {line}: {why}): correct them, or use a JSON object"))
    })?;
    table.into_iter().map(|(key, value)| Ok((key, json(value).map_err(wrong)?))).collect()
}

/// The settings that a crate has for trying out its plugin; `None` if it has none, or this is not a folder.
pub(crate) fn of_crate(folder: &Path) -> Option<PathBuf> {
    Some(folder.join("callbacks").join("settings.toml")).filter(|path| path.exists())
}

/// The settings as JSON, as the host passes them to a plugin.
fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) if number.is_finite() => number.into(),
        toml::Value::Float(_) => {
            return Err("inf and nan are not allowed: plugins get their settings as JSON, which has neither".to_owned());
        }
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(when) => when.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(json).collect::<Result<_, _>>()?,
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| Ok((key, json(value)?))).collect::<Result<_, String>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_becomes_the_json_that_the_host_would_hand_over() {
        let value: toml::Value = toml::from_str("a = 1\nb = [\"x\", 2.5]\nc = { d = 2026-01-02, e = true }").unwrap();
        assert_eq!(
            json(value).unwrap(),
            serde_json::json!({ "a": 1, "b": ["x", 2.5], "c": { "d": "2026-01-02", "e": true } })
        );
        assert!(json(toml::Value::Float(f64::NAN)).is_err());
    }
}
