//! `[[sink]]`: where records go; and `[records]`, as it was written before there were sinks.

use callgate_catalogue::wire::TOPIC_BYTES_MAX;
use callgate_journal::sink::file::{FileSettings, Rotation};
use callgate_journal::sink::http::{HttpSettings, SigningSecret, SinkUrl};
use callgate_journal::sink::{BACK_OFF, BACK_OFF_MAX, BackOff, Format, Kind, SinkSettings, Topics};

use super::ca;
use super::file::{MIB, MS_PER_HOUR, Secrets, Section, ms, size};
use super::journal::{self, Journal};
use super::name::{NAME_RULE, is_name};
use super::secret::{self, TextOr};

/// One sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Its number in the file, counted from 1; `None`: that of `[records]`, or the one that is there without any.
    pub number: Option<usize>,
    /// What it is.
    pub settings: SinkSettings,
}

/// Keys that only some kinds have, with these kinds.
const KEYS: [(&str, &[&str]); 13] = [
    ("path", &["file"]),
    ("format", &["file", "stdout"]),
    ("fsync", &["file"]),
    ("rotate_bytes_max", &["file"]),
    ("rotate_hours", &["file"]),
    ("rotated_files_max", &["file"]),
    ("url", &["http"]),
    ("secrets", &["http"]),
    ("allow_http", &["http"]),
    ("within_ms", &["http"]),
    ("in_flight_max", &["http"]),
    ("ca_file", &["http"]),
    ("attempts_max", &["http"]),
];

pub(super) fn read(root: &mut Section<'_, '_>, journal: &Journal) -> Vec<Sink> {
    let has_records = root.has("records");
    let records = records(root.section("records"), journal);
    let mut sinks: Vec<Sink> = Vec::new();
    let sections = root.sections("sink");
    // As before there were sinks: where none is named, records are not thrown away.
    if has_records || (sections.is_empty() && !root.has("sink")) {
        sinks.push(records);
    }
    if sections.len() > SINKS_MAX {
        root.report("sink", format!("there are more than {SINKS_MAX} sinks: remove some"));
    }
    for (index, section) in sections.into_iter().enumerate() {
        let before = section.file().mistakes();
        let file = section.file();
        let sink = sink(section, &sinks, journal);
        if let (Some(settings), true) = (sink, file.mistakes() == before) {
            sinks.push(Sink { number: Some(index + 1), settings });
        }
    }
    sinks
}

/// Maximum number of sinks.
const SINKS_MAX: usize = 32;

/// `[records] file`, a file sink of plain lines.
fn records(mut section: Section<'_, '_>, journal: &Journal) -> Sink {
    let path = section.text("file").map_or("records.jsonl", |at| at.value);
    let path = section.file().beside(path);
    section.finish();
    let file = FileSettings { path, format: Format::Plain, fsync: !journal.off, rotation: Rotation::default() };
    let back_off = BackOff { first: BACK_OFF, longest: BACK_OFF_MAX };
    let settings = SinkSettings { name: "records".to_owned(), topics: Topics::all(), back_off, kind: Kind::File(file) };
    Sink { number: None, settings }
}

fn sink(mut section: Section<'_, '_>, others: &[Sink], journal: &Journal) -> Option<SinkSettings> {
    let name = name(&mut section, others);
    let kind_name = match section.has("kind") {
        true => section.choice("kind", &["file", "stdout", "http"].map(|name| (name, name))),
        false => {
            section.report("kind", "is missing: set it to \"file\", \"stdout\" or \"http\"");
            None
        }
    };
    let topics = topics(&mut section);
    let back_off = journal::back_off(&mut section, BackOff { first: BACK_OFF, longest: BACK_OFF_MAX });
    let kind = match kind_name {
        Some("file") => file(&mut section, others, journal).map(Kind::File),
        Some("stdout") => Some(Kind::Stdout(format(&mut section))),
        Some("http") => http(&mut section, journal).map(Kind::Http),
        _ => None,
    };
    for (key, of) in KEYS {
        if section.has(key) && kind_name.is_some_and(|name| !of.contains(&name)) {
            section.report(key, format!("is for kind = \"{}\" only", of.join("\" and \"")));
        }
    }
    section.finish();
    Some(SinkSettings { name: name?, topics, back_off, kind: kind? })
}

fn name(section: &mut Section<'_, '_>, others: &[Sink]) -> Option<String> {
    if !section.has("name") {
        section.report(
            "name",
            "is missing: choose a name for the log, for metrics, and to remember which records the sink has received",
        );
        return None;
    }
    let name = section.text("name")?.value;
    if !is_name(name) {
        section.report("name", NAME_RULE);
    }
    if others.iter().any(|other| other.settings.name == name) {
        section.report(
            "name",
            "another sink has this name ([records] counts as a sink named \"records\"): give each sink its own name",
        );
    }
    Some(name.to_owned())
}

fn topics(section: &mut Section<'_, '_>) -> Topics {
    let Some(patterns) = section.texts("topics") else { return Topics::all() };
    let is_fit = |pattern: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'*');
        (1..=TOPIC_BYTES_MAX).contains(&pattern.len()) && pattern.bytes().all(fits)
    };
    if patterns.is_empty() || patterns.len() > 64 || patterns.iter().any(|pattern| !is_fit(pattern.value)) {
        section.report(
            "topics",
            "must be 1 to 64 topics of letters, digits, `.`, `_` and `-`, in which `*` matches any text; the topic of a record is the name of its plugin, unless the plugin sets another one",
        );
    }
    Topics::new(patterns.into_iter().map(|pattern| pattern.value))
}

fn format(section: &mut Section<'_, '_>) -> Format {
    let formats = [("cloudevents", Format::CloudEvents), ("plain", Format::Plain)];
    section.choice("format", &formats).unwrap_or_default()
}

fn file(section: &mut Section<'_, '_>, others: &[Sink], journal: &Journal) -> Option<FileSettings> {
    if !section.has("path") {
        section.report("path", "is missing: name the file that records are appended to");
    }
    let path = section.text("path").map(|path| path.value);
    if path == Some("") {
        section.report("path", "is empty: name the file that records are appended to");
    }
    let path = section.file().beside(path.unwrap_or_default());
    let is_taken = |other: &Sink| matches!(&other.settings.kind, Kind::File(file) if file.path == path);
    if others.iter().any(is_taken) {
        section.report("path", "another sink writes to this file ([records] counts too): give each sink its own file");
    }
    let rotation = Rotation {
        bytes_max: section.number_if_given("rotate_bytes_max", MIB, 1024 * 1024 * MIB),
        period: section.number_if_given("rotate_hours", 1, 24 * 366).map(|hours| ms(hours * MS_PER_HOUR)),
        kept_max: section.number_if_given("rotated_files_max", 1, 100_000).map(size),
    };
    if rotation.kept_max.is_some() && rotation.bytes_max.is_none() && rotation.period.is_none() {
        section.report(
            "rotated_files_max",
            "has no effect without `rotate_bytes_max` or `rotate_hours`: set one of them, or remove this",
        );
    }
    Some(FileSettings { path, format: format(section), fsync: section.flag("fsync", !journal.off), rotation })
}

fn http(section: &mut Section<'_, '_>, journal: &Journal) -> Option<HttpSettings> {
    if journal.off {
        section.report(
            "kind",
            "needs the journal, which stores records until the receiver has them: remove `off` from [journal]",
        );
    }
    let allow_http = section.flag("allow_http", false);
    let url = url(section, allow_http);
    let secrets = secrets(section);
    let settings = HttpSettings {
        url: url?,
        secrets,
        within: ms(section.number("within_ms", 15_000, 1, MS_PER_HOUR)),
        in_flight_max: size(section.number("in_flight_max", 8, 1, 1024)),
        ca: ca::read(section).map(|authorities| authorities.certificates),
        attempts_max: match section.number("attempts_max", 0, 0, 1_000_000) {
            0 => None,
            attempts => u32::try_from(attempts).ok(),
        },
    };
    Some(settings)
}

fn url(section: &mut Section<'_, '_>, allow_http: bool) -> Option<SinkUrl> {
    // Its path is often a secret: then it comes from elsewhere.
    let text = match secret::text_or_secret(section, "url") {
        TextOr::Text(text) => text,
        TextOr::Secret(secret) => secret.reveal().to_owned(),
        TextOr::Unread(_) => "https://not-read.invalid/".to_owned(),
        TextOr::Nothing => {
            section.report("url", "is missing: the URL of the receiver, such as \"https://example.org/hooks\"");
            return None;
        }
    };
    match SinkUrl::parse(&text) {
        Ok(url) if url.is_https() || allow_http => Some(url),
        Ok(_) => {
            section.report(
                "url",
                "is not encrypted: others on the network can read the records. Use https, or `allow_http = true` if the network is private",
            );
            None
        }
        Err(why) => {
            section.report("url", why);
            None
        }
    }
}

fn secrets(section: &mut Section<'_, '_>) -> Vec<SigningSecret> {
    if !section.has("secrets") {
        section.report(
            "secrets",
            "is missing: list the secret that requests are signed with, such as [{ env = \"SINK_SECRET\" }]; or two during rotation",
        );
    }
    let before = section.file().mistakes();
    let is_read = section.file().secrets() == Secrets::Read;
    let texts = secret::list(section, "secrets");
    if section.has("secrets") && texts.is_empty() && section.file().mistakes() == before {
        section.report("secrets", "is empty: list the secret that requests are signed with");
    }
    let mut secrets = Vec::new();
    for text in texts.iter().filter(|_| is_read) {
        match SigningSecret::parse(text.reveal()) {
            Ok(secret) => secrets.push(secret),
            Err(why) => section.report("secrets", why.to_string()),
        }
    }
    secrets
}
