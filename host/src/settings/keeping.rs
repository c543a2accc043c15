//! The settings as the journal's scheduler takes them.

use callgate_journal::WorkLimits;

use super::journal::Journal;

impl Journal {
    /// How entries are processed.
    pub(crate) fn work_limits(&self) -> WorkLimits {
        WorkLimits { attempts_max: self.attempts_max, back_off: self.back_off, ..WorkLimits::default() }
    }
}
