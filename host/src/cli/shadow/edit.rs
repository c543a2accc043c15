//! Writes a settings file as safely as an editor does, and shows what changes.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The lines that differ, with a few around them, as `diff -u` shows them.
pub(super) fn difference(path: &Path, old: &str, new: &str) -> String {
    let name = path.display().to_string();
    similar::TextDiff::from_lines(old, new).unified_diff().context_radius(3).header(&name, &name).to_string()
}

/// Atomically replaces a file that has this text: readers see either the old text or the new one. The file keeps its
/// owner and permissions; a symbolic link stays one.
///
/// # Errors
/// If it cannot be written, or has another text by now.
pub(super) fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    // The lock serialises concurrent edits: the second one finds a changed text.
    let locked = File::open(&path)?;
    // Not all file systems have locks.
    let _ = locked.lock();
    let beside = beside(&path);
    let written = write_beside(&path, &beside, old, new);
    if written.is_err() {
        // It may not have been created at all.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_beside(path: &Path, beside: &Path, old: &str, new: &str) -> io::Result<()> {
    let present = std::fs::metadata(path)?;
    let permissions = present.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
    file.write_all(new.as_bytes())?;
    keep_owner(&file, &present)?;
    file.set_permissions(permissions)?;
    file.sync_all()?;
    drop(file);
    if std::fs::read_to_string(path)? != old {
        return Err(io::Error::other("it has been changed in the meantime: try again"));
    }
    std::fs::rename(beside, path)?;
    // The name, too, is to be there after a power failure. Not all systems can do that.
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Gives a new file the owner and group of the present one: the service may only have access through them.
#[cfg(unix)]
fn keep_owner(file: &File, present: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (present.uid(), present.gid()) {
        return Ok(());
    }
    fchown(file, Some(present.uid()), Some(present.gid()))
        .map_err(|error| io::Error::new(error.kind(), format!("its owner and group cannot be kept: {error}")))
}

/// On other systems, the owner is not changed.
#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_where_a_link_leads_and_only_if_nobody_else_changed_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("host.toml"), folder.path().join("link.toml"));
        std::fs::write(&file, "old\n").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&file, &link).unwrap();
        #[cfg(not(unix))]
        std::fs::hard_link(&file, &link).unwrap();
        replace(&link, "old\n", "new\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new\n");
        let error = replace(&link, "old\n", "newer\n").unwrap_err();
        assert_eq!(error.to_string(), "it has been changed in the meantime: try again");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_owner_its_group_and_its_permissions() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("host.toml");
        std::fs::write(&file, "old\n").unwrap();
        // Only root can change the owner; for other users, it is the same before and after.
        let _ = chown(&file, Some(1), Some(2));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let of = |file: &Path| {
            let found = std::fs::metadata(file).unwrap();
            (found.uid(), found.gid(), found.mode() & 0o777)
        };
        let before = of(&file);
        replace(&file, "old\n", "new\n").unwrap();
        assert_eq!((of(&file), before.2), (before, 0o640));
    }

    #[test]
    fn of_many_who_replace_a_text_at_the_same_time_one_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("host.toml");
        std::fs::write(&file, "0\n").unwrap();
        let start = std::sync::Barrier::new(8);
        let done = std::thread::scope(|scope| {
            let each = |number: usize| {
                let (file, start) = (&file, &start);
                scope.spawn(move || {
                    start.wait();
                    replace(file, "0\n", &format!("{number}\n")).is_ok()
                })
            };
            let all: Vec<_> = (1..=8).map(each).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).filter(|is_done| *is_done).count()
        });
        assert_eq!(done, 1);
    }

    #[test]
    fn the_difference_shows_lines_around_a_change() {
        let shown = difference(Path::new("host.toml"), "a\nb\nc\n", "a\nB\nc\n");
        assert_eq!(shown, "--- host.toml\n+++ host.toml\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    }
}
