//! `[journal]`: what is stored on disk, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use callgate_journal::sink::BackOff;
use callgate_journal::{JournalSettings, WhenFull};

use super::file::{MIB, MS_PER_HOUR, Section, ms};

/// The keys of `[journal]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Without a journal, after-callbacks are processed while the chat server waits, and records go straight to files
    /// and standard output.
    pub off: bool,
    /// The folder of its files.
    pub folder: PathBuf,
    /// Maximum size of its database, in bytes.
    pub bytes_max: u64,
    /// What happens to an after-callback that does not fit in.
    pub when_full: WhenFull,
    /// Maximum time for an after-callback's chain, in one attempt.
    pub work_within: Duration,
    /// After this many failed attempts an entry is dead.
    pub attempts_max: u32,
    /// How long an entry waits after a failed attempt.
    pub back_off: BackOff,
    /// How long a repeated after-callback is recognised; zero: never.
    pub repeats_within: Duration,
    /// Entries that are done are deleted after this time.
    pub done_age_max: Duration,
    /// Records that all sinks have are deleted after this time.
    pub delivered_age_max: Duration,
    /// Records that some sink does not have are deleted after this time.
    pub undelivered_age_max: Duration,
    /// Dead entries are deleted after this time.
    pub dead_age_max: Duration,
    /// What is stored of before-callbacks.
    pub decisions: Decisions,
}

impl Journal {
    /// What the journal needs to know.
    #[must_use]
    pub fn limits(&self) -> JournalSettings {
        JournalSettings {
            bytes_max: self.bytes_max,
            when_full: self.when_full,
            dead_entries_age: self.dead_age_max,
            done_entries_age: self.done_age_max,
            repeats_window: self.repeats_within,
            records_age: self.delivered_age_max,
            undelivered_records_age: self.undelivered_age_max,
            decisions_age: self.decisions.age_max,
            decisions_bytes_max: self.decisions.bytes_max,
            ..JournalSettings::new(&self.folder)
        }
    }
}

/// The keys of `[journal.decisions]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions {
    /// Which are stored.
    pub keep: Keep,
    /// Whether the bodies of callbacks are stored with them. Without, a decision cannot be replayed.
    pub payloads: bool,
    /// Members, at any depth, whose values are not stored.
    pub redact: Vec<String>,
    /// They are deleted after this time.
    pub age_max: Duration,
    /// Maximum size of all of them, in bytes; the oldest are deleted.
    pub bytes_max: u64,
}

/// Which decisions about before-callbacks are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// None.
    None,
    /// Denials, faults, and refusals of malformed requests.
    Refused,
    /// These, and changes.
    Changed,
    /// All.
    All,
}

/// Maximum number of names in `redact`; each is searched for in every body that is stored.
const REDACT_MAX: usize = 64;

/// Hours in ten years, the maximum of every age.
const HOURS_MAX: u64 = 24 * 3660;

pub(super) fn read(mut section: Section<'_, '_>) -> Journal {
    let folder = match section.text("folder") {
        Some(folder) if folder.value.is_empty() => {
            section.report("folder", "is empty: name a folder, or remove the key; `off = true` turns the journal off");
            "journal"
        }
        folder => folder.map_or("journal", |folder| folder.value),
    };
    let when_full = [("refuse", WhenFull::Refuse), ("acknowledge_and_count", WhenFull::AcknowledgeAndCount)];
    let journal = Journal {
        off: section.flag("off", false),
        folder: section.file().beside(folder),
        // With less, a burst of large callbacks fills it.
        bytes_max: section.number("bytes_max", 4096 * MIB, 16 * MIB, 1024 * 1024 * MIB),
        when_full: section.choice("when_full", &when_full).unwrap_or(WhenFull::Refuse),
        work_within: ms(section.number("work_within_ms", 10_000, 1, MS_PER_HOUR)),
        // With the usual back-off, about two hours.
        attempts_max: u32::try_from(section.number("attempts_max", 20, 1, 1000)).unwrap_or(u32::MAX),
        back_off: back_off(&mut section, BackOff { first: ms(1000), longest: ms(600_000) }),
        repeats_within: ms(section.number("repeats_within_ms", 600_000, 0, 24 * MS_PER_HOUR)),
        done_age_max: hours(section.number("done_hours_max", 0, 0, HOURS_MAX)),
        delivered_age_max: hours(section.number("delivered_hours_max", 1, 0, HOURS_MAX)),
        undelivered_age_max: hours(section.number("undelivered_hours_max", 30 * 24, 1, HOURS_MAX)),
        dead_age_max: hours(section.number("dead_hours_max", 30 * 24, 1, HOURS_MAX)),
        decisions: decisions(section.section("decisions")),
    };
    section.finish();
    journal
}

fn decisions(mut section: Section<'_, '_>) -> Decisions {
    let keep = [("none", Keep::None), ("refused", Keep::Refused), ("changed", Keep::Changed), ("all", Keep::All)];
    let redact = section.texts("redact").unwrap_or_default();
    if redact.len() > REDACT_MAX || redact.iter().any(|name| name.value.is_empty()) {
        section.report("redact", format!("must be at most {REDACT_MAX} names of members, none of them empty"));
    }
    let decisions = Decisions {
        keep: section.choice("keep", &keep).unwrap_or(Keep::Refused),
        payloads: section.flag("payloads", false),
        redact: redact.into_iter().map(|name| name.value.to_owned()).collect(),
        age_max: hours(section.number("hours_max", 7 * 24, 1, HOURS_MAX)),
        bytes_max: section.number("bytes_max", 256 * MIB, MIB, 1024 * 1024 * MIB),
    };
    section.finish();
    decisions
}

/// `back_off_ms` and `back_off_ms_max`.
pub(super) fn back_off(section: &mut Section<'_, '_>, default: BackOff) -> BackOff {
    let millis = super::file::millis;
    let first = section.number_if_given("back_off_ms", 1, MS_PER_HOUR);
    let longest = section.number_if_given("back_off_ms_max", 1, 24 * MS_PER_HOUR);
    // One that is given alone moves the other's default, where that would contradict it.
    let (first, longest) = match (first, longest) {
        (Some(first), Some(longest)) if first > longest => {
            section.report("back_off_ms", "is more than `back_off_ms_max`: lower it, or raise `back_off_ms_max`");
            (first, first)
        }
        (Some(first), longest) => (first, longest.unwrap_or_else(|| millis(default.longest).max(first))),
        (None, Some(longest)) => (millis(default.first).min(longest), longest),
        (None, None) => (millis(default.first), millis(default.longest)),
    };
    BackOff { first: ms(first), longest: ms(longest) }
}

fn hours(number: u64) -> Duration {
    Duration::from_secs(number.saturating_mul(3600))
}
