//! Secrets. They are never part of the settings file itself.

use callgate_dialects::Secret;

use super::file::{Section, read_bounded};

/// Reads at most two secrets: the current one and, during rotation, the new one.
pub(super) fn list(section: &mut Section<'_, '_>, key: &'static str) -> Vec<Secret> {
    let sections =
        section.tables(key, "a list of { env = \"NAME\" } or { file = \"path\" }: secrets are never part of this file");
    if sections.len() > 2 {
        section.report(key, "has more than two tokens: list the current one and, during rotation, the new one");
    }
    sections.into_iter().filter_map(secret).collect()
}

/// Maximum size of a secret, in bytes. Tencent's tokens have at most 128 characters.
const SECRET_BYTES_MAX: u64 = 4096;

/// A secret from outside the settings file: `{ env = "NAME" }` or `{ file = "path" }`.
fn secret(mut section: Section<'_, '_>) -> Option<Secret> {
    let env = section.text("env");
    let file = section.text("file");
    let found = match (env, file) {
        (Some(env), None) => std::env::var(env.value)
            .map_err(|_| section.report("env", "this environment variable is not set, or is not UTF-8"))
            .ok(),
        (None, Some(file)) => read_bounded(&section.file().beside(file.value), SECRET_BYTES_MAX)
            .map_err(|error| section.report("file", format!("cannot be read: {error}")))
            .ok(),
        _ => {
            section
                .report("", "must be { env = \"NAME\" } or { file = \"path\" }: secrets are never part of this file");
            None
        }
    };
    let secret = found.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
    if secret.as_deref() == Some("") {
        section.report("", "the secret is empty");
    }
    section.finish();
    secret.filter(|secret| !secret.is_empty()).map(Secret::new)
}
