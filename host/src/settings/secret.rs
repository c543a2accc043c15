//! Secrets. They are never part of the settings file itself.

use callgate_dialects::Secret;

use super::file::{Secrets, Section};

/// A text of the settings that may be a secret instead.
pub(super) enum TextOr {
    Nothing,
    /// It is written in the file.
    Text(String),
    /// It comes from elsewhere.
    Secret(Secret),
    /// It would come from elsewhere, and was not read, or could not be: its position in the file.
    Unread(usize),
}

/// Reads a text, or `{ env = "NAME" }` or `{ file = "path" }`.
pub(super) fn text_or_secret<'f>(section: &mut Section<'f, '_>, key: &'f str) -> TextOr {
    if !section.is_table(key) {
        return section.text(key).map_or(TextOr::Nothing, |at| TextOr::Text(at.value.to_owned()));
    }
    let place = section.section(key);
    let at = place.place();
    match (place.file().secrets(), secret(place)) {
        (Secrets::Read, Some(secret)) => TextOr::Secret(secret),
        _ => TextOr::Unread(at),
    }
}

/// Reads at most two secrets: the current one and, during rotation, the new one.
pub(super) fn list(section: &mut Section<'_, '_>, key: &'static str) -> Vec<Secret> {
    let sections =
        section.tables(key, "a list of { env = \"NAME\" } or { file = \"path\" }: secrets are never part of this file");
    if sections.len() > 2 {
        section.report(key, "has more than two: list the current one and, during rotation, the new one");
    }
    sections.into_iter().filter_map(secret).collect()
}

/// A secret that may be there.
pub(super) enum Found {
    Nothing,
    Secret(Secret),
    /// It is written, and was not read, or could not be.
    Unread,
}

impl Found {
    pub(super) fn into_secret(self) -> Option<Secret> {
        match self {
            Self::Secret(secret) => Some(secret),
            Self::Nothing | Self::Unread => None,
        }
    }
}

/// Reads one secret: `{ env = "NAME" }` or `{ file = "path" }`.
pub(super) fn one(section: &mut Section<'_, '_>, key: &'static str) -> Found {
    if !section.has(key) {
        return Found::Nothing;
    }
    if !section.is_table(key) {
        section.report(key, "must be { env = \"NAME\" } or { file = \"path\" }: secrets are never part of this file");
        return Found::Unread;
    }
    let place = section.section(key);
    match (place.file().secrets(), secret(place)) {
        (Secrets::Read, Some(secret)) => Found::Secret(secret),
        _ => Found::Unread,
    }
}

/// Maximum size of a secret, in bytes. Tencent's tokens have at most 128 characters.
const SECRET_BYTES_MAX: u64 = 4096;

/// A secret from outside the settings file: `{ env = "NAME" }` or `{ file = "path" }`.
fn secret(mut section: Section<'_, '_>) -> Option<Secret> {
    let env = section.text("env");
    let file = section.text("file");
    let is_read = section.file().secrets() == Secrets::Read;
    let found = match (env, file) {
        (Some(_), None) | (None, Some(_)) if !is_read => Some("not read".to_owned()),
        (Some(env), None) => {
            std::env::var(env.value).map_err(|error| section.report("env", unset(env.value, &error))).ok()
        }
        (None, Some(file)) => section
            .file()
            .read_secret(&section.key(""), &section.file().beside(file.value), SECRET_BYTES_MAX)
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

/// Why a variable cannot be used. It is named only if it looks like the name of one: it could be the secret itself.
fn unset(name: &str, error: &std::env::VarError) -> String {
    let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let variable =
        if is_name { format!("the environment variable {name}") } else { "this environment variable".to_owned() };
    match error {
        std::env::VarError::NotPresent => {
            format!("{variable} is not set: set it, or check without it (callgate check --no-secrets)")
        }
        std::env::VarError::NotUnicode(_) => format!("{variable} is not UTF-8"),
    }
}
