//! `[reload]`: when settings and plugins are read again, and how many configurations are stored.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::file::{MIB, MS_PER_HOUR, Section, ms, size};

/// When settings and plugins are read again, and how many configurations are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// How often it is looked whether files have changed; zero: never.
    pub poll: Duration,
    /// Number of past configurations that are stored for a rollback; 0: none.
    pub keep: usize,
    /// Maximum total size of the stored configurations, in bytes; beyond it, the oldest is deleted.
    pub keep_bytes_max: u64,
    /// The folder that they are stored in; `None`: neither the settings nor the environment name one.
    pub folder: Option<PathBuf>,
}

pub(super) fn read(mut section: Section<'_, '_>) -> Reload {
    // Looking at a file takes microseconds, and two seconds are what an operator waits for without wondering.
    let poll_ms = section.number("poll_ms", 2000, 0, MS_PER_HOUR);
    if (1..100).contains(&poll_ms) {
        section.report("poll_ms", "must be 0 (never) or at least 100");
    }
    let folder = match section.text("folder") {
        Some(folder) if folder.value.is_empty() => {
            section.report("folder", "is empty: name a folder, or remove the key; `keep = 0` stores none");
            None
        }
        Some(folder) => Some(section.file().beside(folder.value)),
        None => state_folder(|name| std::env::var_os(name)),
    };
    let reload = Reload {
        poll: ms(poll_ms),
        keep: size(section.number("keep", 5, 0, 100)),
        // Five times 50 different plugins of 300 KiB, and word lists of the same size.
        keep_bytes_max: section.number("keep_bytes_max", 256 * MIB, 0, 1024 * 1024 * MIB),
        folder,
    };
    section.finish();
    reload
}

/// The folder that systemd sets (`StateDirectory=`; the first of several), else that of the XDG base directories.
fn state_folder(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_the_service =
        || env("STATE_DIRECTORY").and_then(|folders| std::env::split_paths(&folders).find(|path| path.is_absolute()));
    of_the_service()
        .map(|folder| folder.join("kept"))
        .or_else(|| Some(absolute("XDG_STATE_HOME")?.join("callgate/kept")))
        .or_else(|| Some(absolute("HOME")?.join(".local/state/callgate/kept")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_lies_where_the_environment_says() {
        let folder = |set: &[(&str, &str)]| {
            let found = state_folder(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()));
            found.map(|path| path.display().to_string())
        };
        let (service, xdg, home) = (("STATE_DIRECTORY", "/s:/t"), ("XDG_STATE_HOME", "/x"), ("HOME", "/h"));
        assert_eq!(folder(&[service, xdg, home]).unwrap(), "/s/kept");
        assert_eq!(folder(&[xdg, home]).unwrap(), "/x/callgate/kept");
        assert_eq!(folder(&[home]).unwrap(), "/h/.local/state/callgate/kept");
        assert_eq!(folder(&[]), None);
    }
}
