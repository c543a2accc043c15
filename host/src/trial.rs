//! Settings, tried: what can only be known by trying, and what is allowed but most likely not meant.

use std::path::Path;
use std::time::Duration;

use callgate_terminal::what_else;

use crate::keeping::why_not;
use crate::settings::Step::{Key, Number};
use crate::settings::{Platform, Problem, Settings, is_taken_twice};

/// With less there is hardly time for a plugin after what is kept back for the answer.
const ANSWER_WITHIN_MIN: Duration = Duration::from_millis(50);

impl Settings {
    /// Tries what `serve` needs, without leaving anything behind: the records file can be appended to, and the listeners
    /// have addresses of their own.
    #[must_use]
    pub fn trial(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(why) = why_not_appendable(&self.records_file) {
            let why = format!("cannot be appended to ({why}): name a file that this user may write to");
            problems.push(self.source.problem(&[Key("records"), Key("file")], &why));
        }
        if !self.journal.off
            && let Some(why) = why_not(&self.journal.folder)
        {
            let why = format!(
                "no journal can be kept in {} ({why}): name another folder, or turn the journal off with `off = true`",
                self.journal.folder.display()
            );
            problems.push(self.source.problem(&[Key("journal"), Key("folder")], &why));
        }
        if let Some(admin) = self.admin
            && is_taken_twice(self.server.listen, admin)
        {
            let why = "is the address of [server] too: give each its own port";
            problems.push(self.source.problem(&[Key("admin"), Key("listen")], why));
        }
        problems
    }

    /// What is allowed but most likely not meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<Problem> {
        let each = self.platforms.iter().flat_map(|platform| self.warnings_of(platform));
        each.collect()
    }

    fn warnings_of(&self, platform: &Platform) -> Vec<Problem> {
        let mut warnings = Vec::new();
        let mut warn = |key, message: String| {
            let place = [Key("platform"), Number(platform.number), Key(key)];
            warnings.push(self.source.problem(&place, &message));
        };
        let name = &platform.name;
        if !self.server.listen.ip().is_loopback() && !platform.is_authenticated() {
            let how = platform.server.how_to_authenticate();
            warn(
                "path",
                format!(
                    "whoever reaches this host can send callbacks of platform {name}: nothing authenticates them. {how}"
                ),
            );
        }
        let waits = platform.server.patience().waits;
        if platform.answer_within > waits {
            let waits_ms = waits.as_millis();
            warn(
                "answer_within_ms",
                format!(
                    "the chat server of platform {name} gives up after {waits_ms} ms, unless its own timeout was raised: an answer after that is lost. Raise it there, or lower this"
                ),
            );
        }
        if platform.answer_within < ANSWER_WITHIN_MIN {
            let min_ms = ANSWER_WITHIN_MIN.as_millis();
            warn(
                "answer_within_ms",
                format!(
                    "is so short that plugins of platform {name} often get no time, and `on_overload` decides: {min_ms} or more is advised"
                ),
            );
        }
        warnings
    }
}

/// Why records could not be appended to this file; `None` if they could.
fn why_not_appendable(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Some("it is a folder".to_owned()),
        Ok(found) if found.is_file() => {
            std::fs::OpenOptions::new().append(true).open(path).err().map(|error| error.to_string())
        }
        // Opening a pipe waits for its reader.
        Ok(found) => {
            may_write(path).err().map(|error| format!("{error}; it is {}", what_else(&found).unwrap_or("no file")))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            match std::fs::metadata(folder) {
                Ok(found) if !found.is_dir() => Some("its folder is no folder".to_owned()),
                Ok(_) => {
                    may_create_in(folder).err().map(|error| format!("no file can be created in its folder: {error}"))
                }
                Err(error) => Some(format!("its folder: {error}")),
            }
        }
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(unix)]
fn may_write(path: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?)
}

/// Elsewhere only opening it would tell.
#[cfg(not(unix))]
fn may_write(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Whether files can be created in this folder.
#[cfg(unix)]
fn may_create_in(folder: &Path) -> std::io::Result<()> {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    // A file without a name shows more than permissions do, such as a file system without room for another one.
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Mode, OFlags};
        use rustix::io::Errno;
        match rustix::fs::open(folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR) {
            // Not all file systems have them.
            Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Elsewhere only creating a file would tell.
#[cfg(not(unix))]
fn may_create_in(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_appended_to_are_found_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("old"), "x\n").unwrap();
        for fine in ["old", "new"] {
            assert_eq!(why_not_appendable(&at(fine)), None);
        }
        assert_eq!(why_not_appendable(Path::new("/dev/null")), None);
        for (wrong, why) in [
            ("", "it is a folder"),
            ("old/new", "Not a directory (os error 20)"),
            ("none/new", "its folder: No such file"),
        ] {
            let found = why_not_appendable(&at(wrong)).unwrap();
            assert!(found.starts_with(why), "{wrong}: {found}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read_to_string(at("old")).unwrap(), "x\n");
    }
}
