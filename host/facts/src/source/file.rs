//! Keys and values from a file, which is reloaded when it changes.

mod keys;
mod quotes;
mod read;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwapOption;
use callgate_catalogue::wire::{Change, Why};

use crate::lookup::Purpose;
use crate::lookup::{Answer, LookedUp, NotChanged, Source, SourceError};
use crate::settings::{self, BadFile};
use keys::Keys;
use read::Unusable;

/// Keys from a file.
#[derive(Debug)]
pub(super) struct File {
    settings: settings::File,
    /// `None`: the file could not be read yet.
    keys: ArcSwapOption<Keys>,
    /// The metadata of the file when it was read, and the time of the last check.
    seen: Mutex<(Option<Stat>, Instant)>,
    /// Whether a check is running.
    is_tended: AtomicBool,
    trouble: Mutex<Option<String>>,
}

/// The metadata that changes with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stat {
    modified: Option<SystemTime>,
    bytes: u64,
    /// On Unix, the inode: a file that is replaced by a rename gets a new one.
    inode: u64,
    /// On Unix, the time of the last change of contents, owner or permissions.
    changed: (i64, i64),
}

impl File {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read, or does not have the format in the settings, and that is an error.
    pub(super) fn open(settings: &settings::File, bad_file: BadFile) -> Result<Self, SourceError> {
        let (stat, file) = (stat(settings), settings.path.display());
        let (keys, stat, trouble) = match read::read(settings) {
            Ok(keys) => {
                tracing::info!(%file, keys = keys.len(), bytes = keys.bytes(), "a file of facts was loaded");
                (Some(Arc::new(keys)), stat, None)
            }
            Err(unusable) if bad_file == BadFile::Fails => {
                let stat = stat.filter(|_| matches!(unusable, Unusable::Invalid(_)));
                let why = unusable.why();
                tracing::error!(%file, "a file of facts cannot be used, and its facts fail until it can be: {why}");
                (None, stat, Some(why))
            }
            Err(unusable) => return Err(SourceError(unusable.why())),
        };
        Ok(Self {
            settings: settings.clone(),
            keys: ArcSwapOption::new(keys),
            seen: Mutex::new((stat, Instant::now())),
            is_tended: AtomicBool::new(false),
            trouble: Mutex::new(trouble),
        })
    }

    /// Whether the file has changed since the last check, or could not be read then.
    fn has_changed(&self) -> bool {
        let mut seen = self.seen();
        seen.1 = Instant::now();
        let now = stat(&self.settings);
        std::mem::replace(&mut seen.0, now.clone()) != now
    }

    fn seen(&self) -> MutexGuard<'_, (Option<Stat>, Instant)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

impl Source for File {
    fn look_up(&self, key: &str, _: Purpose, _: u64) -> LookedUp {
        LookedUp::Now(match self.keys.load().as_ref().map(|keys| keys.find(key)) {
            Some(Some(value)) => Answer::fresh(Arc::clone(value)),
            Some(None) => Answer::without(Why::Absent),
            None => Answer::without(Why::Failed),
        })
    }

    fn change(&self, _: &str, _: &Change<'_>, _: Option<u64>, _: u64) -> Result<(), NotChanged> {
        Err(NotChanged::ReadOnly)
    }

    fn entries(&self) -> usize {
        self.keys.load().as_ref().map_or(0, |keys| keys.len())
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn needs_tending(&self) -> bool {
        // While a check is running, its lock may be held for as long as a disk hangs.
        let is_tended = self.is_tended.load(Ordering::Acquire);
        !is_tended && !self.settings.poll.is_zero() && self.seen().1.elapsed() >= self.settings.poll
    }

    /// If the file is invalid, the previous keys stay in use.
    fn tend(&self) {
        if !self.needs_tending() || self.is_tended.swap(true, Ordering::AcqRel) {
            return;
        }
        let _tended = Tended(&self.is_tended);
        if !self.has_changed() {
            return;
        }
        let file = self.settings.path.display();
        match read::read(&self.settings) {
            Ok(keys) => {
                tracing::info!(%file, keys = keys.len(), bytes = keys.bytes(), "a file of facts was reloaded");
                self.keys.store(Some(Arc::new(keys)));
                self.note(None);
            }
            Err(unusable) => {
                if matches!(unusable, Unusable::Unreadable(_)) {
                    // The next check tries again, whether or not the file has changed.
                    self.seen().0 = None;
                }
                let why = unusable.why();
                // Logged once.
                if self.trouble().as_ref() != Some(&why) {
                    tracing::error!(%file, "a file of facts cannot be used, and its previous keys stay in use: {why}");
                    self.note(Some(why));
                }
            }
        }
    }
}

/// A check that is running. It has ended when this is dropped, also by a panic.
struct Tended<'t>(&'t AtomicBool);

impl Drop for Tended<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

fn stat(settings: &settings::File) -> Option<Stat> {
    let found = std::fs::metadata(&settings.path).ok()?;
    #[cfg(unix)]
    let (inode, changed) = {
        use std::os::unix::fs::MetadataExt as _;
        (found.ino(), (found.ctime(), found.ctime_nsec()))
    };
    #[cfg(not(unix))]
    let (inode, changed) = (0, (0, 0));
    Some(Stat { modified: found.modified().ok(), bytes: found.len(), inode, changed })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::Format;

    fn find(file: &File, key: &str) -> Option<String> {
        match file.look_up(key, Purpose::Decide, 0) {
            LookedUp::Now(answer) => answer.value.ok().map(|value| value.to_string()),
            LookedUp::Later(_) => panic!("a file is here"),
        }
    }

    #[test]
    fn a_file_is_read_again_when_it_changes_and_stays_in_use_when_it_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.json");
        std::fs::write(&path, r#"{"u1":{"until":5}}"#).unwrap();
        let settings =
            settings::File { poll: Duration::from_nanos(1), ..settings::File::new(path.clone(), Format::Json) };
        // At a start that does without it, its facts fail until it can be read.
        std::fs::rename(&path, folder.path().join("away")).unwrap();
        assert!(File::open(&settings, BadFile::IsRefused).unwrap_err().to_string().contains("cannot be read"));
        let file = File::open(&settings, BadFile::Fails).unwrap();
        assert!(matches!(file.look_up("u1", Purpose::Decide, 0), LookedUp::Now(it) if it.value == Err(Why::Failed)));
        assert!(file.trouble().unwrap().contains("cannot be read") && file.entries() == 0);
        std::fs::rename(folder.path().join("away"), &path).unwrap();
        file.tend();
        assert_eq!(file.trouble(), None);
        assert_eq!(find(&file, "u1").as_deref(), Some(r#"{"until":5}"#));
        assert_eq!((find(&file, "u2"), file.entries()), (None, 1));
        // As when a symbolic link is changed to point to another file of the same length.
        let other = folder.path().join("other");
        std::fs::write(&other, r#"{"u2":{"until":5}}"#).unwrap();
        std::fs::rename(&other, &path).unwrap();
        file.tend();
        assert_eq!((find(&file, "u1"), find(&file, "u2").is_some()), (None, true));
        std::fs::write(&path, r#"{"u3":"#).unwrap();
        file.tend();
        assert!(find(&file, "u2").is_some());
        assert!(file.trouble().unwrap().contains("line 1"), "{:?}", file.trouble());
        std::fs::remove_file(&path).unwrap();
        file.tend();
        assert!(find(&file, "u2").is_some() && file.trouble().unwrap().contains("cannot be read"));
        std::fs::write(&path, r#"["u4"]"#).unwrap();
        file.tend();
        assert_eq!((find(&file, "u4").as_deref(), file.trouble()), (Some("true"), None));
    }
}
