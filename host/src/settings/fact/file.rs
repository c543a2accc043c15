//! Facts from a file.

use callgate_facts::settings::{File, Format, POLL_MIN};

use crate::settings::file::{MS_PER_HOUR, Section, millis, ms, size};

pub(super) fn read(section: &mut Section<'_, '_>) -> Option<File> {
    if !section.has("path") {
        section.report("path", "is missing: name the file that has the keys");
    }
    let path = section.text("path").map(|path| path.value);
    if path == Some("") {
        section.report("path", "is empty: name the file that has the keys");
    }
    let formats = ["lines", "json", "csv"].map(|name| (name, name));
    let format_name = section.choice("format", &formats);
    let (key, value) = (column(section, "key_column"), column(section, "value_column"));
    let is_csv = format_name == Some("csv");
    if is_csv && key.is_none() && !section.has("key_column") {
        section.report("key_column", "is missing: name the column of the keys, as the first line of the file has it");
    }
    for column in ["key_column", "value_column"] {
        // Not reported if the format itself is invalid.
        if section.has(column) && !is_csv && (format_name.is_some() || !section.has("format")) {
            section.report(column, "is for format = \"csv\" only");
        }
    }
    let format = match format_name {
        Some("csv") => Format::Csv { key: key.unwrap_or_default(), value },
        Some("json") => Format::Json,
        _ => Format::Lines,
    };
    let default = File::new(section.file().beside(path.unwrap_or_default()), format);
    let poll_ms = section.number("poll_ms", millis(default.poll), 0, MS_PER_HOUR);
    if (1..millis(POLL_MIN)).contains(&poll_ms) {
        section.report("poll_ms", format!("must be 0 (never) or at least {}", millis(POLL_MIN)));
    }
    let keys_max = size(section.number("keys_max", default.keys_max as u64, 1, 100_000_000));
    path.map(|_| File { keys_max, poll: ms(poll_ms), ..default })
}

/// The name of a column.
fn column(section: &mut Section<'_, '_>, key: &'static str) -> Option<String> {
    let name = section.text(key)?.value;
    if name.is_empty() {
        section.report(key, "is empty: name a column, as the first line of the file has it");
    }
    Some(name.to_owned())
}
