//! `[modules]`: whose modules are taken.

use minisign_verify::PublicKey;

use super::file::Section;

/// Maximum number of keys: each that did not sign a module costs a check of it.
const KEYS_MAX: usize = 16;

pub(super) fn read(mut section: Section<'_, '_>) -> Vec<PublicKey> {
    let mut keys = Vec::new();
    let given = section.texts("public_keys");
    if given.as_ref().is_some_and(Vec::is_empty) {
        section.report("public_keys", "is empty: list a key, or remove this line to accept unsigned modules");
    }
    for text in given.unwrap_or_default() {
        match PublicKey::from_base64(text.value.trim()) {
            Ok(key) => keys.push(key),
            Err(_) => section.file().report(
                text.at,
                &text.key,
                "must be a public key of minisign: the line of the key file that begins with RW",
            ),
        }
    }
    if keys.len() > KEYS_MAX {
        section.report("public_keys", format!("has more than {KEYS_MAX} keys"));
    }
    section.finish();
    keys
}
