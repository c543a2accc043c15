//! The settings as the journal takes them.

use callgate_journal::{JournalSettings, WorkLimits};

use super::journal::{Journal, WhenFull};

impl Journal {
    /// Where the journal is, and how large it may become.
    pub(crate) fn for_journal(&self) -> JournalSettings {
        JournalSettings {
            bytes_max: self.bytes_max,
            when_full: match self.when_full {
                WhenFull::Refuse => callgate_journal::WhenFull::Refuse,
                WhenFull::AcknowledgeAndCount => callgate_journal::WhenFull::AcknowledgeAndCount,
            },
            dead_entries_age: self.dead_age_max,
            done_entries_age: self.done_age_max,
            repeats_window: self.repeats_within,
            decisions_age: self.decisions.age_max,
            decisions_bytes_max: self.decisions.bytes_max,
            ..JournalSettings::new(&self.folder)
        }
    }

    /// How entries are worked off.
    pub(crate) fn work_limits(&self) -> WorkLimits {
        WorkLimits {
            attempts_max: self.attempts_max,
            retry_first: self.back_off.first,
            retry_max: self.back_off.longest,
            ..WorkLimits::default()
        }
    }
}
