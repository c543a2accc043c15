//! `[log]`: what of callbacks the log may show.

use super::file::Section;

/// What of callbacks the log may show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Log {
    /// How the users that a callback names are shown.
    pub users: Users,
    /// Whether texts that plugins make are shown: their log lines, panics and reasons. They may quote what users wrote.
    pub payloads: bool,
}

/// How users are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Users {
    /// As the chat server names them.
    #[default]
    Yes,
    /// As a number that is another one after each start.
    Hashed,
    /// Not at all.
    No,
}

const USERS: [(&str, Users); 3] = [("yes", Users::Yes), ("hashed", Users::Hashed), ("no", Users::No)];

pub(super) fn read(mut section: Section<'_, '_>) -> Log {
    let log = Log {
        users: section.choice("log_users", &USERS).unwrap_or_default(),
        payloads: section.flag("log_payloads", false),
    };
    section.finish();
    log
}
