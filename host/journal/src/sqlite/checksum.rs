//! Checksums of what is kept, so that what is read is what was written: SQLite notices a page that makes no sense, but
//! not a bit that has changed in a text.

fn of(parts: &[&[u8]]) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    i64::from(hasher.finalize())
}

/// Of an entry: its key, and the callback.
pub(super) fn of_entry(platform: &str, command: &str, key: &str, head: &[u8], body: &[u8]) -> i64 {
    of(&[platform.as_bytes(), command.as_bytes(), key.as_bytes(), head, body])
}

/// Of a record: where it goes, and what is delivered.
pub(super) fn of_record(topic: &str, key: &str, data: &[u8]) -> i64 {
    of(&[topic.as_bytes(), key.as_bytes(), data])
}

/// Of a part of a state. The names are separated by a byte that occurs in no text.
pub(super) fn of_state(name: &str, part: &str, data: &[u8]) -> i64 {
    of(&[name.as_bytes(), &[0xff], part.as_bytes(), &[0xff], data])
}

/// Of a decision's document and body.
pub(super) fn of_decision(document: &[u8], body: &[u8]) -> i64 {
    of(&[document, body])
}
