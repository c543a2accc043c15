//! Facts for a trial run of a plugin, from a file.

use std::path::{Path, PathBuf};

use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::{Manifest, Why};
use callgate_terminal::{Exit, Failure, nearest};
use serde_json::{Map, Value};

use crate::run::request;

/// The suffix of the file with the facts of a request.
pub(crate) const END: &str = ".facts.json";

/// Facts by name: a table of values by key, or a string with the reason why the fact is missing.
pub(crate) type Table = Map<String, Value>;

/// Reads facts; `-` is standard input.
///
/// # Errors
/// If the file cannot be read, or has another structure.
pub(crate) fn read(path: &Path) -> Result<Table, Failure> {
    let bytes = request::bytes(path, "facts, such as {\"sent\": {\"u1\": 3}}")?;
    let wrong = |what: String| Failure::new(Exit::Input, anyhow::anyhow!("{}: {what}", path.display()));
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
        wrong(format!("the facts are not JSON ({error}): write an object, such as {{\"sent\": {{\"u1\": 3}}}}"))
    })?;
    let Value::Object(table) = value else {
        return Err(wrong("the facts are not an object: write one, such as {\"sent\": {\"u1\": 3}}".to_owned()));
    };
    for (name, fact) in &table {
        check(fact).map_err(|what| wrong(format!("the fact `{}` {what}", one_line(name))))?;
    }
    Ok(table)
}

fn check(fact: &Value) -> Result<(), String> {
    let reasons = || Why::ALL.map(|why| format!("\"{}\"", why.name())).join(", ");
    match fact {
        Value::Object(_) => Ok(()),
        Value::String(why) if Why::named(why).is_some() => Ok(()),
        Value::String(why) => {
            let hint = nearest(why, Why::ALL.iter().map(|why| why.name()));
            let hint =
                hint.map_or_else(reasons, |near| format!("did you mean \"{near}\"? The reasons are {}", reasons()));
            Err(format!("has an unknown reason: {hint}"))
        }
        _ => Err(format!(
            "has no keys: write an object of values by key, such as {{\"u1\": 3}}, or the reason why it is missing: {}",
            reasons()
        )),
    }
}

/// The file with the facts of a request, if there is one next to it.
pub(crate) fn beside(request: &Path) -> Option<PathBuf> {
    let name = request.file_name()?.to_str()?.strip_suffix(request::CALLBACK)?;
    Some(request.with_file_name(format!("{name}{END}"))).filter(|path| path.exists())
}

/// Checks that the plugin uses all given facts.
///
/// # Errors
/// If it does not.
pub(crate) fn check_names(table: &Table, path: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let Some(unknown) = table.keys().find(|name| !manifest.facts.contains(name)) else { return Ok(()) };
    let hint = match nearest(unknown, manifest.facts.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if manifest.facts.is_empty() => "it uses no facts: list them in `facts` of its `export!`".to_owned(),
        None => format!("it asks for {}", manifest.facts.join(", ")),
    };
    let text = format!("{}: the plugin asks for no fact `{}`; {hint}", path.display(), one_line(unknown));
    Err(Failure::new(Exit::Input, anyhow::anyhow!(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fact_is_a_table_or_a_reason() {
        for fact in [json!({}), json!({ "u1": null, "u2": [1] }), json!("late"), json!("not_configured")] {
            assert_eq!(check(&fact), Ok(()), "{fact}");
        }
        for (fact, why) in [
            (json!("lat"), "has an unknown reason: did you mean \"late\"?"),
            (json!("xyz"), "has an unknown reason: \"absent\", \"late\", \"failed\", \"not_configured\""),
            (json!(3), "has no keys: write an object"),
            (json!(null), "has no keys"),
        ] {
            assert!(check(&fact).unwrap_err().starts_with(why), "{fact}");
        }
    }
}
